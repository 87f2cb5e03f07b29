"""One scoped mail sender for each entry of the stack's configuration."""

from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from components.exchange.drift import find_drift
from components.exchange.mail_enabled_security_group import MailEnabledSecurityGroupArgs
from components.exchange.shared_mailbox import SharedMailboxArgs
from components.logic_app import TriggerAccess
from components.refusals import explained
from components.scoped_mail_sender import ScopedMailSender
from components.workflow_definition import http_request_trigger, recurrence_trigger
from configuration import (
    Deletion,
    HttpRequestTrigger,
    IdentityKind,
    Sender,
    load_configuration,
)

# Stops with all mistakes before anything is registered.
configuration = load_configuration(pulumi.Config())
drift = find_drift() if configuration.drift else None
resource_group = azure_native.resources.ResourceGroup(
    "resource-group",
    resource_group_name=configuration.resource_group,
    location=configuration.location,
    opts=pulumi.ResourceOptions(hooks=explained(f"resource group {configuration.resource_group}")),
)


def trigger_of(sender: Sender) -> dict[str, Any]:
    """The trigger as the workflow definition has it."""
    if isinstance(sender.trigger, HttpRequestTrigger):
        return http_request_trigger()
    schedule = sender.trigger.schedule
    return recurrence_trigger(
        frequency=sender.trigger.frequency,
        interval=sender.trigger.interval,
        start_time=sender.trigger.start_time,
        time_zone=sender.trigger.time_zone,
        hours=schedule.hours if schedule else (),
        minutes=schedule.minutes if schedule else (),
        week_days=schedule.week_days if schedule else (),
    )


def access_of(sender: Sender) -> TriggerAccess | None:
    """Who may call the sender's trigger, where it is one that is called."""
    trigger = sender.trigger
    if not isinstance(trigger, HttpRequestTrigger):
        return None
    return TriggerAccess(
        allowed_callers=trigger.allowed_callers,
        entra_policies=trigger.entra_policies,
        open_on_purpose=configuration.allow_open_triggers and trigger.allowed_callers is None,
    )


senders: dict[str, dict[str, pulumi.Input[Any]]] = {}
for entry in configuration.senders:
    sender = ScopedMailSender(
        entry.name,
        mailbox=SharedMailboxArgs(
            **entry.mailbox.model_dump(), purge=configuration.purge_mailboxes
        ),
        group=MailEnabledSecurityGroupArgs(
            **entry.group.model_dump(exclude={"policy_description"})
        ),
        control_mailbox=entry.control_mailbox,
        workflow_name=entry.workflow,
        resource_group_name=resource_group.name,
        location=configuration.location,
        identity_name=f"id-{entry.name}" if entry.identity is IdentityKind.USER else None,
        trigger=trigger_of(entry),
        trigger_access=access_of(entry),
        message=entry.message.as_graph_has_it(),
        save_to_sent_items=entry.message.save_to_sent_items,
        probe=entry.probe,
        enabled=entry.enabled,
        policy_description=entry.group.policy_description,
        permissions=entry.permissions,
        proof_timeout=configuration.proof_timeout,
        settle=configuration.settle,
        organization_domain=configuration.organization,
        cloud=configuration.cloud,
        drift=drift,
        retain=configuration.deletion is Deletion.RETAIN,
    )
    senders[entry.name] = dict(sender.outputs)
    if isinstance(entry.trigger, HttpRequestTrigger) and entry.trigger.export_callback_url:
        senders[entry.name]["callbackUrl"] = sender.logic_app.callback_url()

pulumi.export("cloud", configuration.cloud)
pulumi.export("resourceGroup", resource_group.name)
pulumi.export("senders", senders)
