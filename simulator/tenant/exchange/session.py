"""Connections to Exchange Online and the cmdlets that run in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.tenant.answers import CloudError, ExchangeError, NotSimulated
from simulator.tenant.entra import Entra
from simulator.tenant.exchange.client_access import MAILBOX_DEFAULTS, ClientAccess
from simulator.tenant.exchange.groups import Groups
from simulator.tenant.exchange.languages import Language, translated
from simulator.tenant.exchange.mailboxes import Mailboxes
from simulator.tenant.exchange.policies import Policies
from simulator.tenant.exchange.recipients import (
    CUSTOM_ATTRIBUTES,
    EXTENSION_ATTRIBUTES,
    Recipients,
)
from simulator.tenant.exchange.roles import OVERRIDE, SCOPE_PARAMETERS, ManagementRoles
from simulator.tenant.identifiers import (
    DOMAIN_CONTROLLER,
    EXCHANGE_AUDIENCE,
    TENANT_ID,
)
from simulator.tenant.organization import organization_of
from simulator.tenant.store import Document, Store


@dataclass(frozen=True)
class Cmdlet:
    """One cmdlet as the tenant runs it.

    Attributes:
        run: Takes the bound parameters, returns the output objects.
        parameters: Those that are simulated. -Force and -IgnoreNamingPolicy have no effect: nothing
            here asks twice, and there is no naming policy.
    """

    run: Callable[[Document], list[Document]]
    parameters: frozenset[str]

    @property
    def name_of_target(self) -> str:
        """The parameter that says what the call is about, for the log of calls."""
        candidates = ("Identity", "Name", "PolicyScopeGroupId", "ObjectId")
        return next((name for name in candidates if name in self.parameters), "")


class Exchange:
    """The organisation in Exchange Online."""

    def __init__(self, store: Store, entra: Entra) -> None:
        self._store = store
        self._entra = entra
        self.recipients = Recipients(store)
        self.mailboxes = Mailboxes(store, self.recipients)
        self.groups = Groups(store, self.recipients)
        self.policies = Policies(store, self.recipients)
        self.client_access = ClientAccess(store, self.recipients)
        self.roles = ManagementRoles(store, entra, self.client_access, self.recipients)
        shared = {
            "DisplayName",
            "Alias",
            "WindowsEmailAddress",
            "HiddenFromAddressListsEnabled",
            *CUSTOM_ATTRIBUTES,
            *EXTENSION_ATTRIBUTES,
        }
        group = {
            "ManagedBy",
            "MemberJoinRestriction",
            "MemberDepartRestriction",
            "RequireSenderAuthenticationEnabled",
            "Description",
            "PrimarySmtpAddress",
        }
        get = {"Identity", "Filter", "ResultSize"}
        change = {"Identity", "BypassSecurityGroupManagerCheck"}
        new = {"Name", "DisplayName", "Alias", "PrimarySmtpAddress"}
        runs: dict[str, tuple[Callable[[Document], list[Document]], set[str]]] = {
            "Get-AcceptedDomain": (self.get_accepted_domain, set()),
            "Get-Mailbox": (self.mailboxes.get_mailbox, get | {"SoftDeletedMailbox"}),
            "New-Mailbox": (self.mailboxes.new_mailbox, new | {"Shared"}),
            "Set-Mailbox": (
                self.mailboxes.set_mailbox,
                {
                    "Identity",
                    "AccountDisabled",
                    "ForwardingSmtpAddress",
                    "DeliverToMailboxAndForward",
                }
                | shared,
            ),
            "Remove-Mailbox": (
                self.mailboxes.remove_mailbox,
                {"Identity", "Force", "PermanentlyDelete"},
            ),
            "Get-CASMailbox": (self.client_access.get_cas_mailbox, get),
            "Set-CASMailbox": (self.client_access.set_cas_mailbox, {"Identity", *MAILBOX_DEFAULTS}),
            "Get-OrganizationConfig": (self.client_access.get_organization_config, set()),
            "Get-Recipient": (self.mailboxes.get_recipient, get),
            "Get-DistributionGroup": (self.groups.get_group, get),
            "New-DistributionGroup": (
                self.groups.new_group,
                new | group | {"Type", "Members", "IgnoreNamingPolicy"},
            ),
            "Set-DistributionGroup": (
                self.groups.set_group,
                change | shared | group | {"Name", "IgnoreNamingPolicy"},
            ),
            "Remove-DistributionGroup": (self.groups.remove_group, change),
            "Get-DistributionGroupMember": (self.groups.get_members, {"Identity", "ResultSize"}),
            "Add-DistributionGroupMember": (self.groups.add_member, change | {"Member"}),
            "Remove-DistributionGroupMember": (self.groups.remove_member, change | {"Member"}),
            "Update-DistributionGroupMember": (self.groups.update_members, change | {"Members"}),
            "Get-ApplicationAccessPolicy": (self.policies.get_policy, {"Identity"}),
            "New-ApplicationAccessPolicy": (
                self.policies.new_policy,
                {"AccessRight", "AppId", "PolicyScopeGroupId", "Description"},
            ),
            "Set-ApplicationAccessPolicy": (self.policies.set_policy, {"Identity", "Description"}),
            "Remove-ApplicationAccessPolicy": (self.policies.remove_policy, {"Identity"}),
            "Test-ApplicationAccessPolicy": (self.policies.test_policy, {"Identity", "AppId"}),
            "Get-ServicePrincipal": (self.roles.get_service_principal, {"Identity"}),
            "New-ServicePrincipal": (
                self.roles.new_service_principal,
                {"AppId", "ObjectId", "DisplayName"},
            ),
            "Set-ServicePrincipal": (
                self.roles.set_service_principal,
                {"Identity", "DisplayName", OVERRIDE},
            ),
            "Remove-ServicePrincipal": (self.roles.remove_service_principal, {"Identity"}),
            "Test-ServicePrincipalAuthorization": (
                self.roles.test_authorization,
                {"Identity", "Resource"},
            ),
            "Get-ManagementScope": (self.roles.scopes.get_scope, {"Identity"}),
            "New-ManagementScope": (self.roles.new_scope, {"Name", "RecipientRestrictionFilter"}),
            "Set-ManagementScope": (
                self.roles.scopes.set_scope,
                {"Identity", "RecipientRestrictionFilter"},
            ),
            "Remove-ManagementScope": (self.roles.remove_scope, {"Identity"}),
            "Get-ManagementRoleAssignment": (
                self.roles.get_assignment,
                {"Identity", "RoleAssignee", "Role"},
            ),
            "New-ManagementRoleAssignment": (
                self.roles.new_assignment,
                {"Name", "App", "Role", "Delegating", *SCOPE_PARAMETERS},
            ),
            "Remove-ManagementRoleAssignment": (self.roles.remove_assignment, {"Identity"}),
            "Get-ManagementRole": (self.roles.custom.get_role, {"Identity"}),
            "New-ManagementRole": (self.roles.new_role, {"Name", "Parent", "EnabledCmdlets"}),
            "Get-ManagementRoleEntry": (self.roles.custom.get_entry, {"Identity", "ResultSize"}),
            "Add-ManagementRoleEntry": (self.roles.custom.add_entry, {"Identity", "Parameters"}),
            "Set-ManagementRoleEntry": (self.roles.custom.set_entry, {"Identity", "Parameters"}),
            "Remove-ManagementRoleEntry": (self.roles.custom.remove_entry, {"Identity"}),
            "Add-RoleGroupMember": (
                self.roles.add_role_group_member,
                {"Identity", "Member", "BypassSecurityGroupManagerCheck"},
            ),
        }
        self.cmdlets = {
            name: Cmdlet(run, frozenset(parameters)) for name, (run, parameters) in runs.items()
        }

    def get_accepted_domain(self, parameters: Document) -> list[Document]:
        organization = organization_of(self._store)
        return [
            {
                "DomainName": domain,
                "Name": domain,
                "DomainType": "Authoritative",
                "Default": domain == organization.default,
            }
            for domain in organization.accepted
        ]

    def connect(self, *, token: str, organization: str = "", person: str = "") -> "ExchangeSession":
        """Connects as ``Connect-ExchangeOnline -AccessToken`` does.

        Args:
            token: For the audience https://outlook.office365.com, of an application with
                Exchange.ManageAsApp, or of a person.
            organization: Of an application: the ``.onmicrosoft.com`` domain. With another name of
                the organisation connecting and reading works and writing does not, as in Exchange
                Online.
            person: The user principal name that the token of a person has to be of. That either
                kind of token is refused with what belongs to the other is the stricter reading.

        Raises:
            CloudError: Exchange Online does not let the caller in.
        """

        def effect() -> ExchangeSession:
            claims = self._entra.validate(token, EXCHANGE_AUDIENCE)
            if claims.get("person") or person:
                return self._connect_person(claims, token, person)
            known = {
                name.casefold() for name in (*organization_of(self._store).accepted, TENANT_ID)
            }
            if (
                "Exchange.ManageAsApp" not in claims["roles"]
                or organization.casefold() not in known
            ):
                raise CloudError(401, "UnAuthorized", "UnAuthorized")
            cmdlets = self.roles.cmdlets_of(claims["principalId"])
            if cmdlets is None:
                raise CloudError(
                    403,
                    "Forbidden",
                    f"The role assigned to application {claims['appId']} isn't supported in this "
                    "scenario. Please check online documentation for assigning correct Directory "
                    "Roles to Azure AD Application for EXO App-Only Authentication.",
                )
            return ExchangeSession(self._store, self._entra, self, token, organization, cmdlets)

        target = organization or person
        return self._store.call("Exchange", "Connect-ExchangeOnline", target, effect)

    def _connect_person(self, claims: Document, token: str, person: str) -> "ExchangeSession":
        if claims.get("person", "").casefold() != person.casefold():
            raise CloudError(401, "UnAuthorized", "UnAuthorized")
        initial = organization_of(self._store).initial
        cmdlets = self.roles.cmdlets_of(claims["principalId"]) or {}
        return ExchangeSession(self._store, self._entra, self, token, initial, cmdlets)


class ExchangeSession:
    """One connection.

    Attributes:
        cmdlets: Those that the caller's roles allow, as they were when it connected, each with the
            parameters that they allow of it.
    """

    def __init__(
        self,
        store: Store,
        entra: Entra,
        exchange: Exchange,
        token: str,
        organization: str,
        cmdlets: Mapping[str, frozenset[str]],
    ) -> None:
        self._store = store
        self._entra = entra
        self._exchange = exchange
        self._token = token
        self.organization = organization
        self.cmdlets = cmdlets

    def invoke(self, cmdlet: str, parameters: Mapping[str, object]) -> list[Document]:
        """Runs a cmdlet.

        Args:
            cmdlet: Its name, in its own spelling.
            parameters: Bound parameters by name, in their own spelling, without -Confirm: asking
                back is the matter of the shell in which a cmdlet runs.

        Returns:
            The output objects, as their properties by name.

        Raises:
            ExchangeError: The cmdlet refuses.
            NotSimulated: Exchange Online has the cmdlet or parameter, the simulated tenant not.
        """
        known = self._exchange.cmdlets.get(cmdlet)
        if known is None:
            raise NotSimulated(f"The simulated tenant does not have {cmdlet}.")
        bound = dict(parameters)
        for name, value in bound.items():
            if name not in known.parameters:
                raise NotSimulated(f"The simulated tenant does not have {cmdlet} -{name}.")
            if isinstance(value, dict) and name not in EXTENSION_ATTRIBUTES:
                raise NotSimulated(f"The simulated tenant takes no hashtable for -{name}.")

        outside = sorted(bound.keys() - self.cmdlets.get(cmdlet, frozenset()))
        if cmdlet not in self.cmdlets or outside:
            # What is not loaded does not reach the service by way of the module; asked directly,
            # the service does not know it either. The sentences are PowerShell's.
            raise ExchangeError(
                "System.Management.Automation.ParameterBindingException"
                if cmdlet in self.cmdlets
                else "System.Management.Automation.CommandNotFoundException",
                f"A parameter cannot be found that matches parameter name '{outside[0]}'."
                if cmdlet in self.cmdlets
                else f"The term '{cmdlet}' is not recognized as the name of a cmdlet.",
            )

        def effect() -> list[Document]:
            try:
                claims = self._entra.validate(self._token, EXCHANGE_AUDIENCE)
            except CloudError as error:
                raise ExchangeError("System.UnauthorizedAccessException", error.message) from None
            self._check_write(cmdlet)
            self._exchange.roles.check_delegation(claims["principalId"], cmdlet, bound)
            return known.run(bound)

        target = str(bound.get(known.name_of_target) or "")
        try:
            return self._store.call("Exchange", cmdlet, target, effect)
        except ExchangeError as error:
            with self._store.transaction():
                language = Language(self._store.setting("language", Language.ENGLISH))
            raise translated(error, language) from None

    def _check_write(self, cmdlet: str) -> None:
        is_write = cmdlet.split("-")[0] not in ("Get", "Test")
        if is_write and self.organization.casefold() != organization_of(self._store).initial:
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.InsufficientPermissionsException",
                f"Active Directory operation failed on {DOMAIN_CONTROLLER}. The caller doesn't "
                f"have write permission to target DC '{DOMAIN_CONTROLLER}'. Additional "
                "information: insufficient access rights to perform the operation.",
            )
