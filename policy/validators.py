"""What a program must not ask for, as pure functions.

Each takes what the engine tells of a resource and yields one message for each thing that is wrong.
None of them knows Pulumi's policy SDK: ``__main__.py`` puts it around them. They read the
properties of the real resource types, so that they hold for any program that has these.

A message says what is wrong and what to do. It never quotes a value that may be a credential.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

GRANT = "azuread:index/appRoleAssignment:AppRoleAssignment"
WORKFLOW = "azure-native:logic:Workflow"
COMMAND = "command:local:Command"

PROOF_SCRIPT = "prove-confinement.ps1"
POLICY_SCRIPT = "ensure-application-access-policy.ps1"

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

# A token of Entra ID, a private key, and the signature of a shared access URL.
_CREDENTIAL = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----|[?&]sig=[\w%+/-]{16}"
)
_CREDENTIAL_NAME = re.compile(r"password|secret|token|credential|apikey|accesskey|passphrase")
_CALLBACK_URL = re.compile(r"/triggers/[^?]*\?.*\bsig=")


@dataclass(frozen=True)
class Resource:
    """A resource of the stack.

    Attributes:
        type: Its type in Pulumi, e.g. :data:`COMMAND`.
        properties: Its properties by their names in YAML (camelCase).
        dependencies: The resources that it depends on directly.
    """

    type: str
    properties: Mapping[str, Any]
    dependencies: Sequence["Resource"] = ()


@dataclass(frozen=True)
class Encrypted:
    """A value that Pulumi keeps encrypted."""

    value: Any


def grant_without_proof(grant: Resource) -> Iterator[str]:
    """An app role that is granted before its confinement is proven.

    Directly: the engine orders the deletion of replaced resources by direct dependencies only.
    """
    if not any(_runs(dependency, PROOF_SCRIPT) for dependency in grant.dependencies):
        yield (
            f"It does not depend on a command that runs {PROOF_SCRIPT}, so it may be granted while "
            "the identity reaches every mailbox. Grant through ConfinedMailboxAccess, or name the "
            "proof in depends_on."
        )


def permission_beyond_policies(properties: Mapping[str, Any]) -> Iterator[str]:
    """An app role that no application access policy confines.

    Whatever is not one of the eleven is refused, and not only what is known to open mailboxes: no
    list of those is complete, and this identity needs nothing else.
    """
    role = properties.get("appRoleId")
    if role not in CONFINABLE_PERMISSIONS:
        yield (
            f"The app role {role} is none of the eleven that an application access policy confines "
            f"({', '.join(sorted(CONFINABLE_PERMISSIONS.values()))}): granted, it may reach every "
            "mailbox of the organisation. Grant one of these, or grant it outside of this stack."
        )


def open_trigger(properties: Mapping[str, Any]) -> Iterator[str]:
    """An HTTP trigger that every address may call, where the stack does not say that it is meant.

    Policies for tokens do not count: they leave the signature of the callback URL valid.
    """
    triggers = properties.get("definition", {}).get("triggers", {})
    called = [name for name, trigger in triggers.items() if trigger.get("type") == "Request"]
    access = (properties.get("accessControl") or {}).get("triggers") or {}
    meant = (properties.get("tags") or {}).get("openTrigger") == "allowed"
    if called and access.get("allowedCallerIpAddresses") is None and not meant:
        yield (
            f"Its HTTP trigger {', '.join(called)} may be called from every address by whoever has "
            "the callback URL. Write allowedCallers on the trigger, or allowOpenTriggers: true if "
            "that is meant."
        )


def callback_url_in_clear(outputs: Mapping[str, Any]) -> Iterator[str]:
    """A callback URL among the outputs of a stack that Pulumi would store and show in clear."""
    for path, value in _leaves(outputs):
        name = path[-1] if path else ""
        named = "callbackurl" in name.replace("_", "").casefold()
        if isinstance(value, str) and (named or _CALLBACK_URL.search(value)):
            yield (
                f"The output {'.'.join(path)} is a callback URL in clear, and whoever reads it can "
                "start the workflow. Export it as pulumi.Output.secret, or fetch it when needed."
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
        text = str(value)
        held = sorted(variable for variable, secret in known.items() if secret in text)
        named = any(
            entry and _CREDENTIAL_NAME.search(name[-1].replace("_", "").casefold())
            for name, entry in _leaves(_parsed(text), path)
        )
        if held or named or _CREDENTIAL.search(text):
            what = f"the value of {', '.join(held)}" if held else "what looks like a credential"
            yield (
                f"Its input {'.'.join(path)} holds {what}, which would stay in the state. Leave it "
                "in the environment of the process that runs Pulumi: the scripts read it there."
            )


def removal_of_access_policy(properties: Mapping[str, Any]) -> Iterator[str]:
    """A policy that its own command would remove, which Pulumi does before the identity goes."""
    if _script(properties.get("create")) == POLICY_SCRIPT and properties.get("delete"):
        yield (
            "The command of an application access policy has a delete of its own: Pulumi would run "
            "it before the identity is gone, and a token of that identity would reach every "
            "mailbox. Leave it out: the policy goes with its group."
        )


def _parsed(text: str) -> Any:
    """What a text says, where it is JSON; else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _script(command: object) -> str:
    return PurePosixPath(command).name if isinstance(command, str) else ""


def _runs(resource: Resource, script: str) -> bool:
    return resource.type == COMMAND and _script(resource.properties.get("create")) == script


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
