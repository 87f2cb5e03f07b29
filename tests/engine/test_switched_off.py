"""A workflow that is off stays off, and is switched on only after a proof of the same run."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.engine.test_changes import changes, set_value
from tests.engine.test_stale_proof import remove_policies
from tests.sampling import sampled

pytestmark = pytest.mark.engine

WORKFLOW = (
    f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender/providers/Microsoft.Logic"
    "/workflows/notifications"
)
IDENTITIES = ["systemAssigned", "userAssigned"]
ONLY_THE_WORKFLOW = [("update", "notifications-workflow")]


def arm(stack: SimulatedStack, method: str, path: str = "") -> Any:
    """A call that somebody makes to the workflow, in the portal or by a tool."""
    response = stack.tenant.arm.request(method, f"{WORKFLOW}{path}?api-version=2019-05-01")
    assert response.status < 300, response.body
    return response.body


def state(stack: SimulatedStack) -> str:
    return str(arm(stack, "GET")["properties"]["state"])


def switch(stack: SimulatedStack, verb: str) -> None:
    """What the portal's buttons Enable and Disable do."""
    arm(stack, "POST", f"/{verb}")


def changed(*steps: Callable[[Configuration], None]) -> Callable[[Configuration], None]:
    def change(sender: Configuration) -> None:
        for step in steps:
            step(sender)

    return change


NEW_SUBJECT = set_value("message.subject", "Another subject")
OFF = set_value("enabled", False)
USER_ASSIGNED = set_value("identity", "userAssigned")


def proofs(stack: SimulatedStack, number: int = 0) -> list[str]:
    """The scripts of the proof, and what was done to the workflow, after one call."""
    return [
        "proof" if "prove-confinement" in call.target else call.operation
        for call in stack.tenant.calls()[number:]
        if "prove-confinement" in call.target
        or (call.service == "ARM" and call.operation == "PUT" and "workflows" in call.target)
    ]


class TestAWorkflowThatSomebodySwitchedOff:
    """The policy was removed by hand, and the workflow switched off, as the warning advises."""

    @pytest.fixture
    def stack(self, redeployed: StackIn) -> SimulatedStack:
        stack: SimulatedStack = redeployed()
        switch(stack, "disable")
        return stack

    def test_stays_off_when_the_subject_is_changed(self, stack: SimulatedStack):
        remove_policies(stack)
        pass_policy_lag(stack.tenant)
        stack = stack_in(stack.directory, change=NEW_SUBJECT)

        result = succeeded(stack.up())

        assert changes(result) == ONLY_THE_WORKFLOW
        assert "notifications was switched off outside of this program, and stays off" in (
            result.output
        )
        assert state(stack) == "Disabled"
        mail = arm(stack, "GET")["properties"]["definition"]["actions"]["Mail"]
        assert mail["inputs"]["message"]["subject"] == "Another subject"

    def test_stays_off_in_every_later_run(self, stack: SimulatedStack):
        succeeded(stack.up())
        assert changes(succeeded(stack.preview())) == []
        assert changes(succeeded(stack.up())) == []
        assert state(stack) == "Disabled"

    def test_stays_off_after_a_refresh(self, stack: SimulatedStack):
        succeeded(stack.refresh())
        assert changes(succeeded(stack.up())) == []
        assert state(stack) == "Disabled"

    def test_is_left_on_once_somebody_switched_it_on(self, stack: SimulatedStack):
        succeeded(stack.up())
        switch(stack, "enable")
        number = len(stack.tenant.calls())

        result = succeeded(stack.up())

        assert changes(result) == ONLY_THE_WORKFLOW
        assert "switched off" not in result.output
        assert state(stack) == "Enabled"
        # It was on already: nothing is switched on here.
        assert proofs(stack, number) == ["PUT"]
        assert changes(succeeded(stack.preview())) == []

    def test_can_be_destroyed(self, stack: SimulatedStack):
        succeeded(stack.up())
        succeeded(stack.destroy())
        assert stack.tenant.violations() == []


@pytest.mark.parametrize("identity", sampled(IDENTITIES, ["systemAssigned"]))
class TestEnabledFalse:
    def configured(self, stack: SimulatedStack, identity: str, **options: Any) -> SimulatedStack:
        """The same stack, with the key or without it."""
        enabled = set_value("enabled", options.pop("enabled"))
        change = changed(set_value("identity", identity), enabled)
        return stack_in(stack.directory, change=change, **options)

    def test_deploys_a_workflow_that_is_off(self, fresh: StackIn, identity: str):
        stack: SimulatedStack = fresh(change=changed(set_value("identity", identity), OFF))
        succeeded(stack.up())

        assert state(stack) == "Disabled"
        assert arm(stack, "GET")["tags"] == {"switchedOff": "byConfiguration"}
        assert changes(succeeded(stack.preview())) == []

        # And on again, after another proof, since the last one was of another run.
        number = len(stack.tenant.calls())
        stack = self.configured(stack, identity, enabled=True)
        assert changes(succeeded(stack.up())) == ONLY_THE_WORKFLOW
        assert proofs(stack, number) == ["proof", "PUT"]
        assert state(stack) == "Enabled"
        assert arm(stack, "GET")["tags"] == {}
        assert changes(succeeded(stack.preview())) == []

    @pytest.mark.long
    def test_is_not_switched_on_where_the_policy_is_gone(self, fresh: StackIn, identity: str):
        stack: SimulatedStack = fresh(change=changed(set_value("identity", identity), OFF))
        succeeded(stack.up())
        remove_policies(stack)
        stack = self.configured(stack, identity, enabled=True)

        # A preview asks nothing of Exchange.
        assert changes(succeeded(stack.preview())) == ONLY_THE_WORKFLOW
        result = stack.up()

        assert not result.succeeded
        assert "the workflow notifications was not switched on" in result.output
        assert state(stack) == "Disabled"

        # What the message says: off again, repaired, and then on.
        succeeded(self.configured(stack, identity, enabled=False, drift=True).up())
        assert state(stack) == "Disabled"
        succeeded(self.configured(stack, identity, enabled=True, drift=True).up())
        assert state(stack) == "Enabled"


@pytest.mark.long
class TestAWorkflowThatIsMadeAnew:
    """One with a user-assigned identity, which holds its permission meanwhile."""

    @pytest.fixture
    def stack(self, fresh: StackIn) -> SimulatedStack:
        stack: SimulatedStack = fresh(change=USER_ASSIGNED)
        succeeded(stack.up())
        assert proofs(stack) == ["proof", "PUT"]
        return stack

    def renamed(self, stack: SimulatedStack) -> Result:
        change = changed(USER_ASSIGNED, set_value("workflow", "another-name"))
        return stack_in(stack.directory, change=change).up()

    def test_is_proven_first(self, stack: SimulatedStack):
        number = len(stack.tenant.calls())
        succeeded(self.renamed(stack))
        assert proofs(stack, number) == ["proof", "PUT"]

    def test_is_not_made_where_the_policy_is_gone(self, stack: SimulatedStack):
        remove_policies(stack)
        result = self.renamed(stack)
        assert not result.succeeded
        assert "the workflow another-name was not switched on" in result.output
        assert proofs(stack)[2:] == ["proof"]
