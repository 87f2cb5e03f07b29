"""Which keys there are."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from components import trigger
from components.clouds import Cloud
from components.exchange import mail_enabled_security_group, shared_mailbox
from components.graph_permission import MailboxPermission
from components.scoped_mail_sender import IdentityKind
from components.trigger import Frequency, Signature, WeekDay
from configuration.messages import Message
from configuration.mistakes import listed
from configuration.values import (
    ONLY_OTHER_LOGIC_APPS,
    Address,
    Alias,
    AllowedCallers,
    DisplayName,
    Duration,
    EntraPolicies,
    ExchangeName,
    InitialDomain,
    Keys,
    Permissions,
    PolicyDescription,
    Region,
    ResourceGroupName,
    SenderName,
    Switch,
    Tags,
    TimeZone,
    WorkflowName,
    at_least_one,
    each_once,
    one_of,
    within,
)


class Deletion(StrEnum):
    """What becomes of mailboxes and groups when a stack is taken down."""

    RETAIN = "retain"
    DELETE = "delete"


class Mailbox(Keys, shared_mailbox.Mailbox):
    """The shared mailbox that a sender sends as."""

    name: ExchangeName = Field(description="the mailbox's Name in Exchange, for good")
    display_name: DisplayName = Field(description="the name that recipients see (default: name)")
    alias: Alias = Field(description="the alias (default: name without spaces)")
    address: Address = Field(description="the primary address, e.g. notifications@contoso.com")
    hidden_from_address_lists: Annotated[StrictBool, Field(description="true or false")]
    sign_in_blocked: Annotated[StrictBool, Field(description="true or false")]
    adopt: Annotated[
        StrictBool, Field(description="true to take over a mailbox that exists, else false")
    ]


class Group(Keys, mail_enabled_security_group.Group):
    """The mail-enabled security group that is the scope of the policy, and nothing else's."""

    name: ExchangeName = Field(description="the group's Name in Exchange, for good")
    display_name: DisplayName = Field(
        description="the name that address lists show (default: name)"
    )
    alias: Alias = Field(description="the alias (default: name without spaces)")
    address: Address = Field(
        description="the primary address, e.g. notifications-scope@contoso.com"
    )
    managed_by: Annotated[tuple[Address, ...], Field(description="a list of the owners' addresses")]
    policy_description: PolicyDescription = Field(
        description="the description of the application access policy"
    )
    adopt: Annotated[
        StrictBool, Field(description="true to take over a group that exists, else false")
    ]


class Schedule(Keys, trigger.Schedule):
    """At which hours and minutes, and on which days of the week, a recurrence fires."""

    hours: Annotated[
        tuple[Annotated[StrictInt, AfterValidator(within(0, 23))], ...],
        AfterValidator(each_once),
        Field(description="a list of hours, 0 to 23"),
    ]
    minutes: Annotated[
        tuple[Annotated[StrictInt, AfterValidator(within(0, 59))], ...],
        AfterValidator(each_once),
        Field(description="a list of minutes, 0 to 59"),
    ]
    week_days: Annotated[
        tuple[Annotated[WeekDay, BeforeValidator(one_of(WeekDay, "is not a day"))], ...],
        AfterValidator(each_once),
        Field(description="a list of days, e.g. Monday"),
    ]


class HttpRequestTrigger(Keys, trigger.HttpRequestTrigger):
    """The workflow runs when its callback URL is called."""

    type: Literal["httpRequest"]
    allowed_callers: Annotated[
        AllowedCallers | None,
        Field(
            description=f"a list of address ranges, e.g. 203.0.113.0/24, or {ONLY_OTHER_LOGIC_APPS}"
        ),
    ]
    entra_policies: EntraPolicies = Field(
        {}, description="a name a line, and below each its claims: iss, aud and others"
    )
    signature: Annotated[
        Signature,
        BeforeValidator(one_of(Signature, "says nothing about the signature")),
        Field(description="accepted or refused"),
    ]
    export_callback_url: Annotated[
        StrictBool,
        Field(description="true to export the callback URL as a secret output, else false"),
    ]


class RecurrenceTrigger(Keys, trigger.RecurrenceTrigger):
    """The workflow runs by the clock."""

    type: Literal["recurrence"]
    frequency: Annotated[
        Frequency, BeforeValidator(one_of(Frequency, "is not a frequency that Logic Apps knows"))
    ] = Field(description=listed([str(frequency) for frequency in Frequency]))
    interval: StrictInt = Field(description="a whole number: every so many of frequency")
    start_time: StrictStr = Field(
        description="a fixed time, e.g. 2020-01-01T00:00:00 (the default), with Z at its end where "
        "there is no timeZone"
    )
    time_zone: Annotated[
        TimeZone | None,
        Field(description="a time zone by its Windows name, e.g. W. Europe Standard Time"),
    ]
    schedule: Annotated[Schedule | None, Field(description="hours, minutes or weekDays")]


class Sender(Keys):
    """One workflow that sends as one shared mailbox, and as no other."""

    name: SenderName = Field(
        description="a name for the sender within the stack, e.g. notifications"
    )
    mailbox: Mailbox = Field(description="the shared mailbox: name and address")
    group: Group = Field(description="the group that is the policy's scope: name and address")
    control_mailbox: Address = Field(
        description="the address of an existing mailbox that the workflow must not send as"
    )
    workflow: WorkflowName = Field(
        description="the name of the Logic App (default: the sender's name)"
    )
    identity: Annotated[
        IdentityKind, BeforeValidator(one_of(IdentityKind, "is not a kind of managed identity"))
    ] = Field(IdentityKind.SYSTEM, description="systemAssigned or userAssigned")
    trigger: Annotated[HttpRequestTrigger | RecurrenceTrigger, Field(discriminator="type")] = Field(
        description="a trigger of type httpRequest or recurrence"
    )
    message: Message = Field(description="the mail: subject, body and recipients")
    permissions: Permissions = Field(
        (MailboxPermission.MAIL_SEND,), description="a list of Graph permissions"
    )
    probe: StrictBool = Field(False, description="true or false")
    enabled: StrictBool = Field(True, description="true or false")


class StackConfiguration(Keys):
    """Everything that a stack is told.

    Attributes:
        settle: How long to wait between the proof of a policy and the grant: the policy is
            effective in Graph up to an hour or more after Exchange's own test sees it.
        proof_timeout: For how long the proof is tried again before the deployment fails.
        drift: Whether each preview and update first looks for what others changed in Exchange.
        sender_defaults: By a sender's name, keys that it has in every environment which does not
            write them itself. Those of a sender that a stack does not have mean nothing to it.
        allow_open_triggers: Whether an HTTP trigger that every address may call is meant to be.
            None is refused here: the workflow is marked, and the policy pack refuses the others.
        tags: Of everything that the stack makes in Azure. What others tag there is left alone.
        deletion: Whether mailboxes and groups are kept, and protected against ``pulumi destroy``:
            without a word about it they are, since a mailbox is somebody's mail.
        purge_mailboxes: Whether a removed mailbox is also taken out of the 30 days in which
            Exchange could restore it.
    """

    resource_group: ResourceGroupName = Field(
        description="the name of the resource group, e.g. rg-mail-sender-dev"
    )
    location: Region = Field(
        description="the Azure region, e.g. westeurope, here or as azure-native:location"
    )
    organization: InitialDomain = Field(
        description="the tenant's initial domain, e.g. contoso.onmicrosoft.com"
    )
    tags: Tags = Field({}, description="a tag a line: its name, and its value as text")
    cloud: Annotated[
        Cloud, BeforeValidator(one_of(Cloud, "is not a cloud that this program knows"))
    ] = Field(Cloud.PUBLIC, description=listed([str(cloud) for cloud in Cloud]))
    settle: Duration = Field(timedelta(hours=1), description="a duration, e.g. PT1H")
    proof_timeout: Duration = Field(timedelta(minutes=10), description="a duration, e.g. PT10M")
    drift: Switch = Field(False, description="true or false")
    allow_open_triggers: Switch = Field(False, description="true or false")
    deletion: Annotated[
        Deletion, BeforeValidator(one_of(Deletion, "says nothing about mailboxes and groups"))
    ] = Field(Deletion.RETAIN, description="retain or delete")
    purge_mailboxes: Switch = Field(False, description="true or false")
    sender_defaults: dict[str, dict[str, Any]] = Field(
        {}, description="a sender's name a line, and below each the keys that its senders share"
    )
    senders: Annotated[tuple[Sender, ...], AfterValidator(at_least_one)] = Field(
        description="a list of senders, each with name, mailbox, group, controlMailbox, trigger "
        "and message"
    )

    @property
    def retain(self) -> bool:
        """Whether mailboxes and groups are kept."""
        return self.deletion is Deletion.RETAIN
