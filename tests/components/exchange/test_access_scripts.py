"""The scripts for an identity of others: roles bound to a group, and what a removal leaves."""

import json
from typing import Any, ClassVar

import pytest

from simulator.tenant.identifiers import seeded_id
from tests.components.exchange.desired import (
    CONTROL,
    ENSURE_GROUP,
    ENSURE_POLICY,
    GROUP,
    MEMBERS,
    POLICY,
    RELEASE_POLICY,
    REMOVE_GROUP,
    SET_MEMBER,
)

RECEPTION, FINANCE = "reception@contoso.com", "finance@contoso.com"
OUTLIVES = {"identityOutlives": True}
ROLE = "Application Mail.Read"


class Access:
    """One identity with a role on a group, and what the scripts are told of it."""

    def __init__(self, scripts):
        self.scripts = scripts
        tenant = scripts.tenant
        principal = tenant.entra.add_service_principal("func", kind="ManagedIdentity")
        tenant.clock.advance(tenant.lags["directory"])
        self.app_id, self.principal_id = principal["appId"], principal["id"]
        self.pointer = {
            "principalId": self.principal_id,
            "appId": self.app_id,
            "displayName": "reader",
            **OUTLIVES,
        }
        self.members = MEMBERS | {"members": [RECEPTION, FINANCE]}
        scope = {"scopeType": "Group", "scope": GROUP["address"], "members": [RECEPTION, FINANCE]}
        self.assignment = {
            "name": "reader Mail.Read",
            "principalId": self.principal_id,
            "role": ROLE,
            **scope,
        }
        self.proof = {
            "appId": self.app_id,
            "roles": [ROLE],
            "controlMailbox": CONTROL,
            "timeoutSeconds": 60,
            **scope,
        }

    def done(self, script, desired):
        run = self.scripts.run(script, desired)
        assert run.code == 0, run.stderr
        return run

    def refused(self, script, desired):
        run = self.scripts.run(script, desired)
        assert run.code == 1
        [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        return run, line

    def to_the_group(self):
        self.done(ENSURE_GROUP, GROUP)
        self.done(SET_MEMBER, self.members)
        self.done("ensure-service-principal.ps1", self.pointer)
        return self

    def deploy(self):
        self.to_the_group()
        self.done("ensure-role-assignment.ps1", self.assignment)
        self.done("prove-authorization.ps1", self.proof)
        self.scripts.pass_time()
        return self

    def snapshot(self, kind) -> list[dict[str, Any]]:
        return list(self.scripts.tenant.snapshot()[kind].values())

    def with_member(self, address):
        member = {"Identity": GROUP["address"], "Member": address}
        self.scripts.cmdlet(
            "Add-DistributionGroupMember", **member, BypassSecurityGroupManagerCheck=True
        )


@pytest.fixture
def access(scripts):
    return Access(scripts)


class TestRolesOnAGroup:
    def test_are_bound_to_that_very_group(self, access):
        access.deploy()
        [group] = [g for g in access.snapshot("groups") if g["name"] == GROUP["name"]]
        [assignment] = access.snapshot("managementRoleAssignments")
        assert (assignment["scopeType"], assignment["scopeId"]) == ("Group", group["id"])
        again = access.done("ensure-role-assignment.ps1", access.assignment)
        assert again.changes == []
        assert access.scripts.tenant.violations() == []

    def test_are_not_assigned_while_the_group_holds_another(self, access):
        access.to_the_group().with_member("payroll@contoso.com")
        run, line = access.refused("ensure-role-assignment.ps1", access.assignment)
        assert run.changes == []
        assert f"payroll@contoso.com is in '{GROUP['address']}' as well. Nothing was assign" in line

    def test_are_not_proven_once_the_group_holds_another(self, access):
        access.deploy().with_member("payroll@contoso.com")
        _, line = access.refused("prove-authorization.ps1", access.proof)
        assert "payroll@contoso.com is in" in line

    def test_are_not_proven_where_a_member_is_missing(self, access):
        access.deploy()
        wanted = [RECEPTION, FINANCE, "payroll@contoso.com"]
        _, line = access.refused("prove-authorization.ps1", access.proof | {"members": wanted})
        assert "payroll@contoso.com is not in" in line
        assert f"payroll@contoso.com is not in the scope of {ROLE}" in line

    def test_need_mailboxes_and_no_group_within_the_group(self, access):
        access.done(ENSURE_GROUP, GROUP)
        access.scripts.pass_time()
        [nested] = access.scripts.cmdlet("Get-DistributionGroup", Identity="Building Access")
        members = access.members | {"members": [RECEPTION, nested["PrimarySmtpAddress"]]}
        run, line = access.refused(SET_MEMBER, members)
        assert run.changes == []
        assert "is a MailUniversalSecurityGroup, not a mailbox" in line
        assert "opens direct members only" in line

    def test_are_taken_back(self, access):
        access.deploy()
        access.done("remove-role-assignment.ps1", access.assignment)
        assert access.snapshot("managementRoleAssignments") == []


class TestRolesOnAnAdministrativeUnit:
    @pytest.fixture
    def on_a_unit(self, access):
        tenant = access.scripts.tenant
        unit = tenant.add_administrative_unit("Front office", [RECEPTION, FINANCE])
        bound = {"scopeType": "AdministrativeUnit", "scope": unit}
        access.assignment |= bound
        access.proof |= bound
        access.done("ensure-service-principal.ps1", access.pointer)
        access.done("ensure-role-assignment.ps1", access.assignment)
        access.scripts.pass_time()
        return access

    def test_are_bound_to_it_and_proven(self, on_a_unit):
        [assignment] = on_a_unit.snapshot("managementRoleAssignments")
        assert assignment["scopeType"] == "AdministrativeUnit"
        assert assignment["scopeId"] == on_a_unit.assignment["scope"]
        on_a_unit.done("prove-authorization.ps1", on_a_unit.proof)
        assert on_a_unit.done("ensure-role-assignment.ps1", on_a_unit.assignment).changes == []

    def test_are_not_proven_beside_those_on_another(self, on_a_unit):
        other = on_a_unit.scripts.tenant.add_administrative_unit("Back office", [RECEPTION])
        theirs = {"Name": "theirs", "App": on_a_unit.principal_id, "Role": ROLE}
        on_a_unit.scripts.cmdlet(
            "New-ManagementRoleAssignment", **theirs, RecipientAdministrativeUnitScope=other
        )
        on_a_unit.scripts.pass_time()
        _, line = on_a_unit.refused("prove-authorization.ps1", on_a_unit.proof)
        assert f"{ROLE} on '{other}'" in line

    def test_are_not_proven_where_it_lacks_a_mailbox_or_has_the_control_mailbox(self, on_a_unit):
        lacking = on_a_unit.proof | {"members": ["payroll@contoso.com"]}
        _, line = on_a_unit.refused("prove-authorization.ps1", lacking)
        assert "payroll@contoso.com is not in the scope" in line
        in_it = on_a_unit.proof | {"members": [RECEPTION], "controlMailbox": FINANCE}
        _, line = on_a_unit.refused("prove-authorization.ps1", in_it)
        assert f"{FINANCE} is in the scope" in line

    def test_that_others_bound_to_another_unit_are_refused_and_reported(self, on_a_unit):
        scripts, name = on_a_unit.scripts, on_a_unit.assignment["name"]
        unit = on_a_unit.assignment["scope"]
        other = scripts.tenant.add_administrative_unit("Back office", [RECEPTION, FINANCE])
        scripts.cmdlet("Remove-ManagementRoleAssignment", Identity=name, Confirm=False)
        scripts.cmdlet(
            "New-ManagementRoleAssignment",
            Name=name,
            App=on_a_unit.principal_id,
            Role=ROLE,
            RecipientAdministrativeUnitScope=other,
        )
        scripts.pass_time()
        found = f"CustomResourceScope is '{other}', not '{unit}'"
        for script in ("ensure-role-assignment.ps1", "remove-role-assignment.ps1"):
            run, line = on_a_unit.refused(script, on_a_unit.assignment)
            assert run.changes == []
            assert found.partition(",")[0] in line
        looked = {"script": "ensure-role-assignment.ps1", "desired": on_a_unit.assignment}
        run = on_a_unit.done("find-drift.ps1", {"objects": [looked]})
        assert run.observed["findings"] == [
            {"CustomResourceScope": {"expected": unit, "found": other}}
        ]

    def test_are_taken_back(self, on_a_unit):
        on_a_unit.done("remove-role-assignment.ps1", on_a_unit.assignment)
        assert on_a_unit.snapshot("managementRoleAssignments") == []


class TestAScopeByAnAddress:
    SCOPE: ClassVar = {"name": "reader 3f2a9c1d", "mailboxId": None, "mailboxAddress": FINANCE}

    def test_holds_the_mailbox_that_has_it_now(self, access):
        run = access.done("ensure-management-scope.ps1", self.SCOPE)
        assert run.observed == {"name": self.SCOPE["name"], "mailboxId": seeded_id("finance")}
        [scope] = access.snapshot("managementScopes")
        assert seeded_id("finance") in scope["filter"]

    def test_moves_to_another_address(self, access):
        run = access.done("ensure-management-scope.ps1", self.SCOPE)
        access.scripts.pass_time()
        access.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": access.scripts.token(),
            "PULUMI_COMMAND_STDOUT": run.stdout,
        }
        moved = self.SCOPE | {"mailboxAddress": RECEPTION}
        run = access.done("ensure-management-scope.ps1", moved)
        assert run.changes == ["Set-ManagementScope"]
        assert run.observed["mailboxId"] == seeded_id("reception")

    def test_goes_where_the_identity_went(self, access):
        run = access.done("ensure-management-scope.ps1", self.SCOPE)
        access.scripts.pass_time()
        access.scripts.environment = {"EXCHANGE_ACCESS_TOKEN": access.scripts.token()}
        _, line = access.refused("remove-management-scope.ps1", self.SCOPE)
        assert "It was not removed" in line
        access.scripts.environment |= {"PULUMI_COMMAND_STDOUT": run.stdout}
        run = access.done("remove-management-scope.ps1", self.SCOPE)
        assert run.changes == ["Remove-ManagementScope"]

    def test_is_of_no_group(self, access):
        [group] = access.scripts.cmdlet("Get-DistributionGroup", Identity="Building Access")
        theirs = self.SCOPE | {"mailboxAddress": group["PrimarySmtpAddress"]}
        run, line = access.refused("ensure-management-scope.ps1", theirs)
        assert run.changes == []
        assert "is a MailUniversalSecurityGroup, not a mailbox" in line


class TestWhatARemovalLeaves:
    """The identity lives on, with a token from before."""

    def test_the_policy_unreleased_and_its_group(self, access):
        access.done(ENSURE_GROUP, GROUP | OUTLIVES)
        access.done(SET_MEMBER, access.members)
        policy = POLICY | {"appId": access.app_id, "retireFormer": False} | OUTLIVES
        access.done(ENSURE_POLICY, policy)
        access.scripts.pass_time()
        before = access.scripts.tenant.snapshot()
        for script, desired in ((RELEASE_POLICY, policy), (REMOVE_GROUP, GROUP | OUTLIVES)):
            run = access.done(script, desired)
            assert run.changes == []
            assert "for up to 24 h from now" in run.stderr
            assert "Where nobody needs it by then: Remove-" in run.stderr
        assert access.scripts.tenant.snapshot() == before

    def test_a_group_that_roles_were_bound_to(self, access):
        access.deploy()
        access.done("remove-role-assignment.ps1", access.assignment)
        run = access.done(REMOVE_GROUP, GROUP | OUTLIVES)
        assert run.changes == []
        assert "for up to 2 h from now" in run.stderr

    def test_a_management_scope(self, access):
        access.done("ensure-management-scope.ps1", TestAScopeByAnAddress.SCOPE)
        access.scripts.pass_time()
        run = access.done("remove-management-scope.ps1", TestAScopeByAnAddress.SCOPE | OUTLIVES)
        assert run.changes == []
        assert "Remove-ManagementScope -Identity 'reader 3f2a9c1d'" in run.stderr

    @pytest.mark.parametrize("made", [True, False])
    def test_a_pointer_that_was_there_before(self, access, made):
        run = access.done("ensure-service-principal.ps1", access.pointer)
        assert run.observed["made"] is True
        access.scripts.pass_time()
        access.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": access.scripts.token(),
            "PULUMI_COMMAND_STDOUT": json.dumps(run.observed | {"made": made}),
        }
        again = access.done("ensure-service-principal.ps1", access.pointer)
        assert again.observed["made"] is made
        run = access.done("remove-service-principal.ps1", access.pointer)
        assert run.changes == (["Remove-ServicePrincipal"] if made else [])
        assert ("it was there before this stack" in run.stderr) is not made
