"""What a built-in command is, and what it asks of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from simulator.powershell.binding import BoundArguments
from simulator.powershell.cmdlets.signatures import implementing_type
from simulator.powershell.errors import ErrorRecord, UnsupportedConstruct
from simulator.powershell.interface import Host
from simulator.powershell.syntax.source import Position
from simulator.powershell.values import ScriptBlock

Sink = Callable[[object], None]


@dataclass(frozen=True)
class Call:
    """A built-in command with its arguments, and where it was called."""

    name: str
    arguments: BoundArguments
    at: Position


@dataclass(frozen=True)
class Invocation:
    """What code runs in: a function by its name, the script by its file's, or a block without one.

    Attributes:
        at: Where it was called; ``None`` for the script.
        for_item: It is a block of ``ForEach-Object`` or ``Where-Object``, which has no scope of its
            own.
    """

    name: str
    at: Position | None
    for_item: bool = False


class Runtime(Protocol):
    """The interpreter, as commands see it."""

    @property
    def host(self) -> Host: ...

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def strict(self) -> bool: ...

    @property
    def invocation(self) -> Invocation: ...

    def write_warning(self, message: str) -> None:
        """``pwsh -File`` shows warnings on standard output."""
        ...

    def report(self, record: ErrorRecord, action: str | None) -> None:
        """A non-terminating error: shown, kept silent, or raised, as the preference says."""
        ...

    def run_for_item(self, block: ScriptBlock, item: object, out: Sink) -> None:
        """Runs a block with ``$_``, in the scope that its session state is in."""
        ...

    def import_module(self, name: str, *, force: bool, everywhere: bool) -> bool:
        """Loads a module; ``False`` where no such module is installed."""
        ...

    def export_functions(self, names: list[str]) -> None: ...

    def command_info(self, name: str) -> object | None:
        """What ``Get-Command`` returns; ``None`` where there is no such command."""
        ...

    def set_strict(self) -> None: ...


class Cmdlet:
    """One call of a built-in command.

    Args:
        runtime: The interpreter.
        call: The command and its bound arguments.
        out: Where output goes, object by object.
        piped: Whether it gets its input from a pipeline.
    """

    def __init__(self, runtime: Runtime, call: Call, out: Sink, *, piped: bool) -> None:
        self.runtime = runtime
        self.call = call
        self.arguments = call.arguments
        self.out = out
        self.piped = piped

    def process(self, item: object) -> None:
        """Takes one object from the pipeline."""
        raise UnsupportedConstruct(f"pipeline input to {type(self).__name__}")

    def end(self) -> None:
        """Runs when the pipeline's input has ended; at once where there is none."""

    # --- for subclasses --------------------------------------------------------------------------

    def text(self, name: str) -> str:
        return str(self.arguments.get(name))

    def switch(self, name: str) -> bool:
        value = self.arguments.get(name)
        return value is not None and bool(getattr(value, "present", False))

    def fail(self, message: str, exception_type: str, error_id: str) -> None:
        """Reports a non-terminating error of this command; its name is added to the id."""
        record = ErrorRecord(message, exception_type, error_id)
        record.leave(self.call.name, implementing_type(self.call.name), self.call.at)
        self.runtime.report(record, self.arguments.error_action)


class CollectingCmdlet(Cmdlet):
    """A command that needs all of its input before it can write anything: in ``end``."""

    def __init__(self, runtime: Runtime, call: Call, out: Sink, *, piped: bool) -> None:
        super().__init__(runtime, call, out, piped=piped)
        self._items: list[object] = []

    def process(self, item: object) -> None:
        self._items.append(item)
