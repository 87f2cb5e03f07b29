"""The proof that an application reaches its mailboxes and no other.

Owns nothing in the tenant: it asks Exchange's own test, and fails closed. What depends on it is not
created until every member is Granted and the control mailbox, outside the group, is Denied. Granted
alone would prove nothing, since an application without any policy is Granted everywhere.
"""

from collections.abc import Sequence
from datetime import timedelta

import pulumi

from components.exchange.application_access_policy import ApplicationAccessPolicy
from components.exchange.exchange_command import (
    ExchangeOrganization,
    Recipient,
    address_of,
    commands_of,
    exchange_command,
    run_again,
)

BEHAVIOUR = 1
"""Behaviour of the proof script; see :func:`exchange_command`."""


class AccessProof(pulumi.ComponentResource):
    """Proves the confinement of an application, anew whenever what it rests on has changed.

    Attributes:
        commands: The commands that must have succeeded before the application is granted anything.
        before_grant: Hook that repeats the proof before an app role assignment is created, where
            it was not made in this run.
    """

    def __init__(
        self,
        name: str,
        *,
        client_id: pulumi.Input[str],
        group: Recipient,
        members: Sequence[Recipient],
        control_mailbox: str,
        permissions: Sequence[str],
        policy: ApplicationAccessPolicy | None = None,
        timeout: timedelta,
        settle: timedelta,
        organization: ExchangeOrganization,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers the proof.

        Args:
            name: Logical name.
            client_id: Application (client) id of the identity.
            group: The group that its policy is scoped to.
            members: The mailboxes that must be Granted: all members of the group.
            control_mailbox: Address of an existing mailbox outside the group; it must be Denied.
            permissions: What is granted afterwards: a further one is proven anew.
            policy: The policy, where this program makes it, to prove after it.
            timeout: How long answers may stay wrong before the proof fails.
            settle: How long to wait after the proof. Exchange's test sees a new policy at once,
                Graph up to an hour or more later, and until then an application that holds the
                permission reaches everyone.
            organization: Where to ask.
            opts: Resource options.
        """
        super().__init__("scoped-mail-sender:exchange:AccessProof", name, None, opts)

        proven_now: list[str] = []
        made = pulumi.ResourceHook(f"proof {name}", lambda hook: proven_now.append(hook.urn))
        proof = exchange_command(
            name,
            organization=organization,
            ensure="prove-confinement.ps1",
            behaviour=BEHAVIOUR,
            desired={
                "appId": client_id,
                "groupAddress": address_of(group),
                "members": [address_of(member) for member in members],
                "controlMailbox": control_mailbox,
                "permissions": sorted(permissions),
                "timeoutSeconds": int(timeout.total_seconds()),
                "settleSeconds": int(settle.total_seconds()),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*commands_of(group, *members), *(policy.commands if policy else [])],
                hooks=pulumi.ResourceHookBinding(after_create=[made], after_update=[made]),
            ),
        )

        async def prove_again(_: pulumi.ResourceHookArgs) -> None:
            # A command runs when its input has changed. A grant that is made later, because it was
            # refused before, or was removed, would rest on a proof from another day.
            if proven_now:
                return
            pulumi.log.info(
                f"proving anew before the grant, which takes the wait of {settle} again"
            )
            try:
                await run_again(proof)
            except Exception as error:  # noqa: BLE001 - see run_again
                said = " ".join(str(error).split())
                raise pulumi.RunError(
                    f"Nothing was granted: what was proven once does not hold any more. {said} "
                    "Set 'drift: true' in the stack's configuration: `pulumi up` then makes anew "
                    "what is missing in Exchange, and proves it."
                ) from None

        self.before_grant = pulumi.ResourceHook(f"proof {name} before the grant", prove_again)
        self.commands: Sequence[pulumi.Resource] = [proof]
        self.register_outputs({"clientId": client_id, "controlMailbox": control_mailbox})
