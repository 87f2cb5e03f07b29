"""An Exchange Online shared mailbox.

Owns the mailbox and its settings. It does not give anyone access to it, and does not licence it: a
shared mailbox needs no licence up to 50 GB, and an application sends from it without one.

There are two commands, because what the workflow reads (the mailbox's object id) must not become
unknown in the preview of a changed display name: the whole workflow would show as changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.exchange.exchange_command import (
    ExchangeOrganization,
    exchange_command,
    observed,
    ownership_mark,
)


@dataclass(frozen=True)
class SharedMailboxArgs:
    """What a shared mailbox should be.

    Attributes:
        address: Primary SMTP address, in an accepted domain of the organisation.
        display_name: Up to 256 characters.
        name: Exchange's unique name, up to 64 characters. Used at creation only: many tenants
            replace it by the object id, so it is never compared.
        alias: Mail alias, up to 64 characters.
        hidden_from_address_lists: Keeps the mailbox out of the address book.
        sign_in_blocked: Disables the account behind the mailbox. Sending through Graph as an
            application needs no sign-in.
        adopt: Takes over an existing shared mailbox with this address that carries no mark. It is
            then never removed.
        purge: Whether its removal is for good. Otherwise Exchange keeps the mailbox, recoverable,
            for 30 days. A change of it shows what takes the object id as changed in the preview.
    """

    address: str
    display_name: str
    name: str
    alias: str
    hidden_from_address_lists: bool = True
    sign_in_blocked: bool = True
    adopt: bool = False
    purge: bool = False


class SharedMailbox(pulumi.ComponentResource):
    """A shared mailbox that is created, kept as configured, and removed with the stack.

    Attributes:
        address: Primary SMTP address.
        object_id: The mailbox's object id in Entra and Graph (Exchange's
            ``ExternalDirectoryObjectId``), for ``/users/{id}/sendMail``.
        commands: The commands that must have run before the mailbox can be used.
    """

    def __init__(
        self,
        name: str,
        args: SharedMailboxArgs,
        *,
        organization: ExchangeOrganization,
        retain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers the mailbox.

        Args:
            name: Logical name; part of the mark by which the mailbox is found again.
            args: What the mailbox should be.
            organization: Where it is.
            retain: Keeps the mailbox when the stack goes: Pulumi refuses to delete it, and once
                unprotected only forgets it.
            opts: Resource options.
        """
        super().__init__("exchange-online:index:SharedMailbox", name, None, opts)
        self.address: str = args.address
        mark = ownership_mark(name)

        mailbox = exchange_command(
            name,
            organization=organization,
            ensure="ensure-shared-mailbox.ps1",
            remove="remove-shared-mailbox.ps1",
            desired={
                "mark": mark,
                "address": args.address,
                "name": args.name,
                "alias": args.alias,
                "adopt": args.adopt,
                "purge": args.purge,
            },
            opts=pulumi.ResourceOptions(
                parent=self, protect=retain or None, retain_on_delete=retain or None
            ),
        )
        exchange_command(
            f"{name}-settings",
            organization=organization,
            ensure="set-shared-mailbox.ps1",
            desired={
                "mark": mark,
                "address": args.address,
                "displayName": args.display_name,
                "hiddenFromAddressLists": args.hidden_from_address_lists,
                "signInBlocked": args.sign_in_blocked,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[mailbox]),
        )

        self.object_id: pulumi.Output[str] = observed(mailbox, "externalDirectoryObjectId")
        self.commands: Sequence[pulumi.Resource] = [mailbox]
        self.register_outputs({"address": self.address, "objectId": self.object_id})
