"""The ``ExchangeOnlineManagement`` module, as scripts meet it, in front of the simulated tenant.

Before connecting it has three commands. Connecting loads the cmdlets that -CommandName names and
the caller's roles allow, with the parameters that Exchange Online has; they are gone again after
disconnecting. The simulated deploying identity is in Organization Management, which may do all
that is simulated; other applications have the roles that they are assigned.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from simulator.catalogue import CmdletDefinition, catalogue
from simulator.powershell.interface import Arguments, Command, CommandError, PSObject
from simulator.tenant import CloudError, ExchangeError, NotSimulated, Tenant
from simulator.tenant.exchange import ExchangeSession
from simulator.token_endpoint import InvokeRestMethod

# Cmdlets that ask before they act (the pages say so of "destructive cmdlets, for example Remove-*")
# and cannot, in a process started with -NonInteractive. That Update-DistributionGroupMember is one
# of them is the stricter reading.
ASKS = (
    "Disconnect-ExchangeOnline",
    "Remove-ApplicationAccessPolicy",
    "Remove-DistributionGroup",
    "Remove-DistributionGroupMember",
    "Remove-Mailbox",
    "Remove-ManagementRoleAssignment",
    "Remove-ManagementRoleEntry",
    "Remove-ManagementScope",
    "Remove-ServicePrincipal",
    "Update-DistributionGroupMember",
)
ALWAYS_THERE = (
    "Connect-ExchangeOnline",
    "Disconnect-ExchangeOnline",
    "Get-ConnectionInformation",
)
# Parameters of Connect-ExchangeOnline that change nothing here.
WITHOUT_EFFECT = {"ShowBanner", "SkipLoadingFormatData", "SkipLoadingCmdletHelp"}
OUTPUT_TYPES = {
    "AcceptedDomain": "Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain",
    "ApplicationAccessPolicy": (
        "Microsoft.Exchange.Management.ApplicationAccessPolicy.ApplicationAccessPolicy"
    ),
    "CASMailbox": "Microsoft.Exchange.Data.Directory.Management.CASMailbox",
    "DistributionGroup": "Microsoft.Exchange.Data.Directory.Management.DistributionGroup",
    "DistributionGroupMember": "Microsoft.Exchange.Data.Directory.Management.ReducedRecipient",
    "Mailbox": "Microsoft.Exchange.Data.Directory.Management.Mailbox",
    "ManagementRoleAssignment": (
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.ExchangeRoleAssignmentPresentation"
    ),
    "ManagementRole": "Microsoft.Exchange.Data.Directory.SystemConfiguration.ExchangeRole",
    "ManagementRoleEntry": (
        "Microsoft.Exchange.Data.Directory.SystemConfiguration.ExchangeRoleEntryPresentation"
    ),
    "ManagementScope": "Microsoft.Exchange.Data.Directory.SystemConfiguration.ManagementScope",
    "OrganizationConfig": "Microsoft.Exchange.Data.Directory.Management.OrganizationConfig",
    "Recipient": "Microsoft.Exchange.Data.Directory.Management.ReducedRecipient",
}


@dataclass(frozen=True)
class Connection:
    """One connection of a process, and the cmdlets that it loaded."""

    session: ExchangeSession
    connection_id: str
    cmdlets: frozenset[str]


@dataclass(frozen=True)
class OnlineCommand:
    """A command of the module, bound by the catalogue before it runs."""

    definition: CmdletDefinition
    run: Callable[[dict[str, object]], list[object]]

    @property
    def name(self) -> str:
        """The command's name, in its own spelling."""
        return self.definition.name

    @property
    def parameters(self) -> Sequence[str]:
        """Names of the parameters that are loaded."""
        return [parameter.name for parameter in self.definition.parameters.values()]

    def invoke(self, arguments: Arguments) -> list[object]:
        """Binds and runs the command.

        Raises:
            CommandError: In the words of PowerShell or of Exchange Online.
            NotSimulated: The command is right and beyond the simulation; no script can catch it.
        """
        bound = self.definition.bind(arguments)
        if bound.pop("WhatIf", False):
            raise NotSimulated(f"The simulated tenant does not know {self.name} -WhatIf.")
        if bound.pop("Confirm", self.name in ASKS):
            raise CommandError(
                "PowerShell is in NonInteractive mode. Read and Prompt functionality is not "
                "available.",
                "System.Management.Automation.PSInvalidOperationException",
                f"InvalidOperation,{self.name}",
            )
        return self.run(bound)


class ExchangeOnlineManagement:
    """The module, for one PowerShell process."""

    name = "ExchangeOnlineManagement"
    # As in real_powershell/ExchangeOnlineManagement/ExchangeOnlineManagement.psd1.
    version = "3.9.2"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._connections: list[Connection] = []

    @property
    def commands(self) -> Collection[str]:
        """Names of all commands that it may load."""
        return [*catalogue(), "Invoke-RestMethod"]

    def find(self, command_name: str) -> Command | None:
        """The command of that name (case ignored) if it is loaded at this moment.

        PowerShell's own Invoke-RestMethod is among them: it would leave the simulated world.
        """
        if command_name.casefold() == InvokeRestMethod.name.casefold():
            return InvokeRestMethod(self._tenant)
        definition = catalogue().get(command_name.casefold())
        if definition is None:
            return None
        if definition.name in ALWAYS_THERE:
            run = {
                "Connect-ExchangeOnline": self._connect,
                "Disconnect-ExchangeOnline": self._disconnect,
                "Get-ConnectionInformation": self._connection_information,
            }[definition.name]
            return OnlineCommand(definition, run)
        # The newest connection that loaded a cmdlet answers for it.
        for connection in reversed(self._connections):
            if definition.name in connection.cmdlets:
                allowed = connection.session.cmdlets[definition.name]
                return OnlineCommand(
                    _narrowed(definition, allowed), self._cmdlet(definition.name, connection)
                )
        return None

    def _cmdlet(
        self, name: str, connection: Connection
    ) -> Callable[[dict[str, object]], list[object]]:
        def run(bound: dict[str, object]) -> list[object]:
            try:
                outputs = connection.session.invoke(name, bound)
            except ExchangeError as error:
                # Exchange's own exception type is in the message; in PowerShell the module throws
                # a plain exception, so that no script can catch Exchange's by type.
                raise CommandError(
                    str(error),
                    "System.Exception",
                    f"[RequestId={uuid4()}],Write-ErrorMessage",
                ) from None
            noun = name.split("-")[1]
            return [PSObject(OUTPUT_TYPES.get(noun, noun), output) for output in outputs]

        return run

    def _connect(self, bound: dict[str, object]) -> list[object]:
        unknown = (
            bound.keys()
            - WITHOUT_EFFECT
            - {
                "AccessToken",
                "CommandName",
                "EXOModuleBasePath",
                "ExchangeEnvironmentName",
                "Organization",
                "UserPrincipalName",
            }
        )
        if unknown or "AccessToken" not in bound:
            shown = ", ".join(f"-{name}" for name in sorted(unknown)) or "no -AccessToken"
            raise NotSimulated(
                "The simulated tenant is connected to by Connect-ExchangeOnline -AccessToken "
                f"-Organization or -UserPrincipalName, not with {shown}."
            )
        environment = bound.get("ExchangeEnvironmentName", "O365Default")
        if environment != "O365Default":
            raise NotSimulated(f"The simulated tenant is in the public cloud, not {environment}.")
        person = str(bound.get("UserPrincipalName") or "")
        if not bound.get("Organization") and not person:
            raise CommandError(
                "The Organization or UserPrincipalName parameter must be given with AccessToken."
            )
        base_path = bound.get("EXOModuleBasePath")
        if base_path is not None and not Path(str(base_path)).is_dir():
            raise CommandError(f"The folder '{base_path}' of EXOModuleBasePath does not exist.")
        try:
            session = self._tenant.exchange.connect(
                token=str(bound["AccessToken"]),
                organization=str(bound.get("Organization") or ""),
                person=person,
            )
        except CloudError as error:
            # The module throws what it got, and what is thrown has its message as its id.
            raise CommandError(error.message, error_id=error.message) from None
        self._connections.append(
            Connection(session, str(uuid4()), _loaded(bound.get("CommandName"), session.cmdlets))
        )
        return []

    def _disconnect(self, bound: dict[str, object]) -> list[object]:
        if bound:
            raise NotSimulated("The simulated module disconnects all connections at once.")
        self._connections.clear()
        return []

    def _connection_information(self, bound: dict[str, object]) -> list[object]:
        if bound:
            raise NotSimulated("The simulated module shows all connections at once.")
        return [
            PSObject(
                "Microsoft.Exchange.Management.ExoPowershellSnapin.ConnectionInformation",
                {
                    "ConnectionId": connection.connection_id,
                    "State": "Connected",
                    "Organization": connection.session.organization,
                    "TokenStatus": "Active",
                    "ConnectionUri": "https://outlook.office365.com",
                },
            )
            for connection in self._connections
        ]


def _narrowed(definition: CmdletDefinition, allowed: Collection[str]) -> CmdletDefinition:
    """A cmdlet with the parameters that the caller's roles allow, and the sets that are whole."""
    parameters = definition.parameters.values()
    lost = {name for p in parameters if p.name not in allowed for name in p.mandatory}
    return replace(
        definition,
        sets=tuple(name for name in definition.sets if name not in lost),
        parameters={p.name.casefold(): p for p in parameters if p.name in allowed},
    )


def _loaded(command_names: object, roles_allow: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The cmdlets that connecting loads: those named, or all, that the caller's roles allow."""
    cmdlets = {name: definition.name for name, definition in catalogue().items()}
    allowed = frozenset(roles_allow)
    if command_names is None:
        return frozenset(cmdlets.values()) & allowed
    assert isinstance(command_names, list)  # noqa: S101 - for the type checker: bound as String[]
    for name in command_names:
        if "*" in name:
            raise NotSimulated(f"The simulated module takes no wildcard in -CommandName: {name}")
    loaded = allowed & {
        cmdlets[name.casefold()] for name in command_names if name.casefold() in cmdlets
    }
    if not loaded:
        raise CommandError("No cmdlet assigned to the user have this feature enabled.")
    return loaded
