"""The proof that an application reaches its mailboxes and no other.

Owns nothing in the tenant: it asks Exchange's own test, and fails closed. What depends on it is not
created until every member is Granted and the control mailbox, outside the group, is Denied. Granted
alone would prove nothing, since an application without any policy is Granted everywhere.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from ..hooks import asking_hook
from ..service_principal import wait_for_client_id
from .exchange_command import ExchangeCommand, ExchangeOrganization, run_now

PROOF_SCRIPT = "prove-confinement.ps1"
"""The script that proves, and changes nothing."""


@dataclass(frozen=True, kw_only=True)
class AccessProofArgs:
    """Inputs of an :class:`AccessProof`. Name the policy and the group in ``depends_on``.

    Attributes:
        client_id: Application (client) id of the identity.
        group_address: Address of the group that its policy is scoped to.
        members: The mailboxes that must be Granted: all members of the group.
        control_mailbox: Address of an existing mailbox outside the group; it must be Denied.
        permissions: What is granted afterwards: a further one is proven anew.
        timeout_seconds: How long answers may stay wrong before the proof fails.
        settle_seconds: How long to wait after the proof. Exchange's test sees a new policy at once,
            Graph up to an hour or more later, and until then an application that holds the
            permission reaches everyone.
        organization: Where to ask.
    """

    client_id: pulumi.Input[str]
    group_address: pulumi.Input[str]
    members: Sequence[pulumi.Input[str]]
    control_mailbox: pulumi.Input[str]
    permissions: Sequence[str]
    timeout_seconds: int
    settle_seconds: int
    organization: ExchangeOrganization


class AccessProof(ExchangeCommand):
    """Proves the confinement of an application, anew whenever what it rests on has changed."""

    def __init__(
        self, name: str, args: AccessProofArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        self._organization = args.organization
        self._settle_seconds = args.settle_seconds
        self._confinement: dict[str, Any] = {
            "groupAddress": args.group_address,
            "members": list(args.members),
            "controlMailbox": args.control_mailbox,
            "permissions": sorted(args.permissions),
            "timeoutSeconds": args.timeout_seconds,
            "settleSeconds": args.settle_seconds,
        }
        self._proven: set[str] = set()

        def proved(hook: pulumi.ResourceHookArgs) -> None:
            self._proven.add(json.loads((hook.new_inputs or {})["stdin"])["appId"])

        made = pulumi.ResourceHook(f"proof {name}", proved)
        super().__init__(
            name,
            organization=args.organization,
            ensure=PROOF_SCRIPT,
            desired={"appId": args.client_id, **self._confinement},
            opts=opts,
            hooks=pulumi.ResourceHookBinding(after_create=[made], after_update=[made]),
        )

        async def prove_before_grant(hook: pulumi.ResourceHookArgs) -> None:
            # A command runs when its input has changed. A grant that is made later, because it was
            # refused before, or was removed, would rest on a proof from another day; and with
            # --target or --exclude the engine may be about to grant to another identity than the
            # one that the proof's command was for. So it is asked of the very principal.
            principal_id = (hook.new_inputs or {})["principalObjectId"]
            await self.prove(
                await wait_for_client_id(self, principal_id, is_new=False),
                otherwise="this run grants nothing more, and what was granted before stands",
            )

        self.before_grant = asking_hook(f"proof {name} before the grant", prove_before_grant)
        """Proves before an app role assignment is created, where this run has not done so yet."""

    async def prove(self, client_id: str, *, otherwise: str, settle: bool = True) -> None:
        """Proves the confinement of an application, unless this run of the program has done so.

        Args:
            client_id: Application id of the identity.
            otherwise: What a failure means, as the end of a sentence.
            settle: Whether to wait for Graph: not where the policy has been in force for long.

        Raises:
            pulumi.RunError: It is not proven.
        """
        if client_id in self._proven:
            return
        seconds = self._settle_seconds if settle else 0
        pulumi.log.info(
            f"proving {client_id} anew"
            + (f", which takes the wait of {seconds} s again" if seconds else "")
        )
        try:
            desired = {"appId": client_id, **self._confinement, "settleSeconds": seconds}
            await run_now(self._organization, PROOF_SCRIPT, desired)
        except Exception as error:  # noqa: BLE001 - see run_now
            raise pulumi.RunError(
                f"The confinement of application {client_id} does not hold any more: {otherwise}. "
                f"{' '.join(str(error).split())} "
                "Set 'drift: true' in the stack's configuration: `pulumi up` then makes anew "
                "what is missing in Exchange, and proves it. With --target or --exclude its policy "
                "may have been left out: run `pulumi up` without them."
            ) from None
        if settle:
            self._proven.add(client_id)
