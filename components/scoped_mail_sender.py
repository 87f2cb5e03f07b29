"""A Logic App that sends mail as one shared mailbox, and as no other.

Puts the pieces together in the order that is never unconfined: mailbox, group with its members,
workflow with its identity, policy, proof, grant. Teardown runs it backwards, except that the policy
goes with the group: after the grant, the workflow and the identity.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pulumi

from components.clouds import ENDPOINTS, Cloud
from components.exchange.exchange_command import Drift, ExchangeOrganization
from components.exchange.mail_enabled_security_group import (
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from components.exchange.shared_mailbox import SharedMailbox, SharedMailboxArgs
from components.graph_permission import MailboxPermission
from components.logic_app import LogicApp
from components.scoped_mailbox_access import ScopedMailboxAccess
from components.workflow_definition import send_mail_definition


class ScopedMailSender(pulumi.ComponentResource):
    """Shared mailbox, group, workflow and confined access of one sender.

    Attributes:
        mailbox: The shared mailbox that mail is sent as.
        group: The group that the identity is confined to; the mailbox is its only member.
        logic_app: The workflow and its identity.
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
        trigger: Mapping[str, Any],
        message: Mapping[str, Any],
        save_to_sent_items: bool,
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
            trigger: The workflow's trigger (:mod:`components.workflow_definition`).
            message: A Graph message (:func:`components.workflow_definition.email_message`).
            save_to_sent_items: Whether the mailbox keeps copies.
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
        self.logic_app = LogicApp(
            f"{name}-workflow",
            workflow_name=workflow_name,
            resource_group_name=resource_group_name,
            location=location,
            definition=self.mailbox.object_id.apply(
                lambda mailbox_id: send_mail_definition(
                    graph=endpoints.graph,
                    mailbox_id=mailbox_id,
                    message=message,
                    save_to_sent_items=save_to_sent_items,
                    trigger=trigger,
                )
            ),
            after=self.group.commands,
            opts=child,
        )
        self.access = ScopedMailboxAccess(
            f"{name}-access",
            client_id=self.logic_app.client_id,
            principal_id=self.logic_app.principal_id,
            group=self.group,
            control_mailbox=control_mailbox,
            permissions=permissions,
            policy_description=policy_description,
            proof_timeout=proof_timeout,
            settle=settle,
            # The group is this sender's own, and a former identity of the workflow is gone with it.
            retire_former_identities=True,
            organization=organization,
            opts=child,
        )

        self.outputs: dict[str, pulumi.Input[Any]] = {
            "workflowName": self.logic_app.workflow_name,
            "workflowId": self.logic_app.workflow_id,
            "principalId": self.logic_app.principal_id,
            "clientId": self.logic_app.client_id,
            "mailboxObjectId": self.mailbox.object_id,
            "mailboxAddress": self.mailbox.address,
            "groupAddress": self.group.address,
        }
        self.register_outputs(self.outputs)
