"""Stand-ins for programs: small scripts, of which those in Python note how they were called."""

import stat
import sys
from pathlib import Path


class Executable:
    """A script that is started like a program.

    Args:
        path: Where it is put.
        source: What it does, in Python, with ``sys`` at hand.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self._log = path.with_name(f"{path.name}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"#!{sys.executable}\nimport sys\n"
            f"with open({str(self._log)!r}, 'a') as log: print(*sys.argv[1:], file=log)\n{source}\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self) -> list[str]:
        """The arguments of each call so far."""
        return self._log.read_text().splitlines() if self._log.exists() else []


def shell_program(path: Path, script: str) -> Path:
    """Makes a program of a script for sh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
