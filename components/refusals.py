"""What a refusal of Azure or Entra means, in one line that names object, call and remedy.

The providers say what a service answered, over several lines and without a remedy. A hook of the
engine puts one line in its place. And it has the engine try again where a refusal only means "not
yet": Entra may know a new identity, and its endpoint for assignments not; or where no answer came
of a request that is refused when it was carried out already. Only what is created or
updated can be told in one line: after a failed deletion the engine prints the provider's own words.
Look-ups are explained in the same way.
"""

import re
from asyncio import sleep
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pulumi


@dataclass(frozen=True)
class _Meaning:
    """What a refusal means.

    Attributes:
        remedy: What to do, in whole sentences; ``{stack}`` is the stack's name.
        delays: Seconds before each further attempt; none where trying again is no use.
    """

    remedy: str
    delays: Sequence[int] = ()


# Ten minutes, in seconds between two attempts.
ASSIGNMENT_DELAYS = [1, 2, 4, 8, 16] + [30] * 19

_RECOVER = (
    "Where an interrupted run has left it behind, `python -m operations.recover --stack {stack}` "
    "takes it up"
)
# By a part of the provider's text, in the order in which they are looked for.
_MEANINGS = {
    "cannot create already existing resource": _Meaning(
        f"{_RECOVER}; otherwise choose another name."
    ),
    "Permission being assigned already exists": _Meaning(
        f"{_RECOVER}; otherwise somebody granted it outside of this program."
    ),
    # What the azuread provider says of a request without an answer, which it sends only once. Where
    # the first one was carried out, the second is refused as the one above.
    "connection may have been reset": _Meaning(
        "The connection was lost: run `pulumi up` again.", delays=[5]
    ),
    # What the endpoint answers to a principal that has not reached it yet
    # (https://github.com/microsoftgraph/msgraph-bicep-types/issues/193). The provider repeats a 404
    # and not this.
    "Not a valid reference update": _Meaning(
        "Entra does not know the new identity everywhere yet: run `pulumi up` again.",
        delays=ASSIGNMENT_DELAYS,
    ),
    # The provider has tried for five minutes each time (hashicorp/terraform-provider-azuread,
    # internal/services/approleassignments).
    "Request_ResourceNotFound": _Meaning(
        "Entra does not know the new identity everywhere yet: run `pulumi up` again.",
        delays=[30],
    ),
    "Authorization_RequestDenied": _Meaning(
        "Give the deploying identity the Graph permissions AppRoleAssignment.ReadWrite.All and "
        "Application.Read.All, with admin consent; a person needs Privileged Role Administrator."
    ),
    "AuthorizationFailed": _Meaning(
        "Give the deploying identity Contributor on the subscription; a new role takes minutes to "
        "be known, and a new sign-in."
    ),
}
# What the bridge to Terraform and the SDK put around a refusal.
_WRAPPING = re.compile(
    r"\d+ errors? occurred:\s*\*\s*"
    r"|invoke of \S+ failed: |invocation of \S+ returned an error: |invoking \S+: "
)
_UNKNOWN = _Meaning("Mend that and run `pulumi up` again.")


def explained(
    described: str, before_create: Sequence[pulumi.ResourceHook] = ()
) -> pulumi.ResourceHookBinding:
    """The hooks of a resource in Azure or Entra.

    Args:
        described: The resource in words, such as ``workflow notifications``; it must be the only
            one in the program that is called so.
        before_create: What has to succeed right before it is made.
    """

    async def on_error(error: pulumi.ErrorHookArgs) -> bool:
        refusal = error.errors[0]
        meaning = _meaning_of(refusal)
        attempts = sum(_meaning_of(each) is meaning for each in error.errors)
        if error.failed_operation == "delete":
            return False
        if attempts <= len(meaning.delays):
            delay = meaning.delays[attempts - 1]
            pulumi.log.info(
                f"{described}: waiting {delay} s to try again: {_one_line(refusal)}", ephemeral=True
            )
            await sleep(delay)
            return True
        raise _explanation(error.failed_operation, refusal)

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
    package, _, name = function.partition(":")
    options = pulumi.InvokeOptions(parent=parent, version=version(f"pulumi-{package}"))
    try:
        result = await pulumi.runtime.invoke_async(function, dict(arguments), options)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more special
        of = ", ".join(f"{key} {value}" for key, value in arguments.items())
        raise _explanation(f"{name.rpartition(':')[2]} of {of}", str(error)) from None
    return dict(result)


def _explanation(call: str, refusal: str) -> pulumi.RunError:
    meaning = _meaning_of(refusal)
    remedy = meaning.remedy.format(stack=pulumi.get_stack())
    return pulumi.RunError(f"{call} was refused: {_one_line(refusal).rstrip('.')}. {remedy}")


def _one_line(refusal: str) -> str:
    return " ".join(_WRAPPING.sub("", refusal).split())


def _meaning_of(refusal: str) -> _Meaning:
    return next((m for text, m in _MEANINGS.items() if text in refusal), _UNKNOWN)
