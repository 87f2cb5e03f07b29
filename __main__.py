"""One scoped mail sender for each entry of the stack's configuration."""

from typing import Any

import pulumi
import pulumi_azure_native as azure_native

from components.azure_tags import AzureTags, tags_beside_others
from components.deployed import deployed_resources
from components.exchange.drift import find_drift
from components.exchange.mail_enabled_security_group import MailEnabledSecurityGroupArgs
from components.exchange.shared_mailbox import SharedMailboxArgs
from components.logic_app import OWN_TAGS, TriggerAccess
from components.provider_errors import error_hooks, find
from components.scoped_mail_sender import ScopedMailSender, deployed_recipients
from components.workflow_definition import http_request_trigger, recurrence_trigger
from configuration import (
    Deletion,
    HttpRequestTrigger,
    IdentityKind,
    Sender,
    load_configuration,
    refuse_renamed_senders,
)

# Stops with all mistakes before anything is registered.
configuration = load_configuration(pulumi.Config())
deployed = deployed_resources()
refuse_renamed_senders(configuration, deployed_recipients(deployed))
drift = find_drift() if configuration.drift else None


def tags_of(type_: str, name: str, function: str, **names: str) -> AzureTags:
    """What a resource in Azure is tagged with, of which others may have tagged it as well."""
    former = next((o for (t, _), o in deployed.items() if t == "pulumi:pulumi:Stack"), {})
    return tags_beside_others(
        configuration.tags,
        formerly_own=[*former.get("tags", {}), *OWN_TAGS],
        deployed=deployed.get((type_, name)),
        function=function,
        resourceGroupName=configuration.resource_group,
        **names,
    )


def resource_group_name() -> pulumi.Input[str]:
    """The group of the workflows: made where there is none, and never deleted.

    Azure deletes a group with all that others have put into it, and a destroy cannot look first: it
    does not run this program. See docs/decisions/0016-resource-groups-stay.md.
    """
    name, function = configuration.resource_group, "azure-native:resources:getResourceGroup"
    type_ = "azure-native:resources:ResourceGroup"
    of_state = deployed.get((type_, "resource-group"), {}).get("name", "")
    if of_state.casefold() != name.casefold() and find(function, resourceGroupName=name):
        return name
    tags = tags_of(type_, "resource-group", function)
    group = azure_native.resources.ResourceGroup(
        "resource-group",
        resource_group_name=name,
        location=configuration.location,
        tags=tags.inputs,
        opts=pulumi.ResourceOptions(
            retain_on_delete=True,
            ignore_changes=tags.ignored,
            hooks=error_hooks(f"resource group {name}"),
        ),
    )
    return group.name


group_name = resource_group_name()


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
        resource_group_name=group_name,
        location=configuration.location,
        identity_name=f"id-{entry.name}" if entry.identity is IdentityKind.USER else None,
        workflow_tags=tags_of(
            "azure-native:logic:Workflow",
            f"{entry.name}-workflow",
            "azure-native:logic:getWorkflow",
            workflowName=entry.workflow,
        ),
        identity_tags=tags_of(
            "azure-native:managedidentity:UserAssignedIdentity",
            f"{entry.name}-identity",
            "azure-native:managedidentity:getUserAssignedIdentity",
            resourceName=f"id-{entry.name}",
        ),
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
pulumi.export("resourceGroup", group_name)
pulumi.export("tags", configuration.tags)
pulumi.export("senders", senders)
