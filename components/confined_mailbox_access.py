"""Mailbox permissions for a workload identity, confined to named mailboxes before they are granted.

Owns, in this order: the application access policy, the proof that it confines, and the app role
assignments. It takes any identity: the one of a Logic App here, of a function or an app
registration elsewhere. It does not own the group, whose members are the mailboxes in reach: the
group must exist before the identity, so that the policies on it go after the identity
(:class:`MailEnabledSecurityGroup`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .exchange.access_proof import AccessProof, AccessProofArgs
from .exchange.application_access_policy import (
    ApplicationAccessPolicy,
    ApplicationAccessPolicyArgs,
)
from .exchange.exchange_command import ExchangeOrganization
from .graph_permission import (
    GraphPermission,
    GraphPermissionArgs,
    MailboxPermission,
    permission_resource,
)
from .inputs import child_options, inputs_of


@dataclass(frozen=True, kw_only=True)
class ConfinedMailboxAccessArgs:
    """Inputs of a :class:`ConfinedMailboxAccess`.

    Attributes:
        client_id: Application id of the identity.
        principal_id: Object id of the identity's service principal.
        group_address: Address of the group whose members the identity may use.
        members: Addresses of all members.
        control_mailbox: Address of an existing mailbox outside the group, which must be Denied.
        permissions: What is granted. Only the eleven that a policy confines can be named.
        policy_description: Text of the policy.
        organization: The Exchange Online organisation.
        proof_timeout_seconds: How long the proof may take.
        settle_seconds: How long to wait between proof and grant, for Graph to learn of the policy.
            An hour in production:
            https://learn.microsoft.com/exchange/permissions-exo/application-access-policies.
        retire_former_identities: See :class:`ApplicationAccessPolicyArgs`.
        identity_outlives: See :class:`ApplicationAccessPolicyArgs`.
        granted: Whether the permissions are granted. Where they are not, or not any more, the
            policy stays: a token of before may live on for a day.
    """

    client_id: pulumi.Input[str]
    principal_id: pulumi.Input[str]
    group_address: pulumi.Input[str]
    members: Sequence[pulumi.Input[str]]
    control_mailbox: pulumi.Input[str]
    permissions: Sequence[MailboxPermission]
    policy_description: pulumi.Input[str]
    organization: ExchangeOrganization
    proof_timeout_seconds: int = 600
    settle_seconds: int = 3600
    retire_former_identities: bool = False
    identity_outlives: bool = False
    granted: bool = True


class ConfinedMailboxAccess(pulumi.ComponentResource):
    """Confines an identity to the members of a group, proves it, and only then grants.

    Name the group in ``depends_on``: with its removal the policies on it go, so it has to be
    removed after the grants.
    """

    def __init__(
        self,
        name: str,
        args: ConfinedMailboxAccessArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-online:index:ConfinedMailboxAccess", name, inputs_of(args), opts)
        # A plain text gets this far from programs that are not type checked.
        permissions = [MailboxPermission(permission) for permission in args.permissions]

        self.policy = ApplicationAccessPolicy(
            f"{name}-policy",
            ApplicationAccessPolicyArgs(
                client_id=args.client_id,
                group_address=args.group_address,
                description=args.policy_description,
                organization=args.organization,
                retire_former_identities=args.retire_former_identities,
                identity_outlives=args.identity_outlives,
            ),
            child_options(self, opts),
        )
        self.proof = AccessProof(
            f"{name}-proof",
            AccessProofArgs(
                client_id=args.client_id,
                group_address=args.group_address,
                members=args.members,
                control_mailbox=args.control_mailbox,
                permissions=permissions,
                timeout_seconds=args.proof_timeout_seconds,
                settle_seconds=args.settle_seconds,
                organization=args.organization,
            ),
            child_options(self, opts, depends_on=[self.policy]),
        )
        self.permissions = [
            GraphPermission(
                permission_resource(name, permission),
                GraphPermissionArgs(permission=permission, principal_id=args.principal_id),
                # Directly on group, policy and proof: were it on the proof alone, a replacement
                # could delete the policy's predecessor while the old grant stands.
                child_options(self, opts, depends_on=[self.policy, self.proof]),
                before_create=[self.proof.before_grant],
            )
            for permission in permissions
            if args.granted
        ]
        """The app role assignments, one a permission."""
        self.prove = self.proof.prove
        """See :meth:`AccessProof.prove`."""
        self.register_outputs({})
