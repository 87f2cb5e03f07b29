"""``python -m simulator``: exit codes and what a person reads."""

import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from simulator.commands import main
from simulator.engine import SimulatedStack
from simulator.environment import ROOT, tenant_file
from simulator.real_powershell import choose_shell
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ORGANIZATION,
    Tenant,
)
from simulator.tenant.exchange.session import ExchangeSession

pytestmark = pytest.mark.engine

STACK_FILE = ROOT / "Pulumi.local.yaml"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``up --wait`` deployed the project's own stack ``local``; its output is beside."""
    directory = tmp_path_factory.mktemp("settled")
    before = STACK_FILE.read_bytes()
    with pytest.MonkeyPatch.context() as patch, (directory / "output").open("w") as output:
        patch.setattr(sys, "stdout", output)
        code = main(["up", "--wait", "--directory", str(directory)])
    assert code == 0, (directory / "output").read_text()
    assert STACK_FILE.read_bytes() == before, "the stack's file has been written to"
    return directory


@pytest.fixture
def directory(settled: Path, tmp_path: Path) -> str:
    """A copy of it to change."""
    return str(shutil.copytree(settled, tmp_path / "copy"))


class TestUpThatWaits:
    def test_says_first_what_the_scripts_run_in_then_what_it_does_and_last_how_it_waited(
        self, settled: Path
    ):
        first, *progress, last = (settled / "output").read_text().splitlines()
        assert first == choose_shell(os.environ).sentence
        assert "azure-native:logic:Workflow notifications-workflow created" in "".join(progress)
        assert re.match(r"The clock of the tenant was moved on by \d+ minutes: ", last)


class TestSend:
    def test_as_the_shared_mailbox(self, directory: str, capsys: pytest.CaptureFixture[str]):
        # Longer than any run of the tests takes, so that there is something left to wait for.
        Tenant(tenant_file(Path(directory))).set_lag("policy", 86_400)

        code = main(["send", "--directory", directory])

        assert code == 0
        clock, answer = capsys.readouterr().out.splitlines()
        assert re.match(r"The clock of the tenant was moved on by \d+ minutes: ", clock)
        assert answer == "notifications as logicappnotifications@contoso.com: 202 Accepted"

    def test_as_another_mailbox(self, directory: str, capsys: pytest.CaptureFixture[str]):
        code = main(["send", "--as", "finance@contoso.com", "--directory", directory])

        assert code == 1
        assert capsys.readouterr().out.splitlines()[-1] == (
            "notifications as finance@contoso.com: "
            "403 ErrorAccessDenied Access to OData is disabled."
        )

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--as", "nobody@contoso.com"], "simulator: Get-Mailbox nobody@contoso.com: "),
            (["--sender", "payroll"], "simulator: there is no sender payroll, only daily-"),
        ],
    )
    def test_says_what_it_cannot_do(
        self,
        directory: str,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        message: str,
    ):
        code = main(["send", *arguments, "--directory", directory])

        assert code == 1
        assert capsys.readouterr().err.startswith(message)

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            ([], "notifications as logicappnotifications@contoso.com: 202 Accepted"),
            (
                ["--sender", "daily-reminder"],
                "daily-reminder as daily-reminder@contoso.com: 202 Accepted",
            ),
        ],
        ids=["the first", "another"],
    )
    def test_of_several_senders(
        self,
        settled: Path,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        line: str,
    ):
        code = main(["send", *arguments, "--directory", str(settled)])

        assert code == 0
        assert capsys.readouterr().out.splitlines()[-1] == line

    def test_needs_something_deployed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        code = main(["send", "--directory", str(tmp_path)])

        assert code == 1
        assert capsys.readouterr().err == (
            "simulator: nothing is deployed in the stack local: run python -m simulator up first\n"
        )


class TestDraw:
    def test_shows_the_resources_of_one_sender(
        self, settled: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["draw", "daily-reminder", "--directory", str(settled)]) == 0
        drawn = capsys.readouterr().out
        assert drawn.startswith("flowchart")
        assert "daily-reminder-group" in drawn
        assert "notifications-group" not in drawn

    def test_of_a_sender_that_is_not_there_says_so(
        self, settled: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["draw", "payroll", "--directory", str(settled)]) == 1
        assert (
            "there is no sender payroll, only daily-reminder, incident-alerts, n"
            in capsys.readouterr().err
        )


class TestMails:
    def test_are_listed_and_shown_in_full(self, directory: str, capsys: pytest.CaptureFixture[str]):
        assert main(["send", "--directory", directory]) == 0
        capsys.readouterr()
        for number in ([], ["1"]):
            assert main(["mails", *number, "--directory", directory]) == 0
            assert "logicappnotifications@contoso.com" in capsys.readouterr().out
        assert main(["mails", "99", "--directory", directory]) == 1
        assert "there is no mail 99, only 1 to " in capsys.readouterr().err

    def test_of_which_there_are_none_are_not_shown(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["mails", "--directory", str(tmp_path)]) == 1
        assert "no mail was sent in this tenant" in capsys.readouterr().err


class TestExec:
    def test_runs_in_the_environment_and_passes_the_exit_code_on(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ):
        code = "import os, sys; print(os.environ['SIMULATED_TENANT']); sys.exit(7)"

        result = main(["exec", "--directory", str(tmp_path), "--", sys.executable, "-c", code])

        assert result == 7
        captured = capfd.readouterr()
        assert captured.out.splitlines() == [str(tenant_file(tmp_path))]
        assert captured.err.splitlines() == [choose_shell(os.environ).sentence]

    def test_has_the_stack_of_the_other_commands(
        self, directory: str, capfd: pytest.CaptureFixture[str]
    ):
        result = main(
            ["exec", "--directory", directory, "--", "pulumi", "stack", "output", "--stack=local"]
        )

        assert result == 0
        assert "logicappnotifications@contoso.com" in capfd.readouterr().out

    def test_has_a_pwsh_that_runs_scripts(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
        script = tmp_path / "hello.ps1"
        script.write_text("Write-Output 'hello'\n")

        result = main(
            ["exec", "--directory", str(tmp_path), "--", "pwsh", *POWERSHELL, str(script)]
        )

        assert result == 0
        assert capfd.readouterr().out.splitlines() == ["hello"]

    def test_has_the_python_of_the_project_with_its_packages(self, tmp_path: Path):
        code = f"import sys; sys.exit(sys.prefix != {sys.prefix!r})"

        assert main(["exec", "--directory", str(tmp_path), "--", "python", "-c", code]) == 0

    def test_a_missing_command_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["exec", "--directory", str(tmp_path), "--", "pwhs"]) == 1
        assert capsys.readouterr().err == "simulator: there is no command pwhs\n"


POWERSHELL = ["-NoProfile", "-NonInteractive", "-File"]


class TestUpPreviewAndDestroy:
    @pytest.mark.parametrize("command", ["up", "preview", "destroy"])
    def test_succeed_with_progress(
        self, settled: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
    ):
        shutil.copytree(settled, tmp_path / "copy")

        code = main([command, "--directory", str(tmp_path / "copy")])

        assert code == 0
        said = capsys.readouterr().out
        assert said.splitlines()[0] == choose_shell(os.environ).sentence
        assert "Resources:" in said

    def test_fail_where_a_script_fails(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        exchange(tmp_path).invoke(
            "New-Mailbox",
            {
                "Shared": True,
                "Name": "Somebody else's",
                "PrimarySmtpAddress": "logicappnotifications@contoso.com",
            },
        )

        code = main(["up", "--directory", str(tmp_path)])

        assert code == 1
        assert "exit status 1: running" in capsys.readouterr().out


def exchange(directory: Path) -> ExchangeSession:
    """A connection of an administrator to the tenant that is kept in a directory."""
    tenant = Tenant(tenant_file(directory))
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
    return tenant.exchange.connect(token=token, organization=ORGANIZATION)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's files, which the command line takes for them."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.dev.yaml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    stack = partial(SimulatedStack, work_dir=folder)
    monkeypatch.setattr("simulator.commands.SimulatedStack", stack)
    return folder


class TestWrongConfiguration:
    @pytest.mark.parametrize("command", ["up", "preview"])
    def test_is_told_once_and_changes_nothing(
        self, command: str, project: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ):
        text = (project / "Pulumi.local.yaml").read_text("utf-8")
        wrong = text.replace("settle: PT0S", "settle: never")
        assert wrong != text
        (project / "Pulumi.local.yaml").write_text(wrong, "utf-8")

        code = main([command, "--directory", str(tmp_path / "deployed")])

        assert code == 1
        captured = capfd.readouterr()
        assert captured.err.count("scoped-mail-sender:settle") == 1
        assert captured.out == ""
        tenant = Tenant(tenant_file(tmp_path / "deployed"))
        assert not tenant.snapshot()["workflows"]

    @pytest.mark.parametrize(
        ("file", "text", "said"),
        [
            ("Pulumi.local.yaml", "config:\n\tsenders: []\n", "invalid YAML file: yaml: line 2"),
            ("Pulumi.yaml", "name: scoped-mail-sender\nruntime\n", "invalid YAML file"),
            ("Pulumi.local.yaml", "", "scoped-mail-sender:senders\n    It is missing."),
        ],
    )
    def test_that_cannot_be_read_is_told_without_a_traceback(
        self,
        file: str,
        text: str,
        said: str,
        project: Path,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
    ):
        (project / file).write_text(text, "utf-8")

        code = main(["up", "--directory", str(tmp_path / "deployed")])

        assert code == 1
        captured = capfd.readouterr()
        assert captured.err.startswith("simulator: ")
        assert said in captured.err
        assert "othing has been deployed" in captured.err
        assert "Traceback" not in captured.err


class TestAnEnvironmentsFile:
    def test_stays_as_it_is(self, project: Path, tmp_path: Path):
        # It has no salt, which Pulumi would add.
        before = (project / "Pulumi.dev.yaml").read_bytes()

        assert main(["preview", "--stack", "dev", "--directory", str(tmp_path / "deployed")]) == 0

        assert (project / "Pulumi.dev.yaml").read_bytes() == before


class TestTheFirstStepsOfGettingStarted:
    def test_do_what_is_said(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
        document = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
        written = re.findall(r"^\.venv/bin/python -m simulator ([^#\n]+)", document, re.MULTILINE)
        # Those with a folder of their own rehearse another stack.
        commands = [command for command in written if "--directory" not in command]

        codes = [
            main([name, "--directory", str(tmp_path), *options])
            for name, *options in map(str.split, commands)
        ]

        assert [command.split()[0] for command in commands] == ["preview", "up", "send"]
        assert codes == [0, 0, 1]
        assert "403 ErrorAccessDenied" in capfd.readouterr().out
