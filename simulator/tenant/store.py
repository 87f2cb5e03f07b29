"""The tenant's memory: one SQLite file of JSON documents, and the one way through which it changes.

Every call of every service passes ``Store.call``. It opens the transaction, writes the call down,
runs the effect, has invariant N checked and commits. Before and after that is where planned faults
happen (``faults.py``).
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

Document = dict[str, Any]
Change = tuple[str, bool]
"""A kind of document that a call has written, and whether it has removed one of them."""
Result = TypeVar("Result")

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS call (
    number INTEGER PRIMARY KEY, time TEXT, service TEXT, operation TEXT, target TEXT);
CREATE TABLE IF NOT EXISTS caller (call INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE IF NOT EXISTS violation (
    time TEXT, call INTEGER, identity TEXT, permission TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS work (
    number INTEGER PRIMARY KEY AUTOINCREMENT, process INTEGER, until TEXT, since TEXT);
"""
FORMAT = 1
"""Number of what documents look like. Raise it where those of an older file cannot be read."""

# Another process's call may hold the file: long enough for any call, short enough to be noticed.
BUSY_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Call:
    """One call of one service.

    Attributes:
        number: Counts from 1 over the tenant's whole life.
        caller: The script that called; empty for a provider or a person.
    """

    number: int
    time: datetime
    service: str
    operation: str
    target: str
    caller: str = ""


@dataclass(frozen=True)
class Violation:
    """A moment at which invariant N began to be broken.

    Attributes:
        call: Number of the call that broke it.
        identity: Object id of the service principal.
        permission: The app role's value, such as ``Mail.Send``.
    """

    time: datetime
    call: int
    identity: str
    permission: str
    text: str


@dataclass(frozen=True)
class Work:
    """Something that goes on in a process, for the clock.

    Attributes:
        process: Id of the process.
        until: When its wait ends in virtual time; ``None`` while it does not wait.
        since: When it last began, began to wait or was woken, in real time.
    """

    number: int
    process: int
    until: datetime | None
    since: datetime


class PlannedFault(Protocol):
    """A fault that is to happen to one call."""

    @property
    def after_effect(self) -> bool:
        """Whether the call is done before the fault happens."""

    def happen(self) -> None:
        """Raises what the caller gets in place of the answer, or ends a process."""


class Store:
    """Documents by kind and id, the log of calls, the virtual clock's offset and the lags.

    Args:
        path: The SQLite file; created where it is missing.
        real_time: Source of real time, in UTC.
        after_change: Runs after every effect that changed documents, before the commit.

    Attributes:
        caller: Who makes the calls of this process, for the log; a script's file name.
        real_time: As given.
        fault_for: Finds the fault that is planned for a call: service, operation, target.
    """

    def __init__(
        self,
        path: Path,
        real_time: Callable[[], datetime],
        after_change: Callable[[Set[Change]], None],
    ) -> None:
        self.caller = ""
        self.fault_for: Callable[[str, str, str], PlannedFault | None] = lambda *_: None
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        # The file outlives a killed process, not a power cut: a simulation needs no more, and
        # waiting for the disk would be most of the time that a call takes.
        self._connection.execute("PRAGMA synchronous=OFF")
        self._lock = threading.RLock()
        self._depth = 0
        self._changes: set[Change] = set()
        self._current_call = 0
        self.real_time = real_time
        self._after_change = after_change
        with self.transaction():
            self._require_format()
            for statement in filter(str.strip, SCHEMA.split(";")):
                self._connection.execute(statement)

    def _require_format(self) -> None:
        (written,) = self._connection.execute("PRAGMA user_version").fetchone()
        if not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        elif written != FORMAT:
            raise sqlite3.DatabaseError(
                f"it was made by another version of the simulator (format {written}, not {FORMAT})"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens together or not at all; a nested one is its own savepoint."""
        with self._lock:
            outermost = self._depth == 0
            savepoint = f"level_{self._depth}"
            self._connection.execute("BEGIN IMMEDIATE" if outermost else f"SAVEPOINT {savepoint}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK" if outermost else f"ROLLBACK TO {savepoint}")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1
                if not outermost:
                    self._connection.execute(f"RELEASE {savepoint}")

    def call(
        self,
        service: str,
        operation: str,
        target: str,
        effect: Callable[[], Result],
        *,
        crosses_network: bool = False,
    ) -> Result:
        """Runs one call of one service.

        A call that is refused (``effect`` raises) leaves its line in the log and nothing else.
        Faults happen to calls from outside, and to what one service asks of another over the
        network (``crosses_network``); not to what else a service does on behalf of a call.
        """
        with self._lock:
            reachable = crosses_network or not self._depth
            fault = self.fault_for(service, operation, target) if reachable else None
        if fault is None:
            return self._call(service, operation, target, effect)
        if not fault.after_effect:
            with self.transaction():
                self._log(service, operation, target)
            fault.happen()
        try:
            return self._call(service, operation, target, effect)
        finally:
            fault.happen()

    def _call(
        self, service: str, operation: str, target: str, effect: Callable[[], Result]
    ) -> Result:
        refusal: Exception | None = None
        with self.transaction():
            outer_call, self._current_call = (
                self._current_call,
                self._log(service, operation, target),
            )
            changes_before, self._changes = self._changes, set()
            try:
                with self.transaction():
                    result = effect()
                    if self._changes:
                        self._after_change(self._changes)
            except Exception as error:  # noqa: BLE001 - raised again below, once the call is logged
                refusal = error
            self._changes |= changes_before
            self._current_call = outer_call
        if refusal is not None:
            raise refusal
        return result

    def _log(self, service: str, operation: str, target: str) -> int:
        cursor = self._connection.execute(
            "INSERT INTO call (time, service, operation, target) VALUES (?, ?, ?, ?)",
            (self.now().isoformat(), service, operation, target),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - for the type checker: an INSERT has one
        if self.caller:
            self._connection.execute(
                "INSERT INTO caller VALUES (?, ?)", (cursor.lastrowid, self.caller)
            )
        return cursor.lastrowid

    def get(self, kind: str, identifier: str) -> Document | None:
        row = self._connection.execute(
            "SELECT body FROM document WHERE kind = ? AND id = ?", (kind, identifier)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def all(self, kind: str) -> list[Document]:
        """Every document of a kind, in the order in which they were first written."""
        rows = self._connection.execute(
            "SELECT body FROM document WHERE kind = ? ORDER BY rowid", (kind,)
        )
        return [json.loads(row[0]) for row in rows.fetchall()]

    def where(self, kind: str, field: str, value: str) -> list[Document]:
        """Those of a kind that have a text in a field, in the same order; no other one is read."""
        rows = self._connection.execute(
            "SELECT body FROM document WHERE kind = ? AND json_extract(body, ?) = ? ORDER BY rowid",
            (kind, f"$.{field}", value),
        )
        return [json.loads(row[0]) for row in rows.fetchall()]

    def put(self, kind: str, identifier: str, document: Document) -> None:
        self._changes.add((kind, False))
        self._connection.execute(
            "INSERT INTO document (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, identifier, json.dumps(document)),
        )

    def delete(self, kind: str, identifier: str) -> None:
        self._changes.add((kind, True))
        self._connection.execute(
            "DELETE FROM document WHERE kind = ? AND id = ?", (kind, identifier)
        )

    def setting(self, name: str, default: Any) -> Any:
        row = self._connection.execute(
            "SELECT value FROM setting WHERE name = ?", (name,)
        ).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, name: str, value: object) -> None:
        self._connection.execute(
            "INSERT INTO setting (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def now(self) -> datetime:
        """Virtual time, UTC: real time and the offset that advancing the clock has added up."""
        return self.real_time() + timedelta(seconds=self.setting("clock offset", 0.0))

    def set_now(self, moment: datetime) -> None:
        self.set_setting("clock offset", (moment - self.real_time()).total_seconds())

    def add_work(
        self, process: int, *, number: int | None = None, until: datetime | None = None
    ) -> int:
        """Notes what a process does: something new, or what a number stands for already."""
        cursor = self._connection.execute(
            "INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?)",
            (
                number,
                process,
                None if until is None else until.isoformat(),
                self.real_time().isoformat(),
            ),
        )
        assert cursor.lastrowid is not None  # noqa: S101 - for the type checker: an INSERT has one
        return cursor.lastrowid

    def wake_works(self, moment: datetime) -> None:
        """Notes that those whose wait has ended work from now on."""
        for work in self.works():
            if work.until is not None and work.until <= moment:
                self.add_work(work.process, number=work.number, until=work.until)

    def remove_work(self, number: int) -> None:
        self._connection.execute("DELETE FROM work WHERE number = ?", (number,))

    def works(self) -> list[Work]:
        rows = self._connection.execute("SELECT number, process, until, since FROM work")
        return [
            Work(
                number,
                process,
                None if until is None else datetime.fromisoformat(until),
                datetime.fromisoformat(since),
            )
            for number, process, until, since in rows.fetchall()
        ]

    def visible_at(self, lag: str, *, after: str | None = None) -> str:
        """When a change is seen by a reader who lags behind: one made now, or at another time."""
        changed = self.now() if after is None else datetime.fromisoformat(after)
        # A tenant that was made before there was this lag has none.
        return (changed + timedelta(seconds=self.setting("lags", {}).get(lag, 0.0))).isoformat()

    def is_past(self, moment: str) -> bool:
        return datetime.fromisoformat(moment) <= self.now()

    def add_violation(self, identity: str, permission: str, text: str) -> None:
        """Writes a violation down against the call that is running."""
        self._connection.execute(
            "INSERT INTO violation VALUES (?, ?, ?, ?, ?)",
            (self.now().isoformat(), self._current_call, identity, permission, text),
        )

    def calls(self) -> list[Call]:
        rows = self._connection.execute(
            "SELECT number, time, service, operation, target, coalesce(name, '') "
            "FROM call LEFT JOIN caller ON call = number ORDER BY number"
        )
        return [Call(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows.fetchall()]

    def violations(self) -> list[Violation]:
        rows = self._connection.execute(
            "SELECT time, call, identity, permission, text FROM violation ORDER BY rowid"
        )
        return [Violation(datetime.fromisoformat(row[0]), *row[1:]) for row in rows.fetchall()]

    def close(self) -> None:
        # SQLite does not survive it while another thread asks.
        with self._lock:
            self._connection.close()


def utc_now() -> datetime:
    """Real time, in UTC."""
    return datetime.now(UTC)
