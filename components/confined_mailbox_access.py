"""Mailbox permissions for a workload identity, confined to named mailboxes before they are granted.

Owns, in this order: the application access policy, the proof that it confines, and the app role
assignments. It takes any identity: the one of a Logic App here, of a function or an app
registration elsewhere. It does not own the group, whose members are the mailboxes in reach: the
group must exist before the identity, so that the policies on it go after the identity
(:class:`MailEnabledSecurityGroup`).
"""

from collections.abc import Sequence
from datetime import timedelta

import pulumi

from components.exchange.access_proof import AccessProof
from components.exchange.application_access_policy import ApplicationAccessPolicy
from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import MailEnabledSecurityGroup
from components.graph_permission import GraphPermission, MailboxPermission


class ConfinedMailboxAccess(pulumi.ComponentResource):
    """Confines an identity to the members of a group, proves it, and only then grants.

    Attributes:
        policy: The application access policy.
        proof: The proof of confinement.
        grants: One Graph permission each.
    """

    def __init__(
        self,
        name: str,
        *,
        client_id: pulumi.Input[str],
        principal_id: pulumi.Input[str],
        group: MailEnabledSecurityGroup,
        control_mailbox: str,
        permissions: Sequence[MailboxPermission],
        policy_description: str,
        proof_timeout: timedelta,
        settle: timedelta,
        retire_former_identities: bool = False,
        organization: ExchangeOrganization,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers policy, proof and grants.

        Args:
            name: Logical name.
            client_id: Application id of the identity.
            principal_id: Object id of the identity's service principal.
            group: The group whose members the identity may use.
            control_mailbox: Address of an existing mailbox outside the group, which must be Denied.
            permissions: What is granted. Only the eleven that a policy confines can be named.
            policy_description: Text of the policy.
            proof_timeout: How long the proof may take.
            settle: How long to wait between proof and grant, for Graph to learn of the policy. An
                hour in production:
                https://learn.microsoft.com/exchange/permissions-exo/application-access-policies.
            retire_former_identities: See :class:`ApplicationAccessPolicy`.
            organization: The Exchange Online organisation.
            opts: Resource options.
        """
        super().__init__("exchange-online:index:ConfinedMailboxAccess", name, None, opts)
        # A plain text gets this far from programs that are not type checked.
        permissions = [MailboxPermission(permission) for permission in permissions]

        self.policy = ApplicationAccessPolicy(
            f"{name}-policy",
            client_id=client_id,
            group=group,
            description=policy_description,
            retire_former_identities=retire_former_identities,
            organization=organization,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.proof = AccessProof(
            f"{name}-proof",
            client_id=client_id,
            group=group,
            members=group.members,
            control_mailbox=control_mailbox,
            permissions=permissions,
            policy=self.policy,
            timeout=proof_timeout,
            settle=settle,
            organization=organization,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Directly on members, policy and proof: were it on the proof alone, a replacement could
        # delete the policy's predecessor while the old grant stands.
        confinement = [*group.commands, *self.policy.commands, *self.proof.commands]
        self.grants = [
            GraphPermission(
                f"{name}-{permission.lower().replace('.', '-')}",
                permission=permission,
                principal_id=principal_id,
                after=confinement,
                before_create=[self.proof.before_grant],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for permission in permissions
        ]
        self.register_outputs({"permissions": list(permissions)})
