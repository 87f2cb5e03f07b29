"""Where the Python SDK takes a time that grows with the square of what is registered."""

import asyncio
from typing import Any

import pulumi
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


def test_no_look_up_is_waited_for_once_anything_is_registered(
    deployed: SimulatedStack, monkeypatch: pytest.MonkeyPatch
):
    """The SDK waits for one in a loop of its own, which is the longer the more is under way.

    With one a sender a preview of 120 senders took 62 s of processor time, without them 34 s.
    """
    order: list[str] = []
    invoke, register = pulumi.runtime.invoke, pulumi.runtime.resource.register_resource

    def looked_up(function: str, *arguments: Any) -> Any:
        order.append(function)
        return invoke(function, *arguments)

    def registered(resource: Any, type_: str, *arguments: Any) -> None:
        if type_ != "pulumi:pulumi:Stack":
            order.append("registered")
        register(resource, type_, *arguments)

    monkeypatch.setattr(pulumi.runtime, "invoke", looked_up)
    monkeypatch.setattr("pulumi.resource.register_resource", registered)

    succeeded(deployed.preview())

    before = order[: order.index("registered")]
    assert "azure-native:logic:getWorkflow" in before
    assert set(order[len(before) :]) == {"registered"}
