"""``python -m simulator``: the commands of the simulated tenant."""

import sys

from simulator.commands import main

sys.exit(main(sys.argv[1:]))
