"""Tests, in the simulator's own runner unless ``SIMULATOR_POWERSHELL`` names a PowerShell."""

import os

from simulator.real_powershell import RUNNER, VARIABLE

# Here and not in conftest.py: the sweep, which is no test of pytest's, is run in the same.
if not os.environ.get(VARIABLE):
    os.environ[VARIABLE] = RUNNER
