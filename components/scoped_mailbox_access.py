"""Mailbox permissions for an identity that somebody else made, confined to mailboxes that exist.

A function app, an app registration, a user-assigned identity of another program: it was there
before, and is there afterwards. Owns what confines it and what it is permitted, in the order in
which it is never unconfined, by a policy (:class:`ConfinedMailboxAccess`) or by roles in Exchange
(:class:`RoleBasedMailboxAccess`). Removal takes the permission away at once. What confines the
identity stays, since that lives on with a token from before, and a line of the removal says until
when. See ``docs/decisions/0025-what-confines-others-stays.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from .confined_mailbox_access import ConfinedMailboxAccess, ConfinedMailboxAccessArgs
from .exchange.exchange_command import ExchangeOrganization
from .exchange.mail_enabled_security_group import (
    Group,
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from .exchange.management_scope import ManagementScope, ManagementScopeArgs
from .graph_permission import MailboxPermission
from .inputs import child_options, inputs_of
from .migration import Scoping, Standing, course_of, note_times
from .role_based_mailbox_access import (
    RoleBasedMailboxAccess,
    RoleBasedMailboxAccessArgs,
    ScopeType,
)


@dataclass(frozen=True, kw_only=True)
class ScopedMailboxAccessArgs:
    """Inputs of a :class:`ScopedMailboxAccess`.

    Attributes:
        client_id: Application id of the identity.
        principal_id: Object id of the identity's service principal.
        mailboxes: Addresses of the mailboxes, which must exist. Name the components that make one
            of them in ``depends_on``.
        permissions: What the identity may do there, by the names of Graph's permissions.
        scoping: What confines the identity.
        group: The group that confines it: by a policy always, by roles where there are several
            mailboxes.
        administrative_unit: In place of it, for roles: the object id of an administrative unit of
            Entra that has the mailboxes. Others in it are in reach as well.
        control_mailbox: Address of an existing mailbox that the identity must not reach.
        organization: The Exchange Online organisation.
        proof_timeout_seconds: How long the proof of confinement may take.
        settle_seconds: How long to wait between the proof of a policy and the grant.
    """

    client_id: pulumi.Input[str]
    principal_id: pulumi.Input[str]
    mailboxes: Sequence[str]
    permissions: Sequence[MailboxPermission]
    scoping: Scoping = Scoping.POLICY
    group: Group | None = None
    administrative_unit: str | None = None
    control_mailbox: str
    organization: ExchangeOrganization
    proof_timeout_seconds: int = 600
    settle_seconds: int = 3600


class ScopedMailboxAccess(pulumi.ComponentResource):
    """Confines an identity of others to mailboxes, and only then permits it to use them."""

    def __init__(
        self,
        name: str,
        args: ScopedMailboxAccessArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        standing: Standing | None = None,
    ) -> None:
        """Registers what confines an identity, and what it is permitted.

        Args:
            name: Logical name.
            args: What it is.
            opts: Resource options.
            standing: What the state holds of it, so that a change of ``scoping`` goes its way.
        """
        super().__init__(
            "scoped-mail-sender:index:ScopedMailboxAccess", name, inputs_of(args), opts
        )
        by_policy = args.scoping is not Scoping.RBAC
        unit = args.administrative_unit
        several = unit is None and len(args.mailboxes) > 1
        needs_group = unit is None and (by_policy or several)
        if (args.group is not None) != needs_group or (by_policy and unit is not None):
            raise ValueError(
                "A policy, and roles for several mailboxes, need a group; roles for one, or for an "
                "administrative unit, have none."
            )
        self._name, self._args, self._opts = name, args, opts
        standing = standing or Standing()
        if several:
            # Roles for several have the group for a scope, which the policy has as well.
            has_scope = standing.roles or standing.left_at is not None
            standing = replace(standing, scope=has_scope)
        self._standing = standing
        self._course = course = course_of(
            args.scoping, standing, settle_seconds=args.settle_seconds, identity_outlives=True
        )
        if course.says:
            pulumi.log.info(f"{name}: {course.says}", resource=self)

        wanted = args.group or (standing.group if course.policy else None)
        group: MailEnabledSecurityGroup | None = None
        if wanted is not None:
            group = MailEnabledSecurityGroup(
                f"{name}-group",
                MailEnabledSecurityGroupArgs(
                    group=wanted,
                    members=args.mailboxes,
                    organization=args.organization,
                    identity_outlives=True,
                ),
                child_options(self, opts),
            )
        self.roles: RoleBasedMailboxAccess | None = None
        """What roles in Exchange let it use, and their proof, where there are any."""
        self.access: ConfinedMailboxAccess | None = None
        """The policy, its proof and the grants, where there are any."""
        scope: ManagementScope | None = None
        if course.scope and unit is None and not several:
            scope = self._scope()
        if course.roles:
            if scope is not None:
                self.roles = self._by_roles(ScopeType.MANAGEMENT_SCOPE, scope.scope_name, scope)
            elif unit is not None:
                self.roles = self._by_roles(ScopeType.ADMINISTRATIVE_UNIT, unit)
            elif group is not None:
                self.roles = self._by_roles(ScopeType.GROUP, group.address, group)
        if course.policy and group is not None and wanted is not None:
            self.access = self._by_policy(group, wanted.policy_description)
        note_times(
            name,
            args.scoping,
            standing,
            course,
            principal_id=args.principal_id,
            client_id=args.client_id,
            roles=self.roles,
            access=self.access,
            permissions=args.permissions,
            opts=child_options(self, opts),
        )
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "clientId": args.client_id,
            "principalId": args.principal_id,
            "scoping": args.scoping,
            "controlMailbox": args.control_mailbox,
        }
        """What a stack exports of it."""
        self.register_outputs(self.outputs)

    def _by_policy(self, group: MailEnabledSecurityGroup, text: str) -> ConfinedMailboxAccess:
        args = self._args
        return ConfinedMailboxAccess(
            f"{self._name}-access",
            ConfinedMailboxAccessArgs(
                client_id=args.client_id,
                principal_id=args.principal_id,
                group_address=group.address,
                members=args.mailboxes,
                control_mailbox=args.control_mailbox,
                permissions=args.permissions,
                policy_description=text,
                organization=args.organization,
                proof_timeout_seconds=args.proof_timeout_seconds,
                settle_seconds=args.settle_seconds,
                identity_outlives=True,
                granted=self._course.grants,
            ),
            child_options(self, self._opts, depends_on=[group]),
        )

    def _scope(self) -> ManagementScope:
        """Of the one mailbox."""
        args = self._args
        return ManagementScope(
            f"{self._name}-scope",
            ManagementScopeArgs(
                display_name=self._name,
                mailbox_address=args.mailboxes[0],
                organization=args.organization,
                identity_outlives=True,
            ),
            child_options(self, self._opts),
        )

    def _by_roles(
        self, scope_type: ScopeType, scope: pulumi.Input[str], *after: pulumi.Resource
    ) -> RoleBasedMailboxAccess:
        args, course = self._args, self._course
        granted = course.grants or self._standing.grants
        return RoleBasedMailboxAccess(
            f"{self._name}-access",
            RoleBasedMailboxAccessArgs(
                client_id=args.client_id,
                principal_id=args.principal_id,
                display_name=self._name,
                scope_type=scope_type,
                scope=scope,
                members=args.mailboxes,
                control_mailbox=args.control_mailbox,
                permissions=args.permissions,
                organization=args.organization,
                proof_timeout_seconds=args.proof_timeout_seconds,
                identity_outlives=True,
                besides="grant" if course.grants else "policy" if course.policy else None,
                # Under its policy, and in the run in which it goes.
                granted=[*MailboxPermission] if granted else (),
            ),
            child_options(self, self._opts, depends_on=[*after]),
        )
