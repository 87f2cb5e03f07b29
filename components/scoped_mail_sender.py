"""A Logic App that sends mail as one shared mailbox, and as no other.

Puts the pieces together in the order that is never unconfined: mailbox, group with its members,
workflow with its identity, policy, proof, grant. With a user-assigned identity the workflow comes
last, so that none of its runs meets an identity without the permission. Teardown runs it backwards,
except that the policy goes with the group: after the grant, the workflow and the identity.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pulumi

from components.azure_tags import AzureTags
from components.clouds import ENDPOINTS, Cloud
from components.confined_mailbox_access import ConfinedMailboxAccess
from components.deployed import Deployed
from components.exchange.exchange_command import Drift, ExchangeOrganization
from components.exchange.mail_enabled_security_group import (
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from components.exchange.shared_mailbox import SharedMailbox, SharedMailboxArgs
from components.graph_permission import MailboxPermission
from components.logic_app import LogicApp, TriggerAccess
from components.user_assigned_identity import UserAssignedIdentity
from components.workflow_definition import (
    OWN_PROBE_TRIGGER,
    PROBE_TRIGGER,
    Probe,
    send_mail_definition,
)


def deployed_recipients(deployed: Deployed) -> dict[str, str]:
    """By the address of each mailbox and group that the state holds, the sender that it is of."""
    recipients = {}
    for (kind, name), outputs in deployed.items():
        sender, _, what = name.rpartition("-")
        if kind == "command:local:Command" and what in ("mailbox", "group"):
            recipients[json.loads(outputs["stdin"])["address"]] = sender
    return recipients


class ScopedMailSender(pulumi.ComponentResource):
    """Shared mailbox, group, workflow and confined access of one sender.

    Attributes:
        mailbox: The shared mailbox that mail is sent as.
        group: The group that the identity is confined to; the mailbox is its only member.
        logic_app: The workflow, and its identity where that is system-assigned.
        identity: The identity where it is user-assigned, else ``None``.
        access: Policy, proof and grants.
    """

    def __init__(
        self,
        name: str,
        *,
        mailbox: SharedMailboxArgs,
        group: MailEnabledSecurityGroupArgs,
        control_mailbox: str,
        workflow_name: str,
        resource_group_name: pulumi.Input[str],
        location: pulumi.Input[str],
        identity_name: str | None = None,
        workflow_tags: AzureTags = AzureTags(),  # noqa: B008 - frozen
        identity_tags: AzureTags = AzureTags(),  # noqa: B008
        trigger: Mapping[str, Any],
        trigger_access: TriggerAccess | None = None,
        message: Mapping[str, Any],
        save_to_sent_items: bool,
        probe: bool = False,
        enabled: bool = True,
        policy_description: str,
        permissions: Sequence[MailboxPermission] = (MailboxPermission.MAIL_SEND,),
        proof_timeout: timedelta,
        settle: timedelta,
        organization_domain: str,
        cloud: Cloud = Cloud.PUBLIC,
        drift: Drift | None = None,
        retain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Registers all of it.

        Args:
            name: Logical name.
            mailbox: The shared mailbox to send as.
            group: The group to confine the identity to.
            control_mailbox: Address of an existing mailbox that the identity must not reach.
            workflow_name: The workflow's name in Azure.
            resource_group_name: Resource group of the workflow.
            location: Azure region of the workflow.
            identity_name: Name of a user-assigned identity that is made for the workflow. Without
                one the workflow has a system-assigned identity.
            workflow_tags: What the workflow is tagged with.
            identity_tags: What a user-assigned identity is tagged with.
            trigger: The workflow's trigger (:mod:`components.workflow_definition`).
            trigger_access: Who may call an HTTP trigger; without it every address may.
            message: A Graph message (:func:`components.workflow_definition.email_message`).
            save_to_sent_items: Whether the mailbox keeps copies.
            probe: Whether the workflow can be told to try its own mailbox and the control mailbox
                (:func:`components.workflow_definition.send_mail_definition`).
            enabled: Whether the workflow is to be on; see :class:`components.logic_app.LogicApp`.
            policy_description: Text of the application access policy.
            permissions: Graph permissions of the identity.
            proof_timeout: How long the proof of confinement may take.
            settle: How long to wait between the proof and the grant.
            organization_domain: The tenant's ``*.onmicrosoft.com`` domain.
            cloud: The Microsoft cloud that the tenant is in.
            drift: What :func:`components.exchange.drift.find_drift` found, where it looked.
            retain: Keeps mailbox, group and the policy on it when the stack goes: Pulumi refuses to
                delete them, and once unprotected only forgets them.
            opts: Resource options.
        """
        super().__init__("scoped-mail-sender:index:ScopedMailSender", name, None, opts)
        endpoints = ENDPOINTS[cloud]
        organization = ExchangeOrganization(
            organization_domain, endpoints.exchange_environment, drift or {}
        )
        child = pulumi.ResourceOptions(parent=self)

        self.mailbox = SharedMailbox(
            f"{name}-mailbox", mailbox, organization=organization, retain=retain, opts=child
        )
        self.group = MailEnabledSecurityGroup(
            f"{name}-group",
            group,
            members=[self.mailbox],
            organization=organization,
            retain=retain,
            opts=child,
        )
        # Which kind of identity is an input of this marker alone, and the names in Azure derive
        # from it: where the kind changes, the engine first deletes the marker with all that takes
        # a name from it, so that the old grant, workflow and identity are gone before the policy
        # of the former identity is removed. See docs/decisions/0013-change-of-identity.md.
        kind = pulumi.Stash(
            f"{name}-identity-kind",
            input="SystemAssigned" if identity_name is None else "UserAssigned",
            opts=pulumi.ResourceOptions(
                parent=self, replace_on_changes=["input"], delete_before_replace=True
            ),
        )
        place: dict[str, Any] = {
            "resource_group_name": resource_group_name,
            "location": location,
            "opts": child,
        }
        self.identity: UserAssignedIdentity | None = None
        if identity_name is not None:
            self.identity = UserAssignedIdentity(
                f"{name}-identity",
                identity_name=kind.output.apply(lambda _: identity_name),
                tags=identity_tags,
                after=self.group.commands,
                **place,
            )

        async def before_enabling(client_id: str) -> None:
            await self.access.proof.prove(
                client_id, otherwise=f"the workflow {workflow_name} was not switched on"
            )

        def workflow(after: Sequence[pulumi.Resource]) -> LogicApp:
            return LogicApp(
                f"{name}-workflow",
                workflow_name=kind.output.apply(lambda _: workflow_name),
                definition=pulumi.Output.all(
                    self.mailbox.object_id, self.identity and self.identity.id
                ).apply(
                    lambda ids: send_mail_definition(
                        graph=endpoints.graph,
                        mailbox_id=ids[0],
                        message=message,
                        save_to_sent_items=save_to_sent_items,
                        trigger=trigger,
                        identity_id=ids[1],
                        probe=Probe(mailbox.address, control_mailbox) if probe else None,
                    )
                ),
                identity=self.identity,
                trigger_access=trigger_access,
                tags=workflow_tags,
                enabled=enabled,
                before_enabling=before_enabling,
                after=[*self.group.commands, *after],
                **place,
            )

        def access(identity: LogicApp | UserAssignedIdentity) -> ConfinedMailboxAccess:
            return ConfinedMailboxAccess(
                f"{name}-access",
                client_id=identity.client_id,
                principal_id=identity.principal_id,
                group=self.group,
                control_mailbox=control_mailbox,
                permissions=permissions,
                policy_description=policy_description,
                proof_timeout=proof_timeout,
                settle=settle,
                # A former identity of the workflow is gone by then.
                retire_former_identities=True,
                organization=organization,
                opts=child,
            )

        if self.identity is None:
            self.logic_app = workflow(after=[])
            self.access = access(self.logic_app)
        else:
            self.access = access(self.identity)
            self.logic_app = workflow(after=[grant.assignment for grant in self.access.grants])

        self.outputs: dict[str, pulumi.Input[Any]] = {
            "workflowName": self.logic_app.workflow_name,
            "workflowId": self.logic_app.workflow_id,
            "principalId": self.logic_app.principal_id,
            "clientId": self.logic_app.client_id,
            "mailboxObjectId": self.mailbox.object_id,
            "mailboxAddress": self.mailbox.address,
            "groupAddress": self.group.address,
            "controlMailbox": control_mailbox,
            "trigger": next(iter(trigger)),
        }
        if probe:
            self.outputs["probeTrigger"] = PROBE_TRIGGER
            self.outputs["ownProbeTrigger"] = OWN_PROBE_TRIGGER
        self.register_outputs(self.outputs)
