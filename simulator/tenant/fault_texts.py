"""The texts in which Exchange Online, its module and .NET report what goes wrong with a call.

Each has its public source, or says that it has none. Which of them a planned fault uses follows
from its step (``faults.py``), so that a run meets all of them, each time in the same places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.tenant.answers import ExchangeError
from simulator.tenant.exchange.recipients import not_found

ANOTHER_DOMAIN_CONTROLLER = "DB7PR05A12DC004.EURPR05A012.PROD.OUTLOOK.COM"


@dataclass(frozen=True)
class Text:
    """One text.

    Attributes:
        source: Where it was seen.
        exception_type: Exchange's type; empty for what the module or .NET says.
        code: As for ``ExchangeError``.
        of_changes_only: Whether only a cmdlet that changes something can fail so.
    """

    message: str
    source: str
    exception_type: str = ""
    code: str | None = None
    of_changes_only: bool = False

    def error(self) -> ExchangeError:
        """What a cmdlet raises."""
        return ExchangeError(self.exception_type, self.message, code=self.code)


BUSY: Sequence[Text] = (
    Text(
        "The server is busy. Please try again later.",
        "the name of the type is Microsoft's, the sentence a common one of theirs",
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.OverBudgetException",
    ),
    Text(
        "You have reached the maximum number of concurrent requests per tenant. Please wait and "
        "try again.",
        "https://github.com/GreyCorbel/ExoHelper, which looks for it in answers that are no JSON",
    ),
    Text(
        "An Azure Active Directory call was made to keep object in sync between Azure Active "
        "Directory and Exchange Online. However, it failed. \nDetailed error message: \n\tAn "
        "unexpected error occurred. DualWrite (Graph) RequestId: "
        "ca80bc15-bf83-4a30-bff7-fe729bbe0d87\nThe issue may be transient and please retry a "
        "couple of minutes later. If issue persists, please see exception members for more "
        "information.",
        # The detail is ours: the one reported is of objects that are kept on-premises.
        "https://github.com/microsoft/Partner-Center-PowerShell/issues/409",
        "Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException",
        code="",
        of_changes_only=True,
    ),
    Text(
        "An error caused a change in the current set of domain controllers.",
        "https://github.com/michevnew/PowerShell/issues/9, "
        "https://github.com/microsoft/Microsoft365DSC/issues/142",
        "Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException",
    ),
    Text(
        "The call to Microsoft Exchange Active Directory Topology service on server "
        "'TopologyClientTcpEndpoint (localhost)' returned an error. Error details Active Directory "
        "server  is not available. Error message: Active directory response: The LDAP server is "
        "unavailable..",
        "https://github.com/MicrosoftDocs/office-docs-powershell/issues/10972",
        "Microsoft.Exchange.Data.Directory.ADTransientException",
    ),
    Text("Maximum retry count reached.", "no page found that quotes it: said to be the module's"),
)
"""Nothing was done, and the same call succeeds a little later."""

_TIMED_OUT = Text(
    "The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.",
    ".NET, System.Net.Http.HttpClient",
)
_CANCELLED = Text("A task was canceled.", ".NET, System.Threading.Tasks.TaskCanceledException")
_RESET = Text(
    "Unable to read data from the transport connection: Connection reset by peer.",
    ".NET, System.IO.IOException; for Windows https://github.com/pnp/powershell/issues/564",
)
_NOT_SENT = Text(
    "An error occurred while sending the request.",
    ".NET, System.Net.Http.HttpRequestException; in connecting "
    "https://github.com/timmcmic/DLConversionV2/issues/158",
)
_NO_TLS = Text(
    "The SSL connection could not be established, see inner exception.",
    ".NET; https://github.com/PowerShell/PowerShell/issues/21307",
)

LOST: Sequence[Text] = (_TIMED_OUT, _CANCELLED, _RESET, _NOT_SENT)
"""No answer: whether the call was done, nobody can tell."""

NOT_REACHED: Sequence[Text] = (*LOST, _NO_TLS)
"""No answer, where nothing was done."""

CONNECTING_BUSY: Sequence[Text] = (
    BUSY[0],
    Text(
        "Module could not be correctly formed. Please run Connect-ExchangeOnline again.",
        "https://github.com/T0pCyber/hawk/issues/292, https://github.com/cammurray/orca/issues/331",
    ),
)

REFUSED = Text(
    "Access Denied! Insufficient permissions: the caller's roles do not allow this operation.",
    "ours",
    "Microsoft.Exchange.Configuration.Tasks.InsufficientPermissionsException",
)


def not_found_on_one(target: str) -> ExchangeError:
    """What a domain controller says that has not heard of an object which others know."""
    return not_found(target, ANOTHER_DOMAIN_CONTROLLER)
