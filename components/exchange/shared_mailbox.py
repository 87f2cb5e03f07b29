"""An Exchange Online shared mailbox.

Owns the mailbox and its settings. It does not give anyone access to it, and does not licence it: a
shared mailbox needs no licence up to 50 GB, and an application sends from it without one.

There are two commands, because what the workflow reads (the mailbox's object id) must not become
unknown in the preview of a changed display name: the whole workflow would show as changed.
"""

from dataclasses import dataclass

import pulumi

from ..inputs import child_options, inputs_of
from .exchange_command import (
    ExchangeCommand,
    ExchangeOrganization,
    observed,
    ownership_mark,
)


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """What a shared mailbox should be.

    Attributes:
        name: Exchange's unique name, up to 64 characters. Used at creation only: many tenants
            replace it by the object id, so it is never compared.
        display_name: Up to 256 characters.
        alias: Mail alias, up to 64 characters.
        address: Primary SMTP address, in an accepted domain of the organisation.
        hidden_from_address_lists: Keeps the mailbox out of the address book.
        sign_in_blocked: Disables the account behind the mailbox. Sending through Graph as an
            application needs no sign-in.
        adopt: Takes over an existing shared mailbox with this address that carries no mark. It is
            then never removed.
        forward_to: Address that gets a copy of what arrives, reports of mail that was not delivered
            among it; ``None`` leaves forwarding as it is. Automatic forwarding out of the
            organisation is blocked unless its outbound spam policy allows it:
            https://learn.microsoft.com/defender-office-365/outbound-spam-policies-external-email-forwarding.
    """

    name: str
    display_name: str
    alias: str
    address: str
    hidden_from_address_lists: bool = True
    sign_in_blocked: bool = True
    adopt: bool = False
    forward_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class SharedMailboxArgs:
    """Inputs of a :class:`SharedMailbox`.

    Attributes:
        mailbox: What it should be.
        organization: Where it is.
        purge: Whether its removal is for good. Otherwise Exchange keeps the mailbox, recoverable,
            for 30 days. A change of it shows what takes the object id as changed in the preview.
        retain: Keeps the mailbox when the stack goes: Pulumi refuses to delete it, and once
            unprotected only forgets it.
    """

    mailbox: Mailbox
    organization: ExchangeOrganization
    purge: bool = False
    retain: bool = False


class SharedMailbox(pulumi.ComponentResource):
    """A shared mailbox that is created, kept as configured, and removed with the stack.

    The logical name is part of the mark by which the mailbox is found again.
    """

    address: pulumi.Output[str]
    """Primary SMTP address, known in a preview. What takes it waits for the mailbox."""

    object_id: pulumi.Output[str]
    """The mailbox's object id in Entra and Graph (Exchange's ``ExternalDirectoryObjectId``), for
    ``/users/{id}/sendMail``."""

    def __init__(
        self, name: str, args: SharedMailboxArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("exchange-online:index:SharedMailbox", name, inputs_of(args), opts)
        wanted, mark = args.mailbox, ownership_mark(name)

        mailbox = ExchangeCommand(
            name,
            organization=args.organization,
            ensure="ensure-shared-mailbox.ps1",
            remove="remove-shared-mailbox.ps1",
            desired={
                "mark": mark,
                "address": wanted.address,
                "name": wanted.name,
                "alias": wanted.alias,
                "adopt": wanted.adopt,
                "purge": args.purge,
            },
            opts=child_options(
                self, opts, protect=args.retain or None, retain_on_delete=args.retain or None
            ),
        )
        ExchangeCommand(
            f"{name}-settings",
            organization=args.organization,
            ensure="set-shared-mailbox.ps1",
            desired={
                "mark": mark,
                "address": wanted.address,
                "displayName": wanted.display_name,
                "hiddenFromAddressLists": wanted.hidden_from_address_lists,
                "signInBlocked": wanted.sign_in_blocked,
                "forwardTo": wanted.forward_to,
            },
            opts=child_options(self, opts, depends_on=[mailbox]),
        )

        self.address = mailbox.urn.apply(lambda _: wanted.address)
        self.object_id = observed(mailbox, "externalDirectoryObjectId")
        self.register_outputs({"address": self.address, "objectId": self.object_id})
