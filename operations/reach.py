"""Who can reach which mailboxes, and what confines it: ``python -m operations.reach``.

Lists each service principal of the tenant that holds a mailbox permission, granted in Entra or by a
role in Exchange, with what confines it; what nothing confines comes first. Besides, who could grant
itself one, and what is left over: assignments whose scope is gone, pointers without a principal,
policies without an application, and the room that is left for policies.

It changes nothing. In Graph it reads as whoever is signed in (Application.Read.All); Exchange is
asked by ``list-mailbox-access.ps1``, which signs in as the deployment does.

Exit codes: 0, the report is complete; 1, it could not find out; 2, a mistake on the command line.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from rich.table import Table
from rich.text import Text

from components.clouds import ENDPOINTS, Cloud
from components.entra_grants import ESCALATING, EXCHANGE_CLIENT_ID, MAILBOX_PERMISSION
from components.graph_permission import GRAPH_CLIENT_ID, MailboxPermission
from operations import consoles
from operations.exchange_script import ExchangeScriptError, run_script
from operations.reach_page import page
from operations.signed_in import CloudRefusedError, SignedIn

SCRIPT = Path(__file__).with_name("list-mailbox-access.ps1")
SHOWN = 50
"""How many mailboxes of a scope are named."""
POLICIES_AT_MOST = 300
"""Policies that a tenant has room for, where their descriptions are one space each. Source:
https://learn.microsoft.com/powershell/module/exchangepowershell/new-applicationaccesspolicy."""

# Application access policies bear on these, and on no other permission. Source:
# https://learn.microsoft.com/exchange/permissions-exo/application-access-policies.
_CONFINABLE = {*MailboxPermission, "full_access_as_app"}
EVERYTHING = "every mailbox"


class _Role(BaseModel):
    id: str
    value: str | None = None


class _Principal(BaseModel):
    """What is read of a service principal."""

    id: str
    client_id: str = Field(alias="appId")
    app_roles: list[_Role] = Field(alias="appRoles")


class _Grant(BaseModel):
    principal: str = Field(alias="principalId")
    name: str | None = Field(None, alias="principalDisplayName")
    role: str = Field(alias="appRoleId")


@dataclass(frozen=True)
class Access:
    """What one identity may do with mailboxes, by one grant or one role.

    Attributes:
        identity: Display name of the service principal.
        client_id: Its application id; empty where Entra does not know it any more.
        permission: The permission, or the role in Exchange.
        granted_in: ``Entra`` or ``Exchange``.
        confined_by: The policies or the scope; empty for nothing.
        mailboxes: Addresses in reach, at most :data:`SHOWN`; empty where it is every mailbox.
        count: How many there are in reach; ``None`` for every mailbox.
    """

    identity: str
    client_id: str
    permission: str
    granted_in: str
    confined_by: str
    mailboxes: tuple[str, ...] = ()
    count: int | None = None


@dataclass(frozen=True)
class Reach:
    """The report.

    Attributes:
        accesses: Unconfined ones first.
        escalating: Who could grant itself, or another, a mailbox permission, and by what.
        left_over: What points to nothing, one sentence each.
        policies: How many application access policies there are.
        notes: What else one has to know to read the report.
    """

    organization: str
    accesses: list[Access]
    escalating: list[tuple[str, str]] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    policies: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def unconfined(self) -> list[Access]:
        return [access for access in self.accesses if not access.confined_by]


def granted_in_entra(clouds: SignedIn) -> list[dict[str, str]]:
    """App roles of Graph and of Exchange Online that service principals are assigned.

    Returns:
        For each the principal's ``id``, ``name`` and ``appId``, and the role's ``permission``.

    Raises:
        CloudRefusedError: Entra does not tell.
    """
    found = []
    clients: dict[str, str] = {}
    for client_id in (GRAPH_CLIENT_ID, EXCHANGE_CLIENT_ID):
        for resource in _principals(clouds, client_id):
            names = {role.id: role.value or "" for role in resource.app_roles}
            path = f"/v1.0/servicePrincipals/{resource.id}/appRoleAssignedTo"
            for grant in clouds.directory_objects(path, _Grant):
                principal, permission = grant.principal, names.get(grant.role, "")
                if not MAILBOX_PERMISSION.match(permission) and permission not in ESCALATING:
                    continue
                if principal not in clients:
                    path = f"/v1.0/servicePrincipals/{principal}"
                    read = clouds.directory_object(path, _Principal)
                    clients[principal] = read.client_id if read else ""
                found.append(
                    {
                        "id": principal,
                        "name": grant.name or principal,
                        "appId": clients[principal],
                        "permission": permission,
                    }
                )
    return found


def _principals(clouds: SignedIn, client_id: str) -> list[_Principal]:
    path = f"/v1.0/servicePrincipals?$filter=appId eq '{client_id}'"
    return clouds.directory_objects(path, _Principal)


def asked_of_exchange(organization: str, cloud: Cloud) -> dict[str, Any]:
    """What ``list-mailbox-access.ps1`` writes.

    Raises:
        ExchangeScriptError: It could not read.
    """
    said = run_script(
        SCRIPT,
        {
            "organization": organization,
            "exchangeEnvironmentName": ENDPOINTS[cloud].exchange_environment,
            "shown": SHOWN,
        },
    )
    if said.code:
        raise ExchangeScriptError(said.failure)
    return said.observed


def reach_of(
    organization: str,
    grants: Iterable[Mapping[str, str]],
    exchange: Mapping[str, Any],
    exists: Callable[[str], bool],
) -> Reach:
    """Puts together what Entra and Exchange say.

    Args:
        organization: Whose tenant it is.
        grants: See :func:`granted_in_entra`.
        exchange: See :func:`asked_of_exchange`.
        exists: Whether Entra has a service principal of that application id.
    """
    grants = list(grants)
    known = {pointer["principalId"]: pointer for pointer in exchange["pointers"]}
    accesses = [
        _by_grant(grant, exchange["policies"])
        for grant in grants
        if MAILBOX_PERMISSION.match(grant["permission"])
    ]
    accesses += [_by_role(role, known) for role in exchange["assignments"]]
    accesses.sort(key=lambda a: (bool(a.confined_by), a.identity.casefold(), a.permission))
    left_over = [
        f"The role assignment '{role['name']}' ({role['role']}) is bound to a scope that is gone."
        for role in exchange["assignments"]
        if role["scope"]["isGone"]
    ]
    left_over += [
        f"Exchange's service principal '{pointer['displayName']}' ({pointer['appId']}) points to "
        "none in Entra."
        for pointer in exchange["pointers"]
        if not exists(pointer["appId"])
    ]
    for policy in exchange["policies"]:
        if policy["scope"]["isGone"]:
            left_over.append(f"The policy of {policy['appId']} is on a group that is gone.")
        if policy["appId"] != "*" and not exists(policy["appId"]):
            left_over.append(
                f"The policy on '{policy['scope']['name']}' is for an application that is not in "
                f"this tenant: {policy['appId']}."
            )
    notes = [] if exchange["entraGrantsCount"] else [_ENFORCED]
    return Reach(
        organization=organization,
        accesses=accesses,
        escalating=[
            (grant["name"], grant["permission"])
            for grant in grants
            if grant["permission"] in ESCALATING
        ],
        left_over=left_over,
        policies=len(exchange["policies"]),
        notes=notes,
    )


_ENFORCED = (
    "EnforceExoAppRbacPermissions is set: what is granted in Entra counts for no mailbox at "
    "present, and would again when that is taken back."
)


def _by_grant(grant: Mapping[str, str], policies: Sequence[Mapping[str, Any]]) -> Access:
    """What a grant in Entra reaches: a policy whose group is gone confines nobody."""
    confining = [
        policy["scope"]
        for policy in policies
        if policy["appId"] in (grant["appId"], "*")
        and policy["accessRight"] == "RestrictAccess"
        and not policy["scope"]["isGone"]
    ]
    return _access(
        grant["name"],
        grant["appId"],
        grant["permission"],
        "Entra",
        confining if grant["permission"] in _CONFINABLE else [],
        "the policy on",
    )


def _by_role(role: Mapping[str, Any], known: Mapping[str, Mapping[str, str]]) -> Access:
    pointer = known.get(role["principalId"], {})
    scope = role["scope"]
    is_confined = scope["kind"] != "Organization" and not scope["isGone"]
    return _access(
        pointer.get("displayName", role["principalId"]),
        pointer.get("appId", ""),
        role["role"],
        "Exchange",
        [scope] if is_confined else [],
        {"Group": "the group", "AdministrativeUnit": "the administrative unit"}.get(
            scope["kind"], "the scope"
        ),
    )


def _access(
    identity: str,
    client_id: str,
    permission: str,
    granted_in: str,
    scopes: Sequence[Mapping[str, Any]],
    kind: str,
) -> Access:
    return Access(
        identity,
        client_id,
        permission,
        granted_in,
        ", ".join(f"{kind} {scope['name']}" for scope in scopes),
        tuple(dict.fromkeys(mailbox for scope in scopes for mailbox in scope["mailboxes"]))[:SHOWN],
        sum(scope["count"] for scope in scopes) if scopes else None,
    )


def reached(access: Access) -> str:
    """The mailboxes in words."""
    if access.count is None:
        return EVERYTHING
    if not access.mailboxes:
        return "those of the unit" if "unit" in access.confined_by else "none"
    more = access.count - len(access.mailboxes)
    return ", ".join(access.mailboxes) + (f" and {more} more" if more > 0 else "")


def _table(reach: Reach) -> Table:
    table = Table(title=f"Access to mailboxes in {reach.organization}", title_justify="left")
    for heading in ("identity", "may", "granted in", "confined by", "reaches"):
        table.add_column(heading, overflow="fold")
    for access in reach.accesses:
        style = "" if access.confined_by else "red"
        confined_by = access.confined_by or "nothing"
        cells = (access.identity, access.permission, access.granted_in, confined_by)
        table.add_row(*(Text(cell, style=style) for cell in (*cells, reached(access))))
    return table


def as_json(reach: Reach) -> str:
    """The report for programs; ``count`` is null for every mailbox."""
    return json.dumps({**asdict(reach), "unconfined": len(reach.unconfined)}, indent=2)


def remarks(reach: Reach) -> list[str]:
    """What is said below the table, a sentence each."""
    room = max(0, POLICIES_AT_MOST - reach.policies)
    return [
        *reach.notes,
        *(f"{name} could grant itself more: it holds {held}." for name, held in reach.escalating),
        *reach.left_over,
        f"{reach.policies} application access policies; room for about {room} more, if each has a "
        "description of one space.",
    ]


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.reach",
        description="Lists who can reach which mailboxes of a tenant, and what confines it.",
        epilog="Exit codes: 0 the report is complete, 1 it could not find out.",
    )
    parser.add_argument(
        "--organization", required=True, help="the tenant's .onmicrosoft.com domain"
    )
    parser.add_argument(
        "--cloud", type=Cloud, choices=list(Cloud), default=Cloud.PUBLIC, help="default: public"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write it as a page, too")
    options = parser.parse_args(arguments)
    said = consoles.progress()
    try:
        clouds = SignedIn(options.cloud)
        grants = granted_in_entra(clouds)
        exchange = asked_of_exchange(options.organization, options.cloud)
        asked: dict[str, bool] = {grant["appId"]: True for grant in grants}

        def exists(client_id: str) -> bool:
            if client_id not in asked:
                asked[client_id] = bool(_principals(clouds, client_id))
            return asked[client_id]

        reach = reach_of(options.organization, grants, exchange, exists)
        if options.html:
            options.html.write_text(page(reach, remarks(reach), reached), encoding="utf-8")
    except (CloudRefusedError, ExchangeScriptError) as error:
        said.print(f"error: {error}")
        return 1
    except OSError as error:
        said.print(f"error: {options.html} cannot be written: {error.strerror}")
        return 1
    console = consoles.findings()
    if options.json:
        console.print(as_json(reach), markup=False, soft_wrap=True)
        return 0
    console.print(_table(reach))
    for line in remarks(reach):
        console.print(line, markup=False)
    if reach.unconfined:
        console.print(f"{len(reach.unconfined)} of these nothing confines.", markup=False)
    if options.html:
        console.print(f"Written to {options.html}.", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
