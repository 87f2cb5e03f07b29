"""What an identity is granted in Entra, of which nothing may stand beside its roles in Exchange.

Rights add up: a role is bound to a scope, and a grant of the same permission in Entra reaches every
mailbox all the same. Exchange's own test leaves grants out, so Entra is asked as well
(https://learn.microsoft.com/exchange/permissions-exo/application-rbac).

The azuread provider has no look-up for it: its service principal has the roles that it offers, not
those that it holds. So Microsoft Graph is asked, with a token of the azure-native provider, as
which this run is signed in already (``getClientToken``): nobody has to sign in a second time.
See ``docs/decisions/0027-grants-are-read-by-the-program.md``.
"""

import re
from asyncio import sleep
from collections.abc import Collection
from http import HTTPStatus
from typing import Any

import httpx
import pulumi

from .clouds import ENDPOINTS, GRAPH_ADDRESS, Cloud, base_address
from .graph_permission import GRAPH_CLIENT_ID
from .provider_errors import look_up
from .service_principal import get_service_principal

EXCHANGE_CLIENT_ID = "00000002-0000-0ff1-ce00-000000000000"
"""Application id of Exchange Online: the same in every tenant."""

MAILBOX_PERMISSION = re.compile(
    r"(Mail|Mail-Advanced|MailboxSettings|MailboxFolder|MailboxItem|MailboxConfigItem|Calendars"
    r"|Contacts)\.|(SMTP\.Send|IMAP\.Access|POP\.Access|EWS\.Access)AsApp$|full_access_as_app$"
)
"""Matches the app roles of Graph and of Exchange Online that reach mailboxes."""

ESCALATING = frozenset(
    {
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "RoleManagement.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Exchange",
        "Exchange.ManageAsApp",
    }
)
"""App roles with which an identity could grant itself such a one."""

# Seconds between attempts, for answers that pass: too many requests, and a replica of the directory
# that has not met a new identity yet.
_PAUSES = (2, 8, 30)
_PASSES = {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}


async def refuse_grants(
    parent: pulumi.Resource,
    principal_id: str,
    *,
    cloud: Cloud,
    otherwise: str,
    expected: Collection[str] = (),
) -> None:
    """Refuses an identity that Entra lets reach mailboxes, or grant itself what does.

    Args:
        parent: Whose check it is.
        principal_id: Object id of the identity's service principal.
        cloud: The Microsoft cloud of the tenant.
        otherwise: What a refusal means, as the end of a sentence.
        expected: Permissions of Graph that it may be granted: those that a policy confines.

    Raises:
        pulumi.RunError: It holds such a grant, or Entra does not tell.
    """
    graph = ENDPOINTS[cloud].graph
    found = []
    for grant in await _grants(parent, principal_id, graph):
        offered_by = await get_service_principal(parent, objectId=grant["resourceId"])
        is_graph = offered_by["clientId"] == GRAPH_CLIENT_ID
        if not is_graph and offered_by["clientId"] != EXCHANGE_CLIENT_ID:
            continue
        # A role that its application does not list any more is shown by its id, and counts.
        names = {id_: name for name, id_ in offered_by["appRoleIds"].items()}
        name = names.get(grant["appRoleId"], "")
        if is_graph and name in expected:
            continue
        if not name or MAILBOX_PERMISSION.match(name) or name in ESCALATING:
            found.append((name or grant["appRoleId"], grant["id"]))
    if found:
        at = f"{graph}/v1.0/servicePrincipals/{principal_id}/appRoleAssignments"
        commands = "; ".join(f"az rest --method DELETE --url {at}/{id_}" for _, id_ in found)
        raise pulumi.RunError(
            f"The identity {principal_id} holds a grant in Entra of "
            f"{', '.join(name for name, _ in found)}. The scope of its roles in Exchange does not "
            f"bear on that: it reaches every mailbox, or lets the identity grant itself what does. "
            f"So {otherwise}. See who needs it, remove it ({commands}), and run `pulumi up` again."
        )


async def _grants(parent: pulumi.Resource, principal_id: str, graph: str) -> list[dict[str, str]]:
    """The app role assignments of a service principal, by their names in Graph."""
    try:
        base = base_address(GRAPH_ADDRESS, graph)
    except ValueError as error:
        raise _unknown(graph, str(error)) from None
    answer = await look_up(parent, "azure-native:authorization:getClientToken", endpoint=graph)
    headers = {"Authorization": f"Bearer {answer['token']}"}
    address = f"{base}/v1.0/servicePrincipals/{principal_id}/appRoleAssignments"
    found: list[dict[str, str]] = []
    read: set[str] = set()
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        while address:
            # The token goes nowhere else, and a list that leads back to itself has no end.
            if address in read or not address.startswith(f"{base}/"):
                raise _unknown(address, "a page of the list leads there")
            read.add(address)
            page = await _read(client, address)
            found += page["value"]
            address = page.get("@odata.nextLink", "")
    return found


async def _read(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    for pause in (*_PAUSES, None):
        try:
            response = await client.get(address)
        except httpx.HTTPError as error:
            refusal, passes = str(error) or type(error).__name__, True
        else:
            status = response.status_code
            if status == HTTPStatus.OK:
                try:
                    page: dict[str, Any] = response.json()
                    if all(
                        {"id", "appRoleId", "resourceId"} <= each.keys() for each in page["value"]
                    ):
                        return page
                except (ValueError, TypeError, KeyError, AttributeError):
                    pass
            refusal = f"{status} {' '.join(response.text.split())[:500]}"
            passes = status in _PASSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if pause is None or not passes:
            raise _unknown(address, refusal)
        await sleep(pause)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _unknown(address: str, refusal: str) -> pulumi.RunError:
    where = address.partition("?")[0]
    return pulumi.RunError(
        f"What an identity is granted in Entra could not be found out: GET {where}: {refusal}. "
        "Without that its roles in Exchange are not proven to be all that it has. The deploying "
        "identity needs Application.Read.All of Microsoft Graph; run `pulumi up` again."
    )
