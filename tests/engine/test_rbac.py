"""A sender with ``scoping: rbac``, deployed, changed and taken down by the real engine."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simulator.commands import main
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import EXCHANGE_AUDIENCE
from simulator.tenant.identifiers import seeded_id
from simulator.testing.deployment import Deployment
from tests.components.exchange.conftest import Scripts
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.engine.test_changes import changes
from tests.engine.test_drift import administrator, finding, updated
from tests.engine.test_drift import exchange_calls as calls_since
from tests.engine.test_prove import PROVE
from tests.identities.test_child_roles import exported, given_its_roles
from tests.identities.test_pipeline_identity import folder_on_path

__all__ = ["exported", "folder_on_path"]

pytestmark = pytest.mark.engine

KINDS = ("servicePrincipalPointers", "managementScopes", "managementRoleAssignments")
MAILBOX = "logicappnotifications@contoso.com"


def by_roles(sender: Configuration) -> None:
    del sender["group"]
    sender["scoping"] = "rbac"
    sender["probe"] = True


def by_roles_of_an_identity_of_its_own(sender: Configuration) -> None:
    by_roles(sender)
    sender["identity"] = "userAssigned"


def renamed(sender: Configuration) -> None:
    by_roles(sender)
    sender["workflow"] = "notifications-2"


def with_another_permission(sender: Configuration) -> None:
    by_roles(sender)
    sender["permissions"] = ["Mail.Send", "Mail.Read"]


def objects(stack: SimulatedStack) -> dict[str, dict[str, Any]]:
    snapshot = stack.tenant.snapshot()
    return {kind: snapshot[kind] for kind in KINDS}


def output(stack: SimulatedStack, key: str) -> str:
    return str(stack.outputs()["senders"]["notifications"][key])


def exchange_calls(stack: SimulatedStack) -> list[str]:
    names = ("ServicePrincipal", "ManagementScope", "ManagementRoleAssignment")
    verbs = ("New-", "Remove-", "Set-", "Test-")
    return list(
        dict.fromkeys(
            call.operation
            for call in stack.tenant.calls()
            if call.operation.startswith(verbs) and call.operation.endswith((*names, "ization"))
        )
    )


class TestFromNothingToNothing:
    def test_in_an_order_in_which_it_is_never_unconfined(
        self, fresh: StackIn, capfd: pytest.CaptureFixture[str]
    ):
        stack = fresh(change=by_roles)
        stack.tenant.set_sending_is_tried(True)
        before = stack.tenant.snapshot()

        succeeded(stack.up())

        snapshot = stack.tenant.snapshot()
        for kind in ("groups", "applicationAccessPolicies", "appRoleAssignments"):
            assert snapshot[kind] == before[kind]
        (assignment,) = objects(stack)["managementRoleAssignments"].values()
        assert assignment["role"] == "Application Mail.Send"
        assert assignment["principalId"] == output(stack, "principalId")
        (scope,) = objects(stack)["managementScopes"].values()
        assert assignment["scopeId"] == scope["id"]
        assert output(stack, "mailboxObjectId") in scope["filter"]
        assert scope["name"].startswith("notifications ")
        assert exchange_calls(stack) == [
            "New-ManagementScope",
            "New-ServicePrincipal",
            "New-ManagementRoleAssignment",
            "Test-ServicePrincipalAuthorization",
        ]
        preview = succeeded(stack.preview())
        assert preview.changes == []

        pass_policy_lag(stack.tenant)
        arguments = ["exec", "--directory", str(stack.directory), *PROVE, "--json"]
        assert main(arguments) == 0
        shown = json.loads(capfd.readouterr().out)
        assert [entry["message"] for entry in shown["answers"]] == [
            "",
            "Access is denied. Check credentials and try again.",
        ]
        assert [entry["verdict"] for entry in shown["exchange"]] == ["right"]
        assert [mail.mailbox for mail in stack.tenant.mail()] == [MAILBOX]

        succeeded(stack.destroy())

        removed = [o for o in exchange_calls(stack) if o.startswith("Remove-")]
        assert removed == [
            "Remove-ManagementRoleAssignment",
            "Remove-ServicePrincipal",
            "Remove-ManagementScope",
        ]
        after = stack.tenant.snapshot()
        kept = ("softDeletedMailboxes", "resourceGroups")
        assert {k: v for k, v in after.items() if k not in kept} == {
            k: v for k, v in before.items() if k not in kept
        }
        assert stack.tenant.violations() == []


@pytest.fixture(scope="module")
def deployed_by_roles(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    stack = stack_in(tmp_path_factory.mktemp("by-roles"), change=by_roles)
    succeeded(stack.up())
    return stack


@pytest.fixture
def again(deployed_by_roles: SimulatedStack, tmp_path_factory: pytest.TempPathFactory) -> StackIn:
    """Makes a stack that is a copy of the deployed one; takes what ``stack_in`` takes."""
    copy = tmp_path_factory.mktemp("copy") / "stack"
    shutil.copytree(deployed_by_roles.directory, copy)
    return lambda **options: stack_in(copy, **options)


@pytest.mark.long
class TestChanges:
    def test_a_renamed_workflow_has_roles_of_its_own_and_no_others(self, again: StackIn):
        stack = again(change=renamed)
        stack.tenant.set_sending_is_tried(True)
        former = output(stack, "principalId")

        succeeded(stack.up())

        assert output(stack, "principalId") != former
        assert [len(each) for each in objects(stack).values()] == [1, 1, 1]
        (assignment,) = objects(stack)["managementRoleAssignments"].values()
        assert assignment["principalId"] == output(stack, "principalId")
        assert stack.tenant.violations() == []

    def test_a_further_permission_is_a_further_assignment(self, again: StackIn):
        stack = again(change=with_another_permission)

        succeeded(stack.up())

        found = objects(stack)["managementRoleAssignments"].values()
        assert sorted(each["role"] for each in found) == [
            "Application Mail.Read",
            "Application Mail.Send",
        ]
        again(change=by_roles)
        succeeded(stack.up())
        assert len(objects(stack)["managementRoleAssignments"]) == 1

    def test_another_kind_of_identity_sends_by_roles_of_its_own(self, again: StackIn):
        stack = again(change=by_roles_of_an_identity_of_its_own)
        stack.tenant.set_sending_is_tried(True)

        succeeded(stack.up())

        pass_policy_lag(stack.tenant)
        assert send_as(stack.tenant, output(stack, "workflowId"), MAILBOX).accepted
        assert [len(each) for each in objects(stack).values()] == [1, 1, 1]
        assert stack.tenant.violations() == []

    def test_another_scoping_is_refused(self, again: StackIn):
        stack = again()

        result = stack.up()

        assert not result.succeeded
        assert "is another scoping than that of the deployed sender, rbac" in result.output
        assert [len(each) for each in objects(stack).values()] == [1, 1, 1]


class TestWhatOthersDid:
    @pytest.mark.long
    def test_a_grant_in_entra_lets_nothing_more_be_assigned(self, again: StackIn):
        stack = again(change=with_another_permission)
        grant = Deployment(stack.tenant, None).grant({"id": output(stack, "principalId")})
        assert grant.status == 201
        before = objects(stack)["managementRoleAssignments"]

        result = stack.up()

        assert not result.succeeded
        assert "holds a grant in Entra of Mail.Send" in result.output
        assert f"/appRoleAssignments/{grant.body['id']}" in result.output
        assert objects(stack)["managementRoleAssignments"] == before
        Deployment(stack.tenant, None).revoke(grant)
        succeeded(stack.up())

    def test_a_further_role_fails_the_proof_by_sending(
        self, again: StackIn, capfd: pytest.CaptureFixture[str]
    ):
        stack = again(change=by_roles)
        role = {"App": output(stack, "principalId"), "Role": "Application Mail Full Access"}
        administrator(stack, "New-ManagementRoleAssignment", Name="theirs", **role)
        pass_policy_lag(stack.tenant)

        assert main(["exec", "--directory", str(stack.directory), *PROVE, "--json"]) == 1

        shown = json.loads(capfd.readouterr().out)
        assert [entry["verdict"] for entry in shown["answers"]] == ["right", "wrong"]
        assert "Application Mail Full Access on every mailbox" in shown["exchange"][0]["text"]

    @pytest.mark.long
    def test_an_assignment_that_was_changed_is_not_removed(self, again: StackIn):
        stack = again(change=by_roles)
        (ours,) = objects(stack)["managementRoleAssignments"].values()
        administrator(
            stack, "Remove-ManagementRoleAssignment", Identity=ours["name"], Confirm=False
        )
        others = {"Name": ours["name"], "App": ours["principalId"], "Role": "Application Mail.Read"}
        administrator(
            stack, "New-ManagementRoleAssignment", **others, RecipientGroupScope="Building Access"
        )
        pass_policy_lag(stack.tenant)

        result = stack.destroy()

        assert not result.succeeded
        assert "somebody changed it: Role is 'Application Mail.Read'" in result.output
        administrator(
            stack, "Remove-ManagementRoleAssignment", Identity=ours["name"], Confirm=False
        )
        succeeded(stack.destroy())
        assert [len(each) for each in objects(stack).values()] == [0, 0, 0]


class TestDrift:
    def test_is_found_and_mended_and_what_is_not_ours_to_mend_is_named(self, again: StackIn):
        stack = again(change=by_roles, drift=True)
        for operation in (stack.preview, stack.up):
            number = len(stack.tenant.calls())
            assert changes(succeeded(operation())) == []
            assert calls_since(stack.tenant, number) == (["find-drift.ps1"], [])

        (ours,) = objects(stack)["managementRoleAssignments"].values()
        named = {"Identity": ours["name"], "Confirm": False}
        administrator(stack, "Remove-ManagementRoleAssignment", **named)
        preview = succeeded(stack.preview())
        assert updated(preview) == {"access-mail-send", "access-proof"}
        assert finding(preview, "access-mail-send")["Assignment"]["found"] == "none"
        number = len(stack.tenant.calls())
        assert updated(succeeded(stack.up())) == {"access-mail-send", "access-proof"}
        assert calls_since(stack.tenant, number) == (
            ["find-drift.ps1", "ensure-role-assignment.ps1", "prove-authorization.ps1"],
            ["New-ManagementRoleAssignment"],
        )
        assert changes(succeeded(stack.preview())) == []

        (scope,) = objects(stack)["managementScopes"].values()
        # Without the control mailbox, which the proof would see.
        wide = f"{scope['filter']} -or ExternalDirectoryObjectId -eq '{seeded_id('finance')}'"
        changed = {"Identity": scope["name"], "RecipientRestrictionFilter": wide}
        administrator(stack, "Set-ManagementScope", **changed)
        number = len(stack.tenant.calls())
        result = succeeded(stack.up())
        assert "UNCONFINED IDENTITY: what has roles on the management scope" in result.output
        assert updated(result) == {"scope", "access-proof"}
        assert calls_since(stack.tenant, number) == (
            ["find-drift.ps1", "ensure-management-scope.ps1", "prove-authorization.ps1"],
            ["Set-ManagementScope"],
        )
        assert objects(stack)["managementScopes"] == {scope["id"]: scope}
        assert changes(succeeded(stack.preview())) == []

        role = {"App": output(stack, "principalId"), "Role": "Application Mail.Read"}
        administrator(stack, "New-ManagementRoleAssignment", Name="theirs", **role)
        stack.tenant.clock.advance(max(stack.tenant.lags.values()))
        failed = stack.up()
        assert not failed.succeeded
        assert "Application Mail.Read on every mailbox of the organisation" in failed.output

    @pytest.mark.long
    def test_is_seen_by_the_identity_that_previews_and_can_change_nothing(
        self, again: StackIn, exported: Callable[..., dict[str, Any]]
    ):
        stack = again(change=by_roles, drift=True)
        succeeded(stack.up())
        pipeline = given_its_roles(Scripts(stack.tenant), exported("rbac", "preview"))
        client_id = pipeline.application["clientId"]
        token = stack.tenant.entra.issue_token(client_id, EXCHANGE_AUDIENCE)
        previewing = replace(stack, variables={"EXCHANGE_ACCESS_TOKEN": token})
        assert changes(succeeded(previewing.preview())) == []

        ours = next(
            each["name"]
            for each in objects(stack)["managementRoleAssignments"].values()
            if each["role"] == "Application Mail.Send"
        )
        administrator(stack, "Remove-ManagementRoleAssignment", Identity=ours, Confirm=False)
        assert updated(succeeded(previewing.preview())) == {"access-mail-send", "access-proof"}
        before = objects(stack)
        failed = previewing.up()
        assert not failed.succeeded
        assert "did not load New-ManagementRoleAssignment" in failed.output
        assert objects(stack) == before
