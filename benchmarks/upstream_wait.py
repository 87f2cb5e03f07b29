"""Shows that the Python SDK waits for its outputs in a time that grows with their square.

    python -m benchmarks.upstream_wait

``wait_for_rpcs`` (pulumi 3.272, ``pulumi/runtime/stack.py``) first waits for the calls that are
under way, and then, after each output that settles, for all the others anew
(``asyncio.wait(…, FIRST_COMPLETED)``, since https://github.com/pulumi/pulumi/pull/22411). A call
counts as under way once the event loop has begun it. A program that registers everything without
ever giving the loop a turn ends with none, so all of its outputs are waited for in that second way.
One turn before the end, and the calls are waited for first, after which no output is left.

This project's program reads its own state before it registers anything, which is such a turn;
``tests/engine/test_waiting.py`` holds it to that. This file can go when the second wait is linear.
"""

import asyncio
import contextlib
import time
from typing import Any
from unittest import mock

import pulumi
from pulumi.runtime import mocks, stack


class _Mocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        time.sleep(0.01)  # Where all is there at once, nothing is waited for.
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        return {}, None


def run(resources: int, *, turn: bool) -> tuple[int, float]:
    """How many outputs are waited for in all, and the seconds of processor time that it takes."""
    waited_for = 0

    async def counted(tasks: Any, **options: Any) -> Any:
        nonlocal waited_for
        waited_for += len(tasks)
        return await wait(tasks, **options)

    async def program() -> None:
        for number in range(resources):
            pulumi.Stash(f"stash-{number}", input="text")
        if turn:
            await asyncio.sleep(0)

    wait = asyncio.wait
    start = time.process_time()
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        mocks.set_mocks(_Mocks())
        with mock.patch.object(asyncio, "wait", counted):
            loop.run_until_complete(stack.run_pulumi_func(program))
    return waited_for, time.process_time() - start


if __name__ == "__main__":
    # The mocks make a stack once for all, which is a call that is under way.
    run(1, turn=True)
    for number in (100, 200, 400, 800):
        for turn in (False, True):
            outputs, seconds = run(number, turn=turn)
            print(  # noqa: T201 - this program's output
                f"{number} resources, {'one turn' if turn else 'no turn '} of the loop: "
                f"{outputs:>8} outputs waited for, {seconds:.2f} s"
            )
