"""Sends a mail every morning, as one shared mailbox and as no other."""

import pulumi
from scoped_mail_sender.deployed import deployed_resources
from scoped_mail_sender.exchange.exchange_command import ExchangeOrganization
from scoped_mail_sender.exchange.shared_mailbox import Mailbox
from scoped_mail_sender.message import Body, Message, Recipient
from scoped_mail_sender.resource_group import resource_group
from scoped_mail_sender.scoped_mail_sender import ScopedMailSender, ScopedMailSenderArgs, Scoping
from scoped_mail_sender.trigger import Frequency, RecurrenceTrigger, Schedule

config = pulumi.Config()
location = pulumi.Config("azure-native").require("location")
address = config.require("mailbox")

sender = ScopedMailSender(
    "notifications",
    ScopedMailSenderArgs(
        organization=ExchangeOrganization(domain=config.require("organization")),
        resource_group_name=resource_group(
            config.require("resourceGroup"),
            location=location,
            tags={},
            deployed=deployed_resources(),
        ),
        location=location,
        mailbox=Mailbox(
            name="Notifications",
            display_name="Notifications",
            alias=address.partition("@")[0],
            address=address,
        ),
        # Roles of Exchange, bound to the mailbox, where an application access policy needs a group.
        scoping=Scoping.RBAC,
        control_mailbox=config.require("controlMailbox"),
        workflow="mail-notifications",
        trigger=RecurrenceTrigger(
            frequency=Frequency.DAY,
            interval=1,
            # In the past: without it the first run would come at the deployment.
            start_time="2024-01-01T00:00:00",
            time_zone="W. Europe Standard Time",
            schedule=Schedule(hours=[7], minutes=[0]),
        ),
        message=Message(
            subject="Good morning",
            body=Body(content="The workflow is running."),
            to_recipients=[Recipient(address=config.require("recipient"))],
        ),
        # True keeps the mailbox when the stack goes: `pulumi destroy` then refuses.
        retain=False,
    ),
)

pulumi.export("senders", {"notifications": sender.outputs})
