"""A mail-enabled security group with exactly the members that it should have.

Owns the group and its whole membership: a member that is not configured is removed. It is made to
be the scope of an application access policy, and its removal takes the policies on it along,
because a policy must outlive the identity that it confines
(``powershell/remove-mail-enabled-security-group.ps1``).

Microsoft Graph cannot create such a group or change its members; Exchange can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.exchange.exchange_command import (
    ExchangeOrganization,
    Recipient,
    address_of,
    commands_of,
    exchange_command,
    ownership_mark,
)


@dataclass(frozen=True)
class MailEnabledSecurityGroupArgs:
    """What a mail-enabled security group should be.

    Attributes:
        address: Primary SMTP address, in an accepted domain of the organisation.
        display_name: Up to 256 characters.
        name: Exchange's unique name, up to 64 characters; used at creation only.
        alias: Mail alias, up to 64 characters.
        managed_by: Addresses of the owners: mailboxes, mail users or mail-enabled security groups.
            Whoever owns the group decides whom an application may send as. Empty leaves the owners
            as Exchange sets them.
        adopt: Takes over an existing group with this address that carries no mark. Members that are
            not configured are then removed from it; the group itself never is.
    """

    address: str
    display_name: str
    name: str
    alias: str
    managed_by: Sequence[str] = ()
    adopt: bool = False


class MailEnabledSecurityGroup(pulumi.ComponentResource):
    """A group whose members are the mailboxes that an application may use.

    Attributes:
        address: Primary SMTP address.
        members: Addresses of the members.
        commands: The commands that must have run before the group can be relied on: the one that
            makes it, and the one that sets its members.
    """

    def __init__(
        self,
        name: str,
        args: MailEnabledSecurityGroupArgs,
        *,
        members: Sequence[Recipient],
        organization: ExchangeOrganization,
        retain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers the group and its members.

        Args:
            name: Logical name; part of the mark by which the group is found again.
            args: What the group should be.
            members: All of its members: components, or addresses of what exists already.
            organization: Where it is.
            retain: Keeps the group, with the policies on it, when the stack goes: Pulumi refuses to
                delete it, and once unprotected only forgets it.
            opts: Resource options.
        """
        super().__init__("exchange-online:index:MailEnabledSecurityGroup", name, None, opts)
        self.address: str = args.address
        self.members: Sequence[str] = [address_of(member) for member in members]
        mark = ownership_mark(name)

        group = exchange_command(
            name,
            organization=organization,
            ensure="ensure-mail-enabled-security-group.ps1",
            remove="remove-mail-enabled-security-group.ps1",
            desired={
                "mark": mark,
                "address": args.address,
                "displayName": args.display_name,
                "name": args.name,
                "alias": args.alias,
                "managedBy": list(args.managed_by),
                "adopt": args.adopt,
            },
            # The members first: at teardown the group, with the policies on it, goes before them.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=commands_of(*members),
                protect=retain or None,
                retain_on_delete=retain or None,
            ),
        )
        membership = exchange_command(
            f"{name}-members",
            organization=organization,
            ensure="set-group-member.ps1",
            desired={"groupMark": mark, "groupAddress": args.address, "members": self.members},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[group]),
        )

        self.commands: Sequence[pulumi.Resource] = [group, membership]
        self.register_outputs({"address": self.address, "members": self.members})
