"""``operations.recover`` on stacks in the way of which something was left."""

import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation
from pulumi.automation.errors import CommandError
from rich.console import Console

from components.workflow_definition import SCHEMA
from operations import recover as command
from operations.recover import Recovery, recover
from operations.refusal import in_one_line
from simulator.engine import SimulatedStack
from simulator.tenant import SUBSCRIPTION_ID
from simulator.tenant.faults import Fault, Kind, Step
from tests.engine.conftest import StackIn, stack_in, succeeded
from tests.engine.faults import CleanRun, differences, violations
from tests.engine.signed_in import signed_in_to
from tests.engine.test_targets import urn_of

pytestmark = pytest.mark.engine

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"


@pytest.fixture
def interrupted(first_up: CleanRun, tmp_path: Path) -> Callable[..., SimulatedStack]:
    """Makes a stack whose first `up` meets a fault at one call."""

    def run(kind: Kind, operation: str, target: str, occurrence: int = 1) -> SimulatedStack:
        step = next(
            step
            for step in first_up.steps
            if (step.operation, step.occurrence) == (operation, occurrence)
            and target in step.target
        )
        shutil.copytree(first_up.start, tmp_path / "stack")
        stack = first_up.scenario.stack(tmp_path / "stack")
        stack.tenant.plan_faults([Fault(step, kind)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])
        return stack

    return run


def recovered(
    stack: SimulatedStack, *, ask: Callable[[], bool] | None = None, adopt: bool = False
) -> tuple[int, str]:
    """Runs recover; its exit code and what it shows."""
    shown = StringIO()
    with stack.opened() as opened:
        recovery = Recovery(
            opened,
            signed_in_to(stack.tenant),
            subscription=SUBSCRIPTION_ID,
            program=stack.run_program,
            adopt=adopt,
        )
        code = recover(recovery, Console(file=shown, width=250), ask=ask)
    return code, shown.getvalue()


class TestTheNextUpConverges:
    @pytest.mark.parametrize(
        ("kind", "operation", "target", "occurrence", "what"),
        [
            (Kind.ENGINE_KILLED, "PUT", "/workflows/", 1, "Workflow notifications-workflow"),
            pytest.param(
                *(Kind.TIMEOUT_AFTER, "POST", "/appRoleAssignedTo", 1, "AppRoleAssignment notif"),
                marks=pytest.mark.long,
            ),
        ],
    )
    def test_after_what_was_left_behind_is_imported(
        self,
        first_up: CleanRun,
        interrupted: Callable[..., SimulatedStack],
        kind: Kind,
        operation: str,
        target: str,
        occurrence: int,
        what: str,
    ):
        stack = interrupted(kind, operation, target, occurrence)
        before = stack.tenant.snapshot()

        code, shown = recovered(stack)

        assert code == 0, shown
        assert stack.tenant.snapshot() == before
        line, done = [line for line in shown.splitlines() if what in line]
        assert "already there" in line
        assert "import it into the state" in line
        assert done.startswith("Done, for ")
        assert ("locked by" in shown) == (kind is Kind.ENGINE_KILLED)
        assert ("before you change it" in shown) == ("AppRoleAssignment" in what)
        succeeded(stack.up())
        assert violations(stack) == []
        assert differences(stack, first_up) == []

    @pytest.mark.long
    def test_after_what_was_not_done_is_cleared(
        self, first_up: CleanRun, interrupted: Callable[..., SimulatedStack]
    ):
        stack = interrupted(Kind.ENGINE_KILLED, "New-Mailbox", "")

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "Command notifications-mailbox" in shown
        assert "pending_operations" not in stack.exported_state()
        succeeded(stack.up())
        assert differences(stack, first_up) == []

    @pytest.mark.long
    def test_after_recover_itself_was_cut_off(
        self,
        first_up: CleanRun,
        interrupted: Callable[..., SimulatedStack],
        monkeypatch: pytest.MonkeyPatch,
    ):
        stack = interrupted(Kind.ENGINE_KILLED, "PUT", "/workflows/")

        def cut_off(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(automation.Stack, "refresh", cut_off)
            with pytest.raises(KeyboardInterrupt):
                recovered(stack)
        code, shown = recovered(stack)

        assert code == 0, shown
        assert "not read yet" in shown
        succeeded(stack.up())
        assert differences(stack, first_up) == []

    @pytest.mark.long
    def test_after_a_grant_that_is_gone_is_removed_from_the_state(self, redeployed: StackIn):
        stack = redeployed()
        grant = one_grant(stack)
        delete(stack, grant)

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "remove it from the state" in shown
        succeeded(stack.up())
        assert one_grant(stack) != grant
        assert violations(stack) == []

    @pytest.mark.long
    def test_after_a_grant_was_deleted_for_a_successor_that_never_came(self, redeployed: StackIn):
        def renamed(sender: dict[str, Any]) -> None:
            sender["workflow"] = "notifications-2"

        stack = redeployed(change=renamed)
        address = f"{GROUP}/providers/Microsoft.Logic/workflows/notifications".replace(
            SUBSCRIPTION_ID, "{id}"
        )
        step = Step("", "ARM", "DELETE", f"{address}?api-version=2019-05-01", 1)
        stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])
        assert "404" in stack.up().output

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "AppRoleAssignment" in shown
        succeeded(stack.up())
        assert violations(stack) == []

    def test_where_nothing_is_in_the_way_nothing_is_done(self, redeployed: StackIn):
        stack = redeployed()
        before = stack.exported_state()

        code, shown = recovered(stack, ask=lambda: pytest.fail("asked"))

        assert (code, shown) == (0, "Nothing is in the way: run pulumi up.\n")
        assert stack.exported_state()["resources"] == before["resources"]


@pytest.mark.long
class TestADestroyRightAfterRecover:
    def test_removes_the_grant_before_what_confines_it(
        self, interrupted: Callable[..., SimulatedStack]
    ):
        stack = interrupted(Kind.TIMEOUT_AFTER, "POST", "/appRoleAssignedTo")
        code, shown = recovered(stack)
        assert code == 0, shown
        before = len(stack.tenant.calls())

        succeeded(stack.destroy())

        removals = [
            call.operation
            for call in stack.tenant.calls()[before:]
            if call.operation == "DELETE" or call.operation.startswith("Remove-")
        ]
        targets = [c.target for c in stack.tenant.calls()[before:] if c.operation == "DELETE"]
        assert "appRoleAssignedTo" in targets[0]
        assert removals[0] == "DELETE"
        assert violations(stack) == []
        assert stack.exported_state().get("resources") is None


def _no() -> bool:
    return False


class TestNothingIsChanged:
    @pytest.mark.parametrize("answer", [_no, command._nobody])
    def test_without_a_yes(self, redeployed: StackIn, answer: Callable[[], bool]):
        stack = redeployed()
        (grant,) = [
            resource["urn"]
            for resource in stack.exported_state()["resources"]
            if resource["type"] == "azuread:index/appRoleAssignment:AppRoleAssignment"
        ]
        stack.edit_state("delete", grant, "--force")
        state = stack.exported_state()["resources"]

        code, shown = recovered(stack, ask=answer)

        assert code == 3
        assert "Nothing was changed." in shown
        assert stack.exported_state()["resources"] == state

    @pytest.mark.long
    def test_where_a_workflow_without_the_identity_has_its_name(self, redeployed: StackIn):
        def renamed(sender: dict[str, Any]) -> None:
            sender["workflow"] = "notifications-2"

        stack = redeployed(change=renamed)
        address = f"{GROUP}/providers/Microsoft.Logic/workflows/notifications-2"
        definition = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "triggers": {}, "actions": {}}
        made = stack.tenant.arm.request(
            "PUT",
            f"{address}?api-version=2019-05-01",
            {"location": "westeurope", "properties": {"definition": definition}},
        )
        assert made.status == 201, made.body
        assert "cannot create already existing resource" in stack.up().output

        code, shown = recovered(stack)

        assert code == 3
        assert "has identity null and not SystemAssigned" in shown


class TestTheErrorOfPulumi:
    def test_is_one_line(self, tmp_path: Path):
        stack = stack_in(tmp_path)
        with stack.opened() as opened, pytest.raises(CommandError) as raised:
            opened.import_stack(automation.Deployment(version=3, deployment={"resources": [1]}))

        line = in_one_line(raised.value)

        assert "could not" in line or "json" in line
        assert "\n" not in line


def one_grant(stack: SimulatedStack) -> str:
    """The id of the workflow's app role assignment."""
    snapshot = stack.tenant.snapshot()
    (identity,) = [workflow["principalId"] for workflow in snapshot["workflows"].values()]
    (grant,) = [
        grant["id"]
        for grant in snapshot["appRoleAssignments"].values()
        if grant["principalId"] == identity
    ]
    return str(grant)


def delete(stack: SimulatedStack, grant: str) -> None:
    """Removes an app role assignment as a person does in the portal."""
    held = stack.tenant.snapshot()["appRoleAssignments"][grant]
    clouds = signed_in_to(stack.tenant)
    path = f"/v1.0/servicePrincipals/{held['resourceId']}/appRoleAssignedTo/{grant}"
    token = clouds._credential.get_token("https://graph.microsoft.com/.default").token
    assert stack.tenant.graph.request("DELETE", path, token=token).status == 204


class TestWhatTheStateHasByAnotherName:
    """Imported, it would be in the state twice, and go by its former name."""

    def test_is_left_alone_and_gets_its_name_as_is_said(self, redeployed: StackIn):
        stack = redeployed()
        grants = stack.tenant.snapshot()["appRoleAssignments"]
        grant = urn_of(stack, "notifications-access-mail-send")
        stack.edit_state("rename", grant, "former")
        assert not stack.up().succeeded

        code, shown = recovered(stack)

        assert code == 3
        said = " ".join(shown.replace("\u2502", " ").split())
        assert "the state has it as AppRoleAssignment" in said
        assert "former; give it that name again" in said
        assert "pulumi state rename" in said

        stack.edit_state("rename", urn_of(stack, "former"), "notifications-access-mail-send")
        assert succeeded(stack.up()).changes == []
        assert stack.tenant.snapshot()["appRoleAssignments"] == grants
