"""A Microsoft Graph application permission for a workload identity.

Owns the app role assignment, which at the same time is the admin consent. It confines nothing: a
mailbox permission reaches every mailbox of the organisation unless a policy was there first. Use
:class:`components.confined_mailbox_access.ConfinedMailboxAccess` unless you are building just that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi
import pulumi_azuread as azuread

from .deletion import go_before_policy
from .provider_errors import error_hooks
from .service_principal import get_service_principal

GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
"""Application id of Microsoft Graph: the same in every tenant and every cloud."""


class MailboxPermission(StrEnum):
    """The Graph application permissions that an application access policy confines: these eleven.

    Any other mailbox permission (``MailboxItem.*``, ``MailboxFolder.*``, ``SMTP.SendAsApp``, …)
    keeps its reach over the whole organisation, whatever policy there is.
    Source: https://learn.microsoft.com/exchange/permissions-exo/application-access-policies.
    """

    MAIL_READ = "Mail.Read"
    MAIL_READ_BASIC = "Mail.ReadBasic"
    MAIL_READ_BASIC_ALL = "Mail.ReadBasic.All"
    MAIL_READ_WRITE = "Mail.ReadWrite"
    MAIL_SEND = "Mail.Send"
    MAILBOX_SETTINGS_READ = "MailboxSettings.Read"
    MAILBOX_SETTINGS_READ_WRITE = "MailboxSettings.ReadWrite"
    CALENDARS_READ = "Calendars.Read"
    CALENDARS_READ_WRITE = "Calendars.ReadWrite"
    CONTACTS_READ = "Contacts.Read"
    CONTACTS_READ_WRITE = "Contacts.ReadWrite"


def permission_resource(access: str, permission: MailboxPermission) -> str:
    """Logical name of what gives a permission, by that of the component that it is part of."""
    return f"{access}-{permission.lower().replace('.', '-')}"


@dataclass(frozen=True, kw_only=True)
class GraphPermissionArgs:
    """Inputs of a :class:`GraphPermission`.

    Attributes:
        permission: Name of the app role, such as ``Mail.Send``.
        principal_id: Object id of the service principal that receives it.
    """

    permission: str
    principal_id: pulumi.Input[str]


class GraphPermission(azuread.AppRoleAssignment):
    """Assigns one app role of Microsoft Graph, by its name, to a service principal.

    Name in ``depends_on`` all that must exist before the assignment and is removed after it: Pulumi
    orders the deletion of replaced resources by direct dependencies only.
    """

    def __init__(
        self,
        name: str,
        args: GraphPermissionArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        before_create: Sequence[pulumi.ResourceHook] = (),
    ) -> None:
        """Registers the assignment.

        Args:
            name: Logical name.
            args: Which permission, and for whom.
            opts: Resource options.
            before_create: What has to succeed right before the assignment is made.
        """

        async def role() -> dict[str, str]:
            # Asked for by name: the ids of app roles are long, and tables of them on the web are
            # wrong in places, which would grant something else.
            graph = await get_service_principal(self, clientId=GRAPH_CLIENT_ID)
            # No more than is used: the SDK makes an output of each of several hundred roles.
            return {
                "id": _role_id(graph["appRoleIds"], args.permission),
                "offeredBy": graph["objectId"],
            }

        # The look-up begins once this is registered, and goes by its provider.
        found: pulumi.Output[Any] = pulumi.Output.from_input(role())
        super().__init__(
            name,
            app_role_id=found["id"],
            principal_object_id=args.principal_id,
            resource_object_id=found["offeredBy"],
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    # The engine removes the grant before it replaces the identity. Should that stop
                    # halfway, the next run would otherwise remove the same grant once more, which
                    # Graph refuses, and would do so in every run after that.
                    delete_before_replace=True,
                    transforms=[go_before_policy],
                    hooks=error_hooks(f"app role assignment {name}", before_create),
                ),
            ),
        )


def _role_id(roles: dict[str, str], permission: str) -> str:
    if permission not in roles:
        raise pulumi.RunError(
            f"Microsoft Graph has no application permission '{permission}' in this tenant. "
            "Check its spelling: https://learn.microsoft.com/graph/permissions-reference."
        )
    return roles[permission]
