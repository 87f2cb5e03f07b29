"""Where errors and warnings go, and which of them end the script."""

from __future__ import annotations

import textwrap
from typing import TextIO

from simulator.powershell.errors import ErrorRecord, ScriptError, UnsupportedConstruct
from simulator.powershell.scopes import SessionState

_MESSAGE_WIDTH = 72


class Channel:
    """The error and warning streams of one run.

    Args:
        stdout: Takes warnings, as under ``pwsh -File``.
        stderr: Takes errors.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr

    def preference(self, session: SessionState) -> str:
        """``$ErrorActionPreference`` as code of that session state sees it."""
        cell = session.find_variable("erroractionpreference")
        return "Continue" if cell is None else str(cell.value).capitalize()

    def report(self, record: ErrorRecord, action: str) -> None:
        """A non-terminating error: raised, shown or kept silent."""
        if action == "Stop":
            raise ScriptError(record, script_terminating=True)
        if action == "Continue":
            self.show(record)

    def warn(self, message: str, session: SessionState) -> None:
        cell = session.find_variable("warningpreference")
        if cell is None or str(cell.value).lower() == "continue":
            self._stdout.write(f"WARNING: {message}\n")
        elif str(cell.value).lower() != "silentlycontinue":
            raise UnsupportedConstruct(f"$WarningPreference = '{cell.value}'")

    def show(self, record: ErrorRecord) -> None:
        """Prints an error as PowerShell's concise view does where nothing is a terminal."""
        head = "Exception" if record.thrown else record.command or record.category
        lines = [f"{head}: {record.message}"]
        if record.position is not None:
            at = record.position
            marks = " " * at.start + "~" * (at.end - at.start)
            lines = [
                f"{head}: {at.source.path}:{at.line}",
                "Line |",
                f"{at.line:4} |  {at.source.line_text(at.line)}",
                f"     |  {marks}",
                *(f"     | {part}" for part in textwrap.wrap(record.message, _MESSAGE_WIDTH)),
            ]
        self._stderr.write("\n".join(lines) + "\n")
        self._stderr.flush()
