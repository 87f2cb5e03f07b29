"""What tests need that deploy into a simulated tenant: those of the simulator and others.

Scripts run in the simulator's own runner unless ``SIMULATOR_POWERSHELL`` names a PowerShell.
"""

import os

from simulator.real_powershell import RUNNER, VARIABLE

# Here and not in the plugin for pytest: the sweep, no test of pytest's, is run in the same.
if not os.environ.get(VARIABLE):
    os.environ[VARIABLE] = RUNNER
