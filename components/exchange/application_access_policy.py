"""An application access policy that restricts one application to the members of one group.

Owns the RestrictAccess policy of the application on the group. Its deletion deliberately removes
nothing: the policy depends on the client id of the identity, so Pulumi deletes it *before* the
identity, and an application without any policy reaches every mailbox of the organisation. It is
released instead, and goes with the group, which stays as long as a policy on it is not released.
See ``docs/decisions/0001-policy-outlives-identity.md``.

Microsoft calls these policies legacy and advises RBAC for Applications for new set-ups; there is no
retirement date. https://learn.microsoft.com/exchange/permissions-exo/application-access-policies
"""

import json
from dataclasses import dataclass

import pulumi

from ..hooks import asking_hook
from ..service_principal import wait_until_gone
from .exchange_command import ExchangeCommand, ExchangeOrganization, outliving

POLICY_RELEASE = "release-application-access-policy.ps1"
"""What a policy is known by in the state, whatever its name there."""


@dataclass(frozen=True, kw_only=True)
class ApplicationAccessPolicyArgs:
    """Inputs of an :class:`ApplicationAccessPolicy`.

    Attributes:
        client_id: Application (client) id of the identity. A policy for an object id is accepted
            and confines nobody.
        group_address: Address of the group that is the scope. Where a component makes it, name
            that in ``depends_on``.
        description: Text of the policy. All policies of a tenant share a limited space.
        organization: Where the policy is.
        retire_former_identities: Removes the policy of the application that this one takes the
            place of, as the state has it, once the new one is made. Only where that was an identity
            of this program, which Pulumi has deleted by then: while Entra still knows it, the
            update is refused, since it would lift the confinement.
        identity_outlives: See :func:`.exchange_command.outliving`. The policy is not released
            then, and a group that it is on stays.
    """

    client_id: pulumi.Input[str]
    group_address: pulumi.Input[str]
    description: pulumi.Input[str]
    organization: ExchangeOrganization
    retire_former_identities: bool = False
    identity_outlives: bool = False


class ApplicationAccessPolicy(ExchangeCommand):
    """Restricts an application to the members of a mail-enabled security group."""

    def __init__(
        self,
        name: str,
        args: ApplicationAccessPolicyArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        async def former_is_gone(hook: pulumi.ResourceHookArgs) -> None:
            # Deleted by then it is only as the predecessor of the new one. A resource that lost its
            # name, parent or place in the state goes at the end of the run, after its policy.
            former, wanted = (
                json.loads((inputs or {})["stdin"])["appId"]
                for inputs in (hook.old_inputs, hook.new_inputs)
            )
            if former != wanted:
                await wait_until_gone(self, former)

        gone = asking_hook(f"former identity of {name}", former_is_gone)
        super().__init__(
            name,
            organization=args.organization,
            ensure="ensure-application-access-policy.ps1",
            remove=POLICY_RELEASE,
            desired={
                "appId": args.client_id,
                "groupAddress": args.group_address,
                "description": args.description,
                "retireFormer": args.retire_former_identities,
                **outliving(args.identity_outlives),
            },
            opts=opts,
            hooks=pulumi.ResourceHookBinding(
                before_update=[gone] if args.retire_former_identities else []
            ),
        )
