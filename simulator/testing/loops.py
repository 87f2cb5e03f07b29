"""Event loops of tests."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_its_own_loop(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine to its end, and leaves the thread's own event loop as it is.

    ``asyncio.run`` takes that away: Pulumi's mocks, which a later test meets in the same process,
    then wait for ever for what belongs to it.
    """
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(coroutine)
