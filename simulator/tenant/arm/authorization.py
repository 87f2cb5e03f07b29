"""What the deploying identity may do in Azure: roles, and the operations that they allow."""

from fnmatch import fnmatchcase

from simulator.tenant.arm.exceptions import authorization_failed
from simulator.tenant.arm.models import GROUPS_PATH
from simulator.tenant.paths import Request
from simulator.tenant.store import Document, Store

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
CONTRIBUTOR: Document = {
    "actions": ["*"],
    "notActions": [
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
        "Microsoft.Blueprint/blueprintAssignments/write",
        "Microsoft.Blueprint/blueprintAssignments/delete",
        "Microsoft.Compute/galleries/share/action",
        "Microsoft.Purview/consents/write",
        "Microsoft.Purview/consents/delete",
    ],
}
_OF_MOST_ROLES = [
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
]
ROLES_ON_A_GROUP: dict[str, list[str]] = {
    "Logic App Contributor": ["Microsoft.Logic/*", *_OF_MOST_ROLES],
    "Managed Identity Contributor": [
        *(
            f"Microsoft.ManagedIdentity/userAssignedIdentities/{verb}"
            for verb in ("read", "write", "delete")
        ),
        *_OF_MOST_ROLES,
    ],
    "Managed Identity Operator": [
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        *_OF_MOST_ROLES,
    ],
    "Monitoring Contributor": [
        "*/read",
        "Microsoft.Insights/ActionGroups/*",
        "Microsoft.Insights/DiagnosticSettings/*",
        "Microsoft.Insights/MetricAlerts/*",
        "Microsoft.Support/*",
    ],
}
"""The roles that documents name, each with what it allows of what is simulated."""


def authorize(store: Store, request: Request) -> None:
    """Refuses what roles on one resource group do not allow, where the caller has no others."""
    group = store.setting("only resource group", None)
    # Everybody may list the subscriptions in which they have a role.
    if group is None or len(request.segments) == 1:
        return
    scope, own = request.path.casefold(), f"{GROUPS_PATH}/{group}".casefold()
    if scope == own and request.method == "GET":
        return
    if not scope.startswith(f"{own}/") or not any(
        fnmatchcase(operation(request).casefold(), action.casefold())
        for granted in permissions(store)
        for action in granted["actions"]
    ):
        raise authorization_failed(request.path)


def permissions(store: Store) -> list[Document]:
    """What the caller may do in the resource group, a role an entry."""
    if store.setting("only resource group", None) is None:
        return [CONTRIBUTOR]
    roles = store.setting("roles on resource group", list(ROLES_ON_A_GROUP))
    return [{"actions": ROLES_ON_A_GROUP[role], "notActions": []} for role in roles]


def operation(request: Request) -> str:
    """The operation that a role has to allow: ``Microsoft.Logic/workflows/write``."""
    before_last = request.segments[:-1]
    if "providers" not in before_last:
        return "Microsoft.Resources/subscriptions/resourceGroups/read"
    # What is set on a resource has its provider after that of the resource.
    start = len(before_last) - before_last[::-1].index("providers")
    provider, *below = request.segments[start:]
    kinds, last = below[::2], ""
    if request.method == "POST":
        *kinds, last = below[::2] if len(below) % 2 else [*below[::2], below[-1]]
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(request.method, "write")
    return "/".join([provider, *kinds, *([last, "action"] if last else [verb])])
