"""A plugin for pytest that says what the scripts run in."""

import os

import pytest

from simulator import SimulatorError
from simulator.real_powershell import Shell, choose_shell

_SHELL = pytest.StashKey[Shell]()


def pytest_configure(config: pytest.Config) -> None:
    """Has all tests, and what they start in other folders, run scripts in one and the same."""
    try:
        shell = choose_shell(os.environ)
    except SimulatorError as error:
        raise pytest.UsageError(str(error)) from error
    os.environ.update(shell.variables)
    config.stash[_SHELL] = shell


def pytest_report_header(config: pytest.Config) -> str:
    """Says which it is."""
    return config.stash[_SHELL].sentence
