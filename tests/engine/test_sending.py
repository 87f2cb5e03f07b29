"""Sending through a deployed workflow, as the manual procedure's last test does it."""

import pytest

from simulator import SimulatorError
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import StackIn

pytestmark = pytest.mark.engine

SHARED = "logicappnotifications@contoso.com"
STRANGER = "finance@contoso.com"


@pytest.fixture
def stack(redeployed: StackIn) -> SimulatedStack:
    made: SimulatedStack = redeployed()
    pass_policy_lag(made.tenant)
    return made


@pytest.fixture
def workflow(stack: SimulatedStack) -> str:
    """Azure resource id of the workflow."""
    return str(stack.outputs()["senders"]["notifications"]["workflowId"])


class TestTheAnswerIsGraphs:
    def test_as_the_shared_mailbox(self, stack: SimulatedStack, workflow: str):
        answer = send_as(stack.tenant, workflow, SHARED)

        assert str(answer) == "202 Accepted"
        assert [mail.mailbox for mail in stack.tenant.mail()] == [SHARED]

    def test_as_any_other_mailbox(self, stack: SimulatedStack, workflow: str):
        answer = send_as(stack.tenant, workflow, STRANGER)

        assert str(answer) == "403 ErrorAccessDenied Access to OData is disabled."
        assert answer.denied_by_policy
        assert stack.tenant.mail() == []


class TestAWorkflowWithAProbe:
    def test_is_sent_through_all_the_same(self, redeployed: StackIn):
        stack = redeployed(change=lambda sender: sender.update(probe=True))
        assert stack.up().succeeded
        pass_policy_lag(stack.tenant)
        workflow = str(stack.outputs()["senders"]["notifications"]["workflowId"])

        answers = [
            send_as(stack.tenant, workflow, mailbox).status for mailbox in (SHARED, STRANGER)
        ]

        assert answers == [202, 403]


class TestTheWorkflowIsPutBack:
    def test_after_an_answer(self, stack: SimulatedStack, workflow: str):
        before = stack.tenant.arm.request("GET", f"{workflow}?api-version=2019-05-01").body

        send_as(stack.tenant, workflow, STRANGER)

        after = stack.tenant.arm.request("GET", f"{workflow}?api-version=2019-05-01").body
        assert before is not None
        assert after is not None
        own = {"version", "changedTime"}
        assert {k: v for k, v in after["properties"].items() if k not in own} == {
            k: v for k, v in before["properties"].items() if k not in own
        }
        assert after["identity"] == before["identity"]

    def test_after_a_failure(self, stack: SimulatedStack, workflow: str):
        stack.tenant.arm.request("POST", f"{workflow}/disable?api-version=2019-05-01")
        before = stack.tenant.snapshot()["workflows"]
        (definition,) = (found["definition"] for found in before.values())

        with pytest.raises(SimulatorError, match="WorkflowTriggerIsNotEnabled"):
            send_as(stack.tenant, workflow, STRANGER)

        (after,) = stack.tenant.snapshot()["workflows"].values()
        assert after["definition"] == definition
        assert after["state"] == "Disabled"


class TestWhatCannotBeTriedIsSaid:
    def test_an_unknown_mailbox(self, stack: SimulatedStack, workflow: str):
        with pytest.raises(SimulatorError, match=r"Get-Mailbox nobody@contoso\.com: .* found"):
            send_as(stack.tenant, workflow, "nobody@contoso.com")

    def test_an_unknown_workflow(self, stack: SimulatedStack, workflow: str):
        with pytest.raises(SimulatorError, match="ResourceNotFound"):
            send_as(stack.tenant, f"{workflow}-2", SHARED)


class TestTheClockPassesThePolicyLagOnce:
    def test_before_the_first_mail(self, redeployed: StackIn):
        tenant = redeployed().tenant
        # Longer than any run of the tests takes, so that there is something left to wait for.
        tenant.set_lag("policy", 86_400)
        # The moment that may lie between a call's place in the log and its effect is over.
        tenant.clock.advance(1)

        moved = pass_policy_lag(tenant)

        assert moved is not None
        assert 0 < moved.total_seconds() <= tenant.lags["policy"]
        assert pass_policy_lag(tenant) is None
