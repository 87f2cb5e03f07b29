"""The tasks of the project: ``python -m tools setup | lint | test | powershell | …``.

The Makefile calls nothing else, so that they are the same where there is no make.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the one line that an older Python gets to see
    sys.exit(f"This project needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from tools import pulumi_cli, virtual_environment
from tools.progress import ToolError
from tools.virtual_environment import ROOT

POWERSHELL = "SIMULATOR_POWERSHELL"
"""The variable by which the simulator, which cannot be imported before ``setup``, is told."""

OF_POWERSHELL = (
    "tests/components/exchange",
    "simulator/tests/real_powershell",
    "simulator/tests/powershell/test_recorded.py",
)
"""What runs in real PowerShell: scripts, what stands in for their module, recorded answers."""

ON_ALL_CORES = ("--numprocesses", str(2 * (os.cpu_count() or 1)), "--dist", "worksteal")
"""How pytest divides the tests: neighbours stay together, so that what they share is made once. Two
processes a core, as a test of the engine waits for half of its time."""

TASKS = {
    "setup": "create .venv with the pinned dependencies, and find or set up the Pulumi CLI",
    "lint": "check style, format and types",
    "test": "run the tests, of the long ones a sample; further arguments go to pytest",
    "test-all": "run all tests; further arguments go to pytest",
    "powershell": "run the tests of the scripts, and a deployment, in real PowerShell",
    "record-powershell": "record anew what PowerShell answers to the cases of the runner's tests",
    "sweep": "plan a fault at every step; hours; further arguments: --scenario, --kind, --walk",
    "benchmark": "compare the cost of the program with a flat one's; --senders, --rounds",
    "local": "deploy the stack local into the simulated tenant, prove it, report who reaches what",
    "down": "destroy the stack local",
}


def main(arguments: list[str]) -> int:
    """Runs one task.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m tools")
    tasks = parser.add_subparsers(dest="task", required=True)
    for task, help_text in TASKS.items():
        tasks.add_parser(task, help=help_text)
    options, further = parser.parse_known_args(arguments)
    if further and options.task not in {"test", "test-all", "sweep", "benchmark"}:
        parser.error(f"{options.task} takes no arguments: {' '.join(further)}")
    try:
        return run(options.task, further)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(task: str, further: list[str]) -> int:
    """Sets up what the task needs, and runs it.

    Raises:
        ToolError: Something that it needs cannot be had.
    """
    virtual_environment.prepare()
    if task == "lint":
        checks = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
        # All of them, however the first ends: one run names everything.
        results = [_python("-m", *check) for check in checks]
        return int(any(results))
    cli = pulumi_cli.find_or_install()
    if task == "test":
        return _python("-m", "pytest", *ON_ALL_CORES, "-m", "not long", *further)
    if task == "test-all":
        return _python("-m", "pytest", *ON_ALL_CORES, *further)
    if task == "record-powershell":
        return _python("-m", "simulator.tests.powershell.recording")
    if task == "powershell":
        return _in_powershell()
    if task == "sweep":
        return _python("-m", "tests.engine.sweep", *further)
    if task == "benchmark":
        return _python("-m", "benchmarks", *further)
    if task == "local":
        return _deploy_and_prove() or _report_local()
    if task == "down":
        return _python("-m", "simulator", "destroy")
    print(f"Ready: Python in {_shown(virtual_environment.python())}, Pulumi CLI {_shown(cli)}")
    return 0


def _in_powershell() -> int:
    asked = os.environ.get(POWERSHELL) or "pwsh"
    if asked == "runner":
        raise ToolError(f"{POWERSHELL} is runner: name a PowerShell, or unset it for pwsh.")
    # It is asked for by name, so that a missing one is a failure and not the runner.
    os.environ[POWERSHELL] = asked
    tests = _python("-m", "pytest", *ON_ALL_CORES, *OF_POWERSHELL)
    if tests:
        return tests
    # A tenant of its own: in that of `make local` nothing would be left to do.
    with tempfile.TemporaryDirectory() as directory:
        return _deploy_and_prove("--directory", directory)


def _deploy_and_prove(*where: str) -> int:
    deployed = _python("-m", "simulator", "up", "--wait", *where)
    if deployed:
        return deployed
    # The policies are in effect, since the clock was moved: so nothing is waited for.
    prove = ("-m", "operations.prove", "--stack", "local", "--timeout", "0")
    python = str(virtual_environment.python())
    return _python("-m", "simulator", "exec", *where, "--", python, *prove)


def _report_local() -> int:
    report = ("-m", "operations.reach", "--organization", "contoso.onmicrosoft.com")
    page = ("--html", ".simulator/reach.html")
    python = str(virtual_environment.python())
    return _python("-m", "simulator", "exec", "--", python, *report, *page)


def _python(*arguments: str) -> int:
    # Containers often forbid bytecode; each process of the tests would compile all of it anew.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(
        [virtual_environment.python(), *arguments], cwd=ROOT, check=False, env=environment
    ).returncode


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
