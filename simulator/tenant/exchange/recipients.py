"""What mailboxes and groups have in common: identities, addresses, names and output properties."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from simulator.tenant.answers import ExchangeError, NotSimulated
from simulator.tenant.identifiers import (
    DOMAIN_CONTROLLER,
    new_id,
)
from simulator.tenant.organization import Organization, organization_of
from simulator.tenant.store import Document, Store

MAILBOX_TYPES = ("UserMailbox", "SharedMailbox", "RoomMailbox")
SECURITY_GROUP = "MailUniversalSecurityGroup"
DISTRIBUTION_GROUP = "MailUniversalDistributionGroup"
GROUP_TYPES = (SECURITY_GROUP, DISTRIBUTION_GROUP)
# The recipients that may scope a policy, see New-ApplicationAccessPolicy.
SECURITY_PRINCIPALS = ("UserMailbox", SECURITY_GROUP)
SOFT_DELETED_FOR = timedelta(days=30)
CUSTOM_ATTRIBUTES = tuple(f"CustomAttribute{number}" for number in range(1, 16))
# With several values, up to 1,300 (Set-Mailbox), each of which can be filtered by, and shown by
# Get-Recipient too: learn.microsoft.com/powershell/exchange/filter-properties and
# learn.microsoft.com/powershell/exchange/cmdlet-property-sets.
EXTENSION_ATTRIBUTES = tuple(f"ExtensionCustomAttribute{number}" for number in range(1, 6))
MOST_VALUES = 1300

# Characters that New-Mailbox's page leaves open ("many special characters"): the stricter reading
# is letters, digits and the few that Microsoft's own examples use.
NAME = re.compile(r"[A-Za-z0-9 ._'()&-]+")
ALIAS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\u00ff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\u00ff-]+)*"
)
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
)

VALIDATION = "Microsoft.Exchange.Data.DataValidationException"


# Of both errors below: one type, told apart by the digits and by the sentence only.
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"


def not_found(identity: str, domain_controller: str = DOMAIN_CONTROLLER) -> ExchangeError:
    """https://github.com/microsoft/Microsoft365DSC/issues/2998 has the text with its digits."""
    return ExchangeError(
        NOT_FOUND,
        f"The operation couldn't be performed because object '{identity}' couldn't be found on "
        f"'{domain_controller}'.",
        code="Ex6F9304",
    )


def ambiguous(identity: str) -> ExchangeError:
    """https://github.com/microsoft/Microsoft365DSC/issues/3741."""
    return ExchangeError(
        NOT_FOUND,
        f"The operation couldn't be performed because '{identity}' matches multiple entries.",
        code="Ex9E65A2",
    )


def distinguished_name(name: str, organizational_unit: str) -> str:
    return f"CN={name},{organizational_unit}"


def checked_length(text: str, maximum: int) -> str:
    if len(text) > maximum:
        raise ExchangeError(
            VALIDATION,
            f"The length of the property is too long. The maximum length is {maximum} and the "
            f"length of the value provided is {len(text)}.",
        )
    return text


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or name != name.strip():
        raise ExchangeError(
            VALIDATION, f'The value "{name}" of the property "Name" contains invalid characters.'
        )
    return checked_length(name, 64)


def checked_alias(alias: str) -> str:
    if not ALIAS.fullmatch(alias):
        raise ExchangeError(
            VALIDATION,
            f'Property expression "{alias}" isn\'t valid. Valid values are: Strings formed with '
            "characters from A to Z (uppercase or lowercase), digits from 0 to 9, !, #, $, %, &, "
            "', *, +, -, /, =, ?, ^, _, `, {, |, } or ~. One or more periods may be embedded in "
            "an alias, but each period should be preceded and followed by at least one of the "
            "other characters. Unicode characters from U+00A1 to U+00FF are also valid in an "
            "alias, but they will be mapped to a best-fit US-ASCII string in the e-mail address, "
            "which is generated from such an alias.",
        )
    return checked_length(alias, 64)


def alias_from(name: str) -> str:
    """The alias that a new recipient gets when none is given (New-Mailbox, -Alias)."""
    return checked_length(re.sub(r"[^A-Za-z0-9!#%*+/=?^_~.-]", "?", name.replace(" ", "")), 64)


def checked_address(address: str, accepted_domains: Collection[str]) -> str:
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise ExchangeError(
            VALIDATION,
            f'The email address "{address}" isn\'t correct. Please use this format: user name, '
            "the @ sign, followed by the domain name. For example, tonysmith@contoso.com or "
            "tony.smith@contoso.com.",
        )
    if match["domain"].casefold() not in accepted_domains:
        raise ExchangeError(
            "Microsoft.Exchange.Configuration.ObjectModel.NotAcceptedDomainException",
            f"You can't use the domain because it's not an accepted domain for your "
            f"organization: {match['domain']}",
        )
    return address


class Recipients:
    """The organisation's mailboxes and groups, in one namespace of names and addresses."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def organization(self) -> Organization:
        """Whose they are."""
        return organization_of(self._store)

    def all(self, types: Iterable[str]) -> list[Document]:
        """Those of the given types that cmdlets find at this moment."""
        types, now = tuple(types), self._store.now()
        return [
            recipient
            for recipient in self._store.all("recipient")
            if recipient["type"] in types and datetime.fromisoformat(recipient["visibleAt"]) <= now
        ]

    def soft_deleted(self) -> list[Document]:
        """Mailboxes removed within the last 30 days."""
        return [
            mailbox
            for mailbox in self._store.all("softDeletedMailbox")
            if datetime.fromisoformat(mailbox["softDeletedAt"]) + SOFT_DELETED_FOR
            > self._store.now()
        ]

    def get(self, object_id: str) -> Document | None:
        """By object id, however new: what the directory itself holds."""
        return self._store.get("recipient", object_id)

    def named(self, object_ids: Iterable[str]) -> list[Document]:
        """Those with these object ids, which exist: whoever goes leaves every group."""
        by_id = {recipient["id"]: recipient for recipient in self._store.all("recipient")}
        return [by_id[object_id] for object_id in object_ids]

    def put(self, recipient: Document) -> None:
        self._store.put("recipient", recipient["id"], recipient)

    def find(self, identity: str, types: Iterable[str]) -> Document:
        """By any of the identities that -Identity takes.

        Name, alias, distinguished name, e-mail address, user principal name, GUID or object id.
        Display names are not identities: some cmdlets happen to take them, none says so.

        Raises:
            ExchangeError: None is found, or several are.
        """
        return one_of(identity, [r for r in self.all(types) if is_known_as(r, identity)])

    def take_leave(self, recipient: Document) -> None:
        """Takes a recipient that is about to go out of every group, as member and as owner.

        Its addresses stay taken for as long as the lag of addresses has it.
        """
        left = {"name": recipient["name"], "until": self._store.visible_at("address")}
        for address in recipient["addresses"]:
            self._store.put("formerAddress", address.casefold(), left)
        for group in self._store.all("recipient"):
            if group["type"] in GROUP_TYPES:
                for role in ("members", "managedBy"):
                    group[role] = [held for held in group[role] if held != recipient["id"]]
                self.put(group)

    def check_free(self, addresses: Iterable[str], *, except_id: str = "") -> None:
        """Raises ``ExchangeError`` for the first address that another recipient holds."""
        others = self._store.all("recipient")
        for address in addresses:
            for other in others:
                held = {proxy.casefold() for proxy in other["addresses"]}
                if other["id"] != except_id and address.casefold() in held:
                    raise _address_taken(address, other["name"])
            former = self._store.get("formerAddress", address.casefold())
            if former is not None and not self._store.is_past(former["until"]):
                raise _address_taken(address, former["name"])

    def check_name_free(self, name: str, *, except_id: str = "") -> None:
        for other in self._store.all("recipient"):
            if other["id"] != except_id and other["name"].casefold() == name.casefold():
                raise ExchangeError(
                    "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                    f"Active Directory operation failed on {DOMAIN_CONTROLLER}. The object "
                    f"'{distinguished_name(name, self.organization.unit)}' already exists.",
                )

    def new(
        self,
        recipient_type: str,
        *,
        name: str,
        display_name: str | None,
        alias: str | None,
        address: str | None,
        object_id: str | None = None,
        name_is_object_id: bool = False,
    ) -> Document:
        """A new recipient after all checks, not yet stored."""
        checked_name(name)
        alias = checked_alias(alias or alias_from(name))
        organization = self.organization
        address = checked_address(
            address or f"{alias}@{organization.default}", organization.accepted
        )
        # Exchange Online gives every recipient an address in the initial domain, made from the
        # alias: that is how two recipients with one alias collide.
        initial = f"{alias}@{organization.initial}"
        addresses = list(dict.fromkeys([address, initial]))
        self.check_free(addresses)
        display_name = checked_length(display_name or name, 256)
        object_id = object_id or new_id()
        name = object_id if name_is_object_id else name
        self.check_name_free(name)
        rid = self._store.setting("next rid", 31_437_838)
        self._store.set_setting("next rid", rid + 1)
        return {
            "id": object_id,
            "guid": new_id(),
            "sid": f"S-1-5-21-3787302941-3231517822-469913106-{rid}",
            "organizationalUnit": organization.unit,
            "type": recipient_type,
            "name": name,
            "displayName": display_name,
            "alias": alias,
            "addresses": addresses,
            "hidden": False,
            "customAttributes": {},
            "extensionAttributes": {},
            "created": self._store.now().isoformat(),
            "visibleAt": self._store.visible_at("exchange"),
            "userVisibleAt": self._store.visible_at("directory"),
        }

    def change_primary_address(self, recipient: Document, address: str) -> None:
        """Makes the address the primary one; the former stays as a proxy address."""
        checked_address(address, self.organization.accepted)
        self.check_free([address], except_id=recipient["id"])
        others = [a for a in recipient["addresses"] if a.casefold() != address.casefold()]
        recipient["addresses"] = [address, *others]

    def change_common(self, recipient: Document, parameters: Document) -> None:
        """Applies the parameters that Set-Mailbox and Set-DistributionGroup share."""
        if "DisplayName" in parameters:
            recipient["displayName"] = checked_length(parameters["DisplayName"], 256)
        if "Alias" in parameters:
            recipient["alias"] = checked_alias(parameters["Alias"])
            initial = f"{recipient['alias']}@{self.organization.initial}"
            self.check_free([initial], except_id=recipient["id"])
            if initial.casefold() not in map(str.casefold, recipient["addresses"]):
                recipient["addresses"].append(initial)
        if "WindowsEmailAddress" in parameters:
            self.change_primary_address(recipient, parameters["WindowsEmailAddress"])
        if "HiddenFromAddressListsEnabled" in parameters:
            recipient["hidden"] = parameters["HiddenFromAddressListsEnabled"]
        for attribute in CUSTOM_ATTRIBUTES:
            if attribute in parameters:
                recipient["customAttributes"][attribute] = checked_length(
                    parameters[attribute], 1024
                )
        for attribute in EXTENSION_ATTRIBUTES:
            if attribute in parameters:
                held = recipient["extensionAttributes"].get(attribute, [])
                recipient["extensionAttributes"][attribute] = changed_values(
                    held, parameters[attribute]
                )


def changed_values(held: list[str], given: list[str] | dict[str, list[str]]) -> list[str]:
    """The values of an attribute that is given a list, or what to add and what to remove.

    Raises:
        ExchangeError: They are too many, or one is too long.
        NotSimulated: A value is added that is there already: nobody shows what Exchange then says.
    """
    if isinstance(given, dict):
        for value in given.get("Add", []):
            if value.casefold() in map(str.casefold, held):
                raise NotSimulated(f"The simulated tenant adds no value that is there: {value}")
        gone = {value.casefold() for value in given.get("Remove", [])}
        given = [value for value in held if value.casefold() not in gone] + given.get("Add", [])
    if len(given) > MOST_VALUES:
        raise ExchangeError(VALIDATION, f"The property holds at most {MOST_VALUES} values.")
    return [checked_length(value, 1024) for value in given]


def wildcard(identity: str) -> re.Pattern[str] | None:
    """What an ``-Identity`` of a Get cmdlet matches in which a ``*`` stands for any characters.

    "Get-ManagementScope Redmond*": https://learn.microsoft.com/powershell/module/exchange/get-managementscope,
    example 1. Microsoft's page on the parameter has it of most such cmdlets and names no exception.

    Returns:
        ``None`` for one without.
    """
    if "*" not in identity:
        return None
    parts = (re.escape(part) for part in identity.split("*"))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)


def names_of(recipient: Document) -> list[str]:
    """The identities by which cmdlets find a mailbox or group."""
    names = {
        recipient["id"],
        recipient["guid"],
        recipient["name"],
        recipient["alias"],
        recipient.get("upn", ""),
        distinguished_name(recipient["name"], recipient["organizationalUnit"]),
        *recipient["addresses"],
    }
    return [name for name in names if name]


def is_known_as(recipient: Document, identity: str) -> bool:
    return identity.casefold() in {name.casefold() for name in names_of(recipient)}


def _address_taken(address: str, holder: str) -> ExchangeError:
    return ExchangeError(
        "Microsoft.Exchange.Configuration.ObjectModel.ProxyAddressExistsException",
        f'The proxy address "smtp:{address}" is already being used by the proxy addresses or '
        f'LegacyExchangeDN of "{holder}". Please choose another proxy address.',
    )


def one_of(identity: str, found: list[Document]) -> Document:
    if not found:
        raise not_found(identity)
    if len(found) > 1:
        raise ambiguous(identity)
    return found[0]


def common_properties(recipient: Document) -> Document:
    """Output properties of every recipient cmdlet."""
    return {
        "Identity": recipient["name"],
        "Name": recipient["name"],
        "DisplayName": recipient["displayName"],
        "Alias": recipient["alias"],
        "PrimarySmtpAddress": recipient["addresses"][0],
        "EmailAddresses": [
            f"{'smtp' if index else 'SMTP'}:{address}"
            for index, address in enumerate(recipient["addresses"])
        ],
        "ExternalDirectoryObjectId": recipient["id"],
        "Guid": recipient["guid"],
        "DistinguishedName": distinguished_name(recipient["name"], recipient["organizationalUnit"]),
        "RecipientType": (recipient["type"] if recipient["type"] in GROUP_TYPES else "UserMailbox"),
        "RecipientTypeDetails": recipient["type"],
        "HiddenFromAddressListsEnabled": recipient["hidden"],
        **{name: recipient["customAttributes"].get(name, "") for name in CUSTOM_ATTRIBUTES},
        **{name: recipient["extensionAttributes"].get(name, []) for name in EXTENSION_ATTRIBUTES},
        "WhenCreatedUTC": recipient["created"],
    }


def recipient_properties(recipient: Document) -> Document:
    """Output properties of Get-Recipient and Get-DistributionGroupMember."""
    return {
        **common_properties(recipient),
        "IsValidSecurityPrincipal": recipient["type"] in SECURITY_PRINCIPALS,
    }


FILTERABLE = (
    "Alias",
    "DisplayName",
    "EmailAddresses",
    "ExternalDirectoryObjectId",
    "Name",
    "PrimarySmtpAddress",
    *CUSTOM_ATTRIBUTES,
    *EXTENSION_ATTRIBUTES,
)
