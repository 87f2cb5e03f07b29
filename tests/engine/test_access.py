"""Identities that others made, confined to mailboxes that exist, by the real engine."""

import json
from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag
from simulator.tenant import DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, seeded_id
from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.engine.faults import comparable, unequal
from tests.engine.test_drift import administrator
from tests.engine.test_lost_state import lose
from tests.engine.test_rbac import by_roles
from tests.engine.test_recover import recovered

pytestmark = pytest.mark.engine

OWN = "logicappnotifications@contoso.com"
FINANCE = "finance@contoso.com"
RECEPTION = "reception@contoso.com"
PAYROLL = "payroll@contoso.com"
CONTROL = "control.mailbox@contoso.com"
PERMISSIONS = ["Mail.Send", "Mail.Read"]


def a_group(name: str) -> dict[str, str]:
    return {"name": f"Scope of {name}", "address": f"scope-of-{name}@contoso.com"}


class Identities:
    """Three managed identities that somebody else made, and what the stack is told of them."""

    def __init__(self, stack: SimulatedStack) -> None:
        self.stack = stack
        entra = stack.tenant.entra
        made = {
            name: entra.add_service_principal(f"func-{name}", kind="ManagedIdentity")
            for name in ("reporting", "archive", "desk", "other")
        }
        stack.tenant.clock.advance(stack.tenant.lags["directory"])
        self.client = {name: principal["appId"] for name, principal in made.items()}
        self.principal = {name: principal["id"] for name, principal in made.items()}
        common = {"permissions": PERMISSIONS, "controlMailbox": CONTROL}
        self.entries: list[Configuration] = [
            {
                "name": "reporting",
                "clientId": self.client["reporting"],
                "mailboxes": [FINANCE, OWN],
                "group": a_group("reporting"),
                **common,
            },
            {
                "name": "archive",
                "principalId": self.principal["archive"],
                "scoping": "rbac",
                "mailboxes": [RECEPTION],
                **common,
            },
            {
                "name": "desk",
                "clientId": self.client["desk"],
                "scoping": "rbac",
                "mailboxes": [RECEPTION, FINANCE],
                "group": a_group("desk"),
                **common,
            },
        ]

    def write(
        self, entries: list[Configuration], *, alone: bool = False, drift: bool = False
    ) -> None:
        """Writes them into the stack's configuration, in place of its sender where alone."""
        file = self.stack.work_dir / "Pulumi.local.yaml"
        settings = json.loads(file.read_text(encoding="utf-8"))
        settings["config"]["scoped-mail-sender:access"] = entries
        settings["config"]["scoped-mail-sender:drift"] = drift
        if alone:
            for key in ("senders", "resourceGroup", "location"):
                settings["config"].pop(f"scoped-mail-sender:{key}", None)
        file.write_text(json.dumps(settings), encoding="utf-8")

    def up(self) -> Result:
        self.write(self.entries)
        return succeeded(self.stack.up())

    def roles(self) -> list[dict[str, Any]]:
        """Their role assignments, and not that of the sender."""
        found = objects(self.stack, "managementRoleAssignments")
        return [each for each in found if each["principalId"] in self.principal.values()]

    def fetch_tokens(self) -> None:
        """As the platform does for each that runs: it keeps them for a day."""
        for principal in self.principal.values():
            self.stack.tenant.entra.managed_identity_token(principal, GRAPH_AUDIENCE)


@pytest.fixture
def identities(fresh: StackIn) -> Identities:
    # Longer than the policy takes, and shorter than a token for Exchange lives.
    stack = fresh(change=by_roles, settle="PT35M")
    stack.tenant.set_sending_is_tried(True)
    return Identities(stack)


def objects(stack: SimulatedStack, kind: str) -> list[dict[str, Any]]:
    return list(stack.tenant.snapshot()[kind].values())


def touched(result: Result) -> set[str]:
    return {step.urn.rpartition("::")[2] for step in result.changes}


def test_from_nothing_to_what_confines_them_alone(identities: Identities):
    stack = identities.stack
    before = stack.tenant.snapshot()

    identities.up()

    grants = [
        grant["principalId"]
        for key, grant in stack.tenant.snapshot()["appRoleAssignments"].items()
        if key not in before["appRoleAssignments"]
    ]
    reporting = identities.principal["reporting"]
    assert grants.count(reporting) == len(PERMISSIONS)
    assert not {identities.principal["archive"], identities.principal["desk"]} & set(grants)
    assigned = [(r["principalId"], r["role"], r["scopeType"]) for r in identities.roles()]
    assert sorted(assigned) == (
        sorted(
            (identities.principal[name], f"Application {permission}", kind)
            for name, kind in (("archive", "CustomRecipientScope"), ("desk", "Group"))
            for permission in PERMISSIONS
        )
    )
    assert stack.outputs()["access"]["archive"]["clientId"] == identities.client["archive"]
    assert succeeded(stack.preview()).changes == []

    # Each in its turn, and none of the others.
    _, archive, desk = identities.entries
    desk["mailboxes"].append(PAYROLL)
    changed = touched(identities.up())
    assert "desk-group-members" in changed
    assert "desk-access-proof" in changed
    assert {name.partition("-")[0] for name in changed} == {"desk"}
    archive["mailboxes"] = [FINANCE]
    assert {name.partition("-")[0] for name in touched(identities.up())} == {"archive"}
    file = stack.work_dir / "Pulumi.local.yaml"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["config"]["scoped-mail-sender:senders"][0]["message"]["subject"] = "Another"
    # Nobody has changed anything, and that is what a look finds.
    settings["config"]["scoped-mail-sender:drift"] = True
    file.write_text(json.dumps(settings), encoding="utf-8")
    assert touched(succeeded(stack.up())) == {"notifications-workflow"}

    # They go on, with tokens that carry the permissions for a day.
    identities.fetch_tokens()
    identities.write(identities.entries)
    gone = succeeded(stack.destroy())

    after = stack.tenant.snapshot()
    for kind in ("appRoleAssignments", "servicePrincipalPointers", "managementRoleAssignments"):
        assert after[kind] == before[kind]
    assert {g["name"] for key, g in after["groups"].items() if key not in before["groups"]} == {
        "Scope of reporting",
        "Scope of desk",
    }
    policies = [
        policy
        for key, policy in after["applicationAccessPolicies"].items()
        if key not in before["applicationAccessPolicies"]
    ]
    assert [policy["appId"] for policy in policies] == [identities.client["reporting"]]
    assert policies[0]["description"] != "released"
    assert len(after["managementScopes"]) == 1
    said = " ".join(gone.output.split())
    client = identities.client["reporting"]
    assert f"the application access policy of {client} stays: the identity" in said
    assert "for up to 24 h from now" in said
    assert "for up to 2 h from now" in said
    assert "Remove-ManagementScope -Identity 'archive " in said
    stack.tenant.clock.advance(24 * 3600)
    assert stack.tenant.violations() == []


@pytest.mark.long
def test_an_identity_in_place_of_another_leaves_that_one_confined(identities: Identities):
    stack = identities.stack
    identities.up()
    identities.fetch_tokens()
    # Whoever sends by SMTP has such a pointer, and no role.
    other = {"AppId": identities.client["other"], "ObjectId": identities.principal["other"]}
    administrator(stack, "New-ServicePrincipal", **other, DisplayName="theirs")
    reporting, archive, _ = identities.entries
    former = reporting["clientId"]
    reporting["clientId"] = identities.client["archive"]
    archive["principalId"] = identities.principal["other"]

    identities.up()

    restricted = {policy["appId"] for policy in objects(stack, "applicationAccessPolicies")}
    assert {former, identities.client["archive"]} <= restricted
    holders = {each["principalId"] for each in identities.roles()}
    assert holders == {identities.principal["other"], identities.principal["desk"]}
    identities.entries = [reporting]
    identities.up()
    assert {each["displayName"] for each in objects(stack, "servicePrincipalPointers")} == {
        "archive",
        "notifications",
        "theirs",
    }
    identities.entries = []
    identities.up()
    stack.tenant.clock.advance(3 * 3600)
    assert {former, identities.client["archive"]} <= {
        policy["appId"] for policy in objects(stack, "applicationAccessPolicies")
    }
    assert stack.tenant.violations() == []


@pytest.mark.long
def test_a_lost_state_is_taken_up_but_for_who_made_the_pointers(identities: Identities):
    """A pointer without a state counts as having been there: one too many, never one too few."""
    stack = identities.stack
    before = stack.tenant.snapshot()
    identities.up()
    pass_policy_lag(stack.tenant)
    deployed = stack.tenant.snapshot()
    lose(stack)

    code, shown = recovered(stack)

    assert code == 0, shown
    assert shown.count("AppRoleAssignment reporting-access-") >= len(PERMISSIONS)
    assert stack.tenant.snapshot() == deployed
    succeeded(stack.up())
    # An assignment has no place for a claim but its name, so the next one takes its place.
    kinds = ("servicePrincipalPointers", "managementScopes")
    assert {kind: stack.tenant.snapshot()[kind] for kind in kinds} == {
        kind: deployed[kind] for kind in kinds
    }
    assert unequal(comparable(stack.tenant.snapshot()), comparable(deployed)) == []
    assert succeeded(stack.preview()).changes == []
    gone = succeeded(stack.destroy())
    after = stack.tenant.snapshot()
    for kind in ("appRoleAssignments", "managementRoleAssignments"):
        assert after[kind] == before[kind]
    assert {each["displayName"] for each in objects(stack, "servicePrincipalPointers")} == {
        "archive",
        "desk",
    }
    assert "it was there before this stack, or before its state was lost" in gone.output
    assert stack.tenant.violations() == []


@pytest.mark.long
def test_alone_have_no_place_in_azure_and_look_for_none(identities: Identities):
    stack = identities.stack
    _, archive, _ = identities.entries
    identities.entries = [archive]
    identities.up()
    assert stack.outputs()["resourceGroup"] == "rg-mail-sender"

    identities.write([archive], alone=True, drift=True)
    number = len(stack.tenant.calls())
    succeeded(stack.up())

    in_azure = [call for call in stack.tenant.calls()[number:] if call.service == "ARM"]
    assert {call.operation for call in in_azure} <= {"GET", "DELETE"}
    assert "resourceGroup" not in stack.outputs()
    number = len(stack.tenant.calls())
    assert succeeded(stack.preview()).changes == []
    (ours, *_) = identities.roles()
    administrator(stack, "Remove-ManagementRoleAssignment", Identity=ours["name"], Confirm=False)
    succeeded(stack.up())
    assert len(identities.roles()) == len(PERMISSIONS)
    code, shown = recovered(stack)
    assert code == 0, shown
    succeeded(stack.destroy())
    assert not [call for call in stack.tenant.calls()[number:] if call.service == "ARM"]
    assert not identities.roles()
    assert stack.tenant.violations() == []


def test_what_is_not_there_is_refused_before_anything_is_made(identities: Identities):
    stack = identities.stack
    unknown = "11111111-2222-4333-8444-555555555555"
    before = stack.tenant.snapshot()
    for key in ("clientId", "principalId"):
        entry = {name: value for name, value in identities.entries[0].items() if "Id" not in name}
        identities.write([entry | {key: unknown}])
        result = stack.up()
        assert not result.succeeded
        assert f"id {unknown}, which is to be the identity of the access reporting" in result.output
        assert stack.tenant.snapshot() == before


@pytest.mark.long
def test_an_identity_that_reached_everyone_is_confined_and_its_grant_taken_up(
    identities: Identities,
):
    """What a function app has had for years: the permission, and no policy."""
    stack = identities.stack
    granted = seeded_grant(stack, identities.principal["reporting"], "Mail.Read")
    open_before = stack.tenant.violations()
    assert len(open_before) == 1
    identities.entries[0] |= {"permissions": ["Mail.Read"], "mailboxes": [FINANCE]}
    identities.write(identities.entries[:1], alone=True)
    groups_before = stack.tenant.snapshot()["resourceGroups"]

    refused = stack.up()

    assert not refused.succeeded
    assert "Permission being assigned already exists" in refused.output
    code, shown = recovered(stack)
    assert code == 0, shown
    assert "already there" in shown
    succeeded(stack.up())
    assert succeeded(stack.preview()).changes == []
    assert stack.tenant.snapshot()["resourceGroups"] == groups_before
    restricted = {policy["appId"] for policy in objects(stack, "applicationAccessPolicies")}
    assert identities.client["reporting"] in restricted
    succeeded(stack.destroy())
    assert granted not in stack.tenant.snapshot()["appRoleAssignments"]
    assert stack.tenant.violations() == open_before


def seeded_grant(stack: SimulatedStack, principal_id: str, permission: str) -> str:
    """The id of an app role assignment of Graph that somebody makes by hand."""
    graph = seeded_id("Microsoft Graph")
    body = {
        "principalId": principal_id,
        "resourceId": graph,
        "appRoleId": CONFINABLE_APP_ROLES[permission],
    }
    made = stack.tenant.graph.request(
        "POST",
        f"/v1.0/servicePrincipals/{graph}/appRoleAssignedTo",
        body,
        token=stack.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE),
        headers={"Content-Type": "application/json"},
    )
    assert made.body
    assert made.status == 201, made.body
    return str(made.body["id"])
