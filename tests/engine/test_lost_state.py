"""A stack whose state is lost, as a whole or in part, is taken up by ``operations.recover``."""

import copy
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant.faults import Fault, Kind, steps
from tests.engine.conftest import StackIn, succeeded
from tests.engine.faults import comparable, unequal, violations
from tests.engine.test_drift import administrator
from tests.engine.test_recover import recovered
from tests.sampling import sampled

pytestmark = pytest.mark.engine

WORKFLOW = "azure-native:logic:Workflow"


def user_assigned(sender: dict[str, Any]) -> None:
    sender["identity"] = "userAssigned"


def as_it_is(sender: dict[str, Any]) -> None:
    """Leaves the configuration as it is."""


def lose(stack: SimulatedStack) -> None:
    """Loses the state with the backend that it was in."""
    shutil.rmtree(stack.directory / "state")


def remove_stack(stack: SimulatedStack) -> None:
    """``pulumi stack rm --force``."""
    with stack.opened() as opened:
        opened.workspace.remove_stack(stack.stack, force=True, preserve_config=True)


def forget_workflow(stack: SimulatedStack) -> None:
    """``pulumi state delete --target-dependents`` of the workflow."""
    (urn,) = [r["urn"] for r in stack.exported_state()["resources"] if r["type"] == WORKFLOW]
    command(stack, "state", "delete", urn, "--target-dependents", "--yes")


def command(stack: SimulatedStack, *arguments: str) -> None:
    with stack.opened() as opened:
        workspace = opened.workspace
        workspace.pulumi_command.run(
            [*arguments, "--stack", stack.stack], workspace.work_dir, workspace.env_vars
        )


def sends(stack: SimulatedStack, sender: dict[str, Any]) -> bool:
    """Whether the workflow that was deployed first still sends."""
    pass_policy_lag(stack.tenant)
    return send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted


class TestTheStackIsTakenUpAsItIs:
    @pytest.mark.parametrize(
        ("loses", "change", "deletion"),
        sampled(
            [
                (lose, as_it_is, "delete"),
                (lose, as_it_is, "retain"),
                (lose, user_assigned, "delete"),
                (remove_stack, as_it_is, "delete"),
                (forget_workflow, as_it_is, "delete"),
                (forget_workflow, user_assigned, "delete"),
            ],
            [(lose, as_it_is, "delete")],
        ),
    )
    def test_with_no_change_in_the_clouds(
        self,
        fresh: StackIn,
        loses: Callable[[SimulatedStack], None],
        change: Callable[[dict[str, Any]], None],
        deletion: str,
    ):
        stack = fresh(change=change, deletion=deletion)
        empty = stack.tenant.snapshot()
        succeeded(stack.up())
        sender = copy.deepcopy(stack.outputs()["senders"]["notifications"])
        assert sends(stack, sender)
        before = stack.tenant.snapshot()
        loses(stack)

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "Workflow notifications-workflow" in shown
        grant_is_lost = (loses, change) != (forget_workflow, user_assigned)
        assert ("AppRoleAssignment notifications-access-mail-send" in shown) == grant_is_lost
        assert stack.tenant.snapshot() == before
        assert sends(stack, sender)
        succeeded(stack.up())
        assert unequal(comparable(stack.tenant.snapshot()), comparable(before)) == []
        assert stack.outputs()["senders"]["notifications"] == sender
        assert sends(stack, sender)
        assert stack.preview().changes == []
        assert recovered(stack, ask=lambda: pytest.fail("asked"))[0] == 0
        command(stack, "state", "unprotect", "--all", "--yes")
        succeeded(stack.destroy())
        left = stack.tenant.snapshot()
        stays = {"resourceGroups", "softDeletedMailboxes"}
        if deletion == "retain":
            stays |= {"mailboxes", "groups", "applicationAccessPolicies"}
        assert {kind for kind in left if left[kind] != empty[kind]} <= stays
        assert not stack.exported_state().get("resources")
        assert violations(stack) == []


@pytest.mark.long
class TestAnUpWithoutTheState:
    def test_names_the_command_and_no_other_name_and_changes_nothing(self, fresh: StackIn):
        stack = fresh()
        succeeded(stack.up())
        sender = stack.outputs()["senders"]["notifications"]
        before = comparable(stack.tenant.snapshot())
        lose(stack)

        result = stack.up()

        assert not result.succeeded
        assert "or the state is lost, `python -m operations.recover --stack local`" in result.output
        assert "Choose another name only where it is somebody else's." in result.output
        assert unequal(comparable(stack.tenant.snapshot()), before) == []

        code, shown = recovered(stack)

        assert code == 0, shown
        succeeded(stack.up())
        assert unequal(comparable(stack.tenant.snapshot()), before) == []
        assert stack.outputs()["senders"]["notifications"] == sender
        assert stack.preview().changes == []
        assert violations(stack) == []


@pytest.mark.long
class TestADestroyRightAfterRecover:
    def test_removes_the_grant_first_and_leaves_the_policy_that_no_state_holds(
        self, fresh: StackIn
    ):
        stack = fresh()
        empty = stack.tenant.snapshot()
        succeeded(stack.up())
        lose(stack)
        code, shown = recovered(stack)
        assert code == 0, shown
        before = len(stack.tenant.calls())

        succeeded(stack.destroy())

        removals = [c for c in stack.tenant.calls()[before:] if c.operation in {"DELETE", "PUT"}]
        assert "/appRoleAssignedTo/" in removals[0].target
        assert "/workflows/" in removals[-1].target
        policies = "applicationAccessPolicies"
        assert stack.tenant.snapshot()["workflows"] == {}
        assert stack.tenant.snapshot()[policies] != empty[policies]
        succeeded(stack.up())
        # No state ever held the policy of the identity that is gone, so none has released it.
        refused = stack.destroy()
        assert not refused.succeeded
        command = re.search(r"Remove-ApplicationAccessPolicy -Identity '([^']+)'", refused.output)
        assert command
        administrator(stack, "Remove-ApplicationAccessPolicy", Identity=command[1], Confirm=False)
        succeeded(stack.destroy())
        assert stack.tenant.snapshot()[policies] == empty[policies]
        assert violations(stack) == []


@pytest.mark.long
class TestADestroyAfterAnUpThatStoppedOnItsWay:
    def test_removes_no_policy_of_what_may_still_be_granted(self, fresh: StackIn):
        """The group is in the state again, and what was imported does not depend on it yet."""
        stack = fresh()
        empty = stack.tenant.snapshot()
        succeeded(stack.up())
        step = next(
            step
            for step in steps(stack.tenant.calls())
            if step.operation == "Get-DistributionGroupMember"
        )
        lose(stack)
        code, shown = recovered(stack)
        assert code == 0, shown
        stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])

        refused = stack.destroy()

        assert not refused.succeeded
        assert "was not released" in refused.output
        assert violations(stack) == []
        code, shown = recovered(stack)
        assert code == 0, shown
        succeeded(stack.up())
        succeeded(stack.destroy())
        left = stack.tenant.snapshot()
        assert left["applicationAccessPolicies"] == empty["applicationAccessPolicies"]
        assert left["workflows"] == {}
        assert violations(stack) == []
