"""The SDK is left no outputs to wait for: its wait for them grows with their square."""

import asyncio
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from tests.engine.conftest import succeeded

pytestmark = pytest.mark.engine


class _CountedAsyncio:
    """The module ``asyncio`` as one other module sees it, whose ``wait`` counts."""

    def __init__(self) -> None:
        self.waited_for = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def wait(self, tasks: Any, **options: Any) -> Any:
        self.waited_for += len(tasks)
        return await asyncio.wait(tasks, **options)


def test_the_program_has_begun_its_calls_when_the_sdk_begins_to_wait(
    deployed: SimulatedStack, monkeypatch: pytest.MonkeyPatch
):
    """See benchmarks/upstream_wait.py. What begins them is that the program reads its state first.

    Where that goes, `pulumi.run(main)` with one `asyncio.sleep(0)` in `main` does the same.
    """
    counted = _CountedAsyncio()
    monkeypatch.setattr("pulumi.runtime.stack.asyncio", counted)

    succeeded(deployed.preview())

    assert counted.waited_for == 0
