"""What can go wrong: the runner's own refusals, the script's errors, and control flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.powershell.syntax.source import Position


class UnsupportedConstruct(Exception):  # noqa: N818 - named for what it says, not for its base
    """The script uses something outside the closed dialect; no ``catch`` of a script sees this.

    Args:
        construct: What was met, and where it helps what to write instead.
        position: File and line; filled in while the exception travels where it is not yet known.
    """

    def __init__(self, construct: str, position: Position | None = None) -> None:
        super().__init__(construct)
        self.construct = construct
        self.position = position

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        return f"{where}not in the PowerShell dialect of this runner: {self.construct}"


@dataclass
class ErrorRecord:
    """What ``$_`` is in a ``catch`` block.

    Attributes:
        message: ``$_.Exception.Message``.
        exception_type: Full name of the .NET type of ``$_.Exception``.
        error_id: ``$_.FullyQualifiedErrorId``.
        position: Where the error arose; ``None`` until the statement that raised it is known.
        inner: Full name and message of the exception that ``$_.Exception`` wraps: a ``catch`` by
            its type finds that one first.
        command: Whose error it is; empty for a block or script, ``None`` while it is nobody's.
        category: What PowerShell shows where no command can be named.
        thrown: A ``throw`` raised it, or raised it again.
    """

    message: str
    exception_type: str
    error_id: str
    position: Position | None = None
    inner: tuple[str, str] | None = None
    command: str | None = None
    category: str = "InvalidOperation"
    thrown: bool = False

    def leave(self, command: str, id_suffix: str, position: Position) -> None:
        """Makes an error that passes out of a cmdlet or an advanced function that command's own.

        Its id then ends with the command, and its place is that of the call. What was thrown stays
        as it is, and so does what is a command's already.
        """
        if self.thrown or self.command is not None:
            return
        self.command = command
        self.error_id += f",{id_suffix}" if id_suffix else ""
        self.position = position


class ScriptError(Exception):
    """A terminating error of the script.

    Args:
        record: The error.
        script_terminating: ``True`` for ``throw`` and for errors made terminating by ``Stop``; a
            ``False`` one ends only its statement where no ``try`` is active and the preference is
            ``Continue``.
    """

    def __init__(self, record: ErrorRecord, *, script_terminating: bool = False) -> None:
        super().__init__(record.message)
        self.record = record
        self.script_terminating = script_terminating


RUNTIME_EXCEPTION = "System.Management.Automation.RuntimeException"


def runtime_error(
    message: str,
    error_id: str,
    exception_type: str = RUNTIME_EXCEPTION,
    *,
    inner: tuple[str, str] | None = None,
    command: str | None = None,
    category: str = "InvalidOperation",
) -> ScriptError:
    """A statement-terminating error of the PowerShell engine."""
    return ScriptError(
        ErrorRecord(
            message, exception_type, error_id, inner=inner, command=command, category=category
        )
    )


# Base types, so that `catch [Type]` finds derived exceptions. Types not named here derive from
# System.Exception. Source: the .NET and System.Management.Automation API reference.
_BASES = {
    "System.Management.Automation.CommandNotFoundException": RUNTIME_EXCEPTION,
    "System.Management.Automation.ItemNotFoundException": (
        "System.Management.Automation.SessionStateException"
    ),
    "System.Management.Automation.MethodInvocationException": (
        "System.Management.Automation.MethodException"
    ),
    "System.Management.Automation.MethodException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.ExtendedTypeSystemException": RUNTIME_EXCEPTION,
    "System.Management.Automation.ParameterBindingException": RUNTIME_EXCEPTION,
    "System.Management.Automation.ParameterBindingArgumentTransformationException": (
        "System.Management.Automation.ParameterBindingException"
    ),
    "System.Management.Automation.ParameterBindingValidationException": (
        "System.Management.Automation.ParameterBindingException"
    ),
    "System.Management.Automation.ValidationMetadataException": (
        "System.Management.Automation.MetadataException"
    ),
    "System.Management.Automation.MetadataException": RUNTIME_EXCEPTION,
    "System.Management.Automation.PropertyNotFoundException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.PSArgumentException": "System.ArgumentException",
    "System.Management.Automation.PSInvalidCastException": "System.InvalidCastException",
    "System.Management.Automation.SessionStateException": RUNTIME_EXCEPTION,
    "System.Management.Automation.SetValueException": (
        "System.Management.Automation.ExtendedTypeSystemException"
    ),
    "System.Management.Automation.SetValueInvocationException": (
        "System.Management.Automation.SetValueException"
    ),
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.IO.FileNotFoundException": "System.IO.IOException",
    "Microsoft.PowerShell.Commands.WriteErrorException": "System.SystemException",
    RUNTIME_EXCEPTION: "System.SystemException",
    "System.ArgumentException": "System.SystemException",
    "System.ArgumentOutOfRangeException": "System.ArgumentException",
    "System.ArithmeticException": "System.SystemException",
    "System.IndexOutOfRangeException": "System.SystemException",
    "System.InvalidCastException": "System.SystemException",
    "System.InvalidOperationException": "System.SystemException",
    "System.IO.IOException": "System.SystemException",
    "System.SystemException": "System.Exception",
}
CATCHABLE_TYPES = frozenset(_BASES) | {"System.Exception"}


def is_exception_of(exception_type: str, caught: str) -> bool:
    """Whether ``catch [caught]`` handles an exception of that type."""
    current: str | None = exception_type
    while current is not None:
        if current.lower() == caught.lower():
            return True
        current = _BASES.get(current, None if current == "System.Exception" else "System.Exception")
    return False


class ControlFlow(Exception):  # noqa: N818 - control flow, not an error
    """What leaves a statement early without being an error; ``finally`` blocks run for it."""


class BreakLoop(ControlFlow):
    """``break``."""


class ContinueLoop(ControlFlow):
    """``continue``."""


class ReturnFromBlock(ControlFlow):
    """``return``; what it returns has been emitted already."""


class ExitScript(ControlFlow):
    """``exit``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class StopPipeline(ControlFlow):
    """A later command of a pipeline has failed: those before it end, and none of them catches it.

    Only what ``throw`` threw passes through them as an error.
    """

    def __init__(self, error: ScriptError, pipeline: object) -> None:
        super().__init__()
        self.error = error
        self.pipeline = pipeline


class StopUpstream(ControlFlow):
    """``Select-Object -First`` has what it wants: the pipeline before it stops."""

    def __init__(self, requester: object) -> None:
        super().__init__()
        self.requester = requester
