"""From what Pulumi hands on, to a configuration that is right."""

import copy
import difflib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_origin

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import ValidationError

from components.migration import Scoping, Standing, now
from configuration.agreement import PROVIDER_ENVIRONMENTS, RULES
from configuration.defaults import fill_in_defaults
from configuration.environments import require_environment
from configuration.keys import Access, HttpRequestTrigger, Sender, StackConfiguration
from configuration.mistakes import (
    ABSENT,
    ConfigurationError,
    KeyPath,
    Mistake,
    printable,
    report,
)
from configuration.pydantic_errors import mistake_of

NAMESPACE = "scoped-mail-sender"
"""The project's name, under which the keys of its configuration stand in a stack's file."""


def _values_of(config: pulumi.Config) -> dict[str, object]:
    """All keys of our namespace, unknown ones too, which ``pulumi.Config`` alone cannot list."""
    prefix = f"{config.name}:"
    known = {*CONFIG.get(), *get_config_env()}
    values: dict[str, object] = {
        key.removeprefix(prefix): config.get(key.removeprefix(prefix))
        for key in known
        if key.startswith(prefix)
    }
    if location := pulumi.Config("azure-native").get("location"):
        values.setdefault("location", location)
    for key in PROVIDER_ENVIRONMENTS:
        provider, _, name = key.partition(":")
        if environment := pulumi.Config(provider).get(name) or os.environ.get("ARM_ENVIRONMENT"):
            values[key] = environment
    return values


_HANDED_ON_AS_JSON = {
    key
    for key, field in StackConfiguration.by_key().items()
    if field.annotation is bool or get_origin(field.annotation) in (dict, tuple)
}

DEEPEST = 20
"""How many lists and groups of keys may stand within each other; five are needed."""


def _is_nested_too_deeply(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            entry
            for group in level
            if isinstance(group, dict | list)
            for entry in (group.values() if isinstance(group, dict) else group)
        ]
    return any(isinstance(entry, dict | list) for entry in level)


def _parse(namespace: str, values: Mapping[str, object]) -> dict[str, object]:
    """A copy of the values, with lists, groups and switches as such: Pulumi hands them on as text.

    Raises:
        ConfigurationError: One is nested without an end, which no later step would survive.
    """
    parsed = {}
    for key, value in values.items():
        try:
            with suppress(ValueError):
                if isinstance(value, str) and key in _HANDED_ON_AS_JSON:
                    value = json.loads(value)
            endless = _is_nested_too_deeply(value)
        except RecursionError:
            endless = True
        if endless:
            mistake = Mistake(
                (key,),
                ABSENT,
                f"has more than {DEEPEST} lists and groups of keys within each other",
                "Look for a bracket or an indentation that repeats itself: no key needs more than "
                "five.",
            )
            raise ConfigurationError(report(namespace, [mistake], {}))
        parsed[key] = copy.deepcopy(value)
    return parsed


_READ_BY_OTHERS = ("azure-native", "azuread", "command", "pulumi")
"""Namespaces that something reads, however near to them a project is called."""


def _refuse_misspelt_namespaces(namespace: str) -> None:
    """Keys of another namespace belong to a provider; one that is nearly ours was meant for us.

    Pulumi hands it to nobody, so that a switch in it would be off, and nothing would say so.
    """
    misspelt = [
        key
        for key in sorted({*CONFIG.get(), *get_config_env()})
        if (given := key.partition(":")[0]) not in {namespace, *_READ_BY_OTHERS}
        and difflib.get_close_matches(_plain(given), [_plain(namespace)], cutoff=0.6)
    ]
    if misspelt:
        named, meant = (printable(text) for text in (", ".join(misspelt), misspelt[0]))
        raise ConfigurationError(
            f"These keys of the stack's configuration do not begin with {namespace}:, and nothing "
            f"reads them: {named}.\nNothing has been deployed. Write "
            f"{namespace}:{meant.partition(':')[2]} instead."
        )


def _plain(namespace: str) -> str:
    return namespace.casefold().replace("-", "").replace("_", "")


def refuse_renamed_senders(
    configuration: StackConfiguration, deployed: Mapping[str, str], namespace: str = NAMESPACE
) -> None:
    """Refuses a sender under a new name, which the preview shows as harmless and Exchange refuses.

    Args:
        configuration: What the stack is told.
        deployed: By the address of a mailbox or group that the stack's state holds, the name of the
            sender that it is of.
        namespace: The project's name.

    Raises:
        ConfigurationError: A sender has what a deployed one has that is gone from the
            configuration.
    """
    owners = {address.casefold(): owner for address, owner in deployed.items()}
    entries = _entries_of(configuration)
    names = {entry.name for entry in entries.values()}
    mistakes = []
    for path, entry in entries.items():
        addresses = [entry.mailbox.address] if isinstance(entry, Sender) else []
        addresses += [entry.group.address] if entry.group else []
        for address in addresses:
            owner = owners.get(address.casefold(), entry.name)
            if owner not in names:
                kind = "sender" if isinstance(entry, Sender) else "access"
                freely = "displayName" + (" and workflow" if isinstance(entry, Sender) else "")
                mistakes.append(
                    Mistake(
                        (*path, "name"),
                        entry.name,
                        f"is a new name, while {address} is of the {kind} {owner}, which is "
                        "deployed and not in the configuration any more: what it has in Exchange "
                        "is marked with its name, and is not given to another",
                        f"Write {owner}; {freely} may be changed freely.",
                    )
                )
                break
    if mistakes:
        raise ConfigurationError(report(namespace, mistakes, {}))


def refuse_taken_workflows(
    configuration: StackConfiguration,
    deployed: Mapping[str, str],
    resource_group: str,
    namespace: str = NAMESPACE,
) -> None:
    """Refuses a workflow's name that another sender has until this run.

    The engine makes the one before it removes the other, and Azure would refuse it halfway, when
    the former workflow of the sender, with its identity, is gone already.

    Args:
        configuration: What the stack is told.
        deployed: By the name of each workflow that the stack's state holds, that of the sender that
            it is of.
        resource_group: Where those are.
        namespace: The project's name.

    Raises:
        ConfigurationError: Two senders swap names, or one takes that of another.
    """
    if resource_group.casefold() != (configuration.resource_group or "").casefold():
        return
    taken = {name.casefold(): owner for name, owner in deployed.items()}
    mistakes = []
    for index, sender in enumerate(configuration.senders):
        owner = taken.get(sender.workflow.casefold(), sender.name)
        if owner != sender.name:
            mistakes.append(
                Mistake(
                    ("senders", index, "workflow"),
                    sender.workflow,
                    f"is the name of the workflow that the sender {owner} has until this run, and "
                    "Azure has one workflow of a name",
                    f"Write a name that no deployed sender has; or first run pulumi up with "
                    f"another name for {owner}, or without it.",
                )
            )
    if mistakes:
        raise ConfigurationError(report(namespace, mistakes, {}))


def refuse_removed_queues(
    configuration: StackConfiguration, deployed: Mapping[str, str], namespace: str = NAMESPACE
) -> None:
    """Refuses to take away a queue, which Azure does not let be undone.

    Args:
        configuration: What the stack is told.
        deployed: By the name of each sender of the state whose calls are queued, its workflow's.
        namespace: The project's name.

    Raises:
        ConfigurationError: A workflow that has a queue would lose it.
    """
    mistakes = [
        Mistake(
            ("senders", index, "trigger", "queued"),
            ABSENT,
            f"was true when {sender.workflow} was deployed, and Azure does not let that be undone",
            "Write true, or another name for the workflow, which is then a new one with an address "
            "and, where that is systemAssigned, an identity of its own.",
        )
        for index, sender in enumerate(configuration.senders)
        if deployed.get(sender.name) == sender.workflow
        and not (isinstance(sender.trigger, HttpRequestTrigger) and sender.trigger.queued)
    ]
    if mistakes:
        raise ConfigurationError(report(namespace, mistakes, {}))


def refuse_changed_scopings(
    configuration: StackConfiguration,
    deployed: Mapping[str, Standing],
    namespace: str = NAMESPACE,
) -> None:
    """Refuses a change of a deployed scoping that skips ``both``, or comes early.

    Skipped, what confines it would go while a token with the permission lives on for a day, or the
    sender could not send until a role acts; likewise where it comes early.

    Args:
        configuration: What the stack is told.
        deployed: By the name of each sender or access that the state holds, what there is of it.
        namespace: The project's name.

    Raises:
        ConfigurationError: A deployed one would be confined by something else.
    """
    mistakes = []
    for path, entry in _entries_of(configuration).items():
        standing = deployed.get(entry.name, Standing())
        wanted, there = entry.scoping, standing.scoping
        if wanted is Scoping.RBAC and standing.renamed:
            problem = (
                "would at once remove what confines a token of before, which lives for a day: the "
                f"state calls it {standing.renamed}, and this program otherwise"
            )
            remedy = (
                f"Give that resource an alias; or write {Scoping.BOTH}, with its group, and run "
                f"pulumi up, which takes it up by its new name, and then {wanted} after its wait."
            )
            mistakes.append(Mistake((*path, "scoping"), str(wanted), problem, remedy))
            continue
        if there is None or wanted in (there, Scoping.BOTH):
            continue
        from_on = standing.may_leave_from(wanted)
        kind = "sender" if isinstance(entry, Sender) else "access"
        if there is not Scoping.BOTH:
            problem = (
                f"is another scoping than that of the deployed {kind}, {there}: at once its "
                "identity would be without what confines it before it is without its permission, "
                "or would be denied its mailboxes for hours"
            )
            remedy = (
                f"Write {Scoping.BOTH}, with a group, and run pulumi up; a preview then says from "
                f"when on {wanted} can follow."
            )
        elif configuration.migrate_now or standing.left_at is not None:
            continue
        elif from_on is None:
            problem = f"follows on no run that made {Scoping.BOTH} complete"
            remedy = (
                f"Write {Scoping.BOTH}, and run pulumi up. With migrateNow: true the {kind} may be "
                "denied its mailboxes for hours."
            )
        elif now() < from_on:
            problem = (
                f"comes before {from_on:%Y-%m-%d %H:%M} UTC: until then Graph may deny the {kind} "
                "its mailboxes by that alone"
            )
            remedy = (
                f"Write {Scoping.BOTH}, and this after that time. With migrateNow: true it is done "
                f"at once, and the {kind} may be denied its mailboxes until then."
            )
        else:
            continue
        mistakes.append(Mistake((*path, "scoping"), str(wanted), problem, remedy))
    if mistakes:
        raise ConfigurationError(report(namespace, mistakes, {}))


def _entries_of(configuration: StackConfiguration) -> dict[KeyPath, Sender | Access]:
    """The senders and accesses, by where they stand."""
    entries: dict[KeyPath, Sender | Access] = {}
    entries |= {("senders", index): each for index, each in enumerate(configuration.senders)}
    entries |= {("access", index): each for index, each in enumerate(configuration.access)}
    return entries


def _position(mistake: Mistake) -> tuple[int, int]:
    """Which sender or access a mistake is in; what is not in one comes before them all."""
    match mistake.path:
        case ("senders" | "access" as kind, int(index), *_):
            return (1 if kind == "senders" else 2, index)
    return (0, 0)


def load_configuration(config: pulumi.Config | Mapping[str, Any]) -> StackConfiguration:
    """Checks a stack's configuration and gives it types.

    Args:
        config: The stack's configuration, or its values by key, without the namespace; the
            providers' ``environment`` with theirs.

    Raises:
        ConfigurationError: Something is wrong; the text names all that is.
    """
    if isinstance(config, pulumi.Config):
        _refuse_misspelt_namespaces(config.name)
        namespace, values = config.name, _values_of(config)
        if not {"senders", "access"} & values.keys():
            require_environment(pulumi.get_stack())
    else:
        namespace, values = NAMESPACE, dict(config)
    values = _parse(namespace, values)
    derived = fill_in_defaults(values)
    mistakes = [mistake for rule in RULES for mistake in rule(values)]
    try:
        configuration = StackConfiguration.model_validate(
            {key: value for key, value in values.items() if key not in PROVIDER_ENVIRONMENTS}
        )
    except ValidationError as errors:
        mistakes += [mistake_of(error) for error in errors.errors()]
    wrong = {mistake.path for mistake in mistakes}
    # What follows from a wrong value is right once that value is.
    own = [mistake for mistake in mistakes if derived.get(mistake.path) not in wrong]
    if own:
        own.sort(key=_position)
        raise ConfigurationError(report(namespace, own, derived))
    return configuration
