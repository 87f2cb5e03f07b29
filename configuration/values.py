"""What one value may be: a type for each kind, with what is said of any other."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, TypeVar

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, StrictStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from tzlocal.windows_tz import tz_win, win_tz

from components.graph_permission import MailboxPermission
from components.logic_app import OWN_TAGS
from components.placeholders import placeholders
from configuration.mistakes import did_you_mean, listed, refuse, show_value

ONLY_OTHER_LOGIC_APPS = "otherLogicApps"
"""What ``allowedCallers`` says where no address on the internet may call."""


# --- Texts --------------------------------------------------------------------------------------


def text(pattern: str, problem: str, remedy: str) -> AfterValidator:
    """A rule for a text: all of it matches a pattern.

    Args:
        pattern: A regular expression.
        problem: What is wrong with any other; ``{length}`` is how many characters it has.
        remedy: What to write instead.
    """

    def check(given: str) -> str:
        if not re.fullmatch(pattern, given, re.DOTALL):
            refuse(problem.replace("{length}", str(len(given))), remedy)
        return given

    return AfterValidator(check)


HALF_A_CHARACTER = (
    "holds half of a character (a surrogate), which cannot be sent anywhere",
    "Write the whole character.",
)
WHOLE_CHARACTERS = text(r"[^\ud800-\udfff]*", *HALF_A_CHARACTER)
ONE_LINE = text(
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    "holds a line break or another control character",
    "Write it on one line, without tabs.",
)
# ConvertFrom-Json of a script makes a time of a text that looks like one.
_NO_TIME = text(
    r"(?![0-9]{4}-[0-9]{2}-[0-9]{2}T|/Date\().*",
    "begins like a time in JSON: PowerShell would read it as one, and write it otherwise",
    "Write it otherwise, for example with a space in place of T.",
)
DisplayName = Annotated[
    StrictStr,
    text(
        r"\S(.*\S)?",
        "is empty, or begins or ends with a space",
        "Write it without spaces around it.",
    ),
    # Source: -DisplayName of New-Mailbox and New-DistributionGroup.
    text(
        ".{0,256}",
        "has {length} characters, and a display name may have 256",
        "Write a shorter one.",
    ),
    ONE_LINE,
    WHOLE_CHARACTERS,
    _NO_TIME,
]
PolicyDescription = Annotated[
    StrictStr,
    # One space is enough, and saves room: the policies of a tenant share a fixed space.
    text(
        ".+",
        "is empty, and Exchange would write a text of its own",
        "Write a description, or leave the key out.",
    ),
    ONE_LINE,
    WHOLE_CHARACTERS,
    _NO_TIME,
]
ExchangeName = Annotated[
    StrictStr,
    text(
        ".{0,64}",
        "has {length} characters, and Exchange allows a name 64",
        "Write a shorter name here, and the long one as displayName.",
    ),
    # Exchange Online refuses "many special characters" (New-Mailbox, -Name) and publishes no list.
    # Of what its page on user names allows, this is the part that needs no quoting anywhere.
    text(
        "[A-Za-z0-9]([A-Za-z0-9 ._'-]*[A-Za-z0-9])?",
        "is not a name that Exchange Online is sure to take",
        "Write a name of letters A to Z, digits, spaces and . _ ' -, with a letter or digit at "
        "both ends; displayName may be written freely.",
    ),
]
Alias = Annotated[
    StrictStr,
    # The part of what -Alias accepts that is also a plain local part of an address. Characters
    # outside it Exchange maps or replaces by "?" without an error, and then nothing finds it.
    text(
        r"(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?",
        "is not an alias that Exchange keeps as it is",
        "Write 1 to 64 letters A to Z, digits, and . _ - between them, no two dots together, "
        "for example LogicAppNotifications.",
    ),
]
SenderName = Annotated[
    StrictStr,
    text(
        "[a-z0-9]([a-z0-9-]*[a-z0-9])?",
        "cannot be a sender's name",
        "Write lowercase letters, digits and hyphens between them, for example notifications.",
    ),
    # A mailbox and a group are marked project/stack/name, first in their display name, of which
    # Exchange takes 256; project and stack may have 100 each.
    text(".{0,40}", "has {length} characters, and 40 are the most", "Write a shorter one."),
]
ObjectId = Annotated[
    StrictStr,
    text(
        "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        "is not an id of Entra",
        "Write one such as 11111111-2222-4333-8444-555555555555, in quotes.",
    ),
]
# Source: Logic Apps limits, https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration
WorkflowName = Annotated[
    StrictStr,
    text(
        "[A-Za-z0-9._()-]{1,80}",
        "is not a name that a workflow can have",
        "Write 1 to 80 letters A to Z, digits and . _ ( ) -, for example mail-notifications.",
    ),
]
# Source: the same.
_Claim = Annotated[
    StrictStr,
    text(
        r"(?=.*\S).{1,150}",
        "has {length} characters, and Logic Apps takes a claim of 1 to 150",
        "Write the value as the token has it.",
    ),
    ONE_LINE,
    WHOLE_CHARACTERS,
]
# Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
ResourceGroupName = Annotated[
    StrictStr,
    text(
        r"[\w.()-]{0,89}[\w()-]",
        "is not a name that a resource group can have",
        "Write 1 to 90 letters, digits and . _ ( ) -, with no dot at the end, for example "
        "rg-mail-sender-dev.",
    ),
]
# Source: https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2
MarkAttribute = Annotated[
    StrictStr,
    # Source: Set-Mailbox and Set-DistributionGroup have these twenty, in this spelling.
    text(
        r"ExtensionCustomAttribute[1-5]|CustomAttribute([1-9]|1[0-5])",
        "is not an attribute of a mailbox or group that is free for marks",
        "Write one of ExtensionCustomAttribute1 to 5 or CustomAttribute1 to 15.",
    ),
]


def _resource_id(type_: str, example: str) -> AfterValidator:
    """A rule for the id of an Azure resource of one type, whose case does not count."""
    return text(
        f"(?i)/subscriptions/[0-9a-f-]{{36}}/resourceGroups/[^/]+/providers/{re.escape(type_)}/[^/]+",
        f"is not the resource id of a {type_}",
        "Write what `az resource show --query id` prints of it: /subscriptions/…/resourceGroups/…"
        f"/providers/{type_}/{example}.",
    )


ActionGroupId = Annotated[StrictStr, _resource_id("Microsoft.Insights/actionGroups", "ag-mail")]
WorkspaceId = Annotated[
    StrictStr, _resource_id("Microsoft.OperationalInsights/workspaces", "log-mail")
]
InitialDomain = Annotated[
    StrictStr,
    text(
        r"[A-Za-z0-9-]+\.(onmicrosoft\.(com|us)|(partner\.)?onmschina\.cn)",
        "is not the tenant's initial domain: with any other, Exchange Online signs in and then "
        "refuses every change",
        "Write the .onmicrosoft.com domain, for example contoso.onmicrosoft.com.",
    ),
]


def _location(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+", text):
        compact = re.sub(r"[^a-z0-9]", "", text.casefold())
        refuse(
            "is not the short name of an Azure region",
            f"Write {compact or 'westeurope'}: lowercase letters and digits, as "
            "'az account list-locations' gives it under name.",
        )
    return text


def check_address(text: str) -> str:
    """The text, which is refused where it is no plain SMTP address."""
    remedy = "Write one plain SMTP address, for example finance@contoso.com."
    try:
        validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        refuse(f"is not a mail address: {str(error).rstrip('.')}", remedy)
    if not text.isascii():
        refuse("is not a mail address that Exchange takes: it is not ASCII", remedy)
    return text


def _time_zone(text: str) -> str:
    if text not in win_tz:
        meant = tz_win.get(text)
        hint = f" Did you mean {meant}?" if meant else did_you_mean(text, win_tz)
        refuse(
            "is not a time zone that Logic Apps knows: it uses the names of Windows",
            f"Write for example W. Europe Standard Time, or UTC.{hint}",
        )
    return text


def _address_range(text: str) -> str:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        refuse(
            "is not a range of IPv4 addresses in CIDR notation",
            "Write for example 203.0.113.0/24, or 203.0.113.7/32 for one address.",
        )
    if network.prefixlen == 0:
        refuse(
            "is every address, so that nobody is kept out",
            "Write the addresses that the callers have. If everybody shall be let in, leave "
            "allowedCallers out and set allowOpenTriggers.",
        )
    if str(network) != text:
        refuse(
            "is not a range's first address with the length of its prefix",
            f"Write {network}, or {text.partition('/')[0]}/32 for that address alone."
            if "/" in text
            else f"Write {network}.",
        )
    return text


def _recipient_address(text: str) -> str:
    # With a placeholder it is an address only once that is filled: a rule between keys.
    return text if placeholders(text) else check_address(text)


def _allowed_recipient(text: str) -> str:
    remedy = "Write an address such as finance@contoso.com, or a domain such as contoso.com."
    if "@" in text:
        check_address(text)
        # What of a caller's address is compared in the workflow.
        if not re.fullmatch(r"[A-Za-z0-9._~+'@-]+", text):
            refuse("has a character that a workflow cannot compare with certainty", remedy)
    elif not re.fullmatch(
        r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]+", text
    ):
        refuse("is neither an address nor a domain", remedy)
    return text


Address = Annotated[
    StrictStr,
    AfterValidator(check_address),
    # Source: https://learn.microsoft.com/powershell/module/exchange/get-managementscope, example 1;
    # an -Identity of most Get cmdlets takes it, so that others' mailboxes would be found as well.
    text(
        r"[^*]*",
        "holds *, which stands for any characters where Exchange looks for an address",
        "Write the address of one mailbox or group; give it one without * if need be.",
    ),
]
"""What Exchange finds a mailbox or group by."""
RecipientAddress = Annotated[StrictStr, AfterValidator(_recipient_address)]
AllowedRecipient = Annotated[StrictStr, AfterValidator(_allowed_recipient)]
AddressRange = Annotated[StrictStr, AfterValidator(_address_range)]
Region = Annotated[StrictStr, AfterValidator(_location)]
TimeZone = Annotated[StrictStr, AfterValidator(_time_zone)]


# --- Lists and groups of them -------------------------------------------------------------------

Item = TypeVar("Item")


def _none_twice(items: tuple[Item, ...]) -> tuple[Item, ...]:
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    if twice:
        refuse(f"has {listed(twice)} more than once", "Write each only once.")
    return items


def _each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if not items:
        refuse("is an empty list", "Write at least one, or leave the key out.")
    return _none_twice(items)


# Not by pydantic's min_length, which counts an item that is wrong itself as none.
EACH_ONCE = AfterValidator(_each_once)


def _includes_mail_send(
    permissions: tuple[MailboxPermission, ...],
) -> tuple[MailboxPermission, ...]:
    if MailboxPermission.MAIL_SEND not in permissions:
        refuse("lacks Mail.Send, without which nothing is sent", "Add Mail.Send to the list.")
    return permissions


Permissions = Annotated[tuple[MailboxPermission, ...], EACH_ONCE]
SendingPermissions = Annotated[
    tuple[MailboxPermission, ...], AfterValidator(_includes_mail_send), EACH_ONCE
]


def _allowed_callers(value: object) -> object:
    # The platform spells "only other Logic Apps" as an empty list, which reads as "nobody" to one
    # person and as "everybody" to the next.
    if value == ONLY_OTHER_LOGIC_APPS:
        return ()
    if isinstance(value, str):
        refuse(
            "is neither a list of address ranges nor otherLogicApps",
            f"Write a list such as [203.0.113.0/24], or {ONLY_OTHER_LOGIC_APPS}.",
        )
    if value in ([], ()):
        refuse(
            "is an empty list, which would mean: only other Logic Apps",
            f"Write {ONLY_OTHER_LOGIC_APPS} if that is meant, else at least one address range.",
        )
    return value


AllowedCallers = Annotated[
    tuple[AddressRange, ...], AfterValidator(_none_twice), BeforeValidator(_allowed_callers)
]


def _claims(claims: dict[str, str]) -> dict[str, str]:
    if missing := [name for name in ("iss", "aud") if name not in claims]:
        refuse(
            f"has no claim {listed(missing)}: without iss the platform takes no policy, and "
            "without aud it lets in tokens that were issued for any other application",
            "Write iss, e.g. https://sts.windows.net/<tenant id>/, and aud, the application that "
            "the token must be for.",
        )
    issuers = ("https://sts.windows.net/", "https://login.microsoftonline.com/")
    if not claims["iss"].startswith(issuers) or claims["iss"] in issuers:
        refuse(
            "has an iss that Logic Apps does not take for an issuer of Entra ID",
            f"Write the iss of the tokens: {listed([f'{each}<tenant id>' for each in issuers])}, "
            "with what follows it.",
        )
    if len(claims) > 10:
        refuse("has more than 10 claims", "Write at most 10.")
    return claims


def _entra_policies(policies: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    if not 1 <= len(policies) <= 5:
        refuse(
            f"has {len(policies)} policies, and Logic Apps takes 1 to 5",
            "Write at most 5, or leave the key out.",
        )
    for name in policies:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,78}[A-Za-z0-9])?", name):
            refuse(
                f"has a policy {show_value(name)}, which is no name for one",
                "Write letters A to Z, digits, and spaces, _ or - between them.",
            )
    return policies


EntraPolicies = Annotated[
    dict[str, Annotated[dict[str, _Claim], AfterValidator(_claims)]],
    AfterValidator(_entra_policies),
]


def _tags(tags: dict[str, str]) -> dict[str, str]:
    # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources
    for name, value in tags.items():
        if not 1 <= len(name) <= 512 or re.search(r"[<>%&\\?/\x00-\x1f\x7f]", name):
            problem = "which is no name for one"
            remedy = "Write 1 to 512 characters, none of them < > % & \\ ? or /."
        elif name.casefold().startswith(("microsoft", "azure", "windows")):
            problem = "and what begins with microsoft, azure or windows is Azure's"
            remedy = "Write another name."
        elif name.casefold() in {own.casefold() for own in OWN_TAGS}:
            problem = "which this program writes by itself where it is due"
            remedy = "Leave it out."
        elif len(value) > 256:
            problem = f"with a value of {len(value)} characters, of which Azure takes 256"
            remedy = "Write a shorter value."
        else:
            continue
        refuse(f"has a tag {show_value(name)}, {problem}", remedy)
    folded = [name.casefold() for name in tags]
    if twice := sorted(name for name in tags if folded.count(name.casefold()) > 1):
        refuse(f"has {listed(twice)}, which Azure takes for one tag", "Write each only once.")
    most = 50 - len(OWN_TAGS)
    if len(tags) > most:
        refuse(
            f"has {len(tags)} tags, and Azure takes 50 with {listed([*OWN_TAGS])}",
            f"Write at most {most}.",
        )
    return tags


Tags = Annotated[dict[str, StrictStr], AfterValidator(_tags)]


# --- Others -------------------------------------------------------------------------------------


def parse_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    # Days to seconds only: the months and years of ISO 8601 have no fixed length.
    form = r"P(?!$)(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?"
    match = re.fullmatch(form, value, re.ASCII) if isinstance(value, str) else None
    if match is None:
        refuse(
            "is not a duration in days, hours, minutes and seconds (ISO 8601)",
            "Write for example PT1H (an hour), PT30M, P1D, or PT0S for none.",
        )
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class Keys(
    BaseModel,
    alias_generator=to_camel,
    extra="forbid",
    frozen=True,
    use_attribute_docstrings=True,
):
    """A group of keys: camelCase in YAML, snake_case in Python, none but those named.

    The title of a field is what the message for a missing value tells to write; its docstring is
    what it means, for the reference. Each group says ``frozen`` anew, because the types of the
    components that they derive from are, and mypy does not look it up.
    """

    @classmethod
    def by_key(cls) -> dict[str, FieldInfo]:
        """The fields by their keys as they are written."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}
