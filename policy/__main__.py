"""The policy pack as Pulumi's engine runs it: ``pulumi preview --policy-pack policy``.

The rules are in ``validators.py``. Everything here is mandatory: a finding fails the preview, and
with it the update.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Secret,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import policy as sdk
from pydantic import TypeAdapter

# Pulumi runs the folder, and not the package that it is.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from policy import validators
from policy.validators import COMMAND, GRANT, STACK, Encrypted, Resource

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE = "scoped-mail-sender"
"""Of the configuration's keys."""
SCRIPTS = ROOT / "components" / "exchange" / "powershell"

# Those that the program's own providers and scripts read (docs/getting-started.md, "Sign in").
CREDENTIAL_VARIABLES = (
    "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "ARM_CLIENT_SECRET",
    "ARM_OIDC_REQUEST_TOKEN",
    "ARM_OIDC_TOKEN",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SECRET",
    "AZURE_PASSWORD",
    "EXCHANGE_ACCESS_TOKEN",
    "EXCHANGE_CERTIFICATE_PASSWORD",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
)
# A shorter one would be found in texts that have nothing to do with it.
SHORTEST_CREDENTIAL = 12

_deserialize = sdk.deserialize_properties  # type: ignore[attr-defined]


def _with_secrets(properties: dict[str, Any], proxy_secrets: bool = False) -> Any:
    """The SDK's own reading, with secrets marked.

    It marks them only for remediations and hands them to everything else in clear, so that a rule
    could not tell whether an output is encrypted (pulumi-policy 1.21).
    """
    marked = _deserialize(properties, proxy_secrets=True)
    return marked if proxy_secrets else _plain(marked)


sdk.deserialize_properties = _with_secrets  # type: ignore[attr-defined, assignment]


def _plain(value: Any) -> Any:
    """Dictionaries and lists instead of the SDK's proxies, which it makes for each level anew."""
    if isinstance(value, Secret):
        return Secret(_plain(value.value))
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        proxied: Any = value
        target = value if isinstance(value, dict | list) else proxied["__target"]
        if isinstance(target, dict):
            return {name: _plain(entry) for name, entry in target.items()}
        return [_plain(entry) for entry in target]
    return value


def _read(value: Any) -> Any:
    """What the validators take: secrets in their own mark, unknown values as they are."""
    value = _plain(value)
    if isinstance(value, Secret):
        return Encrypted(_read(value.value))
    if isinstance(value, dict):
        return {name: _read(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_read(entry) for entry in value]
    return value


def _text_of_script(path: str) -> str | None:
    """What a script says, by its path from the project; nothing of ours and where there is none."""
    file = (ROOT / path.replace("\\", "/")).resolve()
    if file.is_relative_to(SCRIPTS) or not file.is_file():
        return None
    return file.read_text(encoding="utf-8", errors="replace")


def _credentials() -> dict[str, str]:
    values = {name: os.environ.get(name, "") for name in CREDENTIAL_VARIABLES}
    return {name: value for name, value in values.items() if len(value) >= SHORTEST_CREDENTIAL}


class _Stack:
    """The resources of a stack, with what each depends on."""

    def __init__(self, args: StackValidationArgs) -> None:
        self._args = args
        self._read: dict[str, Resource] = {}

    def of(self, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, Resource]]:
        """Those of some types, each after its URN."""
        for resource in self._args.resources:
            if is_wanted(resource.resource_type):
                yield resource.urn, self._resource(resource)

    def _resource(self, told: PolicyResource) -> Resource:
        if told.urn not in self._read:
            self._read[told.urn] = Resource(
                told.resource_type,
                _read(told.props),
                [self._resource(each) for each in told.dependencies],
                {
                    name: [self._resource(each) for each in dependencies]
                    for name, dependencies in told.property_dependencies.items()
                },
            )
        return self._read[told.urn]


def grants_are_proven(args: StackValidationArgs, report: ReportViolation) -> None:
    """Looks at the whole stack: only there the engine tells what depends on what."""
    for urn, grant in _Stack(args).of(GRANT.__eq__):
        for message in validators.grant_without_proof(grant):
            report(message, urn)


def identities_go_before_their_group(args: StackValidationArgs, report: ReportViolation) -> None:
    """Looks at the whole stack, as above."""
    for urn, grant in _Stack(args).of(GRANT.__eq__):
        for message in validators.identity_that_outlives_its_group(grant):
            report(message, urn)


def proofs_wait_as_long_as_the_stack_says(
    args: ResourceValidationArgs, report: ReportViolation
) -> None:
    """Looks before the proof runs; where the stack says nothing there is nothing to hold it to."""
    settle = pulumi.Config(NAMESPACE).get("settle")
    if args.resource_type == COMMAND and settle is not None:
        waits = TypeAdapter(timedelta).validate_python(settle)
        for message in validators.proof_that_does_not_wait(_read(args.props), waits):
            report(message, None)


def _warn_where_unknown(args: ResourceValidationArgs, name: str) -> None:
    """Reads a property from the SDK, which then warns where a preview cannot know it yet."""
    if name in _plain(args.props):
        args.props[name]


def permissions_are_confinable(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Looks before the grant is made."""
    if args.resource_type == GRANT:
        _warn_where_unknown(args, "appRoleId")
        for message in validators.permission_beyond_policies(_read(args.props)):
            report(message, None)


def triggers_are_closed(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Looks before the workflow is made or changed."""
    if validators.is_workflow(args.resource_type):
        # It holds the id of a mailbox that may not exist yet.
        _warn_where_unknown(args, "definition")
        for message in validators.open_trigger(_read(args.props)):
            report(message, None)


def callback_urls_are_secret(args: StackValidationArgs, report: ReportViolation) -> None:
    """Looks at the outputs, which only the whole stack has."""
    for urn, stack in _Stack(args).of(STACK.__eq__):
        for message in validators.callback_url_in_clear(stack.properties):
            report(message, urn)


def commands_hold_no_credential(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Looks before the command runs."""
    if args.resource_type == COMMAND:
        for message in validators.credential_in_command(_read(args.props), _credentials()):
            report(message, None)


def policies_go_with_their_group(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Looks before the command runs."""
    if args.resource_type == COMMAND:
        for message in validators.removal_of_access_policy(_read(args.props), _text_of_script):
            report(message, None)


PolicyPack(
    "scoped-mail-sender",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        StackValidationPolicy(
            "grant-after-proof",
            "An app role is granted only after its confinement is proven.",
            grants_are_proven,
        ),
        StackValidationPolicy(
            "identity-before-group",
            "An identity goes before the group that its policy goes with.",
            identities_go_before_their_group,
        ),
        ResourceValidationPolicy(
            "settled-proof",
            "A proof is followed by the wait that the stack says.",
            proofs_wait_as_long_as_the_stack_says,
        ),
        ResourceValidationPolicy(
            "confinable-permission",
            "Only what an application access policy confines is granted.",
            permissions_are_confinable,
        ),
        ResourceValidationPolicy(
            "closed-trigger",
            "An HTTP trigger says from where it may be called.",
            triggers_are_closed,
        ),
        StackValidationPolicy(
            "secret-callback-url",
            "A callback URL is exported as a secret, or not at all.",
            callback_urls_are_secret,
        ),
        ResourceValidationPolicy(
            "no-credential-in-command",
            "No credential is an input of a command.",
            commands_hold_no_credential,
        ),
        ResourceValidationPolicy(
            "policy-outlives-identity",
            "No command removes an application access policy: it goes with its group.",
            policies_go_with_their_group,
        ),
    ],
)
