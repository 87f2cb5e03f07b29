"""Mailbox permissions for a workload identity by roles in Exchange, each bound to its mailboxes.

RBAC for Applications: nothing is granted in Entra, so nothing has to be confined first. The
identity has no permission until an assignment is made, and that is made with its scope. Before it,
and with the proof, Entra is asked for grants that would make the scope worthless. Owns, in
this order: Exchange's pointer to the service principal, one role assignment a permission, and the
proof; removal goes the same way back. It does not own the scope, which has to outlive the identity:
a :class:`ManagementScope` for one mailbox, a :class:`MailEnabledSecurityGroup` for several.
https://learn.microsoft.com/exchange/permissions-exo/application-rbac
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi

from .entra_grants import refuse_grants
from .exchange.exchange_command import (
    ExchangeCommand,
    ExchangeOrganization,
    exchange_name,
    outliving,
    ownership_mark,
    run_now,
)
from .graph_permission import MailboxPermission, permission_resource
from .hooks import asking_hook
from .inputs import child_options, inputs_of
from .service_principal import get_service_principal

ROLE_PROOF_SCRIPT = "prove-authorization.ps1"
"""The script that proves, and changes nothing."""

WITHOUT_ROLE = MailboxPermission.MAIL_READ_BASIC_ALL
"""The one of the eleven permissions for which Exchange has no role of its own."""


class ScopeType(StrEnum):
    """What a role is bound to, in the words in which Exchange shows an assignment."""

    MANAGEMENT_SCOPE = "CustomRecipientScope"
    GROUP = "Group"
    ADMINISTRATIVE_UNIT = "AdministrativeUnit"


@dataclass(frozen=True, kw_only=True)
class RoleBasedMailboxAccessArgs:
    """Inputs of a :class:`RoleBasedMailboxAccess`.

    Attributes:
        client_id: Application id of the identity.
        principal_id: Object id of the identity's service principal.
        display_name: What Exchange's pointer to it and the names of its assignments begin with.
        scope_type: What the roles are bound to.
        scope: The name of that management scope, the address of that group, or the object id of
            that administrative unit.
        members: Addresses of all mailboxes that it holds; of an administrative unit, whose others
            Exchange does not list, those for which the proof asks.
        control_mailbox: Address of an existing mailbox that must be out of scope.
        permissions: What the identity may do there, by the names of Graph's permissions.
        organization: The Exchange Online organisation.
        proof_timeout_seconds: How long the proof may take.
        identity_outlives: See :func:`.exchange_command.outliving`. A pointer to it that was there
            before stays as well.
        besides: What else lets the identity send, or confines it: the roles are proven anew where
            that changes.
        granted: Permissions that the identity may hold in Entra, where a policy confines them.
    """

    client_id: pulumi.Input[str]
    principal_id: pulumi.Input[str]
    display_name: str
    scope_type: ScopeType = ScopeType.MANAGEMENT_SCOPE
    scope: pulumi.Input[str]
    members: Sequence[pulumi.Input[str]]
    control_mailbox: pulumi.Input[str]
    permissions: Sequence[MailboxPermission]
    organization: ExchangeOrganization
    proof_timeout_seconds: int = 600
    identity_outlives: bool = False
    besides: str | None = None
    granted: Sequence[MailboxPermission] = ()


class RoleBasedMailboxAccess(pulumi.ComponentResource):
    """Lets an identity use the mailboxes of a scope, and proves that it can use no other.

    Name the scope in ``depends_on``, and in that of what has the identity.
    """

    def __init__(
        self,
        name: str,
        args: RoleBasedMailboxAccessArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "exchange-online:index:RoleBasedMailboxAccess", name, inputs_of(args), opts
        )
        self._organization, self._granted = args.organization, args.granted

        async def without_grants(hook: pulumi.ResourceHookArgs) -> None:
            desired = json.loads((hook.new_inputs or {})["stdin"])
            await self._refuse_grants(
                desired.get("principalId") or await self._principal_of(desired["appId"]),
                otherwise="nothing more was assigned to it in this run",
            )

        no_grants = asking_hook(f"grants {name}", without_grants)
        before = pulumi.ResourceHookBinding(before_create=[no_grants], before_update=[no_grants])
        mark = ownership_mark(name)
        scope = {
            "scopeType": args.scope_type,
            "scope": args.scope,
            "members": list(args.members),
        }
        roles = {each: f"Application {MailboxPermission(each)}" for each in args.permissions}
        pointer = ExchangeCommand(
            f"{name}-pointer",
            organization=args.organization,
            ensure="ensure-service-principal.ps1",
            remove="remove-service-principal.ps1",
            desired={
                "principalId": args.principal_id,
                "appId": args.client_id,
                "displayName": args.display_name,
                **outliving(args.identity_outlives),
            },
            opts=child_options(self, opts),
        )
        self.permissions = [
            ExchangeCommand(
                permission_resource(name, permission),
                organization=args.organization,
                ensure="ensure-role-assignment.ps1",
                remove="remove-role-assignment.ps1",
                desired={
                    "name": _assignment_name(args, mark, permission),
                    "principalId": args.principal_id,
                    "role": role,
                    **scope,
                },
                opts=child_options(self, opts, depends_on=[pointer], hooks=before),
            )
            for permission, role in roles.items()
        ]
        """The role assignments, one a permission."""
        self._confinement: dict[str, Any] = {
            "roles": sorted(roles.values()),
            **scope,
            "controlMailbox": args.control_mailbox,
            "timeoutSeconds": args.proof_timeout_seconds,
            **({"besides": args.besides} if args.besides else {}),
        }
        self.proof = ExchangeCommand(
            f"{name}-proof",
            organization=args.organization,
            ensure=ROLE_PROOF_SCRIPT,
            desired={"appId": args.client_id, **self._confinement},
            opts=child_options(self, opts, depends_on=[pointer, *self.permissions], hooks=before),
        )
        self.register_outputs({})

    async def prove(self, client_id: str, *, otherwise: str) -> None:
        """Proves the confinement of an application once more.

        Args:
            client_id: Application id of the identity.
            otherwise: What a failure means, as the end of a sentence.

        Raises:
            pulumi.RunError: It is not proven.
        """
        await self._refuse_grants(await self._principal_of(client_id), otherwise=otherwise)
        try:
            desired = {"appId": client_id, **self._confinement}
            await run_now(self._organization, ROLE_PROOF_SCRIPT, desired)
        except Exception as error:  # noqa: BLE001 - see run_now
            raise pulumi.RunError(
                f"The roles of application {client_id} are not those of this stack any more: "
                f"{otherwise}. {' '.join(str(error).split())}"
            ) from None

    async def _principal_of(self, client_id: str) -> str:
        return (await get_service_principal(self, clientId=client_id))["objectId"]

    async def _refuse_grants(self, principal_id: str, *, otherwise: str) -> None:
        await refuse_grants(
            self,
            principal_id,
            cloud=self._organization.cloud,
            otherwise=otherwise,
            expected=self._granted,
        )


def _assignment_name(
    args: RoleBasedMailboxAccessArgs, mark: str, permission: MailboxPermission
) -> pulumi.Output[str]:
    """Of each identity and scope another: a former one is removed once the new one is made.

    It leaves room for the claim that ensure-role-assignment.ps1 may put behind it.
    """
    readable = f"{args.display_name} {permission}"[:42]
    return pulumi.Output.all(args.principal_id, args.scope).apply(
        lambda parts: exchange_name(readable, mark, permission, *parts)
    )
