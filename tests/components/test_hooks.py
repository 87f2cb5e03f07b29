"""A hook finds a thread to ask from, also where every thread of the program waits for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi

from components.hooks import with_a_thread
from simulator.testing.loops import in_its_own_loop


def test_asks_though_each_thread_holds_a_registration_that_waits_for_it():
    made = threading.Event()

    async def program() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        registration = loop.run_in_executor(None, made.wait)

        async def ask(_: pulumi.ResourceHookArgs) -> None:
            await loop.run_in_executor(None, made.set)

        hook: Any = with_a_thread(ask)(None)  # type: ignore[arg-type]
        try:
            # Where it finds none, it waits for ever.
            await asyncio.wait_for(hook, 30)
        finally:
            made.set()
        return await registration

    assert in_its_own_loop(program())


def test_is_given_threads_once():
    async def program() -> bool:
        loop = asyncio.get_running_loop()

        async def ask(_: pulumi.ResourceHookArgs) -> None:
            await loop.run_in_executor(None, int)

        await with_a_thread(ask)(None)  # type: ignore[arg-type]
        first: Any = loop
        given = first._default_executor
        await with_a_thread(ask)(None)  # type: ignore[arg-type]
        return given is first._default_executor

    assert in_its_own_loop(program())
