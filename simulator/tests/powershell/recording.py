"""PowerShell's own answers to the scripts in ``cases/``, and how they are recorded.

``python -m tools record-powershell`` runs this in a real PowerShell. A case is a script in a folder
of ``cases/``; beside it may lie ``NAME.stdin`` and the modules that it imports, and beside it comes
to lie ``NAME.json``, its answer. Both shells run the script itself, with nothing added.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from simulator import SimulatorError
from simulator.powershell import run_file
from simulator.powershell.interface import Module
from simulator.real_powershell import RUNNER, VARIABLE, choose_shell

CASES = Path(__file__).parent / "cases"
SCRIPTS = sorted(CASES.glob("*/*.ps1"))
_FOLDER = "<folder>"


def name_of(script: Path) -> str:
    """The case's name: ``topic/name``."""
    return script.relative_to(CASES).with_suffix("").as_posix()


@dataclass(frozen=True)
class Answer:
    """What a run leaves behind, with the case's own folder called ``<folder>``.

    Attributes:
        stdout: Its lines; the last is empty where the text ends with a line end.
        stderr: Likewise.
    """

    exit_code: int
    stdout: list[str]
    stderr: list[str]

    @classmethod
    def of(cls, script: Path, exit_code: int, stdout: str, stderr: str) -> "Answer":
        folder = str(script.parent)
        lines = (text.replace(folder, _FOLDER).split("\n") for text in (stdout, stderr))
        return cls(exit_code, *lines)

    @classmethod
    def recorded(cls, script: Path) -> "Answer":
        """The answer beside a script.

        Raises:
            OSError: None was recorded.
        """
        return cls(**json.loads(script.with_suffix(".json").read_text("utf-8")))

    def record(self, script: Path) -> None:
        # Escaped, so that a reader of the file sees characters that have no shape or width.
        text = json.dumps(asdict(self), indent=1)
        script.with_suffix(".json").write_text(f"{text}\n", "utf-8")


def input_of(script: Path) -> str:
    """The standard input of a case."""
    path = script.with_suffix(".stdin")
    return path.read_text("utf-8") if path.exists() else ""


class _NothingLoaded:
    """A module of which nothing is loaded: what a case may call and not find."""

    name = "NothingLoaded"
    version = "1.0"
    commands = ("Get-NoSuchThing12", "Get-NotThere", "Get-Thing", "No-Thing")

    def find(self, command_name: str) -> None:
        """None of them, ever."""


class _BareHost:
    """A machine where nothing is loaded and nothing sleeps: cases bring what they need."""

    modules: Mapping[str, Module] = {_NothingLoaded.name: _NothingLoaded()}

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a case that sleeps {seconds} s: give it a Start-Sleep of its own")


def ask_runner(script: Path) -> Answer:
    """What the project's runner answers."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = run_file(
        script,
        stdin=io.StringIO(input_of(script)),
        stdout=stdout,
        stderr=stderr,
        environment={},
        host=_BareHost(),
    )
    return Answer.of(script, code, stdout.getvalue(), stderr.getvalue())


def find_powershell() -> Path | None:
    """The PowerShell that is asked for, or the ``pwsh`` on ``PATH``; ``None`` where there is none.

    Raises:
        SimulatorError: It cannot be used.
    """
    asked = os.environ.get(VARIABLE, RUNNER)
    # Tests run in the runner unless somebody asks; these cases are about PowerShell itself.
    environment = {**os.environ, VARIABLE: "" if asked == RUNNER else asked}
    chosen = choose_shell(environment).variables[VARIABLE]
    return None if chosen == RUNNER else Path(chosen)


def ask_powershell(script: Path, powershell: Path) -> Answer:
    """What a real PowerShell answers, in the invariant culture and without colours."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LC_")},
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
    }
    result = subprocess.run(
        [powershell, "-NoProfile", "-NonInteractive", "-File", script],
        check=False,
        encoding="utf-8",
        env=environment,
        input=input_of(script),
        capture_output=True,
    )
    return Answer.of(script, result.returncode, result.stdout, result.stderr)


def record(scripts: list[Path], powershell: Path) -> list[str]:
    """Records the answers of scripts.

    Returns:
        The names of those whose answer was another before.
    """
    changed: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda script: ask_powershell(script, powershell), scripts)
        for script, answer in zip(scripts, answers, strict=True):
            if not script.with_suffix(".json").exists() or answer != Answer.recorded(script):
                answer.record(script)
                changed.append(name_of(script))
    return changed


def main() -> int:
    try:
        powershell = find_powershell()
    except SimulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if powershell is None:
        sys.stderr.write(
            f"There is no pwsh on PATH: install PowerShell 7.4, or name one in {VARIABLE}.\n"
        )
        return 1
    changed = record(SCRIPTS, powershell)
    for answer in CASES.glob("*/*.json"):
        if not answer.with_suffix(".ps1").exists():
            answer.unlink()
            changed.append(f"{answer.relative_to(CASES)}, which has no script any more")
    sys.stdout.write(
        f"{len(SCRIPTS)} cases in {powershell}; changed: {', '.join(changed) or 'none'}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
