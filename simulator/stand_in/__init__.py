"""Runs the scripts in real PowerShell, with a stand-in for ``ExchangeOnlineManagement``."""

from simulator.stand_in.shell import RUNNER, VARIABLE, Shell, choose_shell, run_script

__all__ = ["RUNNER", "VARIABLE", "Shell", "choose_shell", "run_script"]
