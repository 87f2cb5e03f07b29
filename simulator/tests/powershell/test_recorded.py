"""The runner answers each case as PowerShell did; so does a PowerShell that is installed here."""

from pathlib import Path

import pytest

from simulator.tests.powershell import recording
from simulator.tests.powershell.recording import CASES, SCRIPTS, Answer

POWERSHELL = recording.find_powershell()


@pytest.mark.parametrize("script", SCRIPTS, ids=recording.name_of)
def test_the_runner_answers_as_powershell_did(script: Path) -> None:
    assert recording.ask_runner(script) == Answer.recorded(script)


@pytest.mark.skipif(POWERSHELL is None, reason="there is no pwsh here")
@pytest.mark.parametrize("script", SCRIPTS, ids=recording.name_of)
def test_powershell_answers_as_it_did(script: Path) -> None:
    assert POWERSHELL is not None
    assert recording.ask_powershell(script, POWERSHELL) == Answer.recorded(script)


def test_each_answer_has_its_script() -> None:
    answers = {path.with_suffix(".ps1") for path in CASES.glob("*/*.json")}
    assert answers == set(SCRIPTS)
