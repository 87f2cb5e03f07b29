"""What an assignment of a role to an application may be bound to: four kinds of scopes."""

from enum import StrEnum

from simulator.tenant.answers import ExchangeError
from simulator.tenant.exchange.opath import matches, parse
from simulator.tenant.exchange.recipients import (
    FILTERABLE,
    GROUP_TYPES,
    MAILBOX_TYPES,
    Recipients,
    checked_name,
    common_properties,
    distinguished_name,
    not_found,
    wildcard,
)
from simulator.tenant.identifiers import new_id
from simulator.tenant.store import Document, Store

KIND = "managementScope"
MEMBER_OF_GROUP = "MemberOfGroup"


class ScopeType(StrEnum):
    """The kinds, as ``Test-ServicePrincipalAuthorization`` and read-back spell them."""

    ORGANIZATION = "Organization"
    FILTER = "CustomRecipientScope"
    GROUP = "Group"
    ADMINISTRATIVE_UNIT = "AdministrativeUnit"


class Scopes:
    """Get-, New- and Set-ManagementScope, administrative units, and who is in which scope."""

    def __init__(self, store: Store, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    def get_scope(self, parameters: Document) -> list[Document]:
        identity = parameters.get("Identity")
        pattern = wildcard(identity) if identity else None
        if identity and pattern is None:
            return [_shown(self.named(identity))]
        return [
            _shown(scope)
            for scope in self._store.all(KIND)
            if self._store.is_past(scope["visibleAt"])
            and (pattern is None or pattern.fullmatch(scope["name"]))
        ]

    def new_scope(self, parameters: Document) -> list[Document]:
        name = checked_name(parameters["Name"])
        if any(s["name"].casefold() == name.casefold() for s in self._store.all(KIND)):
            raise ExchangeError(
                "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
                f"The management scope '{name}' already exists.",
            )
        scope = {
            "id": new_id(),
            "name": name,
            "filter": _checked(parameters["RecipientRestrictionFilter"]),
            "visibleAt": self._store.visible_at("exchange"),
        }
        self._store.put(KIND, scope["id"], scope)
        return [_shown(scope)]

    def set_scope(self, parameters: Document) -> list[Document]:
        """Every assignment that is bound to the scope has another reach from now on."""
        scope = self.named(parameters["Identity"])
        scope["filter"] = _checked(parameters["RecipientRestrictionFilter"])
        self._store.put(KIND, scope["id"], scope)
        return []

    def remove(self, scope: Document) -> None:
        self._store.delete(KIND, scope["id"])

    def named(self, identity: str) -> Document:
        """A scope that cmdlets find at this moment, by name or guid."""
        for scope in self._store.all(KIND):
            names = (scope["name"].casefold(), scope["id"])
            if identity.casefold() in names and self._store.is_past(scope["visibleAt"]):
                return scope
        raise not_found(identity)

    def administrative_unit(self, identity: str) -> Document:
        unit = self._store.get("administrativeUnit", identity)
        if unit is None:
            raise not_found(identity)
        return unit

    def name_of(self, scope_type: str, scope_id: str) -> str:
        """What an assignment shows of its scope; nothing once that is gone."""
        if scope_type == ScopeType.ADMINISTRATIVE_UNIT:
            return scope_id if self._store.get("administrativeUnit", scope_id) else ""
        is_group = scope_type == ScopeType.GROUP
        holder = self._recipients.get(scope_id) if is_group else self._store.get(KIND, scope_id)
        return str(holder["name"]) if holder else ""

    def mailboxes_in(self, scope_type: str, scope_id: str) -> frozenset[str] | None:
        """Object ids of the mailboxes in a scope; ``None`` for every one there is.

        That is also what an assignment reaches whose group or administrative unit is gone: nobody
        says what it does, and this is the reading that harms who relies on it.
        """
        if scope_type == ScopeType.FILTER:
            scope = self._store.get(KIND, scope_id)
            return None if scope is None else self._matching(scope["filter"])
        if scope_type == ScopeType.GROUP:
            holder = self._recipients.get(scope_id)
        else:
            holder = self._store.get("administrativeUnit", scope_id)
        if holder is None:
            return None
        # Members of a group within the group are not in the scope, says Microsoft's page.
        return frozenset(holder["members"])

    def _matching(self, text: str) -> frozenset[str]:
        recipients = self._store.all("recipient")
        groups = [r for r in recipients if r["type"] in GROUP_TYPES]
        alternatives = parse(text, (*FILTERABLE, MEMBER_OF_GROUP))
        return frozenset(
            mailbox["id"]
            for mailbox in recipients
            if mailbox["type"] in MAILBOX_TYPES
            and matches(
                common_properties(mailbox)
                | {
                    MEMBER_OF_GROUP: [
                        distinguished_name(group["name"], group["organizationalUnit"])
                        for group in groups
                        if mailbox["id"] in group["members"]
                    ]
                },
                alternatives,
            )
        )


def _checked(text: str) -> str:
    parse(text, (*FILTERABLE, MEMBER_OF_GROUP))
    return text


def _shown(scope: Document) -> Document:
    return {
        "Name": scope["name"],
        "Identity": scope["name"],
        "Guid": scope["id"],
        "ScopeRestrictionType": "RecipientScope",
        "Exclusive": False,
        "RecipientRoot": "",
        # Exchange is said to spell a filter in its own way. Whoever compares texts notices.
        "RecipientFilter": f"({scope['filter']})",
    }
