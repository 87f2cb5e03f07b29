"""The stand-in for the ``pwsh`` executable, and the project's own scripts in it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from simulator.environment import pwsh_directory
from simulator.powershell.modules import known_commands
from simulator.powershell.syntax.check import read_program
from simulator.pwsh import SimulatedHost
from simulator.real_powershell import RUNNER, VARIABLE
from simulator.tenant import Tenant
from simulator.tenant.faults import Fault, Kind, Step

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "components" / "exchange" / "powershell").glob("*.ps1"))
ACCENT = "\N{LATIN SMALL LETTER E WITH ACUTE}"
FILE = ("-NoProfile", "-NonInteractive", "-File")


def stand_in(directory: Path) -> str:
    found = shutil.which("pwsh", path=str(pwsh_directory(directory)))
    assert found is not None
    return found


def pwsh(
    arguments: Sequence[str], tenant: Path, stdin: str = "", powershell: str = RUNNER
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [stand_in(tenant.parent), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        encoding="utf-8",
        cwd=ROOT,
        # The runner itself, also where the suite is run in real PowerShell.
        env={**os.environ, VARIABLE: powershell, "SIMULATED_TENANT": str(tenant)},
    )


@pytest.fixture
def tenant_file(tmp_path: Path) -> Path:
    return tmp_path / "tenant.sqlite"


class TestPwsh:
    def test_it_runs_a_script_with_input_and_exit_code(
        self, tmp_path: Path, tenant_file: Path
    ) -> None:
        script = tmp_path / "script.ps1"
        script.write_text(
            '[Console]::Error.WriteLine("sleeping")\nStart-Sleep -Seconds 90\n'
            '"got: $(@($input) -join "|")"\nexit 3\n',
            encoding="utf-8",
        )
        before = Tenant(tenant_file).clock.now()
        result = pwsh([*FILE, str(script)], tenant_file, f"a{ACCENT}\nb\n")
        assert (result.returncode, result.stderr) == (3, "sleeping\n")
        assert result.stdout == f"got: a{ACCENT}|b\n"
        assert (Tenant(tenant_file).clock.now() - before).total_seconds() >= 90

    def test_each_start_is_recorded(self, tmp_path: Path, tenant_file: Path) -> None:
        (tmp_path / "script.ps1").write_text("'x'\n", encoding="utf-8")
        pwsh([*FILE, str(tmp_path / "script.ps1")], tenant_file)
        (call,) = Tenant(tenant_file).calls()
        assert (call.service, call.operation, call.target) == ("PowerShell", "start", "script.ps1")

    def test_ends_as_its_script_does_that_is_killed(
        self, tmp_path: Path, tenant_file: Path
    ) -> None:
        (tmp_path / "script.ps1").write_text("'x'\n", encoding="utf-8")
        start = Step("script.ps1", "PowerShell", "start", "script.ps1", 1)
        Tenant(tenant_file).plan_faults([Fault(start, Kind.KILLED_BEFORE)])
        result = pwsh([*FILE, str(tmp_path / "script.ps1")], tenant_file)
        assert (result.returncode, result.stdout) == (-signal.SIGKILL, "")

    def test_takes_its_script_along_when_it_is_killed(
        self, tmp_path: Path, tenant_file: Path
    ) -> None:
        script = tmp_path / "script.ps1"
        script.write_text('[Console]::Error.WriteLine("began")\n@($input)\n', encoding="utf-8")
        reader, writer = os.pipe()
        with subprocess.Popen(
            [stand_in(tmp_path), *FILE, str(script)],
            stdin=reader,
            stderr=subprocess.PIPE,
            env={**os.environ, VARIABLE: RUNNER, "SIMULATED_TENANT": str(tenant_file)},
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == b"began\n"
            process.kill()
            # It ends when the script no longer holds it, which waits for more input.
            assert process.communicate(timeout=60)[1] == b""
        os.close(reader)
        os.close(writer)

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["-Command", "1"],
            ["-File", "x.ps1"],
            [*FILE, "x.ps1", "-Argument"],
            [*FILE, "missing.ps1"],
        ],
    )
    def test_other_arguments_are_refused_as_pwsh_does(
        self, arguments: list[str], tenant_file: Path
    ) -> None:
        result = pwsh(arguments, tenant_file)
        assert (result.returncode, result.stdout) == (64, "")
        assert len(result.stderr.splitlines()) == 1

    def test_it_tells_its_version_as_pwsh_does(self, tmp_path: Path, tenant_file: Path) -> None:
        assert pwsh(["--version"], tenant_file).stdout == "PowerShell 7.4.0\n"
        real = tmp_path / "real"
        real.write_text('#!/bin/sh\necho "PowerShell 7.6.9 $1"\n', encoding="utf-8")
        real.chmod(0o755)
        told = pwsh(["--version"], tenant_file, powershell=str(real))
        assert told.stdout == "PowerShell 7.6.9 --version\n"

    def test_a_powershell_that_is_gone_is_named(self, tmp_path: Path, tenant_file: Path) -> None:
        (tmp_path / "script.ps1").write_text("'x'\n", encoding="utf-8")
        gone = str(tmp_path / "pwsh")
        result = pwsh([*FILE, str(tmp_path / "script.ps1")], tenant_file, powershell=gone)
        assert (result.returncode, result.stdout) == (70, "")
        assert result.stderr == f"{VARIABLE} is '{gone}', and there is no such program\n"

    def test_a_refusal_is_one_line_and_its_own_exit_code(
        self, tmp_path: Path, tenant_file: Path
    ) -> None:
        (tmp_path / "script.ps1").write_text("try { Write-Host 'x' } catch { }\n", encoding="utf-8")
        result = pwsh([*FILE, str(tmp_path / "script.ps1")], tenant_file)
        assert (result.returncode, result.stdout) == (70, "")
        assert result.stderr == (
            "script.ps1:1: not in the PowerShell dialect of this runner: the command `Write-Host`\n"
        )

    def test_what_the_tenant_does_not_simulate_is_no_error_of_the_script(
        self, tmp_path: Path, tenant_file: Path
    ) -> None:
        (tmp_path / "script.ps1").write_text(
            "Import-Module ExchangeOnlineManagement\n"
            "try { Connect-ExchangeOnline -UserPrincipalName 'finance@contoso.com' }\ncatch { }\n",
            encoding="utf-8",
        )
        result = pwsh([*FILE, str(tmp_path / "script.ps1")], tenant_file)
        assert result.returncode == 70
        assert len(result.stderr.splitlines()) == 1


class TestScriptsOfTheProject:
    def test_there_are_some(self) -> None:
        assert SCRIPTS

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
    def test_they_keep_to_the_dialect(self, script: Path, tenant_file: Path) -> None:
        read_program(script, known_commands(SimulatedHost(Tenant(tenant_file)).modules))

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
    def test_without_input_they_say_so_and_fail(self, script: Path, tenant_file: Path) -> None:
        result = pwsh([*FILE, str(script)], tenant_file)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("error: ")
        assert len(result.stderr.splitlines()) == 1
