"""The benchmark compares two programs that deploy the same, or says that they do not."""

import pytest

from benchmarks.__main__ import main

pytestmark = [pytest.mark.engine, pytest.mark.long]


def test_the_flat_program_deploys_what_the_program_does(capsys: pytest.CaptureFixture[str]):
    assert main(["--senders", "1", "--rounds", "1"]) == 0

    shown = capsys.readouterr().out
    for operation in ("preview unchanged", "up unchanged", "first up"):
        assert operation in shown
