"""Runs the scripts in real PowerShell, with a stand-in for ``ExchangeOnlineManagement``."""

from simulator.real_powershell.shell import (
    OLDEST,
    RUNNER,
    VARIABLE,
    Shell,
    choose_shell,
    run_script,
)

__all__ = ["OLDEST", "RUNNER", "VARIABLE", "Shell", "choose_shell", "run_script"]
