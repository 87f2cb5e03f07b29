"""Finds a real PowerShell, and runs scripts in it against a simulated tenant.

Only where the environment variable below asks for it. The stand-in module was written after
documentation alone and has never been run, so no machine meets it merely by having PowerShell.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from simulator.powershell.interface import Host
from tools.progress import ToolError

VARIABLE = "SIMULATOR_POWERSHELL"
"""Name or path of the PowerShell that scripts run in; unset or empty for the project's runner."""

MODULES = Path(__file__).parent
OLDEST = (7, 4)

_QUESTION = "$PSVersionTable.PSVersion.ToString(); $env:PSModulePath"


def real_powershell(environment: Mapping[str, str]) -> dict[str, str]:
    """What a process needs in its environment to run scripts in real PowerShell.

    Args:
        environment: The environment that may ask for it.

    Returns:
        ``SIMULATOR_POWERSHELL`` as a full path, and ``PSModulePath``; empty where nobody asks.

    Raises:
        ToolError: It is asked for, and there is none that is new enough.
    """
    name = environment.get(VARIABLE)
    if not name:
        return {}
    executable = shutil.which(name, path=environment.get("PATH", ""))
    if executable is None:
        raise ToolError(
            f"{VARIABLE} is '{name}', and there is no such program. Install PowerShell "
            f"{_text(OLDEST)} or newer, or unset {VARIABLE}."
        )
    answer = subprocess.run(  # noqa: S603
        [executable, "-NoProfile", "-NonInteractive", "-Command", _QUESTION],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=dict(environment),
        stdin=subprocess.DEVNULL,
    )
    lines = [*answer.stdout.splitlines(), "", ""]
    version = re.match(r"(\d+)\.(\d+)\.", lines[0])
    if answer.returncode != 0 or version is None:
        said = (answer.stderr or answer.stdout).strip() or f"exit code {answer.returncode}"
        raise ToolError(f"{executable} does not tell its version ({said}): is it PowerShell?")
    if (int(version[1]), int(version[2])) < OLDEST:
        raise ToolError(
            f"{executable} is PowerShell {lines[0]}, and {_text(OLDEST)} or newer is needed. "
            f"Install that, or unset {VARIABLE}."
        )
    # PowerShell puts its own folders in front of an inherited list that lacks them. A list that
    # has them all keeps its order, so that no installed ExchangeOnlineManagement is found first:
    # https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_psmodulepath
    return {
        VARIABLE: str(Path(executable).absolute()),
        "PSModulePath": os.pathsep.join([str(MODULES), lines[1]]),
    }


def run_script(
    script: Path, host: Host, environment: Mapping[str, str], stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script as ``pwsh -File`` does.

    Args:
        script: Its file.
        host: Answers for the module and for ``Start-Sleep``.
        environment: All of the process's variables, those of ``real_powershell`` among them.
        stdin: Standard input; the two outputs are then captured. By default the process has
            all three of this one.
    """
    # Here, since a server of HTTP is loaded with it, which the runner has no use for.
    from simulator.stand_in.bridge import bridged

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


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
