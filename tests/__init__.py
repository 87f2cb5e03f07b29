"""Tests, in the shell of ``simulator.testing``."""

import simulator.testing  # noqa: F401
