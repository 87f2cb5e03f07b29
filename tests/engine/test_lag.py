"""Replication that lags: `up` waits as configured, or stops unproven; it never grants early."""

import asyncio

import pytest

import components.service_principal
from simulator.engine import SimulatedStack
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

    def test_and_never_asks_exchange_about_graph(self, lagging: SimulatedStack):
        lagging.tenant.set_lag("policy", LONG)

        succeeded(lagging.up())

        assert lagging.tenant.violations() == []


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
