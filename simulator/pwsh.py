"""What stands in for the ``pwsh`` executable where scripts meet the simulated tenant.

``python -m simulator.pwsh -NoProfile -NonInteractive -File SCRIPT`` and ``--version`` are the forms
that the project uses and the only ones accepted. The environment variable ``SIMULATED_TENANT``
names the tenant's file, and ``SIMULATOR_POWERSHELL`` the real PowerShell that the script runs in,
or the project's runner.
"""

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

from simulator.exchange_online import ExchangeOnlineManagement
from simulator.powershell import UnsupportedConstruct, run_file
from simulator.powershell.interface import Module
from simulator.real_powershell import OLDEST, RUNNER, VARIABLE, run_script
from simulator.tenant import NotSimulated, Tenant
from simulator.tenant.clock import WORK

EXIT_USAGE = 64
"""What ``pwsh`` answers to arguments that it does not understand, and to a missing script."""
EXIT_RUNNER = 70
"""The runner or the tenant gave up: nothing that PowerShell or Exchange would have answered."""


class SimulatedHost:
    """A machine on which only ExchangeOnlineManagement is installed, in front of a tenant.

    Args:
        tenant: The tenant.
        work: What the tenant's clock knows the running script by, if it does.
    """

    def __init__(self, tenant: Tenant, work: int | None = None) -> None:
        self._tenant = tenant
        self._work = work
        self._modules = {"ExchangeOnlineManagement": ExchangeOnlineManagement(tenant)}

    @property
    def modules(self) -> Mapping[str, Module]:
        return self._modules

    def sleep(self, seconds: float) -> None:
        self._tenant.clock.sleep(seconds, self._work)


def main(arguments: Sequence[str]) -> int:
    """Runs a script against the simulated tenant.

    Args:
        arguments: The command line after ``pwsh``.

    Returns:
        The exit code: that of ``pwsh -File``, or one of the two above.
    """
    match list(arguments):
        case [no_profile, non_interactive, file, script] if [
            no_profile.lower(),
            non_interactive.lower(),
            file.lower(),
        ] == ["-noprofile", "-noninteractive", "-file"]:
            path = Path(script)
        case ["--version"]:
            return _version()
        case _:
            return _fail(
                EXIT_USAGE,
                "the simulated pwsh takes exactly: -NoProfile -NonInteractive -File SCRIPT, or "
                "--version",
            )
    if not path.is_file():
        return _fail(
            EXIT_USAGE,
            f"The argument '{script}' is not recognized as the name of a script file. Check the "
            "spelling of the name, or if a path was included, verify that the path is correct and "
            "try again.",
        )
    tenant_file = os.environ.get("SIMULATED_TENANT")
    if not tenant_file:
        return _fail(
            EXIT_RUNNER,
            "SIMULATED_TENANT is not set: start this through `python -m simulator exec -- …`",
        )
    powershell = os.environ.get(VARIABLE, RUNNER)
    if powershell != RUNNER and shutil.which(powershell) is None:
        return _fail(EXIT_RUNNER, f"{VARIABLE} is '{powershell}', and there is no such program")
    try:
        tenant = Tenant(Path(tenant_file), caller=path.name)
        tenant.record_call("PowerShell", "start", path.name)
        announced = os.environ.get(WORK)
        with nullcontext(int(announced)) if announced else tenant.clock.working() as work:
            host = SimulatedHost(tenant, work)
            if powershell != RUNNER:
                return run_script(path, host, os.environ).returncode
            return run_file(
                path,
                stdin=[] if sys.stdin.isatty() else sys.stdin,
                stdout=sys.stdout,
                stderr=sys.stderr,
                environment=os.environ,
                host=host,
            )
    except (UnsupportedConstruct, NotSimulated) as refusal:
        return _fail(EXIT_RUNNER, str(refusal))
    except UnicodeDecodeError as error:
        return _fail(EXIT_RUNNER, f"standard input is not UTF-8: {error}")


def _version() -> int:
    powershell = os.environ.get(VARIABLE, RUNNER)
    if powershell != RUNNER:
        return subprocess.run([powershell, "--version"], check=False).returncode  # noqa: S603
    # The oldest that the scripts are for: the runner has nothing that came later.
    sys.stdout.write(f"PowerShell {'.'.join(map(str, OLDEST))}.0\n")
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def end(arguments: Sequence[str]) -> NoReturn:
    """Runs a script as this process's last act: :func:`main`, with its exit code."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # PowerShell speaks UTF-8 on every platform; Python would follow the code page on Windows.
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    # A dozen of these run in a deployment, each for a tenth of a second. Collecting garbage
    # meanwhile, and taking the interpreter apart in the end, cost as much as what the script does.
    gc.disable()
    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    end(sys.argv[1:])
