"""What a fresh tenant holds: Microsoft's own applications, the deploying identity, and strangers.

The strangers are there to stay: nothing that a deployment does, or undoes, may touch them.
"""

from collections.abc import Iterable
from enum import StrEnum

from simulator.tenant.entra import Entra
from simulator.tenant.exchange import Exchange
from simulator.tenant.exchange.recipients import DISTRIBUTION_GROUP, SECURITY_GROUP
from simulator.tenant.identifiers import (
    CONFINABLE_APP_ROLES,
    DEPLOYMENT_CLIENT_ID,
    DIRECTORY_APP_ROLES,
    EXCHANGE_ADMINISTRATOR,
    EXCHANGE_APP_ID,
    EXCHANGE_APP_ROLES,
    GRAPH_APP_ID,
    UNCONFINABLE_APP_ROLES,
    seeded_id,
)
from simulator.tenant.store import Document, Store

# Seconds. The directory's is short and always noticed; those of assignments and grants are off,
# since nobody says how often they are met, and the second one ends an `up`; the policy's is
# Microsoft's "30 minutes", which they say can exceed an hour; that of roles is half an hour to two
# in field reports.
DEFAULT_LAGS = {
    "directory": 2.0,
    "assignment": 0.0,
    "grant": 0.0,
    "exchange": 20.0,
    "address": 0.0,
    "policy": 1800.0,
    "roles": 1800.0,
    "pointer": 0.0,
}
NO_LAGS = dict.fromkeys(DEFAULT_LAGS, 0.0)


class Seed(StrEnum):
    """What a fresh tenant holds besides the deploying identity."""

    POPULATED = "populated"
    """Recipients, and two applications of others: one confined by a policy, one by nothing."""
    NO_POLICIES = "no policies"
    """The same without any application access policy, and so without the first application."""


def sow(seed: Seed, store: Store, entra: Entra, exchange: Exchange) -> None:
    """Fills an empty tenant. What it holds has been there long enough for everyone to see it."""
    store.set_setting("lags", NO_LAGS)
    _applications(store, entra)
    _recipients(exchange)
    if seed is Seed.POPULATED:
        _payroll_reports(entra, exchange)
    _archive_connector(entra)
    store.set_setting("lags", DEFAULT_LAGS)


def assume_mailboxes(store: Store, exchange: Exchange, addresses: Iterable[str]) -> list[str]:
    """Makes people's mailboxes with these addresses that nobody has, as if they had always been.

    Returns:
        The addresses of those that were made.
    """
    taken = {a.casefold() for r in store.all("recipient") for a in r["addresses"]}
    missing = [address for address in addresses if address.casefold() not in taken]
    lags = store.setting("lags", DEFAULT_LAGS)
    store.set_setting("lags", NO_LAGS)
    for address in missing:
        alias = address.partition("@")[0]
        exchange.mailboxes.add(
            exchange.recipients.new(
                "UserMailbox",
                name=alias,
                display_name=alias,
                alias=alias,
                address=address,
                object_id=seeded_id(address),
            )
        )
    store.set_setting("lags", lags)
    return missing


def _app_roles(values: dict[str, str]) -> list[Document]:
    return [
        {
            "id": identifier,
            "value": value,
            "displayName": value,
            "isEnabled": True,
            "allowedMemberTypes": ["Application"],
        }
        for value, identifier in values.items()
    ]


def _applications(store: Store, entra: Entra) -> None:
    graph = entra.add_service_principal(
        "Microsoft Graph",
        kind="Application",
        app_id=GRAPH_APP_ID,
        object_id=seeded_id("Microsoft Graph"),
        app_roles=_app_roles(CONFINABLE_APP_ROLES | UNCONFINABLE_APP_ROLES | DIRECTORY_APP_ROLES),
    )
    online = entra.add_service_principal(
        "Office 365 Exchange Online",
        kind="Application",
        app_id=EXCHANGE_APP_ID,
        object_id=seeded_id("Office 365 Exchange Online"),
        app_roles=_app_roles(EXCHANGE_APP_ROLES),
    )
    deployment = entra.add_service_principal(
        "scoped-mail-sender-deployment",
        kind="Application",
        app_id=DEPLOYMENT_CLIENT_ID,
        object_id=seeded_id("scoped-mail-sender-deployment"),
    )
    for role in ("AppRoleAssignment.ReadWrite.All", "Application.Read.All"):
        entra.assign(deployment, graph, DIRECTORY_APP_ROLES[role])
    entra.assign(deployment, online, EXCHANGE_APP_ROLES["Exchange.ManageAsApp"])
    for manager in (deployment["id"], seeded_id(EXCHANGE_ADMINISTRATOR)):
        store.put("exchangeRoleGroups", manager, {"roleGroups": ["Organization Management"]})


def _mailbox(exchange: Exchange, mailbox_type: str, display_name: str, alias: str) -> Document:
    return exchange.mailboxes.add(
        exchange.recipients.new(
            mailbox_type,
            name=display_name,
            display_name=display_name,
            alias=alias,
            address=f"{alias}@{exchange.recipients.organization.default}",
            object_id=seeded_id(alias),
        )
    )


def _group(exchange: Exchange, group_type: str, name: str, members: list[Document]) -> Document:
    [properties] = exchange.groups.new_group(
        {
            "Name": name,
            "Type": "Security" if group_type == SECURITY_GROUP else "Distribution",
            "ManagedBy": [f"reception@{exchange.recipients.organization.default}"],
            "Members": [member["id"] for member in members],
        }
    )
    return exchange.recipients.find(properties["Guid"], (group_type,))


def _recipients(exchange: Exchange) -> None:
    reception = _mailbox(exchange, "UserMailbox", "Reception", "reception")
    finance = _mailbox(exchange, "UserMailbox", "Finance", "finance")
    _mailbox(exchange, "UserMailbox", "Control Mailbox", "control.mailbox")
    _mailbox(exchange, "RoomMailbox", "Boardroom", "boardroom")
    _group(exchange, DISTRIBUTION_GROUP, "All Staff", [reception, finance])
    _group(exchange, SECURITY_GROUP, "Building Access", [reception])


def _payroll_reports(entra: Entra, exchange: Exchange) -> None:
    """Another application, confined as it should be: its policy is there before its grant."""
    payroll = _mailbox(exchange, "UserMailbox", "Payroll", "payroll")
    group = _group(exchange, SECURITY_GROUP, "Payroll Reports Mailboxes", [payroll])
    client_id = seeded_id("Payroll Reports client")
    exchange.policies.add(
        client_id,
        group,
        {"AccessRight": "RestrictAccess", "Description": "Payroll Reports sends as payroll only"},
    )
    application = entra.add_service_principal(
        "Payroll Reports",
        kind="Application",
        app_id=client_id,
        object_id=seeded_id("Payroll Reports"),
    )
    graph = entra.service_principal(seeded_id("Microsoft Graph"))
    assert graph is not None  # noqa: S101 - for the type checker: seeded above
    entra.assign(application, graph, CONFINABLE_APP_ROLES["Mail.Send"])


def _archive_connector(entra: Entra) -> None:
    """Another one that nobody confined, by a permission of Exchange's own: for reports to find."""
    application = entra.add_service_principal(
        "Archive Connector",
        kind="Application",
        app_id=seeded_id("Archive Connector client"),
        object_id=seeded_id("Archive Connector"),
    )
    online = entra.service_principal(seeded_id("Office 365 Exchange Online"))
    assert online is not None  # noqa: S101 - for the type checker: seeded above
    entra.assign(application, online, EXCHANGE_APP_ROLES["full_access_as_app"])
