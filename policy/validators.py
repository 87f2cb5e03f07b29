"""What a program must not ask for, as pure functions.

Each takes what the engine tells of a resource and yields one message for each thing that is wrong.
None of them knows Pulumi's policy SDK: ``__main__.py`` puts it around them. They go by resource
types and by the scripts that commands run, so that they hold for any program that has these.
Whatever a property holds, null, encrypted or not known yet, none of them fails on it.

A message says what is wrong and what to do. It never quotes a value that may be a credential.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import (
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
    summarize_address_range,
)
from typing import Any, TypeGuard
from urllib.parse import unquote

GRANT = "azuread:index/appRoleAssignment:AppRoleAssignment"
COMMAND = "command:local:Command"
STACK = "pulumi:pulumi:Stack"

PROOF_SCRIPT = "prove-confinement.ps1"
POLICY_SCRIPT = "ensure-application-access-policy.ps1"
RELEASE_SCRIPT = "release-application-access-policy.ps1"
GROUP_SCRIPT = "ensure-mail-enabled-security-group.ps1"
DRIFT_VARIABLE = "SCOPED_MAIL_SENDER_DRIFT"
"""The only variable of the environment that a command of ours is given as an input."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi puts in the place of a text that a preview cannot know."""

CONFINABLE_PERMISSIONS = {
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read",
    "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a": "Mail.ReadBasic",
    "693c5e45-0940-467d-9b8a-1022fb9d42ef": "Mail.ReadBasic.All",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send",
    "40f97065-369a-49f4-947c-6a255697ae91": "MailboxSettings.Read",
    "6931bccd-447a-43d1-b442-00a195474933": "MailboxSettings.ReadWrite",
    "798ee544-9d2d-430c-a058-570e29e34338": "Calendars.Read",
    "ef54d2bf-783f-4e0f-bca1-3210c0444d99": "Calendars.ReadWrite",
    "089fe4d0-434a-44c5-8827-41ba8a0b17f5": "Contacts.Read",
    "6918b873-d17a-4dc1-b314-35f528134491": "Contacts.ReadWrite",
}
"""Ids of the app roles that an application access policy confines: the same in every tenant.

Sources: https://learn.microsoft.com/exchange/permissions-exo/application-access-policies for which,
https://learn.microsoft.com/graph/permissions-reference for their ids.
"""

_WORKFLOW = re.compile(r"azure-native[\w-]*:logic(/\w+)?:Workflow")
_IDENTITY = re.compile(r"azure-native[\w-]*:managedidentity(/\w+)?:UserAssignedIdentity")
"""With the types of packages and modules that are made for one version of Azure's interface."""

# A token of Entra ID, a private key, and the signature of a shared access URL.
_CREDENTIAL = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----|[?&]sig=[\w%+/-]{16}"
)
# At its end: the rest says what of a credential it is, and `tokenLifetimeHours` is none.
_CREDENTIAL_NAME = re.compile(
    r"(password|passwd|secret|token|credential|apikey|accesskey|accountkey|passphrase)s?"
    r"(value|text)?$"
)
_CALLBACK_URL = re.compile(r"[?&]sig=")
# HMAC-SHA256 in base64 for URLs, as Logic Apps signs.
_SIGNATURE = re.compile(r"[\w-]{43}")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_MOST_CODES_WITHIN_EACH_OTHER = 3
# The cmdlet, and what the project's own module calls it by.
_REMOVAL = re.compile(r"Remove-(ApplicationAccess)?Policy\b", re.IGNORECASE)
# No blank, quote or sign of a shell: one argument of `pwsh -File`, and nothing else.
_PATH_OF_SCRIPT = re.compile(r"[\w./\\-]+\.ps1")
_WIDEST_SHARE = 16


@dataclass(frozen=True)
class Resource:
    """A resource of the stack.

    Attributes:
        type: Its type in Pulumi, e.g. :data:`COMMAND`.
        properties: Its properties by their names in YAML (camelCase).
        dependencies: The resources that it depends on directly.
        by_property: Those of them that the value of a property comes from, by its name.
    """

    type: str
    properties: Mapping[str, Any]
    dependencies: Sequence["Resource"] = ()
    by_property: Mapping[str, Sequence["Resource"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Encrypted:
    """A value that Pulumi keeps encrypted."""

    value: Any


def is_workflow(type_: str) -> bool:
    """Whether resources of this type are workflows of Logic Apps."""
    return _WORKFLOW.fullmatch(type_) is not None


def grant_without_proof(grant: Resource) -> Iterator[str]:
    """An app role that is granted before its confinement is proven.

    Directly: the engine orders the deletion of replaced resources by direct dependencies only.
    """
    if not any(_proves(dependency) for dependency in grant.dependencies):
        yield (
            f"It does not depend on a command that runs {PROOF_SCRIPT}, in PowerShell and where "
            "the program is, so it may be granted while the identity reaches every mailbox. Grant "
            "through ConfinedMailboxAccess, or name the proof in depends_on."
        )


def identity_that_outlives_its_group(grant: Resource) -> Iterator[str]:
    """An identity that is deleted after the group of its policy, or at the same time.

    The policy goes with the group, and a token of the identity lives on for up to a day.
    """
    groups = [each for each in grant.dependencies if _runs(each, GROUP_SCRIPT)]
    for identity in grant.by_property.get("principalObjectId", ()):
        of_azure = is_workflow(identity.type) or _IDENTITY.fullmatch(identity.type)
        if of_azure and groups and not any(_depends(identity, group) for group in groups):
            yield (
                "Its identity does not depend on the group of its policy, so Pulumi may remove "
                "the group, and the policy with it, while the identity is there and can send as "
                "everyone. Name the group's commands in depends_on of the workflow, or of its "
                "user-assigned identity."
            )


def proof_that_does_not_wait(properties: Mapping[str, Any], settle: timedelta) -> Iterator[str]:
    """A proof after which less is waited than the stack says.

    Args:
        properties: A command's inputs.
        settle: The stack's wait between proof and grant.
    """
    if not _names(properties.get("create"), PROOF_SCRIPT):
        return
    desired = _parsed(_clear(properties.get("stdin")))
    waited = _mapping(desired).get("settleSeconds")
    if desired != UNKNOWN and not (_is_number(waited) and waited >= settle.total_seconds()):
        yield (
            f"It waits {waited if _is_number(waited) else 'for no stated number of'} seconds "
            f"before the grant, and the stack's settle is {settle}: Graph may not obey the policy "
            "by then, and the identity reaches every mailbox until it does. Give the proof the "
            "stack's settle."
        )


def permission_beyond_policies(properties: Mapping[str, Any]) -> Iterator[str]:
    """An app role that no application access policy confines.

    Whatever is not one of the eleven is refused, and not only what is known to open mailboxes: no
    list of those is complete, and this identity needs nothing else.
    """
    role = _clear(properties.get("appRoleId"))
    if not isinstance(role, str) or role.casefold() not in CONFINABLE_PERMISSIONS:
        yield (
            f"The app role {role} is none of the eleven that an application access policy confines "
            f"({', '.join(sorted(CONFINABLE_PERMISSIONS.values()))}): granted, it may reach every "
            "mailbox of the organisation. Grant one of these, or grant it outside of this stack."
        )


def open_trigger(properties: Mapping[str, Any]) -> Iterator[str]:
    """An HTTP trigger that every address may call, where the stack does not say that it is meant.

    Policies for tokens do not count: they leave the signature of the callback URL valid.
    """
    definition = _mapping(_parsed(_clear(properties.get("definition"))))
    called = [
        name
        for name, trigger in _mapping(definition.get("triggers")).items()
        if str(_mapping(trigger).get("type")).casefold() == "request"
    ]
    control, tags = _clear(properties.get("accessControl")), _clear(properties.get("tags"))
    access = _mapping(control).get("triggers")
    allowed = _mapping(access).get("allowedCallerIpAddresses")
    meant = _mapping(tags).get("openTrigger") == "allowed"
    if not called or meant or UNKNOWN in (control, access, allowed, tags):
        return
    trigger = f"Its HTTP trigger {', '.join(called)}"
    remedy = "Write allowedCallers on the trigger, or allowOpenTriggers: true if that is meant."
    if not isinstance(allowed, list | tuple):
        yield (
            f"{trigger} may be called from every address by whoever has the callback URL. {remedy}"
        )
        return
    networks = []
    for entry in allowed:
        written = _mapping(entry).get("addressRange")
        found = _networks(written)
        if found is None:
            yield f"{trigger} is open to {written!r}, which is no range of addresses. {remedy}"
        else:
            networks += found
    if _is_wide(networks):
        yield (
            f"{trigger} may be called from a {_WIDEST_SHARE}th of all addresses or more by whoever "
            f"has the callback URL: its ranges close nothing. {remedy}"
        )


def callback_url_in_clear(outputs: Mapping[str, Any]) -> Iterator[str]:
    """A callback URL, or its signature, among the outputs of a stack in clear."""
    for path, value in _leaves(outputs):
        name = _plain_name(path)
        if not isinstance(value, str) or not value:
            continue
        if value == UNKNOWN:
            found = name.endswith("callbackurl") or name == "sig"
        else:
            found = (
                name == "sig"
                or _SIGNATURE.fullmatch(value) is not None
                or any(_CALLBACK_URL.search(text) for _, text in _readings(value, path))
            )
        if found:
            yield (
                f"The output {'.'.join(path)} is a callback URL in clear, or its signature, and "
                "whoever reads it can start the workflow. Export it as pulumi.Output.secret, or "
                "fetch it when needed."
            )


def credential_in_command(properties: Mapping[str, Any], known: Mapping[str, str]) -> Iterator[str]:
    """A credential among the inputs of a command, which Pulumi keeps in the state.

    Encrypted ones too: a secret of the stack is decrypted for every command that follows it.

    Args:
        properties: The command's inputs.
        known: Values by the name of the environment variable that holds them: the credentials
            that this very run signs in with.
    """
    for path, value in _leaves(properties, into_encrypted=True):
        readings = list(_readings(value, path))
        held = sorted({name for name, secret in known.items() for _, t in readings if secret in t})
        looks = any(
            _CREDENTIAL.search(text) or (text and _CREDENTIAL_NAME.search(_plain_name(at)))
            for at, text in readings
        )
        if held or looks:
            what = f"the value of {', '.join(held)}" if held else "what looks like a credential"
            yield (
                f"Its input {'.'.join(path)} holds {what}, which would stay in the state. Leave it "
                "in the environment of the process that runs Pulumi: the scripts read it there."
            )


def removal_of_access_policy(
    properties: Mapping[str, Any], script: Callable[[str], str | None]
) -> Iterator[str]:
    """A policy that a command removes while its identity may be there.

    Args:
        properties: The command's inputs.
        script: The text of a script by its path, ``None`` where there is no such script, or where
            it is one of the project's own, which remove none but what may go.
    """
    delete = _clear(properties.get("delete"))
    of_policy = _names(properties.get("create"), POLICY_SCRIPT)
    if of_policy and delete and not _is_script(delete, RELEASE_SCRIPT):
        yield (
            "The command of an application access policy has a delete of its own: Pulumi would run "
            "it before the identity is gone, and a token of that identity would reach every "
            f"mailbox. Leave it out, or run {RELEASE_SCRIPT}: the policy goes with its group."
        )
        return
    for path, value in _leaves(properties, into_encrypted=True):
        texts = [text for _, text in _readings(value, path)]
        for named in {name for text in texts for name in _PATH_OF_SCRIPT.findall(text)}:
            texts.append(script(named) or "")
        if any(_REMOVAL.search(text) for text in texts):
            yield (
                f"Its input {'.'.join(path)} removes an application access policy, which may "
                "confine an identity that is still there: it would reach every mailbox. Leave "
                "that to the group's removal, which takes the policies on it along."
            )


def _networks(written: Any) -> list[IPv4Network | IPv6Network] | None:
    """The networks of an address, a range in CIDR notation, or one from address to address."""
    if written == UNKNOWN:
        return []
    if not isinstance(written, str):
        return None
    first, dash, last = (part.strip() for part in written.partition("-"))
    try:
        if not dash:
            network = ip_network(first, strict=False)
            mapped = network.network_address
            if isinstance(mapped, IPv6Address) and mapped.ipv4_mapped and network.prefixlen >= 96:
                return [IPv4Network((mapped.ipv4_mapped, network.prefixlen - 96))]
            return [network]
        return list(summarize_address_range(ip_address(first), ip_address(last)))
    except (TypeError, ValueError):
        return None


def _is_wide(networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether the networks of one kind together have too large a share of all its addresses."""
    short = collapse_addresses([each for each in networks if isinstance(each, IPv4Network)])
    long = collapse_addresses([each for each in networks if isinstance(each, IPv6Network)])
    return any(
        sum(network.num_addresses for network in of_kind) * _WIDEST_SHARE >= all_of_kind
        for of_kind, all_of_kind in ((short, 2**32), (long, 2**128))
    )


def _clear(value: Any) -> Any:
    """The value without Pulumi's encryption, at every level."""
    if isinstance(value, Encrypted):
        return _clear(value.value)
    if isinstance(value, Mapping):
        return {name: _clear(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_clear(entry) for entry in value]
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parsed(text: Any) -> Any:
    """What a text says, where it is JSON; else what was given."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def _names(command: Any, script: str) -> bool:
    """Whether a command has a script's name in it, whatever else it does."""
    return script in str(_clear(command))


def _is_script(command: Any, script: str) -> bool:
    """Whether a command is the path of a script, and nothing else."""
    command = _clear(command)
    return (
        isinstance(command, str)
        and _PATH_OF_SCRIPT.fullmatch(command) is not None
        and re.split(r"[/\\]", command)[-1] == script
    )


def _runs(resource: Resource, script: str) -> bool:
    """Whether a resource is a command that runs a script when it is made, and nothing else."""
    return resource.type == COMMAND and _is_script(resource.properties.get("create"), script)


def _proves(resource: Resource) -> bool:
    """Whether a resource is a command that cannot succeed unless the proof does."""
    given = {name: _clear(value) for name, value in resource.properties.items()}
    interpreter = given.get("interpreter")
    return (
        _runs(resource, PROOF_SCRIPT)
        # Once it is there, its update is what runs.
        and (given.get("update") is None or _is_script(given["update"], PROOF_SCRIPT))
        and isinstance(interpreter, list)
        and [str(part).casefold() for part in interpreter[:1] + interpreter[-1:]]
        == ["pwsh", "-file"]
        # Elsewhere, or by another PATH, it would be another script or another PowerShell.
        and given.get("dir") is None
        and set(_mapping(given.get("environment"))) <= {DRIFT_VARIABLE}
    )


def _depends(resource: Resource, other: Resource) -> bool:
    """Whether a resource depends on another one, directly or not."""
    waiting, seen = [resource], {id(resource)}
    while waiting:
        for dependency in waiting.pop().dependencies:
            if dependency is other:
                return True
            if id(dependency) not in seen:
                seen.add(id(dependency))
                waiting.append(dependency)
    return False


def _plain_name(path: Sequence[str]) -> str:
    """The last name that leads to a value, whatever its style; not its place in a list."""
    names = [name for name in path if not name.isdecimal()]
    return re.sub(r"[^a-z0-9]", "", names[-1].casefold()) if names else ""


def _readings(
    value: Any, path: tuple[str, ...], depth: int = 0
) -> Iterator[tuple[tuple[str, ...], str]]:
    """A value as a text and whatever it says when its codes are read, with names that lead there.

    JSON, percent signs, and base64 of UTF-8 or, as PowerShell's -EncodedCommand has it, UTF-16.
    """
    if value is None or isinstance(value, bool):
        return
    text = str(value)
    yield path, text
    if depth == _MOST_CODES_WITHIN_EACH_OTHER:
        return
    parsed = _parsed(text)
    if isinstance(parsed, dict | list | str) and parsed != text:
        for at, entry in _leaves(parsed, path):
            yield from _readings(entry, at, depth + 1)
    within = [unquote(text)] if "%" in text else []
    for encoded in _ENCODED.findall(text):
        within += _decoded(encoded)
    for further in within:
        if further != text:
            yield from _readings(further, path, depth + 1)


def _decoded(encoded: str) -> Iterator[str]:
    """What a text in base64 says, where it says a text."""
    standard = encoded.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        data = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        return
    for code in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(code)
        except UnicodeDecodeError:
            continue
        yield text


def _leaves(
    value: Any, path: tuple[str, ...] = (), *, into_encrypted: bool = False
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every single value with the names that lead to it."""
    if isinstance(value, Encrypted):
        if into_encrypted:
            yield from _leaves(value.value, path, into_encrypted=True)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _leaves(entry, (*path, str(name)), into_encrypted=into_encrypted)
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _leaves(entry, (*path, str(index)), into_encrypted=into_encrypted)
    else:
        yield path, value
