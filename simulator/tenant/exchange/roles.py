"""Exchange's own service principals, management roles and who is assigned which of them.

Only assignments to applications are simulated, and only as far as they decide which cmdlets a
connection of that application loads.
"""

from collections.abc import Collection

from simulator.tenant.answers import ExchangeError
from simulator.tenant.entra import Entra
from simulator.tenant.exchange.client_access import ENFORCE, ClientAccess
from simulator.tenant.exchange.recipients import NOT_FOUND, VALIDATION
from simulator.tenant.identifiers import new_id
from simulator.tenant.store import Document, Store

NAME_LIMIT = 64

OVERRIDE = f"Override{ENFORCE}"

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
        "Get-ServicePrincipal",
        "New-ServicePrincipal",
        "Set-ServicePrincipal",
        "Get-ManagementRoleAssignment",
        "New-ManagementRoleAssignment",
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


class ManagementRoles:
    """The cmdlets about service principals and role assignments."""

    def __init__(self, store: Store, entra: Entra, client_access: ClientAccess) -> None:
        self._store = store
        self._entra = entra
        self._client_access = client_access

    def entra_grants_count(self, app_id: str) -> bool:
        """Whether a mailbox opens to what an application is granted in Entra.

        Nobody has described the two switches. Here each of them alone, where it is on, ends that:
        whoever relies on a grant has to see both off.
        """
        pointers = self._store.all("exchangeServicePrincipal")
        overrides = [p.get("override") for p in pointers if p["appId"] == app_id]
        return not self._client_access.organization().get(ENFORCE) and not any(overrides)

    def cmdlets_of(self, principal_id: str) -> frozenset[str] | None:
        """What an application may run at this moment.

        Returns:
            ``None`` for an application without any role that Exchange knows.
        """
        if self._store.get("exchangeRoleGroups", principal_id):
            return frozenset().union(*ROLES.values())  # Organization Management
        assigned = [
            assignment
            for assignment in self._assignments_of(principal_id)
            if self._store.is_past(assignment["effectiveAt"])
        ]
        if not assigned:
            return None
        return frozenset().union(*(ROLES[assignment["role"]] for assignment in assigned))

    # The cmdlets

    def get_service_principal(self, parameters: Document) -> list[Document]:
        """All of them without an identity, an error for one that is unknown."""
        everyone = self._store.all("exchangeServicePrincipal")
        if not parameters.get("Identity"):
            return [self._shown(principal) for principal in everyone]
        return [self._shown(self._named(parameters["Identity"]))]

    def set_service_principal(self, parameters: Document) -> list[Document]:
        """Changes the pointer's display name, or whether the enforcement is overridden."""
        pointer = self._named(parameters["Identity"])
        pointer["displayName"] = parameters.get("DisplayName", pointer["displayName"])
        pointer["override"] = parameters.get(OVERRIDE, pointer.get("override"))
        self._store.put("exchangeServicePrincipal", pointer["id"], pointer)
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
        if self._store.get("exchangeServicePrincipal", object_id):
            raise ExchangeError(
                "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                f"The service principal '{object_id}' already exists.",
            )
        pointer = {
            "id": object_id,
            "appId": app_id,
            "displayName": parameters.get("DisplayName") or principal["displayName"],
        }
        self._store.put("exchangeServicePrincipal", object_id, pointer)
        return [self._shown(pointer)]

    def get_assignment(self, parameters: Document) -> list[Document]:
        """Direct assignments of one assignee, or all."""
        assignee = parameters.get("RoleAssignee")
        assignments = (
            self._assignments_of(self._named(assignee)["id"])
            if assignee
            else self._store.all("exchangeRoleAssignment")
        )
        return [
            {"Name": entry["name"], "Role": entry["role"], "RoleAssignee": entry["principalId"]}
            for entry in assignments
        ]

    def new_assignment(self, parameters: Document) -> list[Document]:
        """Assigns a role to an application; it acts on connections that are made later on."""
        principal = self._named(parameters["App"])
        role, name = parameters["Role"], parameters.get("Name") or new_id()
        if role not in ROLES:
            raise ExchangeError(NOT_FOUND, f"The management role '{role}' couldn't be found.")
        if len(name) > NAME_LIMIT:
            raise ExchangeError(
                VALIDATION, f"The name '{name}' is longer than {NAME_LIMIT} characters."
            )
        for entry in self._store.all("exchangeRoleAssignment"):
            if entry["name"].casefold() == name.casefold():
                raise ExchangeError(
                    "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                    f"The role assignment '{name}' already exists.",
                )
        assignment = {
            "id": new_id(),
            "name": name,
            "role": role,
            "principalId": principal["id"],
            "effectiveAt": self._store.visible_at("roles"),
        }
        self._store.put("exchangeRoleAssignment", assignment["id"], assignment)
        return [{"Name": name, "Role": role, "RoleAssignee": principal["id"]}]

    def _assignments_of(self, principal_id: str) -> list[Document]:
        return [
            entry
            for entry in self._store.all("exchangeRoleAssignment")
            if entry["principalId"] == principal_id
        ]

    def _named(self, identity: str) -> Document:
        for pointer in self._store.all("exchangeServicePrincipal"):
            if identity in (pointer["id"], pointer["appId"], pointer["displayName"]):
                return pointer
        raise ExchangeError(NOT_FOUND, f"The service principal '{identity}' couldn't be found.")

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
