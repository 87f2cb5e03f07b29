"""The command line of ``operations.recover``, before anything is looked for."""

from types import SimpleNamespace

import pytest
from pulumi import automation

from operations import recover
from tests.tools.executables import Executable


class TestAnUnknownCloud:
    def test_is_named_with_those_that_there_are(self, monkeypatch, tmp_path, capsys):
        configuration = {"scoped-mail-sender:cloud": automation.ConfigValue("moon")}
        stack = SimpleNamespace(get_all_config=lambda: configuration)
        monkeypatch.setattr(automation, "select_stack", lambda *_, **__: stack)
        monkeypatch.setenv("PATH", str(Executable(tmp_path / "pulumi", "").path.parent))

        assert recover.main(["--stack", "local", "--yes"]) == 1
        said = capsys.readouterr().err
        assert said == (
            "recover: there is no cloud moon, only public, usGovernmentL4, usGovernmentL5, china\n"
        )


class TestWithoutPulumi:
    def test_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch, capsys):
        monkeypatch.setenv("PATH", "")
        assert recover.main(["--stack", "local", "--yes"]) == 1
        assert "there is no pulumi on PATH" in capsys.readouterr().err
