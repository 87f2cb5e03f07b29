"""Exchange's service principals, the roles that applications are assigned, and their scopes.

A management role says which cmdlets a connection of the application loads. An application role
opens mailboxes to it, in Graph, within the scope of the assignment: RBAC for Applications.
https://learn.microsoft.com/exchange/permissions-exo/application-rbac
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from simulator.tenant.answers import ExchangeError, NotSimulated
from simulator.tenant.entra import Entra
from simulator.tenant.exchange.client_access import ENFORCE, ClientAccess
from simulator.tenant.exchange.custom_roles import CustomRoles
from simulator.tenant.exchange.recipients import (
    GROUP_TYPES,
    MAILBOX_TYPES,
    NOT_FOUND,
    VALIDATION,
    Recipients,
    checked_name,
    not_found,
    wildcard,
)
from simulator.tenant.exchange.scopes import Scopes, ScopeType
from simulator.tenant.identifiers import new_id, seeded_id
from simulator.tenant.policy_evaluation import RoleGrant
from simulator.tenant.store import Document, Store

OVERRIDE = f"Override{ENFORCE}"
SCOPE_PARAMETERS = (
    "CustomResourceScope",
    "RecipientGroupScope",
    "RecipientAdministrativeUnitScope",
)

_READS = {
    "Get-CASMailbox",
    "Get-DistributionGroup",
    "Get-DistributionGroupMember",
    "Get-Mailbox",
    "Get-Recipient",
}
_ORGANIZATION = {"Get-AcceptedDomain", "Get-OrganizationConfig"}
_GROUPS = {
    f"{verb}-DistributionGroup{noun}"
    for verb, noun in (
        ("Get", ""),
        ("New", ""),
        ("Set", ""),
        ("Remove", ""),
        ("Get", "Member"),
        ("Add", "Member"),
        ("Remove", "Member"),
        ("Update", "Member"),
    )
}
ROLES: dict[str, Collection[str]] = {
    "Mail Recipient Creation": {"New-Mailbox", "Remove-Mailbox"},
    "Mail Recipients": {
        "Get-CASMailbox",
        "Get-Mailbox",
        "Get-Recipient",
        "Set-CASMailbox",
        "Set-Mailbox",
        # No script uses it, and the tenant does not run it: it is what a child role leaves out.
        "Add-MailboxPermission",
        *_ORGANIZATION,
    },
    "Distribution Groups": _GROUPS | _ORGANIZATION,
    "Security Group Creation and Membership": _GROUPS,
    "View-Only Recipients": _READS,
    "View-Only Configuration": {"Get-ApplicationAccessPolicy", *_ORGANIZATION},
    "Organization Configuration": {
        "Get-OrganizationConfig",
        *(f"{verb}-ApplicationAccessPolicy" for verb in ("Get", "New", "Set", "Remove", "Test")),
    },
    "Role Management": {
        *(f"{verb}-ServicePrincipal" for verb in ("Get", "New", "Set", "Remove")),
        *(f"{verb}-ManagementScope" for verb in ("Get", "New", "Set", "Remove")),
        *(f"{verb}-ManagementRoleAssignment" for verb in ("Get", "New", "Remove")),
        *(f"{verb}-ManagementRole" for verb in ("Get", "New")),
        *(f"{verb}-ManagementRoleEntry" for verb in ("Get", "Add", "Set", "Remove")),
        "Add-RoleGroupMember",
        "Test-ServicePrincipalAuthorization",
    },
}
"""Cmdlets of each management role, those that the project uses.

Microsoft lists them per tenant only (``Get-ManagementRole -Cmdlet``). Where they are from:

* Microsoft365DSC's ``settings.json`` of each resource names the roles of what it calls:
  ``EXOAcceptedDomain`` (Organization Configuration is not among them), ``EXOOrganizationConfig``,
  ``EXOApplicationAccessPolicy``, ``EXOCASMailboxSettings``, ``EXOMailboxSettings``,
  ``EXOManagementRoleAssignment``. View-Only Configuration is said to read role assignments as well;
  nothing here relies on it.
* Of the rest, and of ``Get-ServicePrincipal``, for which ``EXOServicePrincipal`` names no role, a
  cmdlet stands with the role that its page or a field report names.
"""

APPLICATION_ROLES: dict[str, tuple[str, ...]] = {
    f"Application {name}": tuple(permissions.split())
    for name, permissions in {
        **{
            permission: permission
            for permission in (
                "Mail.Read",
                "Mail.ReadBasic",
                "Mail.ReadWrite",
                "Mail.Send",
                "MailboxSettings.Read",
                "MailboxSettings.ReadWrite",
                "Calendars.Read",
                "Calendars.ReadWrite",
                "Contacts.Read",
                "Contacts.ReadWrite",
                "MailboxConfigItem.Read",
                "MailboxConfigItem.ReadWrite",
                "MailTips.ReadBasic.All",
                "Mail-Advanced.ReadWrite.All",
                "SMTP.SendAsApp",
                "EWS.AccessAsApp",
            )
        },
        "MailboxFolder.Read": "MailboxFolder.Read.All",
        "MailboxFolder.ReadWrite": "MailboxFolder.ReadWrite.All",
        "MailboxItem.Read": "MailboxItem.Read.All",
        "MailboxItem.ReadWrite": "MailboxItem.ReadWrite.All",
        "MailboxItem.Export": "MailboxItem.Export.All",
        "MailboxItem.ImportExport": "MailboxItem.ImportExport.All",
        "Mail Full Access": "Mail.ReadWrite Mail.Send",
        "Exchange Full Access": (
            "Mail.ReadWrite Mail.Send MailboxSettings.ReadWrite Calendars.ReadWrite "
            "Contacts.ReadWrite"
        ),
    }.items()
}
"""Permissions of each application role, after the table of Microsoft's page on them."""

POINTER, ASSIGNMENT = "exchangeServicePrincipal", "exchangeRoleAssignment"
ALREADY_EXISTS = "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"
# An idle application's permissions are read anew after half an hour, those of one that keeps
# calling after two hours: the lag of roles, and four times as much.
ACTIVE = 4


def _of_organization_management() -> list[Document]:
    """What the role group has: every role, and the right to assign each to others.

    The application roles it can only assign, not use. See "permissions" of
    https://learn.microsoft.com/exchange/permissions-exo/application-rbac.
    """
    group = "Organization Management"
    return [
        {
            "Name": f"{role}-{group}{suffix}",
            "Identity": f"{role}-{group}{suffix}",
            "Guid": seeded_id(f"{role}-{group}{suffix}"),
            "Role": role,
            "RoleAssignee": group,
            "RoleAssigneeName": group,
            "RoleAssigneeType": "RoleGroup",
            "AssignmentMethod": "RoleGroup",
            "RoleAssignmentDelegationType": kind,
            "RecipientWriteScope": "Organization",
            "CustomResourceScope": "",
            "Enabled": True,
        }
        for roles, suffix, kind in (
            (ROLES, "", "Regular"),
            ([*ROLES, *APPLICATION_ROLES], "-Delegating", "DelegatingOrgWide"),
        )
        for role in roles
    ]


class ManagementRoles:
    """The cmdlets about service principals, role assignments and management scopes."""

    def __init__(
        self, store: Store, entra: Entra, client_access: ClientAccess, recipients: Recipients
    ) -> None:
        self._store = store
        self._entra = entra
        self._client_access = client_access
        self._recipients = recipients
        self.scopes = Scopes(store, recipients)
        self.custom = CustomRoles(store, ROLES, recipients)

    # What callers may do, and what Graph goes by

    def entra_grants_count(self, app_id: str) -> bool:
        """Whether a mailbox opens to what an application is granted in Entra.

        Nobody has described the two switches. Here each of them alone, where it is on, ends that:
        whoever relies on a grant has to see both off.
        """
        overrides = [p.get("override") for p in self.pointers() if p["appId"] == app_id]
        return not self._client_access.organization().get(ENFORCE) and not any(overrides)

    def cmdlets_of(self, principal_id: str) -> Mapping[str, frozenset[str]] | None:
        """The parameters of each cmdlet that an application may run at this moment.

        Returns:
            ``None`` for an application without any role that Exchange knows.
        """
        names: Iterable[str] = ROLES
        if not self._is_organization_manager(principal_id):
            names = [
                assignment["role"]
                for assignment in self._assignments_of(principal_id)
                if not assignment["delegating"] and self._store.is_past(assignment["effectiveAt"])
            ]
        roles = [entries for name in names if (entries := self.custom.entries(name)) is not None]
        if not roles:
            return None
        allowed: dict[str, frozenset[str]] = {}
        for entries in roles:
            for cmdlet, given in entries.items():
                allowed[cmdlet] = allowed.get(cmdlet, frozenset()) | given
        return allowed

    def _is_organization_manager(self, principal_id: str) -> bool:
        return self._store.get("exchangeRoleGroups", principal_id) is not None

    def check_delegation(self, caller: str, cmdlet: str, parameters: Document) -> None:
        """Raises ``ExchangeError`` where the caller may not assign, or take back, that role."""
        if cmdlet == "New-ManagementRoleAssignment":
            role, name = parameters["Role"], parameters.get("Name") or parameters["Role"]
        elif cmdlet == "Remove-ManagementRoleAssignment":
            assignment = self._assignment(parameters["Identity"])
            role, name = assignment["role"], assignment["name"]
        elif cmdlet == "New-ManagementRole":
            role, name = parameters["Parent"], parameters["Name"]
        elif cmdlet in ("Add-ManagementRoleEntry", "Set-ManagementRoleEntry"):
            role = name = parameters["Identity"].rpartition("\\")[0]
        else:
            return
        if self._is_organization_manager(caller) or any(
            held["delegating"]
            and held["role"] in self.custom.lineage(role)
            and held["scopeType"] == ScopeType.ORGANIZATION
            and self._store.is_past(held["effectiveAt"])
            for held in self._assignments_of(caller)
        ):
            return
        # The sentence is that of field reports; its type is ours.
        raise ExchangeError(
            "System.InvalidOperationException",
            "You don't have access to create, change, or remove the "
            f'"{self._recipients.organization.initial}\\{name}" management role assignment. You '
            "must be assigned a delegating role assignment to the management role or its parent in "
            "the hierarchy without a scope restriction.",
        )

    def present(self) -> list[RoleGrant]:
        """What application roles open, as Exchange holds it: what its own test goes by."""
        return self._grants(self.assignments())

    def remembered(self) -> list[RoleGrant]:
        """The same, and what was taken back and Graph may still go by."""
        is_past = self._store.is_past
        kept = [a for a in self._store.all(ASSIGNMENT) if a["removedAt"] is not None]
        return self._grants(
            [*self.assignments(), *(a for a in kept if not is_past(a["forgottenAt"]))]
        )

    def effective(self, principal_id: str) -> list[RoleGrant]:
        """What Graph lets an application have at this moment, by its roles."""
        return self._grants(
            [a for a in self._store.all(ASSIGNMENT) if a["id"] in self._known(principal_id)]
        )

    def note_call(self, principal_id: str) -> None:
        """Keeps what Graph remembers of an application that calls: each call keeps it alive.

        Also one that is refused: whoever tries every minute is refused for two hours.
        """
        caches = self._store.setting("role caches", {})
        now = self._store.now().isoformat()
        since = caches[principal_id]["since"] if self._cache(principal_id) else now
        known = self._known(principal_id)
        caches[principal_id] = {"known": known, "since": since, "called": now}
        self._store.set_setting("role caches", caches)

    def _known(self, principal_id: str) -> list[str]:
        """Ids of the assignments that Graph goes by, if it is asked now."""
        cache = self._cache(principal_id)
        if cache:
            return list(cache["known"])
        is_past = self._store.is_past
        return [
            assignment["id"]
            for assignment in self._store.where(ASSIGNMENT, "principalId", principal_id)
            if is_past(assignment["effectiveAt"])
            and (assignment["removedAt"] is None or not is_past(assignment["forgottenAt"]))
        ]

    def _cache(self, principal_id: str) -> Document | None:
        cache: Document | None = self._store.setting("role caches", {}).get(principal_id)
        lag = timedelta(seconds=self._store.setting("lags", {}).get("roles", 0.0))
        if cache is None:
            return None
        ends = (
            datetime.fromisoformat(cache["called"]) + lag,
            datetime.fromisoformat(cache["since"]) + ACTIVE * lag,
        )
        return cache if self._store.now() < min(ends) else None

    def _grants(self, assignments: Iterable[Document]) -> list[RoleGrant]:
        return [
            RoleGrant(
                assignment["principalId"],
                APPLICATION_ROLES[assignment["role"]],
                self.scopes.mailboxes_in(assignment["scopeType"], assignment["scopeId"]),
            )
            for assignment in assignments
            if assignment["role"] in APPLICATION_ROLES and not assignment["delegating"]
        ]

    # Service principals

    def pointers(self) -> list[Document]:
        """Those that Exchange holds: one whose principal is gone in Entra goes with it."""
        return [p for p in self._store.all(POINTER) if not self._entra.is_forgotten(p["id"])]

    def get_service_principal(self, parameters: Document) -> list[Document]:
        """All of them without an identity, an error for one that is unknown."""
        if parameters.get("Identity"):
            return [self._shown(self._named(parameters["Identity"]))]
        return [self._shown(p) for p in self.pointers() if self._store.is_past(p["visibleAt"])]

    def set_service_principal(self, parameters: Document) -> list[Document]:
        """Changes the pointer's display name, or whether the enforcement is overridden."""
        pointer = self._named(parameters["Identity"])
        pointer["displayName"] = parameters.get("DisplayName", pointer["displayName"])
        pointer["override"] = parameters.get(OVERRIDE, pointer.get("override"))
        self._store.put(POINTER, pointer["id"], pointer)
        return []

    def new_service_principal(self, parameters: Document) -> list[Document]:
        """A pointer to an enterprise application; both ids have to be those of one in Entra."""
        object_id, app_id = parameters["ObjectId"], parameters["AppId"]
        principal = self._entra.service_principal(object_id)
        if principal is None or principal["appId"] != app_id:
            raise ExchangeError(
                NOT_FOUND,
                f"The service principal with the application id '{app_id}' and the object id "
                f"'{object_id}' couldn't be found in the directory.",
            )
        if any(pointer["id"] == object_id for pointer in self.pointers()):
            raise ExchangeError(
                ALREADY_EXISTS, f"The service principal '{object_id}' already exists."
            )
        pointer = {
            "id": object_id,
            "appId": app_id,
            "displayName": parameters.get("DisplayName") or principal["displayName"],
            "visibleAt": self._store.visible_at("exchange"),
        }
        self._store.put(POINTER, object_id, pointer)
        return [self._shown(pointer)]

    def remove_service_principal(self, parameters: Document) -> list[Document]:
        """Removes a pointer that no assignment names: whether others go with it nobody says."""
        pointer = self._named(parameters["Identity"])
        if self._assignments_of(pointer["id"]):
            raise ExchangeError(
                "System.InvalidOperationException",
                f"The service principal '{pointer['id']}' can't be removed because it's assigned "
                "management roles.",
            )
        self._store.delete(POINTER, pointer["id"])
        return []

    def test_authorization(self, parameters: Document) -> list[Document]:
        """Each regular assignment of an application role, and whether a mailbox is in its scope."""
        pointer = self._named(parameters["Identity"])
        resource = parameters.get("Resource")
        mailbox = self._recipients.find(resource, MAILBOX_TYPES) if resource else None
        rows = []
        for assignment in self._assignments_of(pointer["id"]):
            visible = self._store.is_past(assignment["visibleAt"])
            if not visible or assignment["role"] not in APPLICATION_ROLES:
                continue
            for grant in self._grants([assignment]):
                in_scope = "Not Run" if mailbox is None else str(grant.reaches(mailbox["id"]))
                rows.append(
                    {
                        "RoleName": assignment["role"],
                        "GrantedPermissions": ",".join(grant.permissions),
                        "AllowedResourceScope": self._scope_name(assignment),
                        "ScopeType": str(assignment["scopeType"]),
                        "InScope": in_scope,
                    }
                )
        return rows

    # Role assignments

    def assignments(self) -> list[Document]:
        """Those that Exchange holds: where a principal is gone in Entra, its own go with it."""
        return [
            assignment
            for assignment in self._store.all(ASSIGNMENT)
            if assignment["removedAt"] is None
            and not self._entra.is_forgotten(assignment["principalId"])
        ]

    def get_assignment(self, parameters: Document) -> list[Document]:
        """Assignments of applications: one, those of an assignee or a role, or all.

        Of an assignee also the indirect ones, by a role group. Those of role groups themselves are
        in no list here.
        """
        indirect: list[Document] = []
        identity = parameters.get("Identity")
        pattern = wildcard(identity) if identity else None
        if pattern is not None:
            found = [a for a in self.assignments() if pattern.fullmatch(a["name"])]
        elif identity:
            found = [self._assignment(identity)]
        elif parameters.get("RoleAssignee"):
            assignee = self._assignee(parameters["RoleAssignee"])
            found = self._assignments_of(assignee)
            if self._is_organization_manager(assignee):
                indirect = _of_organization_management()
        else:
            found = self.assignments()
        role = parameters.get("Role")
        shown = [self._shown_assignment(e) for e in found if self._store.is_past(e["visibleAt"])]
        return [entry for entry in [*shown, *indirect] if role in (None, entry["Role"])]

    def _assignee(self, identity: str) -> str:
        """Id of a person or an application; what has no pointer Exchange does not know."""
        person = seeded_id(identity.casefold())
        if "@" in identity and self._is_organization_manager(person):
            return person
        return str(self._named(identity)["id"])

    def new_assignment(self, parameters: Document) -> list[Document]:
        """Assigns a role to an application: it acts after a while, see :meth:`effective`."""
        self._check_customizable()
        principal = self._named(parameters["App"])
        role = parameters["Role"]
        is_management = self.custom.entries(role) is not None
        if not is_management and role not in APPLICATION_ROLES:
            raise ExchangeError(NOT_FOUND, f"The management role '{role}' couldn't be found.")
        scope_type, scope_id = self._scope_of(parameters)
        if is_management and scope_type is not ScopeType.ORGANIZATION:
            raise NotSimulated("The simulated tenant gives management roles no scope.")
        name = checked_name(parameters.get("Name") or f"{role}-{new_id()}"[:64])
        if any(a["name"].casefold() == name.casefold() for a in self.assignments()):
            raise ExchangeError(ALREADY_EXISTS, f"The role assignment '{name}' already exists.")
        assignment = {
            "id": new_id(),
            "name": name,
            "role": role,
            "principalId": principal["id"],
            "delegating": bool(parameters.get("Delegating")),
            "scopeType": scope_type,
            "scopeId": scope_id,
            "visibleAt": self._store.visible_at("exchange"),
            "effectiveAt": self._store.visible_at("roles"),
            "removedAt": None,
        }
        self._store.put(ASSIGNMENT, assignment["id"], assignment)
        return [self._shown_assignment(assignment)]

    def _scope_of(self, parameters: Document) -> tuple[ScopeType, str]:
        """What an assignment binds to; without any of the three parameters, to everything."""
        given = [p for p in SCOPE_PARAMETERS if parameters.get(p)]
        if len(given) > 1:
            raise ExchangeError(VALIDATION, f"You can't use {' and '.join(given)} together.")
        if not given:
            return ScopeType.ORGANIZATION, ""
        identity = parameters[given[0]]
        if given[0] == "RecipientGroupScope":
            return ScopeType.GROUP, self._recipients.find(identity, GROUP_TYPES)["id"]
        if given[0] == "RecipientAdministrativeUnitScope":
            return ScopeType.ADMINISTRATIVE_UNIT, self.scopes.administrative_unit(identity)["id"]
        return ScopeType.FILTER, self.scopes.named(identity)["id"]

    def remove_assignment(self, parameters: Document) -> list[Document]:
        assignment = self._assignment(parameters["Identity"])
        assignment["removedAt"] = self._store.now().isoformat()
        # Graph goes on with it for a while.
        assignment["forgottenAt"] = self._store.visible_at("roles")
        self._store.put(ASSIGNMENT, assignment["id"], assignment)
        return []

    def _assignments_of(self, principal_id: str) -> list[Document]:
        return [entry for entry in self.assignments() if entry["principalId"] == principal_id]

    def _assignment(self, identity: str) -> Document:
        for entry in self.assignments():
            names = (entry["name"].casefold(), entry["id"])
            if identity.casefold() in names and self._store.is_past(entry["visibleAt"]):
                return entry
        raise not_found(identity)

    def _shown_assignment(self, entry: Document) -> Document:
        return {
            "Name": entry["name"],
            "Identity": entry["name"],
            "Guid": entry["id"],
            "Role": entry["role"],
            "RoleAssignee": entry["principalId"],
            "RoleAssigneeName": entry["principalId"],
            "RoleAssigneeType": "ServicePrincipal",
            "AssignmentMethod": "Direct",
            "RoleAssignmentDelegationType": (
                "DelegatingOrgWide" if entry["delegating"] else "Regular"
            ),
            "RecipientWriteScope": str(entry["scopeType"]),
            "CustomResourceScope": self._scope_name(entry),
            "Enabled": True,
        }

    def _scope_name(self, entry: Document) -> str:
        return self.scopes.name_of(entry["scopeType"], entry["scopeId"])

    # Management roles

    def new_role(self, parameters: Document) -> list[Document]:
        self._check_customizable()
        return self.custom.new_role(parameters)

    def add_role_group_member(self, parameters: Document) -> list[Document]:
        """Makes an application one of Organization Management: it may do everything from then on.

        "Or have the Role Management role assigned" is what the page asks for the switch.
        """
        if parameters["Identity"] != "Organization Management":
            raise NotSimulated("The simulated tenant has the role group Organization Management.")
        member = self._named(parameters["Member"])["id"]
        if not parameters.get("BypassSecurityGroupManagerCheck"):
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.InsufficientPermissionsException",
                "You don't have sufficient permissions. This operation can only be performed by a "
                "manager of the group.",
            )
        self._store.put("exchangeRoleGroups", member, {"roleGroups": [parameters["Identity"]]})
        return []

    # Management scopes

    def new_scope(self, parameters: Document) -> list[Document]:
        self._check_customizable()
        return self.scopes.new_scope(parameters)

    def remove_scope(self, parameters: Document) -> list[Document]:
        """Removes a scope that no assignment binds to."""
        scope = self.scopes.named(parameters["Identity"])
        if any(entry["scopeId"] == scope["id"] for entry in self.assignments()):
            # The type is that of Remove-ManagementScope on premises, the sentence is ours.
            raise ExchangeError(
                "System.InvalidOperationException",
                f"The management scope '{scope['name']}' can't be removed because it's in use by a "
                "management role assignment.",
            )
        self.scopes.remove(scope)
        return []

    def _check_customizable(self) -> None:
        """Raises ``ExchangeError`` in an organisation that was never customised, or only just."""
        if not self._client_access.is_customizable():
            # The type is the one that others report of these cmdlets.
            raise ExchangeError(
                "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInDehydratedContextException",
                "The command you tried to run isn't currently allowed in your organization. To run "
                "this command, you first need to run the command: "
                "Enable-OrganizationCustomization.",
            )

    def _named(self, identity: str) -> Document:
        """A pointer that cmdlets find at this moment."""
        for pointer in self.pointers():
            names = (pointer["id"], pointer["appId"], pointer["displayName"])
            if identity in names and self._store.is_past(pointer["visibleAt"]):
                return pointer
        raise not_found(identity)

    def _shown(self, pointer: Document) -> Document:
        shown = {
            "AppId": pointer["appId"],
            "ObjectId": pointer["id"],
            "DisplayName": pointer["displayName"],
            "Identity": pointer["id"],
        }
        if ENFORCE in self._client_access.organization():
            shown[OVERRIDE] = pointer.get("override")
        return shown
