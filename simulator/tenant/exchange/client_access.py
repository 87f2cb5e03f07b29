"""Client access settings of mailboxes and of the organisation, as far as they bear on Graph."""

from datetime import timedelta
from fnmatch import fnmatchcase

from simulator.tenant.exchange.mailboxes import select
from simulator.tenant.exchange.recipients import MAILBOX_TYPES, Recipients, common_properties
from simulator.tenant.store import Document, Store

MAILBOX_DEFAULTS: Document = {
    "EwsEnabled": True,
    "EwsApplicationAccessPolicy": None,
    "EwsAllowList": None,
    "EwsBlockList": None,
}
ORGANIZATION_DEFAULTS: Document = MAILBOX_DEFAULTS | {"EwsEnabled": None, "IsDehydrated": False}
ENFORCE = "EnforceExoAppRbacPermissions"
"""Exists since May 2026, and not in every tenant; Microsoft's pages do not describe it."""

# Measured by others after Enable-OrganizationCustomization, while IsDehydrated is false already.
CUSTOMIZATION_TAKES = timedelta(hours=1)
# What Exchange gets to see of the program that calls Graph, whatever header that one sends.
# Source: https://github.com/microsoftgraph/msgraph-sdk-javascript/issues/252.
USER_AGENT_BEHIND_GRAPH = ""


class ClientAccess:
    """Get- and Set-CASMailbox, Get-OrganizationConfig, and what they mean for Graph."""

    def __init__(self, store: Store, recipients: Recipients) -> None:
        self._store = store
        self._recipients = recipients

    def get_cas_mailbox(self, parameters: Document) -> list[Document]:
        def properties(mailbox: Document) -> Document:
            return common_properties(mailbox) | _settings(mailbox)

        return select(parameters, self._recipients.all(MAILBOX_TYPES), properties)

    def set_cas_mailbox(self, parameters: Document) -> list[Document]:
        mailbox = self._recipients.find(parameters["Identity"], MAILBOX_TYPES)
        changed = {name: value for name, value in parameters.items() if name != "Identity"}
        mailbox["clientAccess"] = _settings(mailbox) | changed
        self._recipients.put(mailbox)
        return []

    def get_organization_config(self, parameters: Document) -> list[Document]:
        return [self.organization()]

    def organization(self) -> Document:
        """The organisation's settings, by the names that Get-OrganizationConfig has for them."""
        settings: Document = self._store.setting("organization config", ORGANIZATION_DEFAULTS)
        return settings

    def set_organization(self, name: str, value: object) -> None:
        """Changes one of them; ``EnforceExoAppRbacPermissions`` is there from then on.

        Raises:
            ValueError: There is no such setting.
        """
        if name not in (*ORGANIZATION_DEFAULTS, ENFORCE):
            raise ValueError(f"no setting of the organisation is called {name!r}")
        if name == "IsDehydrated" and self.organization()[name] and not value:
            ready = self._store.now() + CUSTOMIZATION_TAKES
            self._store.set_setting("customizable at", ready.isoformat())
        self._store.set_setting("organization config", self.organization() | {name: value})

    def is_customizable(self) -> bool:
        """Whether roles and scopes can be made: some time after IsDehydrated says so."""
        ready = self._store.setting("customizable at", None)
        is_ready = ready is None or self._store.is_past(ready)
        return not self.organization()["IsDehydrated"] and is_ready

    def admits_graph(self, mailbox: Document) -> bool:
        """Whether Graph gets into a mailbox at all, for whichever application.

        Allow and block lists bear on REST as much as on EWS, and the organisation's EwsEnabled does
        not: so say the pages of Set-OrganizationConfig. That a mailbox's EwsEnabled does is the
        stricter reading.
        """
        own = _settings(mailbox)
        return own["EwsEnabled"] is not False and all(
            _lets_in(settings) for settings in (own, self.organization())
        )


def _settings(mailbox: Document) -> Document:
    settings: Document = mailbox.get("clientAccess", MAILBOX_DEFAULTS)
    return settings


def _lets_in(settings: Document) -> bool:
    """What a list of user agents says; ``*`` in one stands for anything."""
    policy = settings["EwsApplicationAccessPolicy"]
    if policy is None:
        return True
    name = "EwsAllowList" if policy == "EnforceAllowList" else "EwsBlockList"
    named = any(fnmatchcase(USER_AGENT_BEHIND_GRAPH, pattern) for pattern in settings[name] or ())
    return named is (policy == "EnforceAllowList")
