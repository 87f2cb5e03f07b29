"""A sender with a user-assigned identity: its workflow comes last and goes first."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.engine.test_changes import changes, set_value
from tests.engine.test_never_unconfined import send_one_mail

pytestmark = pytest.mark.engine


def user_assigned(sender: Configuration) -> None:
    sender["identity"] = "userAssigned"


def every_minute(sender: Configuration) -> None:
    sender["identity"] = "userAssigned"
    sender["trigger"] = {"type": "recurrence", "frequency": "Minute", "interval": 1}


def both(*steps: Callable[[Configuration], None]) -> Callable[[Configuration], None]:
    def change(sender: Configuration) -> None:
        for step in steps:
            step(sender)

    return change


def write_calls(stack: SimulatedStack) -> list[str]:
    """What made or removed something in Azure, Entra and among the policies, in its order."""
    return [
        f"{call.operation} {call.target.split('?')[0].rsplit('/', 2)[1]}"
        if call.service == "ARM"
        else f"{call.operation} {call.service}"
        for call in stack.tenant.calls()
        if (call.service in {"ARM", "Graph"} and call.operation != "GET")
        or call.operation in {"New-ApplicationAccessPolicy", "Remove-ApplicationAccessPolicy"}
    ]


def answers(stack: SimulatedStack) -> list[int]:
    """What Graph answered to each run of the workflow."""
    workflow = stack.outputs()["senders"]["notifications"]["workflowId"]
    found = []
    for run in body(stack, f"{workflow}/runs")["value"]:
        action = body(stack, f"{run['id']}/actions/Send_mail")
        link = action["properties"]["outputsLink"]["uri"]
        outputs = stack.tenant.logic.content(link).body
        assert outputs is not None
        found.append(outputs["statusCode"])
    return found


def body(stack: SimulatedStack, path: str) -> dict[str, Any]:
    response = stack.tenant.arm.request("GET", f"{path}?api-version=2019-05-01")
    assert response.body is not None
    return response.body


def assert_one_of_each(stack: SimulatedStack) -> None:
    """One identity, with one grant and one policy on the group, and they are those of the stack."""
    sender, snapshot = stack.outputs()["senders"]["notifications"], stack.tenant.snapshot()
    grants = [
        grant["principalId"]
        for grant in snapshot["appRoleAssignments"].values()
        if grant["principalDisplayName"].removeprefix("id-").startswith("notifications")
    ]
    assert grants == [sender["principalId"]]
    ours = [
        policy["appId"]
        for policy in snapshot["applicationAccessPolicies"].values()
        if sender["groupAddress"] in policy["description"]
    ]
    assert ours == [sender["clientId"]]


@pytest.fixture
def fresh(fresh: StackIn) -> StackIn:
    """Stacks in a tenant whose directory does not lag: that wait is in real time."""

    def make(**options: Any) -> SimulatedStack:
        stack = fresh(**options)
        stack.tenant.set_lag("directory", 0)
        return stack

    return make


class TestTheWorkflowComesLastAndGoesFirst:
    def test_and_nothing_of_it_is_left(self, fresh: StackIn):
        stack = fresh(change=user_assigned)
        before = stack.tenant.snapshot()

        succeeded(stack.up())

        assert write_calls(stack) == [
            "PUT resourceGroups",
            "PUT userAssignedIdentities",
            "New-ApplicationAccessPolicy Exchange",
            "POST Graph",
            "PUT workflows",
        ]
        send_one_mail(stack)
        assert changes(succeeded(stack.preview())) == []
        number = len(write_calls(stack))

        succeeded(stack.destroy())

        assert write_calls(stack)[number:] == [
            "DELETE workflows",
            "DELETE Graph",
            "DELETE userAssignedIdentities",
            "Remove-ApplicationAccessPolicy Exchange",
        ]
        after = stack.tenant.snapshot()
        assert after.pop("softDeletedMailboxes")
        assert not before.pop("softDeletedMailboxes")
        assert after | {"resourceGroups": {}} == before
        assert stack.tenant.violations() == []


@pytest.mark.long
class TestARecurrenceHoweverShort:
    def test_has_no_run_without_the_role(self, fresh: StackIn):
        stack = fresh(change=every_minute, settle="PT1H")

        succeeded(stack.up())
        stack.tenant.clock.advance(5 * 60)

        assert set(answers(stack)) == {202}
        assert stack.tenant.violations() == []


@pytest.fixture(scope="module")
def stack_that_sent(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """A stack that has sent; each test has a copy."""
    stack = stack_in(tmp_path_factory.mktemp("sent"), change=user_assigned)
    stack.tenant.set_lag("directory", 0)
    succeeded(stack.up())
    send_one_mail(stack)
    return stack


class TestAChange:
    """Each from a stack that has sent, so that a token with the permission is alive."""

    @pytest.fixture
    def sent(self, stack_that_sent: SimulatedStack, fresh: StackIn, tmp_path: Path) -> StackIn:
        shutil.copytree(stack_that_sent.directory, tmp_path / "stack")
        return fresh

    def up(self, stack: SimulatedStack) -> Result:
        result = succeeded(stack.up())
        send_one_mail(stack)
        assert changes(succeeded(stack.up())) == []
        assert stack.tenant.violations() == []
        assert_one_of_each(stack)
        return result

    def test_of_the_mail_is_one_update(self, sent: StackIn):
        stack = sent(change=both(user_assigned, set_value("message.subject", "Another")))

        assert changes(succeeded(stack.preview())) == [("update", "notifications-workflow")]
        assert changes(self.up(stack)) == [("update", "notifications-workflow")]

    def test_of_the_workflows_name_keeps_the_identity(self, sent: StackIn):
        stack = sent(change=both(user_assigned, set_value("workflow", "notifications-2")))

        result = self.up(stack)

        assert {step.name for step in result.changes} == {"notifications-workflow"}

    @pytest.mark.long
    def test_of_the_kind_of_identity_there_and_back(self, sent: StackIn):
        self.up(sent())
        self.up(sent(change=user_assigned))
