"""A management scope that holds one mailbox: what a role of an application is bound to.

It is made before the identity and removed after it, since Graph may go by an assignment for up to
two hours after that was taken back, and nobody says what it reaches once its scope is gone.
See ``docs/decisions/0022-a-scope-outlives-the-identity.md``.
"""

from dataclasses import dataclass

import pulumi

from .exchange_command import (
    ExchangeCommand,
    ExchangeOrganization,
    exchange_name,
    outliving,
    ownership_mark,
)


@dataclass(frozen=True, kw_only=True)
class ManagementScopeArgs:
    """Inputs of a :class:`ManagementScope`.

    Attributes:
        display_name: What its name in Exchange begins with.
        mailbox_object_id: Object id in Entra of the mailbox that it holds.
        mailbox_address: In place of that, the address of the mailbox, which must exist.
        organization: Where it is.
        identity_outlives: See :func:`.exchange_command.outliving`.
    """

    display_name: str
    mailbox_object_id: pulumi.Input[str] | None = None
    mailbox_address: pulumi.Input[str] | None = None
    organization: ExchangeOrganization
    identity_outlives: bool = False


class ManagementScope(ExchangeCommand):
    """Holds one mailbox, by the id that no other mailbox ever gets."""

    def __init__(
        self, name: str, args: ManagementScopeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self.scope_name = exchange_name(args.display_name, ownership_mark(name))
        """Its name in Exchange."""
        super().__init__(
            name,
            organization=args.organization,
            ensure="ensure-management-scope.ps1",
            remove="remove-management-scope.ps1",
            desired={
                "name": self.scope_name,
                "mailboxId": args.mailbox_object_id,
                "mailboxAddress": args.mailbox_address,
                **outliving(args.identity_outlives),
            },
            opts=opts,
        )
