"""Where errors and warnings go, and which of them end the script."""

from __future__ import annotations

from typing import TextIO

from simulator.powershell.errors import ErrorRecord, ScriptError, UnsupportedConstruct
from simulator.powershell.scopes import SessionState


class Channel:
    """The error and warning streams of one run.

    Args:
        script: The script's own session state.
        stdout: Takes warnings, as under ``pwsh -File``.
        stderr: Takes errors.
    """

    def __init__(self, script: SessionState, stdout: TextIO, stderr: TextIO) -> None:
        self._script = script
        self._stdout = stdout
        self._stderr = stderr

    def preference(self, session: SessionState) -> str:
        """``$ErrorActionPreference`` as code of that session state sees it."""
        cell = session.find_variable("erroractionpreference")
        if cell is not None:
            return str(cell.value).capitalize()
        return self.foreign_preference() if session.is_module else "Continue"

    def foreign_preference(self) -> str:
        """The preference that a module sees of what the script set.

        ``pwsh -File`` runs the script in the global scope, so modules see it; started in any other
        way they do not. A script must not depend on which.
        """
        if "erroractionpreference" in self._script.top.variables:
            raise UnsupportedConstruct(
                "an error in a module's command without -ErrorAction: whether the script's own "
                "$ErrorActionPreference reaches it depends on how the script was started"
            )
        return "Continue"

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
        """Prints an error about as PowerShell's concise view does."""
        kind = record.exception_type.rsplit(".", 1)[-1]
        lines = [f"{kind}: {record.message}"]
        if record.position is not None:
            source, line = record.position.source, record.position.line
            lines = [
                f"{kind}: {source.path}:{line}",
                "Line |",
                f"{line:4} | {source.line_text(line)}",
                *(f"     | {part}" for part in record.message.splitlines()),
            ]
        self._stderr.write("\n".join(lines) + "\n")
        self._stderr.flush()
