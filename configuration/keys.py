"""Which keys there are.

The title of each is what a message tells to write, its docstring what docs/configuration.md says
of it: ``python -m tools.reference`` writes that anew.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from components import trigger, workflow_alerts
from components.clouds import Cloud
from components.exchange import mail_enabled_security_group, shared_mailbox
from components.exchange.exchange_command import DEFAULT_MARK_ATTRIBUTE
from components.graph_permission import MailboxPermission
from components.migration import Scoping
from components.scoped_mail_sender import IdentityKind
from components.trigger import Frequency, Signature, WeekDay
from configuration.messages import Message
from configuration.values import (
    EACH_ONCE,
    ONLY_OTHER_LOGIC_APPS,
    ActionGroupId,
    Address,
    Alias,
    AllowedCallers,
    DisplayName,
    Duration,
    EntraPolicies,
    ExchangeName,
    InitialDomain,
    Keys,
    MarkAttribute,
    ObjectId,
    Permissions,
    PolicyDescription,
    Region,
    ResourceGroupName,
    SenderName,
    SendingPermissions,
    Tags,
    TimeZone,
    WorkflowName,
    WorkspaceId,
)


class Deletion(StrEnum):
    """What becomes of mailboxes and groups when a stack is taken down."""

    RETAIN = "retain"
    DELETE = "delete"


class Mailbox(Keys, shared_mailbox.Mailbox, frozen=True):
    """The shared mailbox that a sender sends as."""

    name: ExchangeName = Field(title="the mailbox's Name in Exchange, for good")
    """Used when the mailbox is created; change ``displayName`` rather than this. Up to 64 of A to
    Z, a to z, 0 to 9, space and ``. _ ' -``."""
    display_name: DisplayName = Field(title="the name that recipients see (default: name)")
    """Up to 256 characters."""
    alias: Alias = Field(title="the alias (default: name without spaces)")
    """1 to 64 of A to Z, a to z, 0 to 9 and ``. _ -``."""
    address: Address = Field(title="the primary address, e.g. notifications@contoso.com")
    """In an accepted domain of the organisation."""
    hidden_from_address_lists: Annotated[StrictBool, Field(title="true or false")]
    """Keeps the mailbox out of the address book."""
    sign_in_blocked: Annotated[StrictBool, Field(title="true or false")]
    """Disables the account behind the mailbox; sending needs none."""
    adopt: Annotated[StrictBool, Field(title="true to take over a mailbox that exists, else false")]
    """Takes over a mailbox with this address that exists, and never removes it."""
    forward_to: Annotated[Address | None, Field(title="an address of the organisation")]
    """Gets a copy of what arrives: answers, and reports of mail that was not delivered. Exchange
    blocks forwarding out of the organisation unless its outbound spam policy allows it. Taken out,
    the forwarding stays as it is."""


class Group(Keys, mail_enabled_security_group.Group, frozen=True):
    """The mail-enabled security group that is the scope of the policy, and nothing else's.

    A sender's mailbox is its only member; those of an access are its only members.
    """

    name: ExchangeName = Field(title="the group's Name in Exchange, for good")
    """As for the mailbox."""
    display_name: DisplayName = Field(title="the name that address lists show (default: name)")
    """As for the mailbox."""
    alias: Alias = Field(title="the alias (default: name without spaces)")
    """As for the mailbox."""
    address: Address = Field(title="the primary address, e.g. notifications-scope@contoso.com")
    """In an accepted domain of the organisation."""
    managed_by: Annotated[tuple[Address, ...], Field(title="a list of the owners' addresses")]
    """Who may change the group: each could widen what the sender reaches."""
    policy_description: PolicyDescription = Field(
        title="the description of the application access policy (default: Restrict this app's "
        "permissions to members of distribution group, and its address)"
    )
    """What Exchange shows beside the policy, on one line."""
    adopt: Annotated[StrictBool, Field(title="true to take over a group that exists, else false")]
    """Takes over a group with this address that exists, and never removes it."""


class Schedule(Keys, trigger.Schedule, frozen=True):
    """At which hours and minutes, and on which days of the week, a recurrence fires."""

    hours: Annotated[
        tuple[Annotated[StrictInt, Field(ge=0, le=23)], ...],
        EACH_ONCE,
        Field(title="a list of whole numbers from 0 to 23"),
    ]
    """For the frequencies Day and Week."""
    minutes: Annotated[
        tuple[Annotated[StrictInt, Field(ge=0, le=59)], ...],
        EACH_ONCE,
        Field(title="a list of whole numbers from 0 to 59"),
    ]
    """For the frequencies Day and Week."""
    week_days: Annotated[tuple[WeekDay, ...], EACH_ONCE, Field(title="a list of days, e.g. Monday")]
    """For the frequency Week."""


class HttpRequestTrigger(Keys, trigger.HttpRequestTrigger, frozen=True):
    """The workflow runs when its callback URL is called."""

    type: Literal["httpRequest"] = Field(title="httpRequest")
    """Which of the two triggers this is."""
    allowed_callers: Annotated[
        AllowedCallers | None,
        Field(title=f"a list of address ranges, e.g. 203.0.113.0/24, or {ONLY_OTHER_LOGIC_APPS}"),
    ]
    """Who may call it, besides having the callback URL: ranges of IPv4 addresses, or other Logic
    Apps only. Default: every address, which the policy pack refuses unless ``allowOpenTriggers`` is
    true."""
    entra_policies: EntraPolicies = Field(
        {}, title="a name a line, and below each its claims: iss, aud and others"
    )
    """Lets in calls with a token of Entra ID instead of the callback URL's signature. Up to 5, by
    name, each with the claims that a token must have: ``iss`` and ``aud``, and up to 8 others. They
    do not close the callback URL: only
    ``allowedCallers`` and ``signature`` do."""
    signature: Annotated[Signature, Field(title="accepted or refused")]
    """With ``entraPolicies``: ``refused`` has the signature of the callback URL start nothing."""
    queued: Annotated[StrictBool, Field(title="true or false")]
    """true has no more than four runs at once, as many as Graph takes for a mailbox, and up to 100
    others wait; a call beyond those is refused. Azure does not let it be undone: only a workflow of
    another name is without. It shuts out ``probe: true``."""
    export_callback_url: Annotated[
        StrictBool, Field(title="true to export the callback URL as a secret output, else false")
    ]
    """Exports the callback URL, which anyone may call who knows it, as a secret output of the
    stack."""


class RecurrenceTrigger(Keys, trigger.RecurrenceTrigger, frozen=True):
    """The workflow runs by the clock."""

    type: Literal["recurrence"] = Field(title="recurrence")
    """Which of the two triggers this is."""
    frequency: Frequency = Field(title="Second, Minute, Hour, Day, Week or Month")
    """The unit in which ``interval`` counts."""
    interval: StrictInt = Field(title="a whole number: every so many of frequency")
    """At most 9,999,999 seconds, 72,000 minutes, 12,000 hours, 500 days, 71 weeks or 16 months. A
    recurrence that may fire during the waits before the grant needs a ``userAssigned`` identity."""
    start_time: StrictStr = Field(
        title="a fixed time, e.g. 2020-01-01T08:00:00, with Z at its end where there is no "
        "timeZone (default: 2020-01-01, midnight)"
    )
    """Keep it in the past: the first run is then the next that the schedule has."""
    time_zone: Annotated[
        TimeZone | None,
        Field(title="a time zone by its Windows name, e.g. W. Europe Standard Time"),
    ]
    """How times are read. Default: UTC."""
    schedule: Annotated[Schedule | None, Field(title="hours, minutes or weekDays")]
    """When exactly, for days and weeks."""


class Alerts(Keys, workflow_alerts.Alerts, frozen=True):
    """Who is notified of a failed run of the workflow, which is a mail that was not sent."""

    addresses: Annotated[tuple[Address, ...], EACH_ONCE, Field(title="a list of mail addresses")]
    """An action group is made for them."""
    action_group: Annotated[
        ActionGroupId | None, Field(title="the resource id of an action group that exists")
    ]
    """In place of ``addresses``."""


class Sender(Keys, frozen=True):
    """One workflow that sends as one shared mailbox, and as no other."""

    name: SenderName = Field(title="a name for the sender within the stack, e.g. notifications")
    """Lowercase letters, digits and hyphens, up to 40; unique in the stack. The name that the
    resources have in Pulumi, and part of the mark that they carry in Exchange: do not change it, a
    new one is refused as somebody else's."""
    mailbox: Mailbox = Field(title="the shared mailbox: name and address")
    """The shared mailbox that is sent as."""
    group: Annotated[
        Group | None, Field(title="the group that is the policy's scope: name and address")
    ] = None
    """The mail-enabled security group that is the policy's scope. Required, but for ``scoping:
    rbac``, which has none."""
    scoping: Scoping = Field(Scoping.POLICY, title="applicationAccessPolicy, both or rbac")
    """``applicationAccessPolicy``: the permission is granted in Entra, and a policy on the group
    confines it. Or ``rbac``: a role in Exchange, bound to the mailbox; no group, no grant, no
    ``settle``. A deployed sender is changed from one to the other by way of ``both``, in runs hours
    apart (docs/operations.md)."""
    control_mailbox: Address = Field(
        title="the address of an existing mailbox that the workflow must not send as"
    )
    """Of a mailbox that the stack does not manage. Before anything is granted, it must be denied to
    the workflow."""
    workflow: WorkflowName = Field(title="the name of the Logic App (default: the sender's name)")
    """1 to 80 letters, digits and ``. _ ( ) -``. A change gives it a new identity where that is
    ``systemAssigned``."""
    identity: IdentityKind = Field(IdentityKind.SYSTEM, title="systemAssigned or userAssigned")
    """``systemAssigned``: the workflow's own, made with it, before the grant. Or ``userAssigned``:
    ``id-<name>``, made, confined and granted before the workflow is; a recurrence that may fire
    during the waits before the grant needs this one. A change replaces workflow and identity."""
    trigger: Annotated[HttpRequestTrigger | RecurrenceTrigger, Field(discriminator="type")] = Field(
        title="a trigger of type httpRequest or recurrence"
    )
    """What starts the workflow."""
    message: Message = Field(title="the mail: subject, body and recipients")
    """What is sent, and to whom."""
    permissions: SendingPermissions = Field(
        (MailboxPermission.MAIL_SEND,), title="a list of Graph permissions"
    )
    """Of the eleven that an application access policy confines: Mail.Read, Mail.ReadBasic,
    Mail.ReadBasic.All, Mail.ReadWrite, Mail.Send, MailboxSettings.Read, MailboxSettings.ReadWrite,
    Calendars.Read, Calendars.ReadWrite, Contacts.Read, Contacts.ReadWrite. Must have Mail.Send."""
    probe: StrictBool = Field(False, title="true or false")
    """Adds two triggers that only Azure's management API fires: one has the workflow send to its
    own mailbox alone, one has it try to send as the control mailbox, a message without recipients.
    ``python -m operations.prove`` needs them."""
    enabled: StrictBool = Field(True, title="true or false")
    """false switches the workflow off; back to true, it is switched on after another proof. A
    workflow that somebody switched off in Azure stays off either way."""
    alerts: Annotated[Alerts | None, Field(title="addresses, or an actionGroup")] = None
    """Who is notified of a failed run of the workflow; a proof by sending fails one on purpose."""
    diagnostics: Annotated[
        WorkspaceId | None, Field(title="the resource id of a Log Analytics workspace")
    ] = None
    """Has Azure Monitor keep the run history there, which holds no mail."""


class Access(Keys, frozen=True):
    """Lets an identity that others made, such as a function app's, use mailboxes, and no others.

    The stack makes neither the identity nor the mailboxes.
    """

    name: SenderName = Field(title="a name for the access within the stack, e.g. reporting")
    """As for a sender, and unique among both."""
    client_id: ObjectId | None = Field(
        None, title="the client id (application id) of the identity, or principalId in its place"
    )
    """Of a managed identity or an app registration."""
    principal_id: ObjectId | None = Field(
        None, title="the object id of the identity's service principal, or clientId in its place"
    )
    """Of a managed identity, or of the enterprise application: an app registration's object id is
    another one."""
    mailboxes: Annotated[tuple[Address, ...], EACH_ONCE] = Field(
        title="a list of the addresses of existing mailboxes"
    )
    """The mailboxes that the identity may use; that of a sender of the stack may be among them."""
    permissions: Permissions = Field(title="a list of Graph permissions")
    """What it may do there: of the eleven that a sender may have."""
    group: Annotated[
        Group | None, Field(title="the group that confines the identity: name and address")
    ] = None
    """The mail-enabled security group of the mailboxes. Required, but for ``scoping: rbac`` with
    one mailbox, or with an administrative unit, which have none."""
    administrative_unit: ObjectId | None = Field(
        None, title="the object id of an administrative unit that has the mailboxes"
    )
    """In place of the group, with ``scoping: rbac``: the roles are bound to that unit of Entra.
    Whoever manages it decides who else is in reach; the proof asks for ``mailboxes`` and for the
    control mailbox only."""
    scoping: Scoping = Field(Scoping.POLICY, title="applicationAccessPolicy, rbac or both")
    """As for a sender. With ``rbac`` a role is bound to the one mailbox, or to the group of
    several. A deployed one is changed by way of ``both``; what confined the identity by the other
    scoping then stays in Exchange, and ``pulumi up`` says how it is removed."""
    control_mailbox: Address = Field(
        title="the address of an existing mailbox that the identity must not reach"
    )
    """Of a mailbox that the stack does not manage. It must be denied to the identity."""

    @property
    def identity(self) -> dict[str, str]:
        """By what the identity is looked up: one of the two ids, by its name in Pulumi."""
        given = {"clientId": self.client_id, "objectId": self.principal_id}
        return {key: value for key, value in given.items() if value is not None}


class StackConfiguration(Keys, frozen=True):
    """Everything that a stack is told.

    None is refused here for an HTTP trigger that every address may call: the workflow is marked,
    and the policy pack refuses it unless ``allow_open_triggers`` says that it is meant to be.
    """

    resource_group: Annotated[
        ResourceGroupName | None,
        Field(title="the name of the resource group, e.g. rg-mail-sender-dev"),
    ] = None
    """The Azure resource group of the workflows. It is made where there is none, used as it is
    where there is one, and never deleted: others may have put something into it. 1 to 90 letters,
    digits and ``. _ ( ) -``, with no dot at the end. Required where there are senders; a stack
    without makes none."""
    location: Annotated[
        Region | None,
        Field(title="the Azure region, e.g. westeurope, here or as azure-native:location"),
    ] = None
    """By its short name. Required where there are senders."""
    organization: InitialDomain = Field(
        title="the tenant's initial domain, e.g. contoso.onmicrosoft.com"
    )
    """With a custom domain Exchange Online signs in and then refuses every change."""
    mark_attribute: MarkAttribute = Field(
        DEFAULT_MARK_ATTRIBUTE,
        title="one of ExtensionCustomAttribute1 to 5 or CustomAttribute1 to 15",
    )
    """The attribute of mailboxes and groups that says which are this stack's. The five
    ``ExtensionCustomAttribute`` hold several values: what others wrote there stays. A
    ``CustomAttribute`` holds one, so it has to be empty. Do not change it in a stack that is
    deployed: its mailboxes and groups would not be found."""
    tags: Tags = Field({}, title="a tag a line: its name, and its value as text")
    """Of everything that is made in Azure, at most 48. Tags that others add, Azure Policy or
    people, are left alone."""
    cloud: Cloud = Field(Cloud.PUBLIC, title="public, usGovernmentL4, usGovernmentL5 or china")
    """The Microsoft cloud that the organisation is in: ``public`` (also GCC), ``usGovernmentL4``
    (GCC High), ``usGovernmentL5`` (DoD) or ``china``. It has to agree with ``organization``,
    ``location``, and the providers' own keys ``azure-native:environment`` and
    ``azuread:environment``, which all but ``public`` need."""
    settle: Duration = Field(timedelta(hours=1), title="a duration, e.g. PT1H")
    """How long to wait between the proof of a policy and the grant of the permission, as an ISO
    8601 duration. Graph obeys a new policy up to an hour or more after Exchange's own test sees
    it."""
    proof_timeout: Duration = Field(timedelta(minutes=10), title="a duration, e.g. PT10M")
    """For how long the proof is tried again before the deployment fails, as an ISO 8601
    duration."""
    drift: StrictBool = Field(False, title="true or false")
    """true looks at each preview and update, by reading only, for what others changed in Exchange
    Online since the last one, and has it mended. It needs the credentials for Exchange in a preview
    too."""
    allow_open_triggers: StrictBool = Field(False, title="true or false")
    """true says that HTTP triggers without ``allowedCallers`` are meant to be open to every
    address, and marks their workflows with the tag ``openTrigger``; the policy pack refuses
    others."""
    allow_undocumented: StrictBool = Field(False, title="true or false")
    """true lets a sender in a sovereign cloud be confined by what is not known to exist there: an
    application access policy in any of them, and in ``china`` a role as well. Try it in a tenant
    for tests first."""
    migrate_now: StrictBool = Field(False, title="true or false")
    """true lets ``scoping: both`` be left before the sender is known to send by what stays: it may
    be unable to send for hours."""
    deletion: Deletion = Field(Deletion.RETAIN, title="retain or delete")
    """What becomes of mailboxes, groups and the policies on them when the stack or a sender goes.
    ``retain`` keeps them and has ``pulumi destroy`` refuse; ``delete`` removes them: for test
    tenants. A change acts from the next ``pulumi up`` on."""
    purge_mailboxes: StrictBool = Field(False, title="true or false")
    """true, with ``deletion: delete`` only, removes mailboxes for good. Otherwise Exchange keeps a
    removed mailbox, recoverable, for 30 days."""
    sender_defaults: dict[str, dict[str, Any]] = Field(
        {}, title="a sender's name a line, and below each the keys that its senders share"
    )
    """By a sender's name, what it has in every environment that does not write it itself: what is
    written in the file of an environment stays, group by group, and a list is taken whole. Those of
    a sender that a stack does not have mean nothing to it."""
    senders: tuple[Sender, ...] = Field(
        (),
        title="a list of senders, each with name, mailbox, group, controlMailbox, "
        "trigger and message",
    )
    """Each is a workflow that sends as one shared mailbox, and as no other. A stack has at least
    one of these, or one ``access``."""
    access: tuple[Access, ...] = Field(
        (), title="a list, each with name, clientId, mailboxes, permissions and controlMailbox"
    )
    """Identities that others made, each confined to mailboxes that exist. When the stack or an
    entry goes, its permissions go, and what confines the identity stays, since it lives on with a
    token from before: ``pulumi destroy`` says until when."""

    @property
    def retain(self) -> bool:
        """Whether mailboxes and groups are kept."""
        return self.deletion is Deletion.RETAIN
