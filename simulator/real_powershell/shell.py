"""Chooses what scripts run in, and runs them in a real PowerShell against a simulated tenant."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simulator import SimulatorError
from simulator.powershell.interface import Host

VARIABLE = "SIMULATOR_POWERSHELL"
"""Name or path of the PowerShell that scripts run in, or ``runner``; by default ``pwsh``."""
RUNNER = "runner"
"""The word for the project's own runner."""

MODULES = Path(__file__).parent
OLDEST = (7, 4)
# Windows has one variable whatever its case, and Python spells all of them in capitals there: a
# second spelling beside the inherited one would leave it to chance which of the two is read.
MODULE_PATH = "PSMODULEPATH" if os.name == "nt" else "PSModulePath"

_QUESTION = "$PSVersionTable.PSVersion.ToString(); $env:PSModulePath"
# A PowerShell that is started for the first time on a busy machine takes some seconds.
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Shell:
    """What scripts run in.

    Attributes:
        sentence: Says which it is, in one line, and why where it is the runner.
        variables: What leads a process there, as its environment: ``SIMULATOR_POWERSHELL`` as a
            full path or ``runner``, and for PowerShell ``PSModulePath``.
    """

    sentence: str
    variables: Mapping[str, str]


def choose_shell(environment: Mapping[str, str]) -> Shell:
    """Finds the PowerShell that scripts run in: the only place where that is decided.

    The one that ``SIMULATOR_POWERSHELL`` names, otherwise the ``pwsh`` that is on ``PATH``. Where
    nobody asked for a PowerShell and there is none that can be used, it is the runner.

    Args:
        environment: The environment to look in.

    Raises:
        SimulatorError: What the variable names is missing, too old, or no PowerShell.
    """
    asked = environment.get(VARIABLE)
    if asked == RUNNER:
        return _runner(f"{VARIABLE} asks for it")
    executable = shutil.which(asked or "pwsh", path=environment.get("PATH", ""))
    if executable is None:
        if asked:
            raise SimulatorError(
                f"{VARIABLE} is '{asked}', and there is no such program. {_REMEDY}"
            )
        return _runner("there is no pwsh on PATH")
    try:
        return _powershell(Path(executable).absolute(), environment)
    except SimulatorError as error:
        if asked:
            raise SimulatorError(f"{VARIABLE} is '{asked}': {error}. {_REMEDY}") from error
        return _runner(str(error))


_REMEDY = (
    f"Install PowerShell {'.'.join(map(str, OLDEST))} or newer, "
    f"or set {VARIABLE} to {RUNNER}, which needs none."
)


def _runner(why: str) -> Shell:
    return Shell(f"The scripts run in the simulator's own runner: {why}.", {VARIABLE: RUNNER})


def _powershell(executable: Path, environment: Mapping[str, str]) -> Shell:
    try:
        answer = subprocess.run(  # noqa: S603
            [executable, "-NoProfile", "-NonInteractive", "-Command", _QUESTION],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
        )
    except OSError as error:
        raise SimulatorError(f"{executable} does not start ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise SimulatorError(
            f"{executable} does not tell its version within {_PATIENCE_SECONDS} seconds"
        ) from error
    lines = [*answer.stdout.splitlines(), "", ""]
    version = re.match(r"(\d+)\.(\d+)\.", lines[0])
    if answer.returncode != 0 or version is None:
        said = " ".join((answer.stderr or answer.stdout).split())
        raise SimulatorError(
            f"{executable} does not tell its version ({said or f'exit code {answer.returncode}'})"
        )
    if (int(version[1]), int(version[2])) < OLDEST:
        raise SimulatorError(
            f"{executable} is PowerShell {lines[0]}, older than {'.'.join(map(str, OLDEST))}"
        )
    # PowerShell puts its own folders in front of an inherited list that lacks them. A list that
    # has them all keeps its order, so that no installed ExchangeOnlineManagement is found first:
    # https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_psmodulepath
    return Shell(
        f"The scripts run in PowerShell {lines[0]}, {executable}.",
        {VARIABLE: str(executable), MODULE_PATH: os.pathsep.join([str(MODULES), lines[1]])},
    )


def run_script(
    script: Path, host: Host, environment: Mapping[str, str], stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script as ``pwsh -File`` does.

    Args:
        script: Its file.
        host: Answers for the module and for ``Start-Sleep``.
        environment: All of the process's variables, among them those of a ``Shell`` that is a real
            PowerShell.
        stdin: Standard input; the two outputs are then captured. By default the process has
            all three of this one.
    """
    # Here, since a server of HTTP is loaded with it, which the runner has no use for.
    from simulator.real_powershell.bridge import bridged

    with bridged(host) as variables:
        return subprocess.run(  # noqa: S603
            [environment[VARIABLE], "-NoProfile", "-NonInteractive", "-File", str(script)],
            check=False,
            encoding="utf-8",
            env={
                **environment,
                **variables,
                # Nothing here is to leave this machine, and errors are read as plain text.
                "POWERSHELL_TELEMETRY_OPTOUT": "1",
                "POWERSHELL_UPDATECHECK": "Off",
                "NO_COLOR": "1",
            },
            input=stdin,
            capture_output=stdin is not None,
        )
