"""Hooks that ask providers, in a program whose threads may all be waiting for such a hook."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

import pulumi

Asking = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]

# Far more than a stack has resources; a thread is started when it is needed.
_THREADS = 10_000
_WITH_THREADS: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def asking_hook(name: str, function: Asking) -> pulumi.ResourceHook:
    """A hook before a creation, an update or a deletion that may ask providers.

    Args:
        name: Of the hook; each of a program has its own.
        function: What it does.
    """
    return pulumi.ResourceHook(name, with_a_thread(function))


def with_a_thread(function: Asking) -> Asking:
    """Has a hook find a thread to ask from.

    The SDK (3.272) registers and asks in threads of the event loop's default executor, of which
    there are four times ``--parallel``, and a registration holds its own until the resource is
    made. Where each thread holds one that comes after those whose hooks want to ask, ``pulumi up``
    never ends: seen with 100 senders, and with six and ``--parallel 1``. So from the first such
    hook on there are threads for all; how much is made at once is the engine's business.
    https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/python/cmd/pulumi-language-python-exec
    """

    @wraps(function)
    async def ask(args: pulumi.ResourceHookArgs) -> None:
        loop = asyncio.get_running_loop()
        if loop not in _WITH_THREADS:
            loop.set_default_executor(ThreadPoolExecutor(max_workers=_THREADS))
            _WITH_THREADS.add(loop)
        await function(args)

    return ask
