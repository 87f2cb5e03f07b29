"""A mail-enabled security group with exactly the members that it should have.

Owns the group and its whole membership: a member that is not configured is removed. It is made to
be the scope of an application access policy, or of roles, and its removal takes the released
policies on it along, because a policy must outlive the identity that it confines
(``powershell/remove-mail-enabled-security-group.ps1``).

Microsoft Graph cannot create such a group or change its members; Exchange can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ..inputs import child_options, inputs_of
from .exchange_command import (
    ExchangeCommand,
    ExchangeOrganization,
    outliving,
    ownership_mark,
)

GROUP_REMOVAL = "remove-mail-enabled-security-group.ps1"
"""What a group is known by in the state, whatever its name there."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What a mail-enabled security group should be, and the policies on it.

    Attributes:
        name: Exchange's unique name, up to 64 characters; used at creation only.
        display_name: Up to 256 characters.
        alias: Mail alias, up to 64 characters.
        address: Primary SMTP address, in an accepted domain of the organisation.
        policy_description: Text of the application access policies whose scope it is.
        managed_by: Addresses of the owners: mailboxes, mail users or mail-enabled security groups.
            Whoever owns the group decides whom an application may send as. Empty leaves the owners
            as Exchange sets them.
        adopt: Takes over an existing group with this address that carries no mark. Members that are
            not configured are then removed from it; the group itself never is.
    """

    name: str
    display_name: str
    alias: str
    address: str
    managed_by: Sequence[str] = ()
    policy_description: str
    adopt: bool = False


@dataclass(frozen=True, kw_only=True)
class MailEnabledSecurityGroupArgs:
    """Inputs of a :class:`MailEnabledSecurityGroup`.

    Attributes:
        group: What it should be.
        members: Addresses of all of its members, which must exist and be mailboxes. Name the
            components that make them in ``depends_on``, so that at teardown the group, with the
            policies on it, goes before them.
        organization: Where it is.
        retain: Keeps the group, with the policies on it, when the stack goes: Pulumi refuses to
            delete it, and once unprotected only forgets it.
        identity_outlives: See :func:`.exchange_command.outliving`.
    """

    group: Group
    members: Sequence[pulumi.Input[str]]
    organization: ExchangeOrganization
    retain: bool = False
    identity_outlives: bool = False


class MailEnabledSecurityGroup(pulumi.ComponentResource):
    """A group whose members are the mailboxes that an application may use.

    The logical name is part of the mark by which the group is found again.
    """

    address: pulumi.Output[str]
    """Primary SMTP address, known in a preview. What takes it waits for the group's members."""

    def __init__(
        self,
        name: str,
        args: MailEnabledSecurityGroupArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "exchange-online:index:MailEnabledSecurityGroup", name, inputs_of(args), opts
        )
        wanted, mark = args.group, ownership_mark(name)

        group = ExchangeCommand(
            name,
            organization=args.organization,
            ensure="ensure-mail-enabled-security-group.ps1",
            remove=GROUP_REMOVAL,
            desired={
                "mark": mark,
                "address": wanted.address,
                "displayName": wanted.display_name,
                "name": wanted.name,
                "alias": wanted.alias,
                "managedBy": list(wanted.managed_by),
                "adopt": wanted.adopt,
                **outliving(args.identity_outlives),
            },
            opts=child_options(
                self, opts, protect=args.retain or None, retain_on_delete=args.retain or None
            ),
        )
        members = ExchangeCommand(
            f"{name}-members",
            organization=args.organization,
            ensure="set-group-member.ps1",
            desired={"mark": mark, "address": wanted.address, "members": list(args.members)},
            opts=child_options(self, opts, depends_on=[group]),
        )

        made = pulumi.Output.all(group.urn, members.urn)
        self.address = made.apply(lambda _: wanted.address)
        self.register_outputs({"address": self.address})
