"""What the command line does before it does anything."""

from pathlib import Path

import pytest

from configuration import environments
from simulator.commands import main
from simulator.environment import ROOT


class TestServe:
    @pytest.mark.parametrize("port", ["65536", "-1", "http"])
    def test_refuses_what_is_no_port(self, port: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            main(["serve", f"--port={port}"])

        assert "argument --port: " in capsys.readouterr().err


class TestAnEnvironmentThatDoesNotExist:
    @pytest.mark.parametrize("command", [["up"], ["preview"], ["destroy"], ["send"]])
    def test_is_refused_with_those_that_do_and_leaves_nothing(
        self, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = sorted(ROOT.glob("Pulumi.*"))

        code = main([*command, "--stack", "prd", "--directory", str(tmp_path)])

        assert code == 1
        there_are = f"There are: {', '.join(environments())}. Did you mean prod?"
        assert there_are in capsys.readouterr().err
        assert sorted(ROOT.glob("Pulumi.*")) == before
        assert list(tmp_path.iterdir()) == []
