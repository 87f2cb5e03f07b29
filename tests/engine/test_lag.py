"""Replication that lags: `up` waits as configured, or stops unproven; it never grants early."""

import asyncio

import pytest

import components.service_principal
from simulator.engine import SimulatedStack
from simulator.sending import Answer, send_as
from tests.engine.conftest import StackIn, succeeded
from tests.engine.test_faults import granted

pytestmark = pytest.mark.engine

MINUTE = 60
# What `up` waits for at most: ten minutes for the directory, five for a mailbox or group.
SHORT, LONG = 30, 40 * MINUTE


@pytest.fixture
def lagging(fresh: StackIn, monkeypatch: pytest.MonkeyPatch) -> SimulatedStack:
    """A stack whose waits for the directory pass in the tenant's time."""
    stack = fresh()
    pause = asyncio.sleep

    async def sleep(seconds: float) -> None:
        stack.tenant.clock.advance(seconds)
        await pause(0)

    monkeypatch.setattr(components.service_principal, "sleep", sleep)
    return stack


class TestUpWaitsForWhatLags:
    @pytest.mark.parametrize("seconds", [0, SHORT])
    def test_for_everything_at_once(self, lagging: SimulatedStack, seconds: float):
        for kind in lagging.tenant.lags:
            lagging.tenant.set_lag(kind, seconds)

        succeeded(lagging.up())

        assert granted(lagging)
        assert lagging.tenant.violations() == []


class TestSettleIsWhatCoversGraph:
    """Exchange's test knows a new policy at once, Graph later: only the wait closes the window."""

    @pytest.fixture
    def control_answer(
        self, fresh: StackIn, request: pytest.FixtureRequest
    ) -> tuple[SimulatedStack, Answer]:
        """What the control mailbox gets right after `up`, with that settle."""
        stack = fresh(settle=request.param)
        stack.tenant.set_lag("policy", LONG)
        succeeded(stack.up())
        sender = stack.outputs()["senders"]["notifications"]
        return stack, send_as(stack.tenant, sender["workflowId"], "control.mailbox@contoso.com")

    @pytest.mark.parametrize("control_answer", ["PT40M"], indirect=True)
    def test_as_long_as_graph_lags_no_stranger_is_ever_reached(
        self, control_answer: tuple[SimulatedStack, Answer]
    ):
        stack, answer = control_answer
        assert answer.denied_by_policy
        assert stack.tenant.violations() == []

    @pytest.mark.parametrize("control_answer", ["PT0S"], indirect=True)
    def test_shorter_leaves_a_window_and_the_tenant_sees_it(
        self, control_answer: tuple[SimulatedStack, Answer]
    ):
        stack, answer = control_answer
        assert answer.accepted
        (violation,) = stack.tenant.violations()
        assert "no RestrictAccess policy for its application was effective" in violation.text


class TestUpStopsUnprovenAndTheNextOneGoesOn:
    @pytest.mark.parametrize(
        ("kind", "waited_for"),
        [
            ("directory", "Entra does not show the managed identity"),
            ("exchange", "couldn't be found"),
        ],
    )
    def test_when_it_lags_longer_than_up_waits(
        self, lagging: SimulatedStack, kind: str, waited_for: str
    ):
        lagging.tenant.set_lag(kind, LONG)

        result = lagging.up()

        assert not result.succeeded
        assert waited_for in result.output
        assert not granted(lagging)
        assert lagging.tenant.violations() == []

        lagging.tenant.clock.advance(LONG)
        lagging.tenant.set_lag(kind, SHORT)
        succeeded(lagging.up())

        assert granted(lagging)
        assert lagging.tenant.violations() == []
