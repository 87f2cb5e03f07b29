"""The typed configuration of a stack: every rule, and what a mistake is answered with.

Pydantic models say which keys there are and what each may hold; the functions under *Rules between
keys* say what must agree. All of them look at the configuration as it was written, so that one run
names every mistake: a person who deploys by pull request would otherwise meet them one a day.

Nothing here looks anything up. Whether a domain is accepted by the organisation, or a control
mailbox exists, is for Exchange to say.
"""

import copy
import difflib
import ipaddress
import json
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar, get_args

import pulumi
import yaml
from email_validator import EmailNotValidError, validate_email
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from tzlocal.windows_tz import tz_win, win_tz

from components.clouds import Cloud
from components.graph_permission import MailboxPermission
from components.logic_app import OWN_TAGS
from components.provider_errors import ASSIGNMENT_DELAYS
from components.service_principal import DIRECTORY_DELAYS
from components.workflow_definition import email_message, literal

NAMESPACE = "scoped-mail-sender"
"""The project's name, under which the keys of its configuration stand in a stack's file."""

ROOT = Path(__file__).resolve().parent
"""The folder of ``Pulumi.yaml`` and of a ``Pulumi.<stack>.yaml`` for each environment."""

ONLY_OTHER_LOGIC_APPS = "otherLogicApps"
"""What ``allowedCallers`` says where no address on the internet may call."""

KeyPath = tuple[str | int, ...]
"""Where a value stands, e.g. ``("senders", 0, "mailbox", "alias")``, in the keys of the YAML."""


class ConfigurationError(pulumi.RunError):
    """The configuration is wrong; the text names every mistake and what to write instead.

    A ``RunError``, so that the Pulumi command line shows the text alone, without a traceback.
    """


class _RefusedError(ValueError):
    """A value breaks a rule. Pydantic adds where it stands."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


# --- Rules for one value -----------------------------------------------------------------------


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise _RefusedError(problem, remedy)


def _did_you_mean(given: object, known: list[str]) -> str:
    """A hint for a misspelt word, or nothing; ``display_name`` is one for ``displayName``."""
    if not isinstance(given, str):
        return ""
    plain = {word.replace("_", "").casefold(): word for word in known}
    close = difflib.get_close_matches(given.replace("_", "").casefold(), plain, n=1)
    return f" Did you mean {plain[close[0]]}?" if close else ""


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _whole_characters(text: str) -> str:
    if any(unicodedata.category(character) == "Cs" for character in text):
        _refuse(
            "holds half of a character (a surrogate), which cannot be sent anywhere",
            "Write the whole character.",
        )
    return text


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        _refuse(
            "holds a line break or another control character",
            "Write it on one line, without tabs.",
        )
    return _whole_characters(text)


def _sent(text: str) -> str:
    """A text of the mail, which the workflow must not take for an expression."""
    try:
        literal(text)
    except ValueError as error:
        _refuse(
            str(error),
            "Put another character between or before them; in a body with contentType HTML, write "
            "&#64; instead of @.",
        )
    return text


# What Exchange keeps of a subject by its schema for EWS. What sendMail makes of a longer one is not
# on record.
LONGEST_SUBJECT = 255


def _subject(text: str) -> str:
    if len(text) > LONGEST_SUBJECT:
        _refuse(
            f"has {len(text)} characters, and Exchange keeps {LONGEST_SUBJECT} of a subject",
            "Shorten it, and say the rest in the body.",
        )
    return text


def _mail_text(text: str) -> str:
    if any(
        unicodedata.category(character) == "Cc" and character not in "\t\r\n" for character in text
    ):
        _refuse(
            "holds a control character other than a tab or a line break",
            "Leave it out: a mail cannot show it.",
        )
    return _whole_characters(text)


def _no_time(text: str) -> str:
    """For what a script reads: ConvertFrom-Json makes a time of a text that looks like one."""
    if re.match(r"\d{4}-\d\d-\d\dT|/Date\(", text):
        _refuse(
            "begins like a time in JSON: PowerShell would read it as one, and write it otherwise",
            "Write it otherwise, for example with a space in place of T.",
        )
    return text


def _display_name(text: str) -> str:
    if not text.strip() or text != text.strip():
        _refuse("is empty, or begins or ends with a space", "Write it without spaces around it.")
    # Source: -DisplayName of New-Mailbox and New-DistributionGroup.
    if len(text) > 256:
        _refuse(
            f"has {len(text)} characters, and a display name may have 256", "Write a shorter one."
        )
    return _no_time(_one_line(text))


def _policy_description(text: str) -> str:
    # One space is enough, and saves room: the policies of a tenant share a fixed space.
    if not text:
        _refuse(
            "is empty, and Exchange would write a text of its own",
            "Write a description, or leave the key out.",
        )
    return _no_time(_one_line(text))


def _exchange_name(text: str) -> str:
    # Exchange Online refuses "many special characters" (New-Mailbox, -Name) and publishes no list.
    # Of what its page on user names allows, this is the part that needs no quoting anywhere.
    if len(text) > 64:
        _refuse(
            f"has {len(text)} characters, and Exchange allows a name 64",
            "Write a shorter name here, and the long one as displayName.",
        )
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9 ._'-]*[A-Za-z0-9])?", text):
        _refuse(
            "is not a name that Exchange Online is sure to take",
            "Write a name of letters A to Z, digits, spaces and . _ ' -, with a letter or digit at "
            "both ends; displayName may be written freely.",
        )
    return text


def _alias(text: str) -> str:
    # The part of what -Alias accepts that is also a plain local part of an address. Characters
    # outside it Exchange maps or replaces by "?" without an error, and then nothing finds it.
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", text) or ".." in text:
        _refuse(
            "is not an alias that Exchange keeps as it is",
            "Write 1 to 64 letters A to Z, digits, and . _ - between them, no two dots together, "
            "for example LogicAppNotifications.",
        )
    return text


def _address(text: str) -> str:
    remedy = "Write one plain SMTP address, for example finance@contoso.com."
    try:
        validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        _refuse(f"is not a mail address: {str(error).rstrip('.')}", remedy)
    if not text.isascii():
        _refuse("is not a mail address that Exchange takes: it is not ASCII", remedy)
    return text


def _sender_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", text):
        _refuse(
            "cannot be a sender's name",
            "Write lowercase letters, digits and hyphens between them, for example notifications.",
        )
    # A mailbox and a group are marked project/stack/name, first in their display name, of which
    # Exchange takes 256; project and stack may have 100 each.
    if len(text) > 40:
        _refuse(f"has {len(text)} characters, and 40 are the most", "Write a shorter one.")
    return text


def _workflow_name(text: str) -> str:
    # Source: Logic Apps limits, https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
    if not re.fullmatch(r"[A-Za-z0-9._()-]{1,80}", text):
        _refuse(
            "is not a name that a workflow can have",
            "Write 1 to 80 letters A to Z, digits and . _ ( ) -, for example mail-notifications.",
        )
    return text


def _resource_group(text: str) -> str:
    # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    if not re.fullmatch(r"[\w.()-]{1,90}", text) or text.endswith("."):
        _refuse(
            "is not a name that a resource group can have",
            "Write 1 to 90 letters, digits and . _ ( ) -, with no dot at the end, "
            "for example rg-mail-sender-dev.",
        )
    return text


def _location(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+", text):
        compact = re.sub(r"[^a-z0-9]", "", text.casefold())
        _refuse(
            "is not the short name of an Azure region",
            f"Write {compact or 'westeurope'}: lowercase letters and digits, as "
            "'az account list-locations' gives it under name.",
        )
    return text


def _organization(text: str) -> str:
    # Source: https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2
    if not re.fullmatch(r"[A-Za-z0-9-]+\.(onmicrosoft\.(com|us)|(partner\.)?onmschina\.cn)", text):
        _refuse(
            "is not the tenant's initial domain: with any other, Exchange Online signs in and then "
            "refuses every change",
            "Write the .onmicrosoft.com domain, for example contoso.onmicrosoft.com.",
        )
    return text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
    for name, value in tags.items():
        if not 1 <= len(name) <= 512 or re.search(r"[<>%&\\?/\x00-\x1f\x7f]", name):
            _refuse(
                f"has a tag {_shown(name)}, which is no name for one",
                "Write 1 to 512 characters, none of them < > % & \\ ? or /.",
            )
        if name.casefold().startswith(("microsoft", "azure", "windows")):
            _refuse(
                f"has a tag {_shown(name)}, and what begins with microsoft, azure or windows is "
                "Azure's",
                "Write another name.",
            )
        if name.casefold() in {own.casefold() for own in OWN_TAGS}:
            _refuse(
                f"has a tag {_shown(name)}, which this program writes by itself where it is due",
                "Leave it out.",
            )
        if len(value) > 256:
            _refuse(
                f"has a tag {_shown(name)} with a value of {len(value)} characters, of which Azure "
                "takes 256",
                "Write a shorter value.",
            )
    folded = [name.casefold() for name in tags]
    if twice := sorted(name for name in tags if folded.count(name.casefold()) > 1):
        _refuse(f"has {_listed(twice)}, which Azure takes for one tag", "Write each only once.")
    most = 50 - len(OWN_TAGS)
    if len(tags) > most:
        _refuse(
            f"has {len(tags)} tags, and Azure takes 50 with {_listed([*OWN_TAGS])}",
            f"Write at most {most}.",
        )
    return tags


def _duration(value: object) -> timedelta:
    # Days to seconds only: the months and years of ISO 8601 have no fixed length.
    form = r"P(?!$)(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?"
    match = re.fullmatch(form, value) if isinstance(value, str) else None
    if match is None:
        _refuse(
            "is not a duration in days, hours, minutes and seconds (ISO 8601)",
            "Write for example PT1H (an hour), PT30M, P1D, or PT0S for none.",
        )
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _switch(value: object) -> bool:
    # Pulumi hands on the value of a key at the top as its text.
    if value not in (True, False, "true", "false") or type(value) is int:
        _refuse("is neither true nor false", "Write true or false.")
    return value in (True, "true")


def _time_zone(text: str) -> str:
    if text not in win_tz:
        meant = tz_win.get(text)
        hint = f" Did you mean {meant}?" if meant else _did_you_mean(text, list(win_tz))
        _refuse(
            "is not a time zone that Logic Apps knows: it uses the names of Windows",
            f"Write for example W. Europe Standard Time, or UTC.{hint}",
        )
    return text


def _allowed_callers(value: object) -> object:
    # The platform spells "only other Logic Apps" as an empty list, which reads as "nobody" to one
    # person and as "everybody" to the next.
    if value == ONLY_OTHER_LOGIC_APPS:
        return ()
    if isinstance(value, str):
        _refuse(
            "is neither a list of address ranges nor otherLogicApps",
            f"Write a list such as [203.0.113.0/24], or {ONLY_OTHER_LOGIC_APPS}.",
        )
    if value in ([], ()):
        _refuse(
            "is an empty list, which would mean: only other Logic Apps",
            f"Write {ONLY_OTHER_LOGIC_APPS} if that is meant, else at least one address range.",
        )
    return value


def _address_range(text: str) -> str:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        _refuse(
            "is not a range of IPv4 addresses in CIDR notation",
            "Write for example 203.0.113.0/24, or 203.0.113.7/32 for one address.",
        )
    if network.prefixlen == 0:
        _refuse(
            "is every address, so that nobody is kept out",
            "Write the addresses that the callers have. If everybody shall be let in, leave "
            "allowedCallers out and set allowOpenTriggers.",
        )
    if str(network) != text:
        _refuse(
            "is not a range's first address with the length of its prefix",
            f"Write {network}, or {text.partition('/')[0]}/32 for that address alone."
            if "/" in text
            else f"Write {network}.",
        )
    return text


def _claim(text: str) -> str:
    # Source: Logic Apps limits, https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
    if not text.strip() or len(text) > 150:
        _refuse(
            f"has {len(text)} characters, and Logic Apps takes a claim of 1 to 150",
            "Write the value as the token has it.",
        )
    return _one_line(text)


def _claims(claims: dict[str, str]) -> dict[str, str]:
    if missing := [name for name in ("iss", "aud") if name not in claims]:
        _refuse(
            f"has no claim {_listed(missing)}: without iss the platform takes no policy, and "
            "without aud it lets in tokens that were issued for any other application",
            "Write iss, e.g. https://sts.windows.net/<tenant id>/, and aud, the application that "
            "the token must be for.",
        )
    issuers = ("https://sts.windows.net/", "https://login.microsoftonline.com/")
    if not claims["iss"].startswith(issuers) or claims["iss"] in issuers:
        _refuse(
            "has an iss that Logic Apps does not take for an issuer of Entra ID",
            f"Write the iss of the tokens: {_listed([f'{each}<tenant id>' for each in issuers])}, "
            "with what follows it.",
        )
    if len(claims) > 10:
        _refuse("has more than 10 claims", "Write at most 10.")
    return claims


def _entra_policies(policies: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    if not 1 <= len(policies) <= 5:
        _refuse(
            f"has {len(policies)} policies, and Logic Apps takes 1 to 5",
            "Write at most 5, or leave the key out.",
        )
    for name in policies:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,78}[A-Za-z0-9])?", name):
            _refuse(
                f"has a policy {_shown(name)}, which is no name for one",
                "Write letters A to Z, digits, and spaces, _ or - between them.",
            )
    return policies


Choice = TypeVar("Choice", bound=StrEnum)


def _one_of(choices: type[Choice], problem: str) -> Callable[[object], Choice]:
    def choose(value: object) -> Choice:
        words = [str(choice) for choice in choices]
        if not isinstance(value, str) or value not in words:
            _refuse(problem, f"Write {_listed(words)}.{_did_you_mean(value, words)}")
        return choices(value)

    return choose


Item = TypeVar("Item")


def _each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if not items:
        _refuse("is an empty list", "Write at least one, or leave the key out.")
    return _none_twice(items)


def _none_twice(items: tuple[Item, ...]) -> tuple[Item, ...]:
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    if twice:
        _refuse(f"has {_listed(twice)} more than once", "Write each only once.")
    return items


def _at_least_one(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if not items:
        _refuse("is an empty list", "Describe at least one sender.")
    return items


def _within(lowest: int, highest: int) -> Callable[[int], int]:
    def check(number: int) -> int:
        if not lowest <= number <= highest:
            _refuse("is out of range", f"Write a whole number from {lowest} to {highest}.")
        return number

    return check


def _includes_mail_send(
    permissions: tuple[MailboxPermission, ...],
) -> tuple[MailboxPermission, ...]:
    if MailboxPermission.MAIL_SEND not in permissions:
        _refuse("lacks Mail.Send, without which nothing is sent", "Add Mail.Send to the list.")
    return permissions


Address = Annotated[StrictStr, AfterValidator(_address)]
AddressRange = Annotated[StrictStr, AfterValidator(_address_range)]
Alias = Annotated[StrictStr, AfterValidator(_alias)]
DisplayName = Annotated[StrictStr, AfterValidator(_display_name)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
ExchangeName = Annotated[StrictStr, AfterValidator(_exchange_name)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Permission = Annotated[
    MailboxPermission,
    BeforeValidator(
        _one_of(
            MailboxPermission,
            "is not one of the eleven permissions that an application access policy confines: "
            "granted, it would reach every mailbox of the organisation",
        )
    ),
]


# --- The keys ----------------------------------------------------------------------------------


class IdentityKind(StrEnum):
    """What a workflow's identity belongs to."""

    SYSTEM = "systemAssigned"
    USER = "userAssigned"


class Frequency(StrEnum):
    """The unit in which a recurrence counts."""

    SECOND = "Second"
    MINUTE = "Minute"
    HOUR = "Hour"
    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"


class WeekDay(StrEnum):
    """A day of a weekly schedule."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


class Deletion(StrEnum):
    """What becomes of mailboxes and groups when a stack is taken down."""

    RETAIN = "retain"
    DELETE = "delete"


class BodyType(StrEnum):
    """How a mail's text is to be read."""

    TEXT = "Text"
    HTML = "HTML"


class Importance(StrEnum):
    """A mail's importance."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class _Keys(BaseModel):
    """A group of keys: camelCase in YAML, snake_case in Python, none but those named.

    The description of a field is what the message for a missing value tells to write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    @classmethod
    def keys(cls) -> dict[str, str]:
        """The keys as they are written, each with the description of its value."""
        return {
            field.alias or name: field.description or "" for name, field in cls.model_fields.items()
        }


class Mailbox(_Keys):
    """The shared mailbox that a sender sends as."""

    name: ExchangeName = Field(description="the mailbox's Name in Exchange, for good")
    display_name: DisplayName = Field(description="the name that recipients see (default: name)")
    alias: Alias = Field(description="the alias (default: name without spaces)")
    address: Address = Field(description="the primary address, e.g. notifications@contoso.com")
    hidden_from_address_lists: StrictBool = Field(True, description="true or false")
    sign_in_blocked: StrictBool = Field(True, description="true or false")
    adopt: StrictBool = Field(
        False, description="true to take over a mailbox that exists, else false"
    )


class Group(_Keys):
    """The mail-enabled security group that is the scope of the policy, and nothing else's."""

    name: ExchangeName = Field(description="the group's Name in Exchange, for good")
    display_name: DisplayName = Field(
        description="the name that address lists show (default: name)"
    )
    alias: Alias = Field(description="the alias (default: name without spaces)")
    address: Address = Field(
        description="the primary address, e.g. notifications-scope@contoso.com"
    )
    managed_by: tuple[Address, ...] = Field((), description="a list of the owners' addresses")
    policy_description: Annotated[StrictStr, AfterValidator(_policy_description)] = Field(
        description="the description of the application access policy"
    )
    adopt: StrictBool = Field(
        False, description="true to take over a group that exists, else false"
    )


class Schedule(_Keys):
    """At which hours and minutes, and on which days of the week, a recurrence fires."""

    hours: Annotated[
        tuple[Annotated[StrictInt, AfterValidator(_within(0, 23))], ...], AfterValidator(_each_once)
    ] = Field((), description="a list of hours, 0 to 23")
    minutes: Annotated[
        tuple[Annotated[StrictInt, AfterValidator(_within(0, 59))], ...], AfterValidator(_each_once)
    ] = Field((), description="a list of minutes, 0 to 59")
    week_days: Annotated[
        tuple[Annotated[WeekDay, BeforeValidator(_one_of(WeekDay, "is not a day"))], ...],
        AfterValidator(_each_once),
    ] = Field((), description="a list of days, e.g. Monday")


class HttpRequestTrigger(_Keys):
    """The workflow runs when its callback URL is called.

    Attributes:
        allowed_callers: IPv4 ranges from which it may be called: empty for other Logic Apps only,
            ``None`` for everywhere.
        entra_policies: By name, the claims of the Entra tokens that may call it. A call is let in
            by such a token *or* by the signature in the callback URL: a policy does not close that
            way in.
    """

    type: Literal["httpRequest"]
    allowed_callers: (
        Annotated[
            tuple[AddressRange, ...],
            AfterValidator(_none_twice),
            BeforeValidator(_allowed_callers),
        ]
        | None
    ) = Field(
        None,
        description=f"a list of address ranges, e.g. 203.0.113.0/24, or {ONLY_OTHER_LOGIC_APPS}",
    )
    entra_policies: Annotated[
        dict[
            str,
            Annotated[
                dict[str, Annotated[StrictStr, AfterValidator(_claim)]], AfterValidator(_claims)
            ],
        ],
        AfterValidator(_entra_policies),
    ] = Field({}, description="a name a line, and below each its claims: iss, aud and others")
    export_callback_url: StrictBool = Field(
        False, description="true to export the callback URL as a secret output, else false"
    )


class RecurrenceTrigger(_Keys):
    """The workflow runs by the clock."""

    type: Literal["recurrence"]
    frequency: Annotated[
        Frequency, BeforeValidator(_one_of(Frequency, "is not a frequency that Logic Apps knows"))
    ] = Field(description=_listed([str(frequency) for frequency in Frequency]))
    interval: StrictInt = Field(description="a whole number: every so many of frequency")
    start_time: StrictStr = Field(
        description="a fixed time, e.g. 2020-01-01T00:00:00 (the default), with Z at its end where "
        "there is no timeZone"
    )
    time_zone: Annotated[StrictStr, AfterValidator(_time_zone)] | None = Field(
        None, description="a time zone by its Windows name, e.g. W. Europe Standard Time"
    )
    schedule: Schedule | None = Field(None, description="hours, minutes or weekDays")


class Body(_Keys):
    """A mail's text."""

    content_type: Annotated[
        BodyType, BeforeValidator(_one_of(BodyType, "is not a type of text that Graph knows"))
    ] = Field(description="Text or HTML")
    content: Annotated[StrictStr, AfterValidator(_mail_text), AfterValidator(_sent)] = Field(
        description="the mail's text"
    )


class Recipient(_Keys):
    """Whom a mail is sent to, or answers to it."""

    address: Address = Field(description="a mail address, e.g. finance@contoso.com")
    name: Annotated[DisplayName, AfterValidator(_sent)] | None = Field(
        None, description="the name shown with the address"
    )


# Source: https://learn.microsoft.com/graph/api/user-sendmail and
# https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/682. How characters beyond
# ASCII are counted is not said: here as \u and four digits, which is how JSON may write them.
LONGEST_REQUEST = 4 * 1024 * 1024


class Message(_Keys):
    """The mail."""

    subject: Annotated[
        StrictStr, AfterValidator(_one_line), AfterValidator(_sent), AfterValidator(_subject)
    ] = Field(description="the mail's subject")
    body: Body = Field(description="contentType (Text or HTML) and content")
    to_recipients: tuple[Recipient, ...] = Field((), description="a list of recipients")
    cc_recipients: tuple[Recipient, ...] = Field((), description="a list of recipients")
    bcc_recipients: tuple[Recipient, ...] = Field((), description="a list of recipients")
    reply_to: tuple[Recipient, ...] = Field((), description="a list of recipients")
    importance: Annotated[
        Importance, BeforeValidator(_one_of(Importance, "is not an importance that Graph knows"))
    ] = Field(Importance.NORMAL, description="low, normal or high")
    save_to_sent_items: StrictBool = Field(True, description="true or false")

    @model_validator(mode="after")
    def _fits_into_a_request(self) -> Self:
        size = len(json.dumps({"message": self.as_graph_has_it(), "saveToSentItems": False}))
        if size > LONGEST_REQUEST:
            _refuse(
                f"makes a request of {size:,} bytes, and Graph takes {LONGEST_REQUEST:,} (4 MB)",
                "Shorten body.content: pictures that are written into it count as well.",
            )
        return self

    def as_graph_has_it(self) -> dict[str, Any]:
        """The mail as a Graph message."""
        return email_message(
            subject=self.subject,
            content=self.body.content,
            content_type=self.body.content_type,
            to_recipients=[entry.model_dump(exclude_none=True) for entry in self.to_recipients],
            cc_recipients=[entry.model_dump(exclude_none=True) for entry in self.cc_recipients],
            bcc_recipients=[entry.model_dump(exclude_none=True) for entry in self.bcc_recipients],
            reply_to=[entry.model_dump(exclude_none=True) for entry in self.reply_to],
            importance=self.importance,
        )


class Sender(_Keys):
    """One workflow that sends as one shared mailbox, and as no other."""

    name: Annotated[StrictStr, AfterValidator(_sender_name)] = Field(
        description="a name for the sender within the stack, e.g. notifications"
    )
    mailbox: Mailbox = Field(description="the shared mailbox: name and address")
    group: Group = Field(description="the group that is the policy's scope: name and address")
    control_mailbox: Address = Field(
        description="the address of an existing mailbox that the workflow must not send as"
    )
    workflow: Annotated[StrictStr, AfterValidator(_workflow_name)] = Field(
        description="the name of the Logic App (default: the sender's name)"
    )
    identity: Annotated[
        IdentityKind, BeforeValidator(_one_of(IdentityKind, "is not a kind of managed identity"))
    ] = Field(IdentityKind.SYSTEM, description="systemAssigned or userAssigned")
    trigger: Annotated[HttpRequestTrigger | RecurrenceTrigger, Field(discriminator="type")] = Field(
        description="a trigger of type httpRequest or recurrence"
    )
    message: Message = Field(description="the mail: subject, body and recipients")
    permissions: Annotated[
        tuple[Permission, ...], AfterValidator(_includes_mail_send), AfterValidator(_each_once)
    ] = Field((MailboxPermission.MAIL_SEND,), description="a list of Graph permissions")
    probe: StrictBool = Field(False, description="true or false")
    enabled: StrictBool = Field(True, description="true or false")


class StackConfiguration(_Keys):
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

    resource_group: Annotated[StrictStr, AfterValidator(_resource_group)] = Field(
        description="the name of the resource group, e.g. rg-mail-sender-dev"
    )
    location: Annotated[StrictStr, AfterValidator(_location)] = Field(
        description="the Azure region, e.g. westeurope, here or as azure-native:location"
    )
    organization: Annotated[StrictStr, AfterValidator(_organization)] = Field(
        description="the tenant's initial domain, e.g. contoso.onmicrosoft.com"
    )
    tags: Annotated[dict[str, StrictStr], AfterValidator(_tags)] = Field(
        {}, description="a tag a line: its name, and its value as text"
    )
    cloud: Annotated[
        Cloud, BeforeValidator(_one_of(Cloud, "is not a cloud that this program knows"))
    ] = Field(Cloud.PUBLIC, description=_listed([str(cloud) for cloud in Cloud]))
    settle: Duration = Field(timedelta(hours=1), description="a duration, e.g. PT1H")
    proof_timeout: Duration = Field(timedelta(minutes=10), description="a duration, e.g. PT10M")
    drift: Switch = Field(False, description="true or false")
    allow_open_triggers: Switch = Field(False, description="true or false")
    deletion: Annotated[
        Deletion, BeforeValidator(_one_of(Deletion, "says nothing about mailboxes and groups"))
    ] = Field(Deletion.RETAIN, description="retain or delete")
    purge_mailboxes: Switch = Field(False, description="true or false")
    sender_defaults: dict[str, dict[str, Any]] = Field(
        {}, description="a sender's name a line, and below each the keys that its senders share"
    )
    senders: Annotated[tuple[Sender, ...], AfterValidator(_at_least_one)] = Field(
        description="a list of senders, each with name, mailbox, group, controlMailbox, trigger "
        "and message"
    )


# --- Values that follow from others --------------------------------------------------------------


@dataclass(frozen=True)
class _Default:
    """A key that follows from another of the same group, unless it is written."""

    group: tuple[str, ...]
    key: str
    source: str
    derive: Callable[[str], str]


_DEFAULTS = [
    _Default((), "workflow", "name", str),
    *(
        default
        for recipient in ("mailbox", "group")
        for default in (
            _Default((recipient,), "displayName", "name", str),
            _Default((recipient,), "alias", "name", lambda name: name.replace(" ", "")),
        )
    ),
    _Default(
        ("group",),
        "policyDescription",
        "address",
        lambda address: (
            f"Restrict this app's permissions to members of distribution group {address}"
        ),
    ),
]


def _at(value: object, path: tuple[str, ...]) -> object:
    """What stands at a path of a configuration that may be wrong; ``None`` if nothing does."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _senders(values: Mapping[str, object]) -> list[tuple[KeyPath, object]]:
    senders = values.get("senders")
    if not isinstance(senders, list):
        return []
    return [(("senders", index), sender) for index, sender in enumerate(senders)]


def _fill_in(
    keys: dict[str, object],
    path: KeyPath,
    shared: object,
    source: KeyPath,
    derived: dict[KeyPath, KeyPath],
) -> None:
    """Writes the shared keys that are missing, group by group; what a stack writes stays."""
    if not isinstance(shared, dict):
        return
    for key, value in shared.items():
        here, there = (*path, key), (*source, key)
        if key not in keys:
            keys[key] = copy.deepcopy(value)
            derived.update({(*here, *rest): (*there, *rest) for rest in _paths(value)})
        elif isinstance(own := keys[key], dict):
            _fill_in(own, here, value, there, derived)


def _paths(value: object) -> Iterator[KeyPath]:
    """The path of a value below itself, and of all that it holds."""
    yield ()
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for step, entry in entries:
            yield from ((step, *rest) for rest in _paths(entry))


def _fill_in_defaults(values: dict[str, object]) -> dict[KeyPath, KeyPath]:
    """Writes into ``values`` what follows from other values.

    Returns:
        The path of each value that was not given, with the path of the one that it follows from.
    """
    derived: dict[KeyPath, KeyPath] = {}
    for path, sender in _senders(values):
        if isinstance(sender, dict) and isinstance(name := sender.get("name"), str):
            shared = _at(values, ("senderDefaults", name))
            _fill_in(sender, path, shared, ("senderDefaults", name), derived)
        for default in _DEFAULTS:
            keys = _at(sender, default.group)
            if isinstance(keys, dict) and default.key not in keys:
                derived[(*path, *default.group, default.key)] = (
                    *path,
                    *default.group,
                    default.source,
                )
                if isinstance(source := keys.get(default.source), str):
                    keys[default.key] = default.derive(source)
        trigger = _at(sender, ("trigger",))
        if isinstance(trigger, dict) and trigger.get("type") == "recurrence":
            # In the past, because without a start time the first run fires at deployment, before
            # the grant, and the platform then keeps a token without the role for a day.
            zone = "Z" if trigger.get("timeZone") is None else ""
            trigger.setdefault("startTime", f"2020-01-01T00:00:00{zone}")
    return derived


# --- Rules between keys --------------------------------------------------------------------------

_ABSENT = object()


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        path: Where.
        given: The value that is there, if any.
        problem: What is wrong with it, and why that matters.
        remedy: What to write instead.
    """

    path: KeyPath
    given: object
    problem: str
    remedy: str


@dataclass(frozen=True)
class _Unique:
    """What no two objects of a stack may share, whatever their case."""

    paths: tuple[tuple[str, ...], ...]
    problem: str
    remedy: str


_UNIQUE = [
    _Unique(
        (("name",),),
        "is the name of another sender, and resources are told apart by it",
        "Give each sender a name of its own.",
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
]


def _shared_identities(values: Mapping[str, object]) -> Iterator[Mistake]:
    for rule in _UNIQUE:
        seen: dict[str, KeyPath] = {}
        for sender_path, sender in _senders(values):
            for path in rule.paths:
                value = _at(sender, path)
                if not isinstance(value, str):
                    continue
                here = (*sender_path, *path)
                first = seen.setdefault(value.casefold(), here)
                if first != here:
                    yield Mistake(here, value, f"{rule.problem} ({_written(first)})", rule.remedy)


def _control_mailboxes(values: Mapping[str, object]) -> Iterator[Mistake]:
    ours = {
        address.casefold(): (*path, recipient)
        for path, sender in _senders(values)
        for recipient in ("mailbox", "group")
        if isinstance(address := _at(sender, (recipient, "address")), str)
    }
    for path, sender in _senders(values):
        control = _at(sender, ("controlMailbox",))
        if not isinstance(control, str) or control.casefold() not in ours:
            continue
        owner = ours[control.casefold()]
        if owner == (*path, "mailbox"):
            problem = (
                "is the sender's own mailbox, a member of the group: the proof needs a mailbox "
                "that is denied"
            )
        elif owner[-1] == "group":
            problem = f"is a group ({_written(owner)}), and the proof needs a mailbox"
        else:
            problem = (
                f"is another sender's mailbox ({_written(owner)}), which may not exist yet when "
                "the proof runs"
            )
        yield Mistake(
            (*path, "controlMailbox"),
            control,
            problem,
            "Write the address of a mailbox that exists and that this stack does not manage.",
        )


_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
# Source: https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits#sending-limits
# 500 is what a new mailbox has; an administrator can raise it, per mailbox, to 1,000.
MOST_RECIPIENTS = 500


def _recipients(values: Mapping[str, object]) -> Iterator[Mistake]:
    for path, sender in _senders(values):
        message = _at(sender, ("message",))
        if not isinstance(message, dict):
            continue
        counts = {
            key: len(given) for key in _RECIPIENTS if isinstance(given := message.get(key), list)
        }
        if not any(message.get(key) for key in _RECIPIENTS):
            yield Mistake(
                (*path, "message", "toRecipients"),
                message.get("toRecipients", _ABSENT),
                "names nobody, nor do ccRecipients and bccRecipients: Graph refuses such a mail",
                "Write at least one '- address: finance@contoso.com'.",
            )
        elif (total := sum(counts.values())) > MOST_RECIPIENTS:
            longest = max(counts, key=lambda key: counts[key])
            yield Mistake(
                (*path, "message", longest),
                _ABSENT,
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
    for sender_path, sender in _senders(values):
        trigger = _at(sender, ("trigger",))
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
                    f"Leave it out, or set frequency to {_listed(frequencies)}.",
                )


_START_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2})(?P<seconds>:\d{2})?)?Z?"
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


# What tells the cloud besides the key of that name. Sources: the initial domains of
# https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2, and the regions that
# 'az account list-locations' names in each cloud. GCC has the domains and regions of the others in
# the public cloud.
_US_GOVERNMENT = (Cloud.US_GOVERNMENT_L4, Cloud.US_GOVERNMENT_L5)
_CLOUDS_BY_DOMAIN: dict[str, tuple[Cloud, ...]] = {
    ".onmicrosoft.com": (Cloud.PUBLIC,),
    ".onmicrosoft.us": _US_GOVERNMENT,
    ".onmschina.cn": (Cloud.CHINA,),
}
_CLOUDS_BY_REGION: dict[str, tuple[Cloud, ...]] = {
    "usgov": _US_GOVERNMENT,
    "usdod": _US_GOVERNMENT,
    "china": (Cloud.CHINA,),
    "": (Cloud.PUBLIC,),
}
_A_REGION: dict[Cloud, str] = {
    Cloud.PUBLIC: "westeurope",
    Cloud.US_GOVERNMENT_L4: "usgovvirginia",
    Cloud.US_GOVERNMENT_L5: "usdodeast",
    Cloud.CHINA: "chinanorth3",
}
# What the providers are told, first the word to write. Source: the key environment of the
# configuration of azure-native and azuread.
_PROVIDER_ENVIRONMENTS: dict[str, dict[Cloud, tuple[str, ...]]] = {
    "azure-native:environment": {
        Cloud.PUBLIC: ("public",),
        Cloud.US_GOVERNMENT_L4: ("usgovernment",),
        Cloud.US_GOVERNMENT_L5: ("usgovernment",),
        Cloud.CHINA: ("china",),
    },
    "azuread:environment": {
        Cloud.PUBLIC: ("global", "public"),
        Cloud.US_GOVERNMENT_L4: ("usgovernmentl4", "usgovernment"),
        Cloud.US_GOVERNMENT_L5: ("usgovernmentl5", "dod"),
        Cloud.CHINA: ("china",),
    },
}


def _clouds(values: Mapping[str, object]) -> Iterator[Mistake]:
    """One cloud's token is worth nothing in another: whoever mixes them cannot even sign in."""
    domain, region = values.get("organization"), values.get("location")
    given = values.get("cloud", str(Cloud.PUBLIC))
    if given not in list(Cloud):
        return
    cloud = Cloud(str(given))
    if isinstance(domain, str):
        by_domain = next((c for end, c in _CLOUDS_BY_DOMAIN.items() if domain.endswith(end)), ())
        if by_domain and cloud not in by_domain:
            yield Mistake(
                ("cloud",),
                given,
                f"is not the cloud of the organization {domain}",
                f"Write {_listed([str(each) for each in by_domain])}.",
            )
            return
    if isinstance(region, str):
        by_region = next(c for start, c in _CLOUDS_BY_REGION.items() if region.startswith(start))
        if cloud not in by_region:
            yield Mistake(
                ("location",),
                region,
                f"is a region of another cloud than {cloud}",
                f"Write one of its own, e.g. {_A_REGION[cloud]}.",
            )
    for key, by_cloud in _PROVIDER_ENVIRONMENTS.items():
        words = by_cloud[cloud]
        environment = values.get(key, words[0] if cloud is Cloud.PUBLIC else _ABSENT)
        if environment not in words:
            yield Mistake(
                (key,),
                environment,
                f"has the provider work in another cloud than {cloud}"
                if environment is not _ABSENT
                else f"is missing: the provider would work in the public cloud, not in {cloud}",
                f"Write {words[0]}.",
            )


def _early_recurrences(values: Mapping[str, object]) -> Iterator[Mistake]:
    """A run between the workflow and the grant leaves the identity a token without the role."""
    try:
        waits = sum(
            (
                _duration(values.get(key, default))
                for key, default in (("settle", "PT1H"), ("proofTimeout", "PT10M"))
            ),
            timedelta(seconds=sum(DIRECTORY_DELAYS) + sum(ASSIGNMENT_DELAYS)),
        )
    except _RefusedError:
        return
    for path, sender in _senders(values):
        identity = _at(sender, ("identity",)) or IdentityKind.SYSTEM
        try:
            trigger = RecurrenceTrigger.model_validate(_at(sender, ("trigger",)))
        except ValidationError:
            continue
        if identity == IdentityKind.SYSTEM and timedelta() < _shortest_gap(trigger) < waits:
            yield Mistake(
                (*path, "identity"),
                _at(sender, ("identity",)) or _ABSENT,
                f"is systemAssigned, and the recurrence may fire within the {_spoken(waits)} that "
                "pass at most between the workflow's creation and the grant: the platform would "
                "then keep a token without the permission for a day, and nothing would be sent",
                "Write userAssigned: the workflow is then made after the grant. Or let the "
                "workflow run less often.",
            )


def _spoken(duration: timedelta) -> str:
    minutes = math.ceil(duration / timedelta(minutes=1))
    return f"{minutes} minutes"


def _purges(values: Mapping[str, object]) -> Iterator[Mistake]:
    purge, deletion = values.get("purgeMailboxes"), values.get("deletion", str(Deletion.RETAIN))
    if purge in (True, "true") and deletion != Deletion.DELETE:
        yield Mistake(
            ("purgeMailboxes",),
            purge,
            "removes mailboxes for good, while deletion keeps them",
            "Write false, or set deletion to delete if this is a test tenant.",
        )


_RULES = [
    _shared_identities,
    _control_mailboxes,
    _recipients,
    _recurrences,
    _early_recurrences,
    _purges,
    _clouds,
]


# --- Messages ------------------------------------------------------------------------------------

_TRIGGERS: dict[str | int, type[_Keys]] = {
    "httpRequest": HttpRequestTrigger,
    "recurrence": RecurrenceTrigger,
}

# What pydantic checks by itself: its kind of error, what is wrong, and what to write.
_WRONG_TYPES = {
    "string_type": ("is not text", "Write text; in quotes, where it looks like something else."),
    "bool_type": ("is neither true nor false", "Write true or false, without quotes."),
    "int_type": ("is not a whole number", "Write a whole number, without quotes."),
    "tuple_type": ("is not a list", "Write a list: each item on a line that begins with '- '."),
    "dict_type": ("is not a group of keys", "Write below it, a key a line: each with its value."),
}


def _written(path: KeyPath) -> str:
    """The path as a person writes it: ``senders[0].mailbox.alias``."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.removeprefix(".")


def _place(location: KeyPath) -> tuple[KeyPath, type[_Keys], type[_Keys]]:
    """The path of pydantic's location, the group of keys it is in, and the one that it leads to.

    Pydantic's location of a key of a trigger also names the trigger's type; a person's does not.
    """
    path: list[str | int] = []
    parent: type[_Keys] = StackConfiguration
    group = parent
    for step in location:
        if path and path[-1] == "trigger" and step in _TRIGGERS:
            group = _TRIGGERS[step]
            continue
        path.append(step)
        if isinstance(step, str):
            parent = group
            group = _group_below(parent, step)
    return tuple(path), parent, group


def _group_below(group: type[_Keys], key: str) -> type[_Keys]:
    """The group of keys that stands below a key, or the same one where none does."""
    pending: list[Any] = [
        field.annotation for field in group.model_fields.values() if field.alias == key
    ]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, _Keys):
            return annotation
        pending.extend(get_args(annotation))
    return group


def _mistake(error: ErrorDetails) -> Mistake:
    path, parent, group = _place(error["loc"])
    kind, given, keys = error["type"], error["input"], parent.keys()
    last = next(step for step in reversed(path) if isinstance(step, str))
    # The names of policies and claims are a person's own: what is described is the key above them.
    described = [step for step in path if step in keys]
    description = keys[str(described[-1])] if described else None
    refusal = error.get("ctx", {}).get("error")
    if kind == "missing":
        return Mistake(path, _ABSENT, "is missing", f"Write {description}.")
    if kind == "extra_forbidden":
        return Mistake(
            path,
            given,
            "is a key that does not exist here",
            f"Write {_listed(list(keys))}.{_did_you_mean(last, list(keys))}",
        )
    if given is None:
        return Mistake(path, given, "has no value", f"Write {description}.")
    if isinstance(refusal, _RefusedError):
        return Mistake(path, given, refusal.problem, refusal.remedy)
    if path[-1] == "trigger":
        known = [str(tag) for tag in _TRIGGERS]
        tag = given.get("type", _ABSENT) if isinstance(given, dict) else _ABSENT
        remedy = f"Write {_listed(known)}.{_did_you_mean(tag, known)}"
        return Mistake((*path, "type"), tag, "is no kind of trigger", remedy)
    if kind == "model_type":
        remedy = f"Write below it, a key a line: {', '.join(group.keys())}."
        return Mistake(path, given, "is not a group of keys", remedy)
    return Mistake(path, given, *_WRONG_TYPES[kind])


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _key(namespace: str, path: KeyPath) -> str:
    """The key with its namespace; that of a provider has its own."""
    return _written(path) if ":" in str(path[0]) else f"{namespace}:{_written(path)}"


def _message(namespace: str, mistakes: list[Mistake], derived: Mapping[KeyPath, KeyPath]) -> str:
    count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    lines = [f"The configuration of this stack has {count}; nothing has been deployed."]
    for mistake in mistakes:
        given = "" if mistake.given is _ABSENT else f" = {_shown(mistake.given)}"
        source = ""
        if taken := derived.get(mistake.path):
            shown = _written(taken) if taken[0] == "senderDefaults" else taken[-1]
            source = f" (taken from {shown})"
        lines += [
            "",
            f"  {_key(namespace, mistake.path)}{given}{source}",
            f"    It {mistake.problem}.",
            f"    {mistake.remedy}",
        ]
    return "\n".join(lines)


# --- Loading -------------------------------------------------------------------------------------


def _values_of(config: pulumi.Config) -> dict[str, object]:
    """All keys of our namespace, unknown ones too, which ``pulumi.Config`` alone cannot list."""
    prefix = f"{config.name}:"
    known = {*CONFIG.get(), *get_config_env()}
    values: dict[str, object] = {
        key.removeprefix(prefix): config.get(key.removeprefix(prefix))
        for key in known
        if key.startswith(prefix)
    }
    for key in ("senders", "senderDefaults", "tags"):
        # Pulumi hands on a list or a mapping as JSON, and anything else as its text.
        if isinstance(given := values.get(key), str):
            with suppress(json.JSONDecodeError):
                values[key] = json.loads(given)
    if location := pulumi.Config("azure-native").get("location"):
        values.setdefault("location", location)
    for key in _PROVIDER_ENVIRONMENTS:
        provider, _, name = key.partition(":")
        if environment := pulumi.Config(provider).get(name) or os.environ.get("ARM_ENVIRONMENT"):
            values[key] = environment
    return values


def _refuse_misspelt_namespaces(namespace: str) -> None:
    """Keys of another namespace belong to a provider; one that is nearly ours was meant for us.

    Pulumi hands it to nobody, so that a switch in it would be off, and nothing would say so.
    """
    misspelt = [
        key
        for key in sorted({*CONFIG.get(), *get_config_env()})
        if (given := key.partition(":")[0]) != namespace
        and difflib.get_close_matches(given, [namespace], cutoff=0.8)
    ]
    if misspelt:
        raise ConfigurationError(
            f"These keys of the stack's configuration do not begin with {namespace}:, and nothing "
            f"reads them: {', '.join(misspelt)}.\nNothing has been deployed. Write "
            f"{namespace}:{misspelt[0].partition(':')[2]} instead."
        )


def environments(folder: Path = ROOT) -> list[str]:
    """The environments that a folder describes, by name.

    ``pulumi stack init`` leaves a file for each name that it is given, a misspelt one too. That one
    has no ``config``.
    """
    return sorted(
        file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for file in folder.glob("Pulumi.*.yaml")
        if _has_configuration(file)
    )


def _has_configuration(file: Path) -> bool:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except yaml.YAMLError:
        return True  # Whoever broke it wrote in it; Pulumi says where.
    return isinstance(content, dict) and bool(content.get("config"))


def require_environment(stack: str, folder: Path = ROOT) -> None:
    """Refuses an environment that is not known here: a name misspelt, or a file not yet written.

    Args:
        stack: The stack's name; ``organization/project/`` may stand before it.
        folder: Where the files of the environments are.

    Raises:
        ConfigurationError: It has no file, or one that configures nothing; the text names those
            that have one.
    """
    name, known = stack.rpartition("/")[2], environments(folder)
    if name in known:
        return
    file = f"Pulumi.{name}.yaml"
    is_left_by_pulumi = (folder / file).exists()
    there_are = f"There are: {', '.join(known)}." if known else "There is none yet."
    raise ConfigurationError(
        f"There is no environment {name}: the file {file} "
        f"{'configures nothing' if is_left_by_pulumi else 'is missing'}. "
        f"{there_are}{_did_you_mean(name, known)}\nNothing has been done. For a new environment, "
        f"write what stands under config: in the file of the one that is most like it into {file}, "
        "and change what differs."
        + (f" If the name is misspelt, pulumi stack rm {name}." if is_left_by_pulumi else "")
    )


def refuse_renamed_senders(
    configuration: StackConfiguration, deployed: Mapping[str, str], namespace: str = NAMESPACE
) -> None:
    """Refuses a sender under a new name, which the preview shows as harmless and Exchange refuses.

    Args:
        configuration: What the stack is told.
        deployed: By the address of a mailbox or group that the stack's state holds, the name of the
            sender that it is of.
        namespace: The project's name.

    Raises:
        ConfigurationError: A sender has what a deployed one has that is gone from the
            configuration.
    """
    owners = {address.casefold(): owner for address, owner in deployed.items()}
    names = {sender.name for sender in configuration.senders}
    mistakes = []
    for index, sender in enumerate(configuration.senders):
        for address in (sender.mailbox.address, sender.group.address):
            owner = owners.get(address.casefold(), sender.name)
            if owner not in names:
                mistakes.append(
                    Mistake(
                        ("senders", index, "name"),
                        sender.name,
                        f"is a new name, while {address} is of the sender {owner}, which is "
                        "deployed and not in the configuration any more: what it has in Exchange "
                        "is marked with its name, and is not given to another",
                        f"Write {owner}; displayName and workflow may be changed freely.",
                    )
                )
                break
    if mistakes:
        raise ConfigurationError(_message(namespace, mistakes, {}))


def _position(mistake: Mistake) -> int:
    """Which sender a mistake is in; what is not in one comes before them all."""
    match mistake.path:
        case ("senders", int(index), *_):
            return index
    return -1


def load_configuration(config: pulumi.Config | Mapping[str, Any]) -> StackConfiguration:
    """Checks a stack's configuration and gives it types.

    Args:
        config: The stack's configuration, or its values by key, without the namespace; the
            providers' ``environment`` with theirs.

    Raises:
        ConfigurationError: Something is wrong; the text names all that is.
    """
    if isinstance(config, pulumi.Config):
        _refuse_misspelt_namespaces(config.name)
        namespace, values = config.name, _values_of(config)
        if "senders" not in values:
            require_environment(pulumi.get_stack())
    else:
        namespace, values = NAMESPACE, copy.deepcopy(dict(config))
    derived = _fill_in_defaults(values)
    mistakes = [mistake for rule in _RULES for mistake in rule(values)]
    try:
        configuration = StackConfiguration.model_validate(
            {key: value for key, value in values.items() if key not in _PROVIDER_ENVIRONMENTS}
        )
    except ValidationError as errors:
        mistakes += [_mistake(error) for error in errors.errors()]
    wrong = {mistake.path for mistake in mistakes}
    # What follows from a wrong value is right once that value is.
    own = [mistake for mistake in mistakes if derived.get(mistake.path) not in wrong]
    if own:
        own.sort(key=_position)
        raise ConfigurationError(_message(namespace, own, derived))
    return configuration
