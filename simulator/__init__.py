"""The simulated clouds: what the program is developed and tested against."""


class SimulatorError(Exception):
    """What was asked for cannot be done; the text says why, and what to do."""
