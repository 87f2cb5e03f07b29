"""What a refusal of Azure or Entra means, in one line that names object, call and remedy.

The providers say what a service answered, over several lines and without a remedy. A hook of the
engine puts one line in its place. And it has the engine try again where a refusal only means "not
yet": Entra may know a new identity, and its endpoint for assignments not; or where no answer came
of a request that is refused when it was carried out already. What a hook cannot do is to take up
what a provider has made and lost sight of: there the line names the command that does.

After a failed deletion, or where a creation failed in its last step, the engine prints the
provider's own words, so the line is a warning beside them. ``pulumi destroy`` does not run the
program, and so has no hooks at all: docs/messages.md tells what the provider's words mean. Look-ups
are explained in the same way.
"""

import re
from asyncio import sleep
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import version
from typing import Any

import pulumi


class Came(StrEnum):
    """What came of a call."""

    REFUSED = "was refused"
    LOST = "got no answer"
    UNCONFIRMED = "was not confirmed"
    KEPT = "was done and not confirmed"


@dataclass(frozen=True)
class _Meaning:
    """What a refusal means.

    Attributes:
        remedy: What to do, in whole sentences; ``{stack}`` is the stack's name.
        delays: Seconds before each further attempt; none where trying again is no use.
        came: What came of the call.
    """

    remedy: str
    delays: Sequence[int] = ()
    came: Came = Came.REFUSED


# How the azuread provider asks for an assignment to a principal that is not known yet
# (terraform-provider-azuread 3.0 and later, internal/services/approleassignments; hashicorp/
# go-azure-sdk, sdk/client/client.go): seconds between its ten requests.
_OF_PROVIDER = [1, 2, 4, 8, 16, 32, 61, 61, 61]
_BETWEEN = 30
ASSIGNMENT_DELAYS = [*_OF_PROVIDER, _BETWEEN, *_OF_PROVIDER]
"""Seconds between the requests for an assignment, until it is given up."""

_RECOVER = "`python -m operations.recover --stack {stack}`"
_LEFT_BEHIND = (
    f"Where an interrupted run has left it behind, or the state is lost, {_RECOVER} takes it up"
)
# Nothing but a command can tell the state: an object of the program is neither made anew nor
# deleted while the state says that it is there.
_GONE = _Meaning(
    f"It was removed outside of this program: {_RECOVER} takes note of what is gone, and so does "
    "`pulumi refresh --stack {stack}`. Run `pulumi up` after that, which makes anew what is "
    "missing."
)
_NOT_KNOWN_YET = _Meaning(
    "Entra does not know the new identity everywhere yet: run `pulumi up` again.",
    delays=[_BETWEEN],
)
# Codes where there are any. The two sentences of Graph have one code for much else; it writes
# English to callers that ask for no other language, and the azuread provider asks for none.
MEANINGS = {
    "cannot create already existing resource": _Meaning(
        # Another name in place of that would make a second identity, and leave the first one, which
        # holds its permission, to nobody.
        f"{_LEFT_BEHIND}; one that was tainted, `pulumi state untaint` does. Choose another name "
        "only where it is somebody else's."
    ),
    "Permission being assigned already exists": _Meaning(
        f"{_LEFT_BEHIND}; otherwise somebody granted it outside of this program."
    ),
    # The azuread provider reads what it has made, and takes a directory that does not show it yet
    # for one that has lost it: it is in Entra and not in the state, and a second attempt would be
    # refused as the one above
    # (https://github.com/hashicorp/terraform-provider-azuread/issues/1759).
    "expected non-nil error with nil state": _Meaning(
        f"Entra has made it and does not show it yet. In a few minutes {_RECOVER} takes it up; "
        "then run `pulumi up` again.",
        came=Came.UNCONFIRMED,
    ),
    # What the azuread provider says of a request without an answer, which it sends only once. Where
    # the first one was carried out, the second is refused.
    "connection may have been reset": _Meaning(
        "The connection was lost: run `pulumi up` again.", delays=[5], came=Came.LOST
    ),
    # What the endpoint answers to a principal that has not reached it yet
    # (https://github.com/microsoftgraph/msgraph-bicep-types/issues/193).
    "Not a valid reference update": _NOT_KNOWN_YET,
    "Request_ResourceNotFound": _NOT_KNOWN_YET,
    # Said of a rule or a setting that names what is not there.
    "'Microsoft.Insights/actionGroups/": _Meaning(
        "Write an action group that exists under `alerts` in the stack's configuration; one that "
        f"this program made was removed by somebody, of which {_RECOVER} takes note."
    ),
    "'Microsoft.OperationalInsights/workspaces/": _Meaning(
        "Write a Log Analytics workspace that exists under `diagnostics` in the stack's "
        "configuration."
    ),
    'Code="ResourceNotFound"': _GONE,
    'Code="ResourceGroupNotFound"': _GONE,
    "Authorization_RequestDenied": _Meaning(
        "Give the deploying identity the Graph permissions AppRoleAssignment.ReadWrite.All and "
        "Application.Read.All, with admin consent; a person needs Privileged Role Administrator."
    ),
    "RequestDisallowedByPolicy": _Meaning(
        "The policy that is named there is one of Azure Policy's: where it demands a tag, write it "
        "under `tags` in the stack's configuration; otherwise ask whoever assigned it."
    ),
    "ScopeLocked": _Meaning(
        "Somebody has locked what is named there, or what it is in: `az lock list` shows it. Ask "
        "who did, and run this again without the lock; nothing of this program removes one."
    ),
    "LinkedAuthorizationFailed": _Meaning(
        "Give the deploying identity Monitoring Contributor on what is named there, too: an action "
        "group or a workspace that is in another resource group."
    ),
    "AuthorizationFailed": _Meaning(
        "Give the deploying identity Contributor on the subscription, or on a resource group that "
        "exists the roles of docs/getting-started.md; a new role takes minutes to be known, and a "
        "new sign-in."
    ),
}
"""By a part of the provider's text, in the order in which they are looked for."""
OF_DELETIONS = {"Request_ResourceNotFound": _GONE}
"""What means something else where it is deleted."""

# What the bridge to Terraform puts before a failure that came after the creation.
_MADE = "creating urn:"
# What the bridge to Terraform and the SDK put around a refusal.
_WRAPPING = re.compile(
    r"\d+ errors? occurred:\s*\*\s*"
    r"|invoke of \S+ failed: |invocation of \S+ returned an error: |invoking \S+: "
    r"|(?:creating|updating|deleting) urn:\S+: "
)
_UNKNOWN = _Meaning("Mend that and run `pulumi up` again.")


def error_hooks(
    described: str, before_create: Sequence[pulumi.ResourceHook] = ()
) -> pulumi.ResourceHookBinding:
    """The hooks of a resource in Azure or Entra.

    Args:
        described: The resource in words, such as ``workflow notifications``; it must be the only
            one in the program that is called so.
        before_create: What has to succeed right before it is made.
    """

    async def on_error(error: pulumi.ErrorHookArgs) -> bool:
        refusal, operation = error.errors[0], error.failed_operation
        meaning = _meaning_of(refusal, operation)
        attempts = sum(_meaning_of(each, operation) is meaning for each in error.errors)
        # What was made before the provider failed the engine keeps: not to be made once more.
        is_kept = operation == "create" and _MADE in refusal
        if not is_kept and attempts <= len(meaning.delays):
            delay = meaning.delays[attempts - 1]
            pulumi.log.info(
                f"{described}: waiting {delay} s to try again: {_one_line(refusal)}", ephemeral=True
            )
            await sleep(delay)
            return True
        if is_kept:
            meaning = replace(meaning, came=Came.KEPT)
        explanation = _explanation(operation, refusal, meaning)
        if is_kept or operation == "delete":
            # The engine prints the provider's own words, whatever is raised here.
            pulumi.log.warn(f"{described}: {explanation}")
            return False
        raise explanation

    # The engine prints the hook's name before what it raises.
    return pulumi.ResourceHookBinding(
        before_create=[*before_create], on_error=[pulumi.ErrorHook(described, on_error)]
    )


async def look_up(parent: pulumi.Resource, function: str, **arguments: str) -> dict[str, Any]:
    """Calls a function of a provider.

    The SDK's own functions in their output form end the program with a traceback, even where the
    error is caught.

    Args:
        parent: Whose look-up it is.
        function: Its Pulumi name, such as ``azure-native:logic:getWorkflow``.
        arguments: Its arguments.

    Returns:
        The properties of its result, by their Pulumi names.

    Raises:
        pulumi.RunError: It was refused; one line that says what to do.
    """
    package = function.partition(":")[0]
    options = pulumi.InvokeOptions(parent=parent, version=version(f"pulumi-{package}"))
    try:
        result = await pulumi.runtime.invoke_async(function, dict(arguments), options)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more special
        raise refused_look_up(function, str(error), **arguments) from None
    return dict(result)


def refused_look_up(function: str, refusal: str, **arguments: str) -> pulumi.RunError:
    """What to raise where a function of a provider was refused: one line that says what to do."""
    of = ", ".join(f"{key} {value}" for key, value in arguments.items())
    call = f"{function.rpartition(':')[2]} of {of}"
    return _explanation(call, refusal, _meaning_of(refusal))


ABSENT = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})
"""Azure's codes for a resource, or its group, that does not exist.

Any other 404, such as SubscriptionNotFound, says that this is the wrong place to look.
"""


def is_absent(refusal: str) -> bool:
    """Whether Azure says that a resource, or its group, does not exist.

    By its codes, which are not translated. Another 404 means that nothing was found out.
    """
    return any(f'Code="{code}"' in refusal for code in ABSENT)


def find(function: str, **arguments: str) -> dict[str, Any] | None:
    """Calls a function of azure-native before anything is registered.

    Args:
        function: Its Pulumi name, such as ``azure-native:resources:getResourceGroup``.
        arguments: Its arguments.

    Returns:
        The properties of its result, by their Pulumi names; ``None`` where there is no such thing.

    Raises:
        pulumi.RunError: It was refused; one line that says what to do.
    """
    options = pulumi.InvokeOptions(version=version("pulumi-azure-native"))
    try:
        result = pulumi.runtime.invoke(function, dict(arguments), options)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more special
        if is_absent(str(error)):
            return None
        raise refused_look_up(function, str(error), **arguments) from None
    return dict(result.value)


def _explanation(call: str, refusal: str, meaning: _Meaning) -> pulumi.RunError:
    remedy = meaning.remedy.format(stack=pulumi.get_stack())
    return pulumi.RunError(f"{call} {meaning.came}: {_one_line(refusal).rstrip('.')}. {remedy}")


def _one_line(refusal: str) -> str:
    return " ".join(_WRAPPING.sub("", refusal).split())


def _meaning_of(refusal: str, operation: str = "") -> _Meaning:
    meanings = MEANINGS | (OF_DELETIONS if operation == "delete" else {})
    return next((m for text, m in meanings.items() if text in refusal), _UNKNOWN)
