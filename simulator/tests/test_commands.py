"""What the command line does before it does anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from simulator.commands import main
from simulator.environment import ROOT, tenant_file
from simulator.tenant import Tenant


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
        said = capsys.readouterr().err
        assert "there is no environment prd: the file Pulumi.prd.yaml is missing" in said
        assert "There are: dev, local, prod, test. Did you mean prod?" in said
        assert sorted(ROOT.glob("Pulumi.*")) == before
        assert list(tmp_path.iterdir()) == []


class TestADirectoryThatCannotBeUsed:
    def test_as_it_is_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").touch()

        assert main(["up", "--directory", str(tmp_path / "file")]) == 1

        assert capsys.readouterr().err.startswith(
            f"simulator: the folder {tmp_path / 'file'} cannot be used: File exists"
        )

    @pytest.mark.parametrize("command", [["serve"], ["send"]])
    @pytest.mark.parametrize("damage", ["no tenant", "cut off", "of an older version"])
    def test_as_its_tenant_is_damaged(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        command: list[str],
        damage: str,
    ) -> None:
        file = tenant_file(tmp_path)
        if damage == "cut off":
            Tenant(file).close()
            file.write_bytes(file.read_bytes()[:10_000])
        elif damage == "of an older version":
            Tenant(file).close()
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA user_version = 0")
        else:
            file.write_text("this is no database, and long enough to be seen as none")

        assert main([*command, "--directory", str(tmp_path)]) == 1

        said = capsys.readouterr().err
        assert said.startswith(f"simulator: the tenant in {tmp_path} cannot be read: ")
        assert "remove that folder" in said
