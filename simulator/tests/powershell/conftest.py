"""The runner, for every test here."""

from pathlib import Path

import pytest

from simulator.tests.powershell.running import Runner


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)
