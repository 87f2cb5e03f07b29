"""Mailboxes as Microsoft Graph has them: who may send as whom, and what is sent."""

from typing import Any

from simulator.tenant.answers import CloudError
from simulator.tenant.entra import Entra
from simulator.tenant.exchange import Exchange
from simulator.tenant.exchange.recipients import MAILBOX_TYPES
from simulator.tenant.graph import exceptions
from simulator.tenant.identifiers import new_id
from simulator.tenant.invariant import holders, record_reach, record_sendable
from simulator.tenant.policy_evaluation import AccessCheckResult, evaluate
from simulator.tenant.store import Document, Store

# In field reports of 2025 and 2026, in the place of the full stop that Microsoft's page has.
BLOCKED_BY_POLICY = "[RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."


class Mailboxes:
    """What Graph knows of Exchange; the methods run inside the caller's call."""

    def __init__(self, store: Store, entra: Entra, exchange: Exchange) -> None:
        self._store = store
        self._entra = entra
        self._exchange = exchange

    def _all(self) -> list[Document]:
        return [r for r in self._store.all("recipient") if r["type"] in MAILBOX_TYPES]

    def find(self, user: str) -> Document | None:
        """The mailbox whose user the directory finds by object id or user principal name."""
        for mailbox in self._all():
            if user.casefold() in (
                mailbox["id"],
                mailbox["upn"].casefold(),
            ) and self._store.is_past(mailbox["userVisibleAt"]):
                return mailbox
        return None

    def admit(self, user: str, claims: Document) -> tuple[Document, bool]:
        """The mailbox as which the claims may send, and whether by a role in Exchange.

        What is granted in Entra and what roles open adds up, and policies bear on the former only.

        Raises:
            CloudError: They may not.
        """
        roles = self._exchange.roles
        granted = "Mail.Send" in claims["roles"] and roles.entra_grants_count(claims["appId"])
        by_role = [
            grant
            for grant in roles.effective(claims["principalId"])
            if "Mail.Send" in grant.permissions
        ]
        if not granted and not by_role:
            raise exceptions.permission_missing()
        mailbox = self.find(user)
        if mailbox is None:
            raise exceptions.invalid_user(user)
        if not self._store.is_past(mailbox["visibleAt"]):
            raise exceptions.no_mailbox()
        effective = self._exchange.policies.effective()
        if not self._exchange.client_access.admits_graph(mailbox):
            raise exceptions.odata_disabled()
        if any(grant.reaches(mailbox["id"]) for grant in by_role):
            return mailbox, True
        if not granted:
            raise exceptions.permission_missing()
        if evaluate(effective, claims["appId"], mailbox["id"]) is AccessCheckResult.DENIED:
            live = self._store.setting("live text of denials", default=False)
            raise exceptions.odata_disabled(f": {BLOCKED_BY_POLICY}" if live else ".")
        return mailbox, False

    def would_admit(self, user: str, claims: Document) -> bool:
        """Whether the claims may send as a user at this moment."""
        try:
            self.admit(user, claims)
        except CloudError:
            return False
        return True

    def send(
        self, mailbox: Document, claims: Document, message: Any, *, save: bool, by_role: bool
    ) -> None:
        """Sends a message of whoever was admitted; ``save``: whether it goes to Sent Items."""
        if not by_role:
            effective = self._exchange.policies.effective()
            record_reach(self._store, claims, "Mail.Send", effective)
        mail = {
            "id": new_id(),
            "time": self._store.now().isoformat(),
            "mailboxId": mailbox["id"],
            "mailbox": mailbox["addresses"][0],
            "appId": claims["appId"],
            "message": message,
            "saveToSentItems": save,
        }
        self._store.put("mail", mail["id"], mail)

    def try_sending(self) -> None:
        """Tries, for whoever holds Mail.Send, every mailbox there is, and has the answers recorded.

        Nothing is sent: the trial ends where a message would be looked at. It runs inside a call.
        """
        present = self._exchange.policies.present()
        grants = self._exchange.roles.remembered()
        in_entra = {p["id"] for p in holders(self._store, self._entra, "Mail.Send", ())}
        for principal in holders(self._store, self._entra, "Mail.Send", grants):
            claims = {
                "principalId": principal["id"],
                "appId": principal["appId"],
                "roles": ["Mail.Send"] if principal["id"] in in_entra else [],
            }
            accepted = [m for m in self._all() if self.would_admit(m["id"], claims)]
            record_sendable(self._store, principal, accepted, present, grants)
