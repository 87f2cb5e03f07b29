"""Virtual time: real time plus an offset that is kept with the tenant."""

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.tenant.store import Store


class Clock:
    """The tenant's clock.

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
        """Lets time pass: recurrences that fall due on the way run at their own time.

        Raises:
            ValueError: Time does not run backwards.
        """
        if seconds < 0:
            raise ValueError(f"the clock cannot be advanced by {seconds} seconds")
        with self._store.transaction():
            until = self._store.now() + timedelta(seconds=seconds)
            self._run_due(until)
            self._store.set_now(until)
            self._after()
