"""Runs the closed PowerShell dialect of ``components/exchange/powershell`` without PowerShell.

See README.md in this folder for what that shows, and what it cannot.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from simulator.powershell.errors import UnsupportedConstruct
from simulator.powershell.interface import Host
from simulator.powershell.interpreter import Interpreter
from simulator.powershell.modules import known_commands
from simulator.powershell.syntax.check import read_program

__all__ = ["UnsupportedConstruct", "run_file"]

# A call of a script takes some twenty of Python's own; the runner has its own limit below this.
_RECURSION_LIMIT = 10_000


def run_file(
    path: Path,
    *,
    stdin: Iterable[str] | TextIO,
    stdout: TextIO,
    stderr: TextIO,
    environment: Mapping[str, str],
    host: Host,
) -> int:
    """Runs a script as ``pwsh -NoProfile -NonInteractive -File`` does.

    Args:
        path: The script; modules that it imports by path are read with it and checked first.
        stdin: Lines of standard input, with or without their line ends.
        stdout: Takes output and warnings.
        stderr: Takes errors and progress, each line at once.
        environment: ``$env:``.
        host: Installed modules and the clock.

    Returns:
        The exit code of ``pwsh``.

    Raises:
        UnsupportedConstruct: The script uses what is outside the dialect; where that shows in its
            text, nothing has run.
        OSError: The script cannot be read.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))
    program = read_program(path, known_commands(host.modules))
    lines = (line.rstrip("\n").removesuffix("\r") for line in stdin)
    return Interpreter(
        program, host=host, stdin=lines, stdout=stdout, stderr=stderr, environment=environment
    ).run()
