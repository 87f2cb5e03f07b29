"""Imported before any test."""

import os

# Its pytest plugin would import it after the last test, while coroutines that a failed program left
# behind in Pulumi's SDK are collected: Python 3.11 can then fail to parse it ("AST constructor
# recursion depth mismatch", https://github.com/python/cpython/issues/106905).
import hypothesis  # noqa: F401
import pytest

from simulator.real_powershell import Shell, choose_shell
from tools.progress import ToolError

_SHELL = pytest.StashKey[Shell]()


def pytest_configure(config: pytest.Config) -> None:
    """Has all tests, and what they start in other folders, run scripts in one and the same."""
    try:
        shell = choose_shell(os.environ)
    except ToolError as error:
        raise pytest.UsageError(str(error)) from error
    os.environ.update(shell.variables)
    config.stash[_SHELL] = shell


def pytest_report_header(config: pytest.Config) -> str:
    """Says which it is."""
    return config.stash[_SHELL].sentence
