"""Virtual time: real time plus an offset that is kept with the tenant."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from simulator.tenant.store import Store, Work

PATIENCE = timedelta(seconds=60)
"""Real time for which work without a wait or an end holds the waits of others up: it hangs."""

WORK = "SIMULATED_WORK"
"""The variable that tells a process by which number the work that it does has been announced."""

_LOOK_SECONDS = 0.03
"""How often, in real time, a wait looks whether the work of others has come to a wait or an end."""


# Between two requests of an engine that has more to ask for; a longer pause is one of its own.
_STIRRED = timedelta(seconds=0.5)

_STIRRED_AT = "stirred at"


class Clock:
    """The tenant's clock.

    Processes wait side by side, as in reality: time moves on to the end of the first wait when
    everything that has announced itself as working is waiting too. So an hour that eight scripts
    wait at once is one hour. A wait beside which nothing works ends at once.

    Args:
        run_due: Runs what falls due up to the given moment, with the clock set to each due time.
        after: Runs when the clock has been moved.
    """

    def __init__(
        self, store: Store, run_due: Callable[[datetime], None], after: Callable[[], None]
    ) -> None:
        self._store = store
        self._run_due = run_due
        self._after = after

    def now(self) -> datetime:
        """The tenant's present moment, UTC."""
        with self._store.transaction():
            return self._store.now()

    def advance(self, seconds: float) -> None:
        """Lets time pass for everybody, whoever works: recurrences run at their own time.

        Raises:
            ValueError: Time does not run backwards.
        """
        with self._store.transaction():
            self._move_to(self._store.now() + _duration(seconds))

    @contextmanager
    def working(self) -> Iterator[int]:
        """Holds time still for those who wait, unless and until this work waits itself.

        Yields:
            The number of the work, for ``sleep``: in this process or in one that it starts.
        """
        with self._store.transaction():
            number = self._store.add_work(os.getpid())
        try:
            yield number
        finally:
            with self._store.transaction():
                self._store.remove_work(number)

    def stir(self) -> None:
        """Notes that somebody is about to ask for work: for a moment no wait of others ends.

        An engine that plans a hundred senders takes longer between two of their scripts than a
        script takes. If the waits of those that run ended meanwhile, they would not overlap with
        the next ones, which in reality they do.
        """
        with self._store.transaction():
            self._store.set_setting(_STIRRED_AT, self._store.real_time().isoformat())

    def sleep(self, seconds: float, work: int | None = None) -> None:
        """Waits until so much time has passed, beside the waits of others.

        Args:
            seconds: How long.
            work: The number of the work that waits; by default nothing that has announced itself.

        Raises:
            ValueError: Time does not run backwards.
        """
        with self._store.transaction():
            until = self._store.now() + _duration(seconds)
            number = self._store.add_work(os.getpid(), number=work, until=until)
        try:
            while not self._is_over(until):
                time.sleep(_LOOK_SECONDS)
        finally:
            with self._store.transaction():
                if work is None:
                    self._store.remove_work(number)
                else:
                    self._store.add_work(os.getpid(), number=work)

    def _is_over(self, until: datetime) -> bool:
        """Moves the clock on if everybody waits, and says whether the given moment has come."""
        with self._store.transaction():
            if until <= self._store.now():
                return True
            present = [work for work in self._store.works() if self._is_present(work)]
            first = min([until, *(work.until for work in present if work.until is not None)])
            # Whose wait has ended has not noticed it yet, and works.
            if first <= self._store.now() or any(work.until is None for work in present):
                return False
            stirred = self._store.setting(_STIRRED_AT, None)
            if stirred and self._store.real_time() - datetime.fromisoformat(stirred) < _STIRRED:
                return False
            self._move_to(first)
            return until <= first

    def _is_present(self, work: Work) -> bool:
        """Whether a work still goes on; one that does not is forgotten."""
        waits = work.until is not None and work.until > self._store.now()
        hangs = not waits and self._store.real_time() - work.since > PATIENCE
        if hangs or not _is_alive(work.process):
            self._store.remove_work(work.number)
            return False
        return True

    def _move_to(self, moment: datetime) -> None:
        self._run_due(moment)
        self._store.set_now(moment)
        self._store.wake_works(moment)
        self._after()


def _duration(seconds: float) -> timedelta:
    if seconds < 0:
        raise ValueError(f"the clock cannot be advanced by {seconds} seconds")
    return timedelta(seconds=seconds)


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # There os.kill ends the process that it is to ask after.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
