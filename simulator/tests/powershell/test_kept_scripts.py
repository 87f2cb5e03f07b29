"""A script that was read by an earlier process is not read again, and never an outdated one."""

import sys
from pathlib import Path

import pytest

from simulator.powershell import UnsupportedConstruct
from simulator.powershell.syntax import check, nodes
from simulator.powershell.syntax.check import read_program


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which processes keep what they have read."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    return tmp_path / "kept" / "scripts"


def read(script: Path) -> nodes.Block:
    """What another process gets."""
    check._lowered.cache_clear()
    return read_program(script, known=()).script


def write(folder: Path, text: str) -> Path:
    (folder / "script.ps1").write_text(text)
    return folder / "script.ps1"


class TestAScriptThatWasRead:
    def test_is_not_read_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script = write(tmp_path, "$x = 1\n")
        first = read(script)
        monkeypatch.setattr(check, "parse", None)

        again = read(script)

        assert [type(statement) for statement in again.statements] == [
            type(statement) for statement in first.statements
        ]
        assert str(again.at) == "script.ps1:1"

    def test_is_read_again_when_it_was_changed(self, tmp_path: Path) -> None:
        assert len(read(write(tmp_path, "$x = 1\n")).statements) == 1
        assert len(read(write(tmp_path, "$x = 1\n$y = 2\n")).statements) == 2

    def test_is_read_again_when_the_runner_was_changed(
        self, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runner = tmp_path / "runner"
        runner.mkdir()
        (runner / "dialect.py").write_text("")
        monkeypatch.setattr(check, "_READER", runner)
        script = write(tmp_path, "$x = 1\n")
        read(script)
        (runner / "nodes.py").write_text("")

        read(script)

        assert len(list(kept.iterdir())) == 2


class TestARefusedScript:
    def test_is_refused_again(self, tmp_path: Path, kept: Path) -> None:
        script = write(tmp_path, "class A {}\n")
        for _ in range(2):
            with pytest.raises(UnsupportedConstruct):
                read(script)
        assert not kept.exists()
