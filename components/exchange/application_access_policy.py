"""An application access policy that restricts one application to the members of one group.

Owns the RestrictAccess policy of the application on the group. It deliberately has no removal of
its own: the policy depends on the client id of the identity, so Pulumi would remove it *before* the
identity, and an application without any policy reaches every mailbox of the organisation. It goes
with the group instead. See ``docs/decisions/0001-policy-outlives-identity.md``.

Microsoft calls these policies legacy and advises RBAC for Applications for new set-ups; there is no
retirement date. https://learn.microsoft.com/exchange/permissions-exo/application-access-policies
"""

from collections.abc import Sequence

import pulumi

from components.exchange.exchange_command import (
    ExchangeOrganization,
    Recipient,
    address_of,
    commands_of,
    exchange_command,
)


class ApplicationAccessPolicy(pulumi.ComponentResource):
    """Restricts an application to the members of a mail-enabled security group.

    Attributes:
        commands: The commands that must have run before the application may be granted anything.
    """

    def __init__(
        self,
        name: str,
        *,
        client_id: pulumi.Input[str],
        group: Recipient,
        description: str,
        retire_former_identities: bool = False,
        organization: ExchangeOrganization,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers the policy.

        Args:
            name: Logical name.
            client_id: Application (client) id of the identity. A policy for an object id is
                accepted and confines nobody.
            group: The scope: the group's component, or the address of a group that exists.
            description: Text of the policy. All policies of a tenant share a limited space.
            retire_former_identities: Removes the policy of the application that this one takes the
                place of, as the state has it, once the new one is made. Only where that was an
                identity of this program, which Pulumi has deleted by then: for one that lives on,
                it would lift the confinement.
            organization: Where the policy is.
            opts: Resource options.
        """
        super().__init__("exchange-online:index:ApplicationAccessPolicy", name, None, opts)

        policy = exchange_command(
            name,
            organization=organization,
            ensure="ensure-application-access-policy.ps1",
            desired={
                "appId": client_id,
                "groupAddress": address_of(group),
                "description": description,
                "retireFormer": retire_former_identities,
            },
            hands_former_output_on=retire_former_identities,
            opts=pulumi.ResourceOptions(parent=self, depends_on=commands_of(group)),
        )

        self.commands: Sequence[pulumi.Resource] = [policy]
        self.register_outputs({"clientId": client_id, "group": address_of(group)})
