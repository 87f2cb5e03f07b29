"""One scoped mail sender, or one access of an identity of others, for each entry of the stack."""

import pulumi

from components.azure_tags import leave_tags_of_others
from components.deployed import deployed_resources
from components.exchange.drift import find_drift, repair
from components.exchange.exchange_command import ExchangeOrganization
from components.logic_app import OWN_TAGS
from components.migration import deployed_standings
from components.resource_group import resource_group
from components.scoped_mail_sender import (
    ScopedMailSender,
    ScopedMailSenderArgs,
    deployed_queues,
    deployed_recipients,
    deployed_workflows,
)
from components.scoped_mailbox_access import ScopedMailboxAccess, ScopedMailboxAccessArgs
from components.service_principal import find_service_principal
from configuration import (
    load_configuration,
    refuse_changed_scopings,
    refuse_removed_queues,
    refuse_renamed_senders,
    refuse_taken_workflows,
    warn_of_expressions,
)

# Stops with all mistakes before anything is registered.
configuration = load_configuration(pulumi.Config())
deployed = deployed_resources()
refuse_renamed_senders(configuration, deployed_recipients(deployed))
standings = deployed_standings(deployed)
refuse_changed_scopings(configuration, standings)
refuse_removed_queues(configuration, deployed_queues(deployed))
warn_of_expressions(configuration)

identities = {
    access.name: find_service_principal(f"the access {access.name}", **access.identity)
    for access in configuration.access
}

# A stack without senders has neither.
own_group, location = configuration.resource_group or "", configuration.location or ""
former = next((o for (type_, _), o in deployed.items() if type_ == "pulumi:pulumi:Stack"), {})
former_group = former.get("resourceGroup", own_group)
refuse_taken_workflows(configuration, deployed_workflows(deployed), former_group)
# Without senders nothing is registered in Azure, and there may be no group to look in.
if configuration.senders:
    leave_tags_of_others(
        deployed,
        resource_group=former_group,
        own=[*configuration.tags, *former.get("tags", {}), *OWN_TAGS],
    )
if configuration.drift:
    repair(find_drift(deployed))

group_name: pulumi.Input[str] = own_group
if configuration.senders:
    group_name = resource_group(
        own_group,
        location=location,
        tags=configuration.tags,
        deployed=deployed,
    )
organization = ExchangeOrganization(
    domain=configuration.organization,
    cloud=configuration.cloud,
    mark_attribute=configuration.mark_attribute,
)
senders = {
    sender.name: ScopedMailSender(
        sender.name,
        ScopedMailSenderArgs(
            mailbox=sender.mailbox,
            scoping=sender.scoping,
            group=sender.group,
            control_mailbox=sender.control_mailbox,
            workflow=sender.workflow,
            identity=sender.identity,
            trigger=sender.trigger,
            message=sender.message,
            permissions=sender.permissions,
            probe=sender.probe,
            enabled=sender.enabled,
            alerts=sender.alerts,
            diagnostics=sender.diagnostics,
            allow_open_trigger=configuration.allow_open_triggers,
            resource_group_name=group_name,
            location=location,
            tags=configuration.tags,
            organization=organization,
            proof_timeout_seconds=int(configuration.proof_timeout.total_seconds()),
            settle_seconds=int(configuration.settle.total_seconds()),
            purge=configuration.purge_mailboxes,
            retain=configuration.retain,
        ),
        standing=standings.get(sender.name),
    )
    for sender in configuration.senders
}

accesses = {
    access.name: ScopedMailboxAccess(
        access.name,
        ScopedMailboxAccessArgs(
            client_id=identities[access.name]["clientId"],
            principal_id=identities[access.name]["objectId"],
            mailboxes=access.mailboxes,
            permissions=access.permissions,
            scoping=access.scoping,
            group=access.group,
            administrative_unit=access.administrative_unit,
            control_mailbox=access.control_mailbox,
            organization=organization,
            proof_timeout_seconds=int(configuration.proof_timeout.total_seconds()),
            settle_seconds=int(configuration.settle.total_seconds()),
        ),
        # One of this stack's own has to be there first, and goes last.
        pulumi.ResourceOptions(
            depends_on=[
                senders[sender.name].mailbox
                for sender in configuration.senders
                if sender.mailbox.address.casefold() in map(str.casefold, access.mailboxes)
            ]
        ),
        standing=standings.get(access.name),
    )
    for access in configuration.access
}

pulumi.export("cloud", configuration.cloud)
if own_group:
    pulumi.export("resourceGroup", group_name)
pulumi.export("tags", configuration.tags)
pulumi.export("senders", {name: sender.outputs for name, sender in senders.items()})
if accesses:
    pulumi.export("access", {name: access.outputs for name, access in accesses.items()})
