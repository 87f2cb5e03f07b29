"""The proof that an application reaches its mailboxes and no other.

Owns nothing in the tenant: it asks Exchange's own test, and fails closed. What depends on it is not
created until every member is Granted and the control mailbox, outside the group, is Denied. Granted
alone would prove nothing, since an application without any policy is Granted everywhere.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pulumi

from components.exchange.application_access_policy import ApplicationAccessPolicy
from components.exchange.exchange_command import (
    ExchangeOrganization,
    Recipient,
    address_of,
    commands_of,
    exchange_command,
    run_now,
)

PROOF_SCRIPT = "prove-confinement.ps1"
"""The script that proves, and changes nothing."""


class AccessProof(pulumi.ComponentResource):
    """Proves the confinement of an application, anew whenever what it rests on has changed.

    Attributes:
        commands: The commands that must have succeeded before the application is granted anything.
        before_grant: Hook that proves before an app role assignment is created, where this run
            has not done so yet.
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
        super().__init__("exchange-online:index:AccessProof", name, None, opts)

        self._organization = organization
        self._settle = settle
        self._confinement: dict[str, Any] = {
            "groupAddress": address_of(group),
            "members": [address_of(member) for member in members],
            "controlMailbox": control_mailbox,
            "permissions": sorted(permissions),
            "timeoutSeconds": int(timeout.total_seconds()),
            "settleSeconds": int(settle.total_seconds()),
        }
        self._proven: set[str] = set()

        def proved(hook: pulumi.ResourceHookArgs) -> None:
            self._proven.add(json.loads((hook.new_inputs or {})["stdin"])["appId"])

        made = pulumi.ResourceHook(f"proof {name}", proved)
        proof = exchange_command(
            name,
            organization=organization,
            ensure=PROOF_SCRIPT,
            desired={"appId": client_id, **self._confinement},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*commands_of(group, *members), *(policy.commands if policy else [])],
                hooks=pulumi.ResourceHookBinding(after_create=[made], after_update=[made]),
            ),
        )

        async def prove_before_grant(_: pulumi.ResourceHookArgs) -> None:
            # A command runs when its input has changed. A grant that is made later, because it was
            # refused before, or was removed, would rest on a proof from another day.
            await self.prove(
                await pulumi.Output.from_input(client_id).future() or "",
                otherwise="this run grants nothing more, and what was granted before stands",
            )

        self.before_grant = pulumi.ResourceHook(
            f"proof {name} before the grant", prove_before_grant
        )
        self.commands: Sequence[pulumi.Resource] = [proof]
        self.register_outputs({"clientId": client_id, "controlMailbox": control_mailbox})

    async def prove(self, client_id: str, *, otherwise: str) -> None:
        """Proves the confinement of an application, unless this run of the program has done so.

        Args:
            client_id: Application id of the identity.
            otherwise: What a failure means, as the end of a sentence.

        Raises:
            pulumi.RunError: It is not proven.
        """
        if client_id in self._proven:
            return
        pulumi.log.info(f"proving {client_id} anew, which takes the wait of {self._settle} again")
        try:
            desired = {"appId": client_id, **self._confinement}
            await run_now(self._organization, PROOF_SCRIPT, desired)
        except Exception as error:  # noqa: BLE001 - see run_now
            raise pulumi.RunError(
                f"The confinement of application {client_id} does not hold any more: {otherwise}. "
                f"{' '.join(str(error).split())} "
                "Set 'drift: true' in the stack's configuration: `pulumi up` then makes anew "
                "what is missing in Exchange, and proves it."
            ) from None
        self._proven.add(client_id)
