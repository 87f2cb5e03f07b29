import os
import re
from pathlib import Path

import pytest

from simulator.real_powershell import RUNNER
from tools import __main__ as tasks
from tools import virtual_environment
from tools.progress import ToolError
from tools.virtual_environment import ROOT


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the tasks start, on a machine where everything is set up."""
    calls: list[tuple[str, ...]] = []

    def record(*arguments: str) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr("tools.virtual_environment.prepare", lambda: None)
    monkeypatch.setattr("tools.pulumi_cli.find_or_install", lambda: ROOT / ".tools" / "pulumi")
    monkeypatch.setattr(tasks, "_python", record)
    return calls


class TestATaskIsTheSameEverywhere:
    def test_each_has_a_target_in_the_makefile(self) -> None:
        makefile = (ROOT / "Makefile").read_text("utf-8")
        target = r"^([\w-]+):\n\t@\$\(PYTHON\) -m tools ([\w-]+)"
        called = re.findall(target, makefile, re.MULTILINE)
        assert called == [(task, task) for task in tasks.TASKS]

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["test"], [("-m", "pytest", *tasks.ON_ALL_CORES, "-m", "not long")]),
            (["test-all"], [("-m", "pytest", *tasks.ON_ALL_CORES)]),
            (
                ["test-all", "-k", "policy", "tests/tools"],
                [("-m", "pytest", *tasks.ON_ALL_CORES, "-k", "policy", "tests/tools")],
            ),
            (
                ["local"],
                [
                    ("-m", "simulator", "up", "--wait"),
                    (
                        *("-m", "simulator", "exec", "--", str(virtual_environment.python())),
                        *("-m", "operations.prove", "--stack", "local", "--timeout", "0"),
                    ),
                    (
                        *("-m", "simulator", "exec", "--", str(virtual_environment.python())),
                        *("-m", "operations.reach", "--organization", "contoso.onmicrosoft.com"),
                        *("--html", ".simulator/reach.html"),
                    ),
                ],
            ),
            (["down"], [("-m", "simulator", "destroy")]),
            (["setup"], []),
            (
                ["lint"],
                [("-m", "ruff", "check"), ("-m", "ruff", "format", "--check"), ("-m", "mypy")],
            ),
        ],
    )
    def test_what_it_starts(
        self,
        started: list[tuple[str, ...]],
        arguments: list[str],
        expected: list[tuple[str, ...]],
    ) -> None:
        assert tasks.main(arguments) == 0
        assert started == expected

    @pytest.mark.parametrize(
        ("variable", "used"), [(None, "pwsh"), ("", "pwsh"), ("../there/pwsh", "../there/pwsh")]
    )
    def test_what_runs_in_powershell_asks_for_it(
        self,
        started: list[tuple[str, ...]],
        monkeypatch: pytest.MonkeyPatch,
        variable: str | None,
        used: str,
    ) -> None:
        # Restored afterwards, whatever the task makes of it.
        monkeypatch.setenv(tasks.POWERSHELL, "")
        if variable is None:
            monkeypatch.delenv(tasks.POWERSHELL)
        else:
            monkeypatch.setenv(tasks.POWERSHELL, variable)
        assert tasks.main(["powershell"]) == 0
        assert os.environ[tasks.POWERSHELL] == used
        tests, deployment, proof = started
        assert tests == ("-m", "pytest", *tasks.ON_ALL_CORES, *tasks.OF_POWERSHELL)
        assert all((ROOT / place).exists() for place in tasks.OF_POWERSHELL)
        assert deployment[:5] == ("-m", "simulator", "up", "--wait", "--directory")
        assert proof[:5] == ("-m", "simulator", "exec", "--directory", deployment[5])
        assert "operations.prove" in proof
        assert not Path(deployment[5]).exists()

    def test_what_runs_in_powershell_is_not_run_in_the_runner(
        self,
        started: list[tuple[str, ...]],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv(tasks.POWERSHELL, RUNNER)
        assert tasks.main(["powershell"]) == 1
        assert started == []
        assert "name a PowerShell" in capsys.readouterr().err

    @pytest.mark.parametrize("task", ["local", "powershell"])
    def test_nothing_is_proven_of_what_could_not_be_deployed(
        self, started: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, task: str
    ) -> None:
        def fail(*arguments: str) -> int:
            started.append(arguments)
            return 1

        monkeypatch.setenv(tasks.POWERSHELL, "")
        monkeypatch.setattr(tasks, "_python", fail)
        assert tasks.main([task]) == 1
        assert len(started) == 1

    def test_setup_says_what_it_found(
        self, started: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        tasks.main(["setup"])
        assert "Pulumi CLI .tools" in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [["local", "now"], ["deploy"], []])
    def test_what_no_task_takes_is_refused(
        self, started: list[tuple[str, ...]], arguments: list[str]
    ) -> None:
        with pytest.raises(SystemExit):
            tasks.main(arguments)
        assert started == []


class TestAFailureIsSeen:
    @pytest.mark.parametrize("code", [1, 5, -9])
    def test_lint_fails_with_its_last_check(
        self, monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, ...]], code: int
    ) -> None:
        def fail_in_mypy(*check: str) -> int:
            started.append(check)
            return code if "mypy" in check else 0

        monkeypatch.setattr(tasks, "_python", fail_in_mypy)
        assert tasks.main(["lint"]) == 1

    def test_lint_runs_all_checks_although_the_first_fails(
        self, monkeypatch: pytest.MonkeyPatch, started: list[tuple[str, ...]]
    ) -> None:
        def fail(*check: str) -> int:
            started.append(check)
            return 1

        monkeypatch.setattr(tasks, "_python", fail)
        assert tasks.main(["lint"]) == 1
        assert len(started) == 3

    def test_a_task_ends_as_what_it_started_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tools.virtual_environment.prepare", lambda: None)
        monkeypatch.setattr("tools.pulumi_cli.find_or_install", lambda: ROOT)
        monkeypatch.setattr(tasks, "_python", lambda *arguments: 4)
        assert tasks.main(["test"]) == 4

    def test_what_cannot_be_set_up_is_told_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail() -> None:
            raise ToolError("no registry can be reached")

        monkeypatch.setattr("tools.virtual_environment.prepare", fail)
        assert tasks.main(["test"]) == 1
        assert capsys.readouterr().err == "no registry can be reached\n"
