"""Runs the scripts in real PowerShell, with a stand-in for ``ExchangeOnlineManagement``."""

from simulator.stand_in.shell import VARIABLE, real_powershell, run_script

__all__ = ["VARIABLE", "real_powershell", "run_script"]
