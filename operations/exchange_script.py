"""Runs one of the project's scripts for Exchange Online once, apart from any deployment.

A script signs in to Exchange as the deployment does, by the same variables of the environment
(``components/exchange/powershell/Session.psm1``).
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.exchange.exchange_command import POWERSHELL, read_observed


class ExchangeScriptError(Exception):
    """Exchange could not be asked; the text is one line that says why."""


@dataclass(frozen=True)
class Said:
    """What a script said.

    Attributes:
        script: Its file name.
        code: Its exit code.
        lines: What it wrote to standard error, without empty lines.
        stdout: What it wrote to standard output.
    """

    script: str
    code: int
    lines: list[str]
    stdout: str

    @property
    def observed(self) -> dict[str, Any]:
        """The object that it wrote to standard output.

        Raises:
            ExchangeScriptError: It wrote none.
        """
        try:
            return read_observed(self.stdout)
        except (StopIteration, ValueError):
            raise self.no_finding() from None

    @property
    def error(self) -> str:
        """Why it failed, as it says itself; empty where it says nothing."""
        said = next((line for line in self.lines if line.startswith("error: ")), "")
        return said.removeprefix("error: ")

    @property
    def failure(self) -> str:
        """Why it failed, as far as can be told."""
        return self.error or f"exit code {self.code}: {' '.join(self.lines)}"

    def no_finding(self) -> ExchangeScriptError:
        """The error for one that ended well and did not write what it is for."""
        return ExchangeScriptError(
            f"{self.script} succeeded and did not write what it found, but {self.stdout[:200]!r}"
        )


def run_script(script: Path, desired: Mapping[str, Any]) -> Said:
    """Runs a script.

    Args:
        script: The script.
        desired: What it reads on standard input.

    Raises:
        ExchangeScriptError: There is no PowerShell that could run it.
    """
    interpreter = shutil.which(POWERSHELL[0])
    if interpreter is None:
        raise ExchangeScriptError(f"there is no {POWERSHELL[0]} on PATH: install PowerShell")
    try:
        done = subprocess.run(  # noqa: S603 - the script is the project's own
            [interpreter, *POWERSHELL[1:], str(script)],
            input=json.dumps(dict(desired)),
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise ExchangeScriptError(f"{interpreter} cannot be run: {error}") from None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return Said(script.name, done.returncode, lines, done.stdout)
