"""Rules between keys."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from components.clouds import ENDPOINTS, Cloud
from components.graph_permission import MailboxPermission
from components.migration import Scoping
from components.provider_errors import ASSIGNMENT_DELAYS
from components.role_based_mailbox_access import WITHOUT_ROLE
from components.scoped_mail_sender import IdentityKind
from components.service_principal import DIRECTORY_DELAYS
from components.trigger import Frequency, Signature, WeekDay
from configuration.callers import RECIPIENTS, attachments, what_callers_supply
from configuration.defaults import accesses_of, senders_of, value_at
from configuration.keys import Deletion, RecurrenceTrigger, StackConfiguration
from configuration.mistakes import ABSENT, KeyPath, Mistake, listed, write_path
from configuration.values import parse_duration


@dataclass(frozen=True)
class _Unique:
    """What no two objects of a stack may share, whatever their case."""

    paths: tuple[tuple[str, ...], ...]
    problem: str
    remedy: str


_UNIQUE = [
    _Unique(
        (("name",),),
        "is the name of another sender or access, and resources are told apart by it",
        "Give each sender and each access a name of its own.",
    ),
    _Unique(
        (("workflow",),),
        "is the workflow of another sender, and both stand in one resource group",
        "Give each sender a workflow name of its own.",
    ),
    _Unique(
        (("mailbox", "address"), ("group", "address")),
        "is the address of another mailbox or group, and Exchange gives an address only once",
        "Give each mailbox and each group an address of its own.",
    ),
    _Unique(
        (("mailbox", "alias"), ("group", "alias")),
        "is the alias of another mailbox or group",
        "Give each mailbox and each group an alias of its own.",
    ),
    _Unique(
        (("mailbox", "name"), ("group", "name")),
        "is the Exchange name of another mailbox or group",
        "Give each mailbox and each group a name of its own; displayName may be the same.",
    ),
    _Unique(
        (("clientId",),),
        "is the identity of another access, and what two permit adds up",
        "Give each identity one access, with all of its mailboxes.",
    ),
    _Unique(
        (("principalId",),),
        "is the identity of another access, and what two permit adds up",
        "Give each identity one access, with all of its mailboxes.",
    ),
]


def _shared_identities(values: Mapping[str, object]) -> Iterator[Mistake]:
    for rule in _UNIQUE:
        seen: dict[str, KeyPath] = {}
        for entry_path, entry in [*senders_of(values), *accesses_of(values)]:
            for path in rule.paths:
                value = value_at(entry, path)
                if not isinstance(value, str):
                    continue
                here = (*entry_path, *path)
                first = seen.setdefault(value.casefold(), here)
                if first != here:
                    yield Mistake(here, value, f"{rule.problem} ({write_path(first)})", rule.remedy)


def _control_mailboxes(values: Mapping[str, object]) -> Iterator[Mistake]:
    ours = _own_recipients(values)
    for path, entry in [*senders_of(values), *accesses_of(values)]:
        control = value_at(entry, ("controlMailbox",))
        if not isinstance(control, str):
            continue
        if control.casefold() in _mailboxes_of(entry):
            yield Mistake(
                (*path, "controlMailbox"),
                control,
                "is one of the mailboxes that the identity may use, and the proof needs one that "
                "is denied",
                "Write the address of a mailbox that exists and that is not among them.",
            )
            continue
        if control.casefold() not in ours:
            continue
        owner = ours[control.casefold()]
        if owner == (*path, "mailbox"):
            problem = (
                "is the sender's own mailbox, a member of the group: the proof needs a mailbox "
                "that is denied"
            )
        elif owner[-1] == "group":
            problem = f"is a group ({write_path(owner)}), and the proof needs a mailbox"
        else:
            problem = (
                f"is another sender's mailbox ({write_path(owner)}), which may not exist yet when "
                "the proof runs"
            )
        yield Mistake(
            (*path, "controlMailbox"),
            control,
            problem,
            "Write the address of a mailbox that exists and that this stack does not manage.",
        )


def _own_recipients(values: Mapping[str, object]) -> dict[str, KeyPath]:
    """Where each mailbox and group stands that the stack makes, by its address."""
    return {
        address.casefold(): (*path, recipient)
        for path, entry in [*senders_of(values), *accesses_of(values)]
        for recipient in ("mailbox", "group")
        if isinstance(address := value_at(entry, (recipient, "address")), str)
    }


def _mailboxes_of(access: object) -> list[str]:
    """The addresses that an access names, whatever their case."""
    given = value_at(access, ("mailboxes",))
    return [str(each).casefold() for each in given] if isinstance(given, list) else []


def _accesses(values: Mapping[str, object]) -> Iterator[Mistake]:
    ours = _own_recipients(values)
    for path, access in accesses_of(values):
        if not isinstance(access, dict):
            continue
        ids = [key for key in ("clientId", "principalId") if access.get(key) is not None]
        if len(ids) != 1:
            yield Mistake(
                (*path, "clientId"),
                access.get("clientId") or ABSENT,
                "is missing, and so is principalId" if not ids else "stands beside principalId",
                "Write one of the two ids of the identity that is to be confined.",
            )
        named = _mailboxes_of(access)
        for index, address in enumerate(named):
            here, given = (*path, "mailboxes", index), access["mailboxes"][index]
            if address in named[:index]:
                yield Mistake(here, given, "is in the list already", "Write each only once.")
            elif ours.get(address, ("",))[-1] == "group":
                yield Mistake(
                    here,
                    given,
                    f"is a group ({write_path(ours[address])}), and not a mailbox",
                    "Write the addresses of the mailboxes themselves.",
                )


# Source: https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits#sending-limits
# 500 is what a new mailbox has; an administrator can raise it, per mailbox, to 1,000.
MOST_RECIPIENTS = 500


def _recipients(values: Mapping[str, object]) -> Iterator[Mistake]:
    for path, sender in senders_of(values):
        message = value_at(sender, ("message",))
        if not isinstance(message, dict):
            continue
        counts = {
            key: len(given) for key in RECIPIENTS if isinstance(given := message.get(key), list)
        }
        if not any(message.get(key) for key in RECIPIENTS):
            yield Mistake(
                (*path, "message", "toRecipients"),
                message.get("toRecipients", ABSENT),
                "names nobody, nor do ccRecipients and bccRecipients: Graph refuses such a mail",
                "Write at least one '- address: finance@contoso.com'.",
            )
        elif (total := sum(counts.values())) > MOST_RECIPIENTS:
            longest = max(counts, key=lambda key: counts[key])
            yield Mistake(
                (*path, "message", longest),
                ABSENT,
                f"has {counts[longest]} of the mail's {total} recipients, and Exchange Online "
                f"takes {MOST_RECIPIENTS} in all",
                "Write the address of a distribution group, which counts as one.",
            )


# Source: https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-actions-triggers#recurrence-trigger
_LONGEST_INTERVAL: dict[str, int] = {
    Frequency.SECOND: 9_999_999,
    Frequency.MINUTE: 72_000,
    Frequency.HOUR: 12_000,
    Frequency.DAY: 500,
    Frequency.WEEK: 71,
    Frequency.MONTH: 16,
}


_SCHEDULE_FREQUENCIES: dict[str, list[str]] = {
    "hours": [Frequency.DAY, Frequency.WEEK],
    "minutes": [Frequency.DAY, Frequency.WEEK],
    "weekDays": [Frequency.WEEK],
}


def _recurrences(values: Mapping[str, object]) -> Iterator[Mistake]:
    for sender_path, sender in senders_of(values):
        trigger = value_at(sender, ("trigger",))
        if not isinstance(trigger, dict) or trigger.get("type") != "recurrence":
            continue
        path = (*sender_path, "trigger")
        yield from _start_times(path, trigger)
        frequency = trigger.get("frequency")
        if frequency not in list(Frequency):
            continue
        longest, interval = _LONGEST_INTERVAL[frequency], trigger.get("interval")
        if type(interval) is int and not 1 <= interval <= longest:
            yield Mistake(
                (*path, "interval"),
                interval,
                f"is out of Logic Apps' range for the frequency {frequency}",
                f"Write a whole number from 1 to {longest}.",
            )
        schedule = trigger.get("schedule")
        if not isinstance(schedule, dict):
            continue
        for key, frequencies in _SCHEDULE_FREQUENCIES.items():
            if key in schedule and frequency not in frequencies:
                yield Mistake(
                    (*path, "schedule", key),
                    schedule[key],
                    f"has no meaning for the frequency {frequency}",
                    f"Leave it out, or set frequency to {listed(frequencies)}.",
                )


_START_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2})(?P<seconds>:\d{2})?)?Z?", re.ASCII
)


def _start_times(path: KeyPath, trigger: Mapping[str, object]) -> Iterator[Mistake]:
    start, zone = trigger["startTime"], trigger.get("timeZone")
    if not isinstance(start, str):
        return
    z = "Z" if zone is None else ""
    problem, remedy = "", f"Write a fixed time, for example 2020-01-01T08:00:00{z}."
    if match := _START_TIME.fullmatch(start):
        meant = f"{match['date']}T{match['time'] or '00:00'}{match['seconds'] or ':00'}"
        try:
            time = datetime.fromisoformat(meant).replace(tzinfo=UTC)
        except ValueError:
            problem = "is a time that the calendar or the clock does not have"
        else:
            # Source: Logic Apps, Recurrence trigger. 49 years in days, leap days left out.
            if time - datetime.now(UTC) > timedelta(days=49 * 365):
                problem = "is more than 49 years ahead, which Logic Apps refuses"
            elif start.removesuffix("Z") != meant:
                problem = "is not a time of the form YYYY-MM-DDThh:mm:ss"
                remedy = f"Write {meant}{z}."
            elif start == f"{meant}Z" and zone is not None:
                problem = "ends with Z although timeZone says how to read it"
                remedy = f"Write {meant}."
            elif start == meant and zone is None:
                problem = "has neither Z at its end nor a timeZone that says how to read it"
                remedy = f"Write {meant}Z, or add a timeZone."
    else:
        problem = (
            "is not a time of the form YYYY-MM-DDThh:mm:ss (Logic Apps takes no offset from UTC)"
        )
    if problem:
        yield Mistake((*path, "startTime"), start, problem, remedy)


def _shortest_gap(trigger: RecurrenceTrigger) -> timedelta:
    """The shortest time that can lie between two runs."""
    units = {
        Frequency.SECOND: timedelta(seconds=1),
        Frequency.MINUTE: timedelta(minutes=1),
        Frequency.HOUR: timedelta(hours=1),
        Frequency.DAY: timedelta(days=1),
        Frequency.WEEK: timedelta(weeks=1),
        Frequency.MONTH: timedelta(days=28),
    }
    whole = units[trigger.frequency] * trigger.interval
    if trigger.schedule is None or trigger.frequency not in (Frequency.DAY, Frequency.WEEK):
        return whole
    schedule = trigger.schedule
    moments = sorted(
        timedelta(days=day, hours=hour, minutes=minute)
        for day in [list(WeekDay).index(day) for day in schedule.week_days] or [0]
        for hour in schedule.hours or (0,)
        for minute in schedule.minutes or (0,)
    )
    return min(
        later - earlier
        for earlier, later in zip(moments, [*moments[1:], moments[0] + whole], strict=True)
    )


PROVIDER_ENVIRONMENTS: dict[str, dict[Cloud, tuple[str, ...]]] = {
    "azure-native:environment": {cloud: facts.azure_native for cloud, facts in ENDPOINTS.items()},
    "azuread:environment": {cloud: facts.azuread for cloud, facts in ENDPOINTS.items()},
}
"""What the providers are told, first the word to write."""


def _clouds(values: Mapping[str, object]) -> Iterator[Mistake]:
    """One cloud's token is worth nothing in another: whoever mixes them cannot even sign in."""
    domain, region, given = (values.get(key) for key in ("organization", "location", "cloud"))
    if given not in list(Cloud):
        return
    cloud = Cloud(str(given))
    if isinstance(domain, str):
        by_domain = [c for c, facts in ENDPOINTS.items() if domain.endswith(facts.initial_domain)]
        if by_domain and cloud not in by_domain:
            yield Mistake(
                ("cloud",),
                given,
                f"is not the cloud of the organization {domain}",
                f"Write {listed([str(each) for each in by_domain])}.",
            )
            return
    if isinstance(region, str) and not _is_region_of(cloud, region):
        yield Mistake(
            ("location",),
            region,
            f"is a region of another cloud than {cloud}",
            f"Write one of its own, e.g. {ENDPOINTS[cloud].region}.",
        )
    for key, by_cloud in PROVIDER_ENVIRONMENTS.items():
        words = by_cloud[cloud]
        environment = values.get(key, words[0] if cloud is Cloud.PUBLIC else ABSENT)
        if environment not in words:
            yield Mistake(
                (key,),
                environment,
                f"has the provider work in another cloud than {cloud}"
                if environment is not ABSENT
                else f"is missing: the provider would work in the public cloud, not in {cloud}",
                f"Write {words[0]}.",
            )


def _is_region_of(cloud: Cloud, region: str) -> bool:
    sovereign = [start for facts in ENDPOINTS.values() for start in facts.regions if start]
    own = next((start for start in sovereign if region.startswith(start)), "")
    return own in ENDPOINTS[cloud].regions


def _undocumented(values: Mapping[str, object]) -> Iterator[Mistake]:
    """Nobody has said that it exists there; where it does not, nothing would be confined."""
    given = values.get("cloud")
    if given not in list(Cloud) or values["allowUndocumented"] in (True, "true"):
        return
    facts = ENDPOINTS[Cloud(str(given))]
    known = {
        Scoping.POLICY: facts.policies,
        Scoping.RBAC: facts.roles,
        Scoping.BOTH: facts.policies and facts.roles,
    }
    others = [str(scoping) for scoping, is_known in known.items() if is_known]
    for path, entry in [*senders_of(values), *accesses_of(values)]:
        scoping = value_at(entry, ("scoping",))
        if scoping in list(Scoping) and not known[Scoping(str(scoping))]:
            yield Mistake(
                (*path, "scoping"),
                scoping,
                f"is not known to exist in {given}: no document of Microsoft says so",
                (f"Write {listed(others)}; or, after" if others else "After")
                + " a try in a tenant for tests there, allowUndocumented: true.",
            )


def _early_recurrences(values: Mapping[str, object]) -> Iterator[Mistake]:
    """A run between the workflow and the grant leaves the identity a token without the role."""
    try:
        waits = sum(
            (parse_duration(values[key]) for key in ("settle", "proofTimeout")),
            timedelta(seconds=sum(DIRECTORY_DELAYS) + sum(ASSIGNMENT_DELAYS)),
        )
    except PydanticCustomError:
        return
    for path, sender in senders_of(values):
        if value_at(sender, ("scoping",)) in (Scoping.RBAC, Scoping.BOTH):
            continue  # What a role opens is not in the token.
        identity = value_at(sender, ("identity",))
        try:
            trigger = RecurrenceTrigger.model_validate(value_at(sender, ("trigger",)))
        except ValidationError:
            continue
        if not 1 <= trigger.interval <= _LONGEST_INTERVAL[trigger.frequency]:
            continue
        if identity == IdentityKind.SYSTEM and timedelta() < _shortest_gap(trigger) < waits:
            yield Mistake(
                (*path, "identity"),
                identity,
                f"is systemAssigned, and the recurrence may fire within the {_spoken(waits)} that "
                "pass at most between the workflow's creation and the grant: the platform would "
                "then keep a token without the permission for a day, and nothing would be sent",
                "Write userAssigned: the workflow is then made after the grant. Or let the "
                "workflow run less often.",
            )


def _spoken(duration: timedelta) -> str:
    minutes = math.ceil(duration / timedelta(minutes=1))
    return f"{minutes} minutes"


def _refused_signatures(values: Mapping[str, object]) -> Iterator[Mistake]:
    for sender_path, sender in senders_of(values):
        trigger = value_at(sender, ("trigger",))
        if not isinstance(trigger, dict) or trigger.get("signature") != Signature.REFUSED:
            continue
        if not trigger.get("entraPolicies"):
            yield Mistake(
                (*sender_path, "trigger", "signature"),
                trigger["signature"],
                "refuses the signature, and without entraPolicies there is no other way to call "
                "the trigger",
                "Write entraPolicies with the claims of the callers' tokens, or accepted.",
            )
        if trigger.get("exportCallbackUrl") is True:
            yield Mistake(
                (*sender_path, "trigger", "exportCallbackUrl"),
                True,
                "exports a URL whose signature is refused, and which starts nothing",
                "Write false: callers need the URL without its signature, which is no secret "
                "(docs/operations.md).",
            )


def _queues(values: Mapping[str, object]) -> Iterator[Mistake]:
    for sender_path, sender in senders_of(values):
        queued = value_at(sender, ("trigger", "queued"))
        if queued is True and value_at(sender, ("probe",)) is True:
            yield Mistake(
                (*sender_path, "trigger", "queued"),
                queued,
                "does not go together with probe: true, since Logic Apps takes no other trigger "
                "beside one whose runs are queued",
                "Write false. What Graph is too busy for is sent again either way.",
            )


def _purges(values: Mapping[str, object]) -> Iterator[Mistake]:
    purge, deletion = values["purgeMailboxes"], values["deletion"]
    if purge is True and deletion != Deletion.DELETE:
        yield Mistake(
            ("purgeMailboxes",),
            purge,
            "removes mailboxes for good, while deletion keeps them",
            "Write false, or set deletion to delete if this is a test tenant.",
        )


def _scopings(values: Mapping[str, object]) -> Iterator[Mistake]:
    for path, entry in [*senders_of(values), *accesses_of(values)]:
        if not isinstance(entry, dict):
            continue
        scoping = entry.get("scoping")
        by_roles = scoping == Scoping.RBAC
        unit = entry.get("administrativeUnit")
        several = len(_mailboxes_of(entry)) > 1 and unit is None
        if entry.get("group") is None and (several or not by_roles):
            yield Mistake(
                (*path, "group"),
                ABSENT,
                "is missing: roles for several mailboxes are bound to a group of them"
                if by_roles
                else "is missing",
                "Write the group's name and address."
                if several
                else "Write the group that is the policy's scope: name and address; or "
                "scoping: rbac, which needs none.",
            )
        if unit is not None and not by_roles:
            yield Mistake(
                (*path, "administrativeUnit"),
                unit,
                "confines no policy, whose scope is a group",
                "Leave it out, or write scoping: rbac and no group.",
            )
        if not by_roles and scoping != Scoping.BOTH:
            continue
        if by_roles and entry.get("group") is not None and not several:
            yield Mistake(
                (*path, "group"),
                ABSENT,
                "is of no use with scoping: rbac, which binds the identity to its mailbox itself"
                if unit is None
                else "is of no use beside administrativeUnit, to which the roles are bound",
                "Leave it out, in senderDefaults too." if path[0] == "senders" else "Leave it out.",
            )
        permissions = entry.get("permissions")
        if isinstance(permissions, list) and WITHOUT_ROLE in permissions:
            yield Mistake(
                (*path, "permissions"),
                str(WITHOUT_ROLE),
                "is a permission for which Exchange has no role",
                f"Write {MailboxPermission.MAIL_READ_BASIC}.",
            )


def _alerts(values: Mapping[str, object]) -> Iterator[Mistake]:
    for path, sender in senders_of(values):
        alerts = value_at(sender, ("alerts",))
        if not isinstance(alerts, dict):
            continue
        given = [key for key in ("addresses", "actionGroup") if alerts.get(key)]
        if len(given) != 1:
            yield Mistake(
                (*path, "alerts"),
                ABSENT,
                "has both addresses and an actionGroup"
                if given
                else "has neither addresses nor an actionGroup, and nobody would be notified",
                "Write one of the two.",
            )


def _entries(values: Mapping[str, object]) -> Iterator[Mistake]:
    if values["senders"] in ((), []) and values["access"] in ((), []):
        is_written = values["senders"] == []
        yield Mistake(
            ("senders",),
            [] if is_written else ABSENT,
            "is an empty list" if is_written else "is missing",
            "Describe at least one sender, or one access."
            if is_written
            else f"Write {StackConfiguration.model_fields['senders'].title}; or access, for "
            "identities that others made.",
        )


def _places(values: Mapping[str, object]) -> Iterator[Mistake]:
    """Where the workflows of senders are made; who has none has nothing to make in Azure."""
    if not values["senders"]:
        return
    for key in ("resourceGroup", "location"):
        if values[key] is None:
            title = StackConfiguration.by_key()[key].title
            yield Mistake((key,), ABSENT, "is missing", f"Write {title}.")


RULES = [
    _entries,
    _places,
    _scopings,
    _alerts,
    _accesses,
    _shared_identities,
    _control_mailboxes,
    _recipients,
    what_callers_supply,
    attachments,
    _recurrences,
    _early_recurrences,
    _refused_signatures,
    _queues,
    _purges,
    _clouds,
    _undocumented,
]
