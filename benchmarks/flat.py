"""A program without components that deploys what the project's own program does.

The same commands, workflows and grants, in the same order, from the same configuration: what
somebody would write who wants just that, once, and nothing that makes it safe to repeat. It looks
up what it cannot do without, has no hooks, and takes a workflow for switched on.
"""

import asyncio
import json
from typing import Any

import pulumi
import pulumi_azure_native as azure_native
import pulumi_azuread as azuread
from pulumi_command import local

from components.clouds import ENDPOINTS, Cloud
from components.exchange.exchange_command import (
    ExchangeCommand,
    ExchangeOrganization,
    ownership_mark,
)
from components.graph_permission import GRAPH_CLIENT_ID
from components.message import Body, Message, Recipient
from components.trigger import RecurrenceTrigger
from components.workflow_definition import send_mail_definition


def run() -> None:
    """Declares the resources."""
    config = pulumi.Config()
    group = azure_native.resources.ResourceGroup(
        "resource-group",
        resource_group_name=config.require("resourceGroup"),
        location=config.require("location"),
        tags={},
        opts=pulumi.ResourceOptions(retain_on_delete=True),
    )
    graph = azuread.get_service_principal_output(client_id=GRAPH_CLIENT_ID)
    for sender in config.require_object("senders"):
        _declare(sender, group, graph, config.require("organization"))

    async def turn() -> None:
        await asyncio.sleep(0)

    # Spares it what upstream_wait.py shows, as the project's own program is spared.
    pulumi.run(turn)


def _declare(
    sender: dict[str, Any],
    group: azure_native.resources.ResourceGroup,
    graph: pulumi.Output[azuread.GetServicePrincipalResult],
    organization: str,
) -> None:
    """What belongs to one sender."""
    name, mailbox, scope = sender["name"], sender["mailbox"], sender["group"]
    marks = {what: ownership_mark(f"{name}-{what}") for what in ("mailbox", "group")}

    def command(
        suffix: str,
        ensure: str,
        desired: dict[str, Any],
        after: list[pulumi.Resource],
        remove: str | None = None,
    ) -> local.Command:
        return ExchangeCommand(
            f"{name}-{suffix}",
            organization=ExchangeOrganization(domain=organization),
            ensure=ensure,
            remove=remove,
            desired=desired,
            opts=pulumi.ResourceOptions(depends_on=after),
        )

    made = command(
        "mailbox",
        "ensure-shared-mailbox.ps1",
        {
            "mark": marks["mailbox"],
            "address": mailbox["address"],
            "name": mailbox["name"],
            "alias": mailbox["alias"],
            "adopt": False,
            "purge": False,
        },
        [],
        "remove-shared-mailbox.ps1",
    )
    command(
        "mailbox-settings",
        "set-shared-mailbox.ps1",
        {
            "mark": marks["mailbox"],
            "address": mailbox["address"],
            "displayName": mailbox["displayName"],
            "hiddenFromAddressLists": True,
            "signInBlocked": True,
            "forwardTo": None,
        },
        [made],
    )
    scoped = command(
        "group",
        "ensure-mail-enabled-security-group.ps1",
        {
            "mark": marks["group"],
            "address": scope["address"],
            "displayName": scope["displayName"],
            "name": scope["name"],
            "alias": scope["alias"],
            "managedBy": [],
            "adopt": False,
        },
        [made],
        "remove-mail-enabled-security-group.ps1",
    )
    members = command(
        "group-members",
        "set-group-member.ps1",
        {
            "mark": marks["group"],
            "address": scope["address"],
            "members": [mailbox["address"]],
        },
        [scoped],
    )
    trigger, message = sender["trigger"], sender["message"]
    mailbox_id = made.stdout.apply(lambda stdout: json.loads(stdout)["externalDirectoryObjectId"])
    workflow = azure_native.logic.Workflow(
        f"{name}-workflow",
        workflow_name=name,
        resource_group_name=group.name,
        location=group.location,
        state=azure_native.logic.WorkflowState.ENABLED,
        identity={"type": "SystemAssigned"},
        definition=mailbox_id.apply(
            lambda object_id: send_mail_definition(
                graph=ENDPOINTS[Cloud.PUBLIC].graph,
                mailbox_id=object_id,
                message=Message(
                    subject=message["subject"],
                    body=Body(content=message["body"]["content"]),
                    to_recipients=[Recipient(**each) for each in message["toRecipients"]],
                    save_to_sent_items=False,
                ),
                trigger=RecurrenceTrigger(
                    frequency=trigger["frequency"],
                    interval=trigger["interval"],
                    start_time=trigger["startTime"],
                ),
            )
        ),
        tags={},
        opts=pulumi.ResourceOptions(depends_on=[scoped, members], delete_before_replace=True),
    )
    deployed = azure_native.logic.get_workflow_output(
        resource_group_name=group.name,
        workflow_name=name,
        opts=pulumi.InvokeOutputOptions(depends_on=[workflow]),
    )
    principal_id = deployed.identity.apply(lambda identity: identity.principal_id)
    client_id = azuread.get_service_principal_output(object_id=principal_id).client_id
    policy = command(
        "access-policy",
        "ensure-application-access-policy.ps1",
        {
            "appId": client_id,
            "groupAddress": scope["address"],
            "description": scope["policyDescription"],
            "retireFormer": True,
        },
        [scoped, members],
        "release-application-access-policy.ps1",
    )
    proof = command(
        "access-proof",
        "prove-confinement.ps1",
        {
            "appId": client_id,
            "groupAddress": scope["address"],
            "members": [mailbox["address"]],
            "controlMailbox": sender["controlMailbox"],
            "permissions": ["Mail.Send"],
            "timeoutSeconds": 600,
            "settleSeconds": 0,
        },
        [scoped, members, policy],
    )
    azuread.AppRoleAssignment(
        f"{name}-access-mail-send",
        app_role_id=graph.app_role_ids["Mail.Send"],
        principal_object_id=principal_id,
        resource_object_id=graph.object_id,
        opts=pulumi.ResourceOptions(
            depends_on=[scoped, members, policy, proof], delete_before_replace=True
        ),
    )
