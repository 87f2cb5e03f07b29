"""What several processes of one test run need, and the first that needs it makes."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

Made = TypeVar("Made")


def made_once(factory: pytest.TempPathFactory, make: Callable[[Path], Made]) -> Made:
    """What a function makes, whichever of the processes calls it; the others wait for it.

    They all get the same files: change none of them.

    Args:
        factory: Knows the folder of the test run.
        make: Gets a folder of its own, and returns what can be pickled.
    """
    run = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    folder = run / f"shared-{make.__module__}-{make.__name__}"
    kept = folder / "made.pickle"
    with FileLock(folder.with_suffix(".lock")):
        if not kept.exists():
            # Of a process in which it failed: this one is to fail with the reason, too.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
        made: Made = pickle.loads(kept.read_bytes())  # noqa: S301 - written by this very run
    return made
