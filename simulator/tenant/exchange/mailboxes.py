"""The mailbox cmdlets and Get-Recipient."""

from collections.abc import Callable

from simulator.tenant.answers import NotSimulated
from simulator.tenant.exchange.opath import matches, parse
from simulator.tenant.exchange.recipients import (
    FILTERABLE,
    GROUP_TYPES,
    MAILBOX_TYPES,
    Recipients,
    common_properties,
    is_known_as,
    names_of,
    one_of,
    recipient_properties,
    wildcard,
)
from simulator.tenant.identifiers import new_id
from simulator.tenant.store import Document, Store

DEFAULT_RESULT_SIZE = 1000


def mailbox_properties(mailbox: Document) -> Document:
    """Output properties of Get-Mailbox and New-Mailbox."""
    return {
        **common_properties(mailbox),
        "ExchangeGuid": mailbox["exchangeGuid"],
        "UserPrincipalName": mailbox["upn"],
        "WindowsEmailAddress": mailbox["addresses"][0],
        "AccountDisabled": mailbox["accountDisabled"],
        "ForwardingSmtpAddress": mailbox.get("forwardingSmtpAddress"),
        "DeliverToMailboxAndForward": mailbox.get("deliverToMailboxAndForward", False),
        "IsShared": mailbox["type"] == "SharedMailbox",
        "IsMailboxEnabled": True,
        "WhenSoftDeleted": mailbox.get("softDeletedAt"),
    }


def select(
    parameters: Document,
    objects: list[Document],
    properties: Callable[[Document], Document],
) -> list[Document]:
    """What a Get- cmdlet returns for its Identity, Filter and ResultSize.

    An empty Identity is none, and returns every object: so say the pages of these cmdlets.

    Args:
        parameters: Those of the cmdlet.
        objects: Every object of the cmdlet's kind.
        properties: Gives an object's output properties.
    """
    identity = parameters.get("Identity")
    if identity:
        if parameters.get("Filter"):
            raise NotSimulated("The simulated tenant takes -Identity or -Filter, not both.")
        pattern = wildcard(identity)
        if pattern is None:
            return [properties(one_of(identity, [o for o in objects if is_known_as(o, identity)]))]
        return [properties(o) for o in objects if any(map(pattern.fullmatch, names_of(o)))]
    found = [properties(candidate) for candidate in objects]
    if parameters.get("Filter"):
        alternatives = parse(parameters["Filter"], FILTERABLE)
        found = [candidate for candidate in found if matches(candidate, alternatives)]
    size = str(parameters.get("ResultSize", DEFAULT_RESULT_SIZE))
    return found if size.casefold() == "unlimited" else found[: int(size)]


class Mailboxes:
    """Get-, New-, Set- and Remove-Mailbox, and Get-Recipient."""

    def __init__(self, store: Store, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    def get_mailbox(self, parameters: Document) -> list[Document]:
        if parameters.get("SoftDeletedMailbox"):
            objects = self._soft_deleted()
        else:
            objects = self._recipients.all(MAILBOX_TYPES)
        return select(parameters, objects, mailbox_properties)

    def new_mailbox(self, parameters: Document) -> list[Document]:
        if not parameters.get("Shared"):
            raise NotSimulated(
                "The simulated tenant creates mailboxes by New-Mailbox -Shared only."
            )
        mailbox = self._recipients.new(
            "SharedMailbox",
            name=parameters["Name"],
            display_name=parameters.get("DisplayName"),
            alias=parameters.get("Alias"),
            address=parameters.get("PrimarySmtpAddress"),
            # MC365786: tenants vary, and the one in which the name is lost is the harder one.
            name_is_object_id=self._store.setting("mailbox names are object ids", True),
        )
        return [mailbox_properties(self.add(mailbox))]

    def add(self, mailbox: Document) -> Document:
        """Stores a new mailbox with what only mailboxes have."""
        mailbox |= {
            "exchangeGuid": new_id(),
            # For people it is their address, as a rule. Of a shared mailbox it is made from the
            # alias, so that whoever takes one for the other notices.
            "upn": (
                mailbox["addresses"][0]
                if mailbox["type"] == "UserMailbox"
                else f"{mailbox['alias']}@{self._recipients.organization.initial}"
            ),
            # Microsoft's pages disagree whether a shared mailbox's account starts disabled; one
            # that starts enabled punishes who does not block it.
            "accountDisabled": False,
        }
        self._recipients.put(mailbox)
        return mailbox

    def set_mailbox(self, parameters: Document) -> list[Document]:
        mailbox = self._recipients.find(parameters["Identity"], MAILBOX_TYPES)
        self._recipients.change_common(mailbox, parameters)
        if "AccountDisabled" in parameters:
            mailbox["accountDisabled"] = parameters["AccountDisabled"]
        if "ForwardingSmtpAddress" in parameters:
            given = parameters["ForwardingSmtpAddress"]
            # So Exchange shows it, whatever is written before it.
            mailbox["forwardingSmtpAddress"] = given and f"smtp:{given.removeprefix('smtp:')}"
        if "DeliverToMailboxAndForward" in parameters:
            mailbox["deliverToMailboxAndForward"] = parameters["DeliverToMailboxAndForward"]
        self._recipients.put(mailbox)
        return []

    def remove_mailbox(self, parameters: Document) -> list[Document]:
        identity = parameters["Identity"]
        if parameters.get("PermanentlyDelete"):
            # Its addresses may be another's by now. Public code names it by ExchangeGuid:
            # nobody shows that another of its identities is taken.
            named = [m for m in self._soft_deleted() if m["exchangeGuid"] == identity.casefold()]
            self._store.delete("softDeletedMailbox", one_of(identity, named)["id"])
            return []
        mailbox = self._recipients.find(identity, MAILBOX_TYPES)
        self._recipients.take_leave(mailbox)
        mailbox["softDeletedAt"] = self._store.now().isoformat()
        mailbox["visibleAt"] = self._store.visible_at("exchange")
        self._store.delete("recipient", mailbox["id"])
        self._store.put("softDeletedMailbox", mailbox["id"], mailbox)
        return []

    def _soft_deleted(self) -> list[Document]:
        """Those that cmdlets find at this moment."""
        is_past = self._store.is_past
        return [m for m in self._recipients.soft_deleted() if is_past(m["visibleAt"])]

    def get_recipient(self, parameters: Document) -> list[Document]:
        objects = self._recipients.all((*MAILBOX_TYPES, *GROUP_TYPES))
        return select(parameters, objects, recipient_properties)
