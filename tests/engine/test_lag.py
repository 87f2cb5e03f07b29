"""Replication that lags: `up` waits as configured, or stops unproven; it never grants early."""

import asyncio
from datetime import timedelta

import pytest

import components.provider_errors
import components.service_principal
from simulator.engine import Result, SimulatedStack
from simulator.sending import Answer, send_as
from tests.engine.conftest import StackIn, succeeded
from tests.engine.faults import SCENARIOS
from tests.engine.test_faults import granted
from tests.engine.test_recover import recovered
from tests.sampling import sampled

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

    # The waits for Entra are the program's own, in real time, and not a provider's or a script's.
    monkeypatch.setattr(components.service_principal, "sleep", sleep)
    monkeypatch.setattr(components.provider_errors, "sleep", sleep)
    return stack


def send_to_control_mailbox(stack: SimulatedStack) -> Answer:
    """What mail as the control mailbox gets."""
    sender = stack.outputs()["senders"]["notifications"]
    return send_as(stack.tenant, sender["workflowId"], "control.mailbox@contoso.com")


class TestUpWaitsForWhatLags:
    @pytest.mark.parametrize("seconds", sampled([0, SHORT], [SHORT]))
    def test_for_everything_at_once(self, lagging: SimulatedStack, seconds: float):
        # What has been granted and is not shown ends an `up`, see below.
        for kind in lagging.tenant.lags.keys() - {"grant"}:
            lagging.tenant.set_lag(kind, seconds)

        succeeded(lagging.up())

        assert granted(lagging)
        assert lagging.tenant.violations() == []


class TestSettleIsWhatCoversGraph:
    """Exchange's test knows a new policy at once, Graph later: only the wait closes the window."""

    @pytest.fixture
    def tried(self, fresh: StackIn, request: pytest.FixtureRequest) -> SimulatedStack:
        """A stack whose tenant tries all mailboxes after every change of an `up` with a settle."""
        stack = fresh(settle=request.param)
        stack.tenant.set_lag("policy", LONG)
        stack.tenant.set_sending_is_tried(True)
        succeeded(stack.up())
        return stack

    @pytest.mark.parametrize("tried", ["PT40M"], indirect=True)
    def test_as_long_as_graph_lags_no_stranger_is_ever_reached(self, tried: SimulatedStack):
        assert tried.tenant.violations() == []
        assert send_to_control_mailbox(tried).denied_by_policy

    @pytest.mark.long
    @pytest.mark.parametrize("tried", ["PT39M"], indirect=True)
    def test_a_minute_shorter_leaves_a_window_and_the_tenant_sees_it(self, tried: SimulatedStack):
        (violation,) = tried.tenant.violations()
        assert "could send as" in violation.text
        assert "outside its scope" in violation.text

        tried.tenant.clock.advance(MINUTE)

        assert send_to_control_mailbox(tried).denied_by_policy

    @pytest.mark.parametrize("tried", ["PT0S"], indirect=True)
    def test_in_the_window_a_stranger_is_reached(self, tried: SimulatedStack):
        assert send_to_control_mailbox(tried).accepted
        assert "no RestrictAccess policy for its application was effective" in (
            tried.tenant.violations()[-1].text
        )


# Those of the deployed stack; the way by both has its own tests, in which time passes too.
CHANGES = {each.name: each for each in SCENARIOS if each.change and each.start == (None,)}


class TestNoChangeOpensAWindow:
    """Graph learns 40 minutes late of policies made and removed, and `settle` is as long."""

    @pytest.mark.parametrize("name", sampled(CHANGES, ["workflow name"]))
    def test_no_stranger_is_reached(self, redeployed: StackIn, name: str):
        scenario = CHANGES[name]
        stack = redeployed(settle="PT40M", change=scenario.change)
        stack.tenant.set_lag("policy", LONG)
        stack.tenant.clock.advance(LONG)
        stack.tenant.set_sending_is_tried(True)

        succeeded(stack.up())

        assert stack.tenant.violations() == []


@pytest.mark.long
class TestUpStopsUnprovenAndTheNextOneGoesOn:
    @pytest.mark.parametrize(
        ("kind", "waited_for"),
        sampled(
            [
                ("directory", "Entra does not show the managed identity"),
                ("exchange", "couldn't be found"),
                ("assignment", "Entra does not know the new identity everywhere yet"),
            ],
            [("directory", "Entra does not show the managed identity")],
        ),
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


@pytest.mark.long
class TestAGrantThatIsNotShownYet:
    """The provider reads what it has made, and takes a directory that lags for one that lost it."""

    @pytest.fixture
    def unconfirmed(self, fresh: StackIn) -> tuple[SimulatedStack, Result]:
        """A stack, and the `up` that granted and could not read the grant back."""
        stack = fresh(settle="PT1H")
        stack.tenant.set_lag("grant", SHORT)
        return stack, stack.up()

    def test_is_taken_up_by_the_command_that_the_same_run_names(
        self, unconfirmed: tuple[SimulatedStack, Result]
    ):
        stack, result = unconfirmed
        begun = stack.tenant.clock.now()
        assert not result.succeeded
        assert "create was not confirmed: expected non-nil error with nil state" in result.output
        assert "In a few minutes `python -m operations.recover --stack local` takes it up" in (
            result.output
        )
        assert granted(stack)
        stack.tenant.clock.advance(SHORT)

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "import it into the state" in shown
        succeeded(stack.up())
        assert stack.up().changes == []
        assert stack.tenant.clock.now() - begun < timedelta(minutes=30), (
            "settle is not waited again"
        )
        assert stack.tenant.violations() == []

    def test_goes_before_what_confines_it_where_destroy_comes_next(
        self, unconfirmed: tuple[SimulatedStack, Result]
    ):
        stack, _ = unconfirmed

        succeeded(stack.destroy())

        assert not granted(stack)
        assert stack.tenant.violations() == []
