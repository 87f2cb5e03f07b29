"""What confines by roles in Exchange is taken up by its scripts when the state is lost."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant.faults import Fault, Kind
from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.engine.faults import (
    SCENARIOS,
    CleanRun,
    by_both,
    by_roles,
    comparable,
    differences,
    learn,
    prepare,
    unequal,
    violations,
)
from tests.engine.test_lost_state import command as pulumi_command
from tests.engine.test_lost_state import lose, sends
from tests.engine.test_rbac import objects
from tests.engine.test_recover import recovered

# In `make test` a state is lost in test_lost_state.py.
pytestmark = [pytest.mark.engine, pytest.mark.long]

STAYS = {"resourceGroups", "softDeletedMailboxes"}


def by_roles_of_an_identity_of_its_own(sender: Configuration) -> None:
    by_roles(sender)
    sender["identity"] = "userAssigned"


def forget(name: str) -> Callable[[SimulatedStack], None]:
    """``pulumi state delete --target-dependents`` of a command."""

    def forgets(stack: SimulatedStack) -> None:
        (urn,) = [
            resource["urn"]
            for resource in stack.exported_state()["resources"]
            if resource["urn"].endswith(f"command:local:Command::{name}")
        ]
        pulumi_command(stack, "state", "delete", urn, "--target-dependents", "--yes")

    forgets.__name__ = f"forgets {name}"
    return forgets


forget_assignment = forget("notifications-access-mail-send")
forget_pointer = forget("notifications-access-pointer")
forget_scope = forget("notifications-scope")


def as_it_is(stack: SimulatedStack) -> None:
    """Leaves the state as it is."""


def nothing_is_left(stack: SimulatedStack, empty: dict[str, dict[str, Any]]) -> None:
    """Destroys, and looks that the tenant is as it was."""
    succeeded(stack.destroy())
    left = stack.tenant.snapshot()
    assert {kind for kind in left if left[kind] != empty[kind]} <= STAYS
    assert not stack.exported_state().get("resources")
    assert violations(stack) == []


class TestTheStackIsTakenUpAsItIs:
    @pytest.mark.parametrize(
        ("loses", "change"),
        [
            (lose, by_roles),
            (lose, by_roles_of_an_identity_of_its_own),
            (lose, by_both),
            (forget_scope, by_roles),
            (forget_pointer, by_roles),
            (forget_assignment, by_roles),
        ],
    )
    def test_with_no_change_in_the_clouds(
        self,
        fresh: StackIn,
        loses: Callable[[SimulatedStack], None],
        change: Callable[[Configuration], None],
    ):
        # Longer than a policy takes, for the sender that has one as well, and shorter than a token
        # lives: this wait passes for everything that is made beside it.
        stack = fresh(change=change, settle="PT45M")
        stack.tenant.set_sending_is_tried(True)
        empty = stack.tenant.snapshot()
        succeeded(stack.up())
        sender = copy.deepcopy(stack.outputs()["senders"]["notifications"])
        assert sends(stack, sender)
        before, ours = stack.tenant.snapshot(), objects(stack)
        loses(stack)

        code, shown = recovered(stack)

        assert code == 0, shown
        assert ("Workflow notifications-workflow" in shown) == (loses in {lose, forget_scope})
        assert stack.tenant.snapshot() == before
        assert sends(stack, sender)
        succeeded(stack.up())
        assert unequal(comparable(stack.tenant.snapshot()), comparable(before)) == []
        taken_up = objects(stack)
        for kind in ("servicePrincipalPointers", "managementScopes"):
            assert taken_up[kind] == ours[kind]
        # An assignment has no place for a claim but its name, so the next one took its place.
        (former,) = ours["managementRoleAssignments"].values()
        (now,) = taken_up["managementRoleAssignments"].values()
        assert now["name"].startswith(f"{former['name']} ")
        assert stack.outputs()["senders"]["notifications"] == sender
        assert sends(stack, sender)
        assert stack.preview().changes == []
        assert recovered(stack, ask=lambda: pytest.fail("asked"))[0] == 0
        nothing_is_left(stack, empty)


class TestADestroyRightAfterRecover:
    def test_leaves_the_scope_that_the_next_up_takes_up(self, fresh: StackIn):
        """Exchange itself drops pointer and assignments of an identity that is gone."""
        stack = fresh(change=by_roles)
        empty = stack.tenant.snapshot()
        succeeded(stack.up())
        (scope,) = objects(stack)["managementScopes"]
        lose(stack)
        code, shown = recovered(stack)
        assert code == 0, shown

        succeeded(stack.destroy())

        assert stack.tenant.snapshot()["workflows"] == {}
        assert list(objects(stack)["managementScopes"]) == [scope]
        succeeded(stack.up())
        assert list(objects(stack)["managementScopes"]) == [scope]
        assert [len(each) for each in objects(stack).values()] == [1, 1, 1]
        nothing_is_left(stack, empty)


@pytest.fixture(scope="module")
def first_up_by_roles(tmp_path_factory: pytest.TempPathFactory) -> CleanRun:
    directory = tmp_path_factory.mktemp("first-up-by-roles")
    (scenario,) = [each for each in SCENARIOS if each.name == "first up by roles"]
    return learn(scenario, prepare(directory / "start"), directory / "clean")


class TestAFirstUpThatWasCutOff:
    @pytest.mark.parametrize(
        ("operation", "command"),
        [
            ("New-ManagementScope", "notifications-scope"),
            ("New-ServicePrincipal", "notifications-access-pointer"),
            ("New-ManagementRoleAssignment", "notifications-access-mail-send"),
        ],
    )
    @pytest.mark.parametrize("loses", [as_it_is, lose])
    def test_converges_after_recover(
        self,
        first_up_by_roles: CleanRun,
        tmp_path: Path,
        operation: str,
        command: str,
        loses: Callable[[SimulatedStack], None],
    ):
        (step,) = [each for each in first_up_by_roles.steps if each.operation == operation]
        shutil.copytree(first_up_by_roles.start, tmp_path / "stack")
        stack = first_up_by_roles.scenario.stack(tmp_path / "stack")
        stack.tenant.plan_faults([Fault(step, Kind.ENGINE_KILLED)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])
        made = objects(stack)
        loses(stack)

        code, shown = recovered(stack)

        assert code == 0, shown
        assert (f"Command {command}" in shown) == (loses is as_it_is)
        succeeded(stack.up())
        # A role assignment that is there already is replaced by one of the resource's own.
        taken_up = made.keys() - {"managementRoleAssignments"}
        assert all(objects(stack)[kind].items() >= made[kind].items() for kind in taken_up)
        assert differences(stack, first_up_by_roles) == []
        assert violations(stack) == []
