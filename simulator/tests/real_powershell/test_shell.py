"""Real PowerShell in place of the simulator's runner, and the module that stands in there.

A small program takes the place of PowerShell for the way from the command line to the tenant. Where
``SIMULATOR_POWERSHELL`` names a real one, that goes the way too, with the stand-in module itself.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulator import SimulatorError
from simulator.catalogue import catalogue
from simulator.commands import main
from simulator.environment import simulated_environment
from simulator.exchange_online import ALWAYS_THERE
from simulator.powershell.syntax.source import Source, parse
from simulator.pwsh import SimulatedHost
from simulator.real_powershell import RUNNER, VARIABLE, choose_shell
from simulator.real_powershell.bridge import ADDRESS, HEADER, KEY, bridged
from simulator.real_powershell.functions import functions
from simulator.real_powershell.shell import MODULES
from simulator.tenant import ORGANIZATION, Tenant
from simulator.tenant.faults import Fault, Kind, steps
from simulator.tests.real_powershell import fake_powershell

MODULE = MODULES / "ExchangeOnlineManagement"
CONNECT = (
    "Import-Module -Name 'ExchangeOnlineManagement' -Global\n"
    "Connect-ExchangeOnline -AccessToken $env:EXCHANGE_ACCESS_TOKEN -Organization "
    f"'{ORGANIZATION}' -CommandName @('Get-Mailbox') -ErrorAction Stop\n"
)

posix = pytest.mark.skipif(os.name == "nt", reason="the fake executable is a shell script")


class TestTheModule:
    @pytest.mark.parametrize(
        "name", ["ExchangeOnlineManagement.psd1", "ExchangeOnlineManagement.psm1"]
    )
    def test_is_understood_by_the_grammar(self, name):
        parse(Source.read(MODULE / name))

    def test_speaks_of_the_variables_and_the_header_that_the_bridge_has(self):
        text = (MODULE / "ExchangeOnlineManagement.psm1").read_text(encoding="utf-8")
        for name in (f"$env:{ADDRESS}", f"$env:{KEY}", f"'{HEADER}'"):
            assert name in text

    @pytest.mark.parametrize(
        "name", ["ExchangeOnlineManagement.psd1", "ExchangeOnlineManagement.psm1"]
    )
    def test_exports_what_is_there_before_connecting(self, name):
        text = (MODULE / name).read_text(encoding="utf-8")
        exported = re.search(
            r"(?:FunctionsToExport =|Export-ModuleMember -Function) @\(([^)]*)\)", text
        )
        assert exported is not None
        assert set(re.findall(r"'([\w-]+)'", exported[1])) == {
            *ALWAYS_THERE,
            "Invoke-SimulatedCommand",
            "Invoke-RestMethod",
            "Start-Sleep",
        }


class TestTheFunctions:
    def test_of_all_cmdlets_are_understood_by_the_grammar(self, tmp_path):
        path = tmp_path / "all.psm1"
        path.write_text(functions(catalogue().values()), encoding="utf-8")
        parse(Source.read(path))

    def test_have_the_sets_and_positions_of_the_catalogue(self):
        source = functions([catalogue()["get-connectioninformation"]])
        assert "DefaultParameterSetName = 'Default'" in source
        assert (
            "[Parameter(ParameterSetName = 'ConnectionId', Mandatory = $true)]\n"
            "        [string[]] $ConnectionId" in source
        )
        assert (
            "[Parameter(ParameterSetName = '(All)', Position = 0)]\n        [object] $Identity"
            in (functions([catalogue()["get-accepteddomain"]]))
        )

    def test_ask_where_exchange_asks(self):
        asks = functions([catalogue()["remove-mailbox"]])
        assert "ConfirmImpact = 'High'" in asks
        assert "$PSCmdlet.ShouldProcess(" in asks
        # PowerShell adds them itself, and refuses a function that has them too.
        assert "$Confirm" not in asks.replace("$PSBoundParameters['Confirm']", "")
        assert not re.search(r"\] \$WhatIf\b", asks)
        assert "ConfirmImpact = 'Medium'" in functions([catalogue()["set-mailbox"]])
        assert "ShouldProcess" not in functions([catalogue()["get-mailbox"]])

    def test_have_no_more_sets_than_powershell_allows(self):
        assert all(len(definition.sets) <= 32 for definition in catalogue().values())

    def test_have_no_parameter_that_every_function_has(self):
        common = {"verbose", "debug", "erroraction", "warningaction", "informationaction"}
        for definition in catalogue().values():
            assert not common & definition.parameters.keys()


def on_path(*folders: Path) -> dict[str, str]:
    """An environment with these folders, and what a shell script needs."""
    return {"PATH": os.pathsep.join([*map(str, folders), os.defpath])}


def broken(folder: Path, text: str) -> Path:
    """A ``pwsh`` that is something else."""
    path = folder / "pwsh"
    path.write_text(text)
    path.chmod(0o755)
    return path


NO_POWERSHELL = {
    "#!/bin/sh\necho usage >&2\necho of it >&2\nexit 2\n": "tell its version (usage of it)",
    "#!/bin/sh\nexit 134\n": "tell its version (exit code 134)",
    "#!/bin/sh\necho Version: 7\n": "tell its version (Version: 7)",
    "#!/there/is/none\n": "start (No such file or directory)",
    "\x01\x02": "start (Exec format error)",
}


class TestWithoutBeingAskedFor:
    @pytest.mark.parametrize("asked", [{}, {VARIABLE: ""}])
    def test_it_is_the_runner_where_there_is_no_powershell(self, asked, tmp_path):
        shell = choose_shell(asked | {"PATH": str(tmp_path)})
        assert shell.variables == {VARIABLE: RUNNER}
        assert shell.sentence == (
            "The scripts run in the simulator's own runner: there is no pwsh on PATH."
        )

    @posix
    @pytest.mark.parametrize("asked", [{}, {VARIABLE: ""}])
    def test_it_is_the_pwsh_on_path_and_says_so(self, asked, tmp_path):
        executable = fake_powershell.install(tmp_path, "7.10.1")
        shell = choose_shell(asked | on_path(tmp_path))
        assert shell.variables[VARIABLE] == str(executable)
        assert shell.sentence == f"The scripts run in PowerShell 7.10.1, {executable}."

    @posix
    def test_one_that_is_too_old_is_named_and_left_alone(self, tmp_path):
        executable = fake_powershell.install(tmp_path, "7.3.12")
        shell = choose_shell(on_path(tmp_path))
        assert shell.variables == {VARIABLE: RUNNER}
        assert shell.sentence == (
            "The scripts run in the simulator's own runner: "
            f"{executable} is PowerShell 7.3.12, older than 7.4."
        )

    @posix
    @pytest.mark.parametrize(("text", "said"), NO_POWERSHELL.items(), ids=NO_POWERSHELL.values())
    def test_one_that_does_not_work_is_named_and_left_alone(self, text, said, tmp_path):
        executable = broken(tmp_path, text)
        shell = choose_shell(on_path(tmp_path))
        assert shell.variables == {VARIABLE: RUNNER}
        assert shell.sentence.endswith(f"own runner: {executable} does not {said}.")


class TestAskedFor:
    @posix
    def test_the_runner_is_used_although_there_is_a_powershell(self, tmp_path):
        fake_powershell.install(tmp_path)
        shell = choose_shell(on_path(tmp_path) | {VARIABLE: RUNNER})
        assert shell.variables == {VARIABLE: RUNNER}
        assert shell.sentence.endswith(f"own runner: {VARIABLE} asks for it.")

    @pytest.mark.parametrize("name", ["pwsh-preview", "./pwsh", "Runner", " "])
    def test_and_missing_it_says_what_to_do(self, name, tmp_path):
        with pytest.raises(
            SimulatorError,
            match=r"no such program\. Install PowerShell 7\.4 or newer, or set \w+ to runner",
        ):
            choose_shell({VARIABLE: name, "PATH": str(tmp_path)})

    def test_and_missing_no_environment_is_made(self, tmp_path, monkeypatch):
        monkeypatch.setenv(VARIABLE, str(tmp_path / "pwsh"))
        with (
            pytest.raises(SimulatorError, match="there is no such program"),
            simulated_environment(tmp_path / "simulated", tmp_path / "pulumi"),
        ):
            pass
        assert not (tmp_path / "simulated" / "bin").exists()

    def test_and_missing_it_is_told_without_a_traceback(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv(VARIABLE, str(tmp_path / "pwsh"))
        assert main(["destroy", "--directory", str(tmp_path / "simulated")]) == 1
        captured = capsys.readouterr()
        assert captured.err.startswith(f"simulator: {VARIABLE} is '{tmp_path / 'pwsh'}', and there")
        assert len((captured.err + captured.out).splitlines()) == 1

    @posix
    @pytest.mark.parametrize("version", ["7.3.12", "6.2.7", "5.1.22621.2506"])
    def test_and_too_old_it_says_what_to_do(self, tmp_path, version):
        executable = fake_powershell.install(tmp_path, version)
        with pytest.raises(SimulatorError) as refused:
            choose_shell(on_path(tmp_path) | {VARIABLE: "pwsh"})
        assert str(refused.value) == (
            f"{VARIABLE} is 'pwsh': {executable} is PowerShell {version}, older than 7.4. Install "
            f"PowerShell 7.4 or newer, or set {VARIABLE} to runner, which needs none."
        )

    @posix
    @pytest.mark.parametrize("version", ["7.4.6", "7.10.0-preview.1", "8.0.0"])
    def test_and_new_enough_it_is_used(self, tmp_path, version):
        executable = fake_powershell.install(tmp_path, version)
        shell = choose_shell(on_path(tmp_path) | {VARIABLE: "pwsh"})
        assert shell.variables[VARIABLE] == str(executable)

    @posix
    @pytest.mark.parametrize(("text", "said"), NO_POWERSHELL.items(), ids=NO_POWERSHELL.values())
    def test_what_is_no_powershell_is_said_to_be_none(self, text, said, tmp_path):
        executable = broken(tmp_path, text)
        with pytest.raises(
            SimulatorError, match=re.escape(f"': {executable} does not {said}. Install")
        ):
            choose_shell({VARIABLE: str(executable)})

    @posix
    def test_a_path_from_here_is_one_for_processes_elsewhere(self, tmp_path, monkeypatch):
        executable = fake_powershell.install(tmp_path / "a place")
        monkeypatch.chdir(tmp_path)
        shell = choose_shell({VARIABLE: "a place/pwsh"})
        assert shell.variables[VARIABLE] == str(executable)

    @posix
    def test_a_folder_of_path_from_here_is_one_for_processes_elsewhere(self, tmp_path, monkeypatch):
        executable = fake_powershell.install(tmp_path / "bin")
        monkeypatch.chdir(tmp_path)
        shell = choose_shell({"PATH": os.pathsep.join(["bin", os.defpath])})
        assert shell.variables[VARIABLE] == str(executable)

    @posix
    def test_the_stand_in_is_found_before_what_is_installed(self, tmp_path):
        executable = fake_powershell.install(tmp_path)
        variables = choose_shell({VARIABLE: str(executable)}).variables
        assert variables["PSModulePath"].split(os.pathsep) == [str(MODULES), "/its/own"]


@posix
class TestARun:
    """A script, from the command line to the tenant, by an executable that speaks the protocol."""

    @pytest.fixture(params=["fake", *(["real"] if os.environ[VARIABLE] != RUNNER else [])])
    def environment(self, request, tmp_path, monkeypatch) -> Iterator[dict[str, str]]:
        if request.param == "fake":
            monkeypatch.setenv(VARIABLE, str(fake_powershell.install(tmp_path / "real")))
        with simulated_environment(tmp_path / "simulated", tmp_path / "pulumi") as environment:
            yield environment

    @pytest.fixture
    def tenant(self, environment) -> Tenant:
        return Tenant(Path(environment["SIMULATED_TENANT"]))

    @pytest.fixture
    def run(self, environment, tmp_path):
        def run(lines: str, **more: str) -> subprocess.CompletedProcess[str]:
            (tmp_path / "script.ps1").write_text(lines, encoding="utf-8")
            pwsh = Path(environment["PATH"].split(os.pathsep)[0]) / "pwsh"
            return subprocess.run(
                [pwsh, "-NoProfile", "-NonInteractive", "-File", tmp_path / "script.ps1"],
                env=environment | more,
                input="",
                capture_output=True,
                encoding="utf-8",
                check=False,
            )

        return run

    def test_is_in_the_executable_that_was_asked_for(self, run):
        script = f"if ($env:{KEY}) {{\n    'real'\n}}\nelse {{\n    'ours'\n}}\n"
        assert run(script).stdout == "real\n"
        assert run(script, **{VARIABLE: RUNNER}).stdout == "ours\n"

    def test_leaves_the_same_log_as_in_our_runner(self, run, tenant):
        script = f"{CONNECT}(Get-Mailbox -Identity 'finance@contoso.com').DisplayName\nexit 3\n"
        ways = {"real": {}, "ours": {VARIABLE: RUNNER}}
        logs = {}
        for way, variables in ways.items():
            before = len(tenant.calls())
            done = run(script, **variables)
            assert (done.returncode, done.stdout, done.stderr) == (3, "Finance\n", "")
            logs[way] = [
                (call.caller, call.service, call.operation, call.target)
                for call in tenant.calls()[before:]
            ]
        assert logs["real"] == logs["ours"]
        assert logs["real"][0] == ("script.ps1", "PowerShell", "start", "script.ps1")

    @pytest.mark.parametrize(
        "variables",
        [
            {"LANG": "tr_TR.UTF-8"},
            {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"},
            {"LANG": "C"},
            {"TMPDIR": "it's a [place] of its own"},
        ],
        ids=lambda variables: next(iter(variables.values())),
    )
    def test_is_the_same_in_other_languages_and_folders(self, run, tenant, tmp_path, variables):
        if "TMPDIR" in variables:
            variables = {"TMPDIR": str(tmp_path / variables["TMPDIR"])}
            Path(variables["TMPDIR"]).mkdir()
        before = tenant.clock.now()
        done = run(
            f"{CONNECT}Start-Sleep -Seconds 1234.5\n"
            "(Get-Mailbox -Identity 'FINANCE@contoso.com' -ErrorAction Stop).PrimarySmtpAddress\n"
            "Disconnect-ExchangeOnline -Confirm:$false\n",
            **variables,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "finance@contoso.com\n", "")
        assert 1234 < (tenant.clock.now() - before).total_seconds() < 10_000

    def test_sleeps_on_the_tenants_clock(self, run, tenant):
        before = tenant.clock.now()
        run("Import-Module -Name 'ExchangeOnlineManagement' -Global\nStart-Sleep -Seconds 4000\n")
        assert (tenant.clock.now() - before).total_seconds() >= 4000

    def test_gets_exchanges_errors_in_its_words(self, run):
        script = (
            f"{CONNECT}try {{\n    Get-Mailbox -Identity 'nobody' -ErrorAction Stop\n}}\n"
            "catch {\n    [Console]::Error.WriteLine($_.Exception.Message)\n}\n"
        )
        done = run(script)
        assert "ManagementObjectNotFoundException|" in done.stderr
        assert (
            done.stderr.rpartition("|")[2]
            == run(script, **{VARIABLE: RUNNER}).stderr.rpartition("|")[2]
        )

    def test_has_the_cmdlets_that_it_named_and_until_it_disconnects(self, run):
        known = (
            "@('Get-Mailbox', 'Get-Recipient') | "
            "Where-Object { Get-Command -Name $_ -ErrorAction SilentlyContinue }\n"
        )
        done = run(f"{CONNECT}{known}Disconnect-ExchangeOnline -Confirm:$false\n'-'\n{known}")
        assert (done.stdout, done.stderr) == ("Get-Mailbox\n-\n", "")

    def test_ends_where_nothing_can_answer(self, run):
        done = run(f"{CONNECT}try {{\n    Get-Mailbox -Anr 'x'\n}}\ncatch {{\n    'caught'\n}}\n")
        assert (done.returncode, done.stdout) == (70, "")
        assert "does not have Get-Mailbox -Anr" in done.stderr

    @pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.KILLED_AFTER])
    def test_dies_where_it_is_to_be_killed(self, run, tenant, kind):
        script = (
            f"{CONNECT}try {{\n    Get-Mailbox -ErrorAction Stop | Out-Null\n}}\n"
            "finally {\n    'lived on'\n}\n"
        )
        run(script)
        [step] = [step for step in steps(tenant.calls()) if step.operation == "Get-Mailbox"]
        tenant.plan_faults([Fault(step, kind)])
        done = run(script)
        assert done.returncode < 0
        assert done.stdout == ""
        assert tenant.faults_happened() == 1


class TestTheBridge:
    @pytest.fixture
    def ask(self, tmp_path):
        tenant = Tenant(tmp_path / "tenant.sqlite")
        with bridged(SimulatedHost(tenant)) as variables:

            def ask(command: str, key: str | None = None, **parameters: object) -> httpx.Response:
                return httpx.post(
                    variables[ADDRESS],
                    json={"command": command, "parameters": parameters},
                    headers={HEADER: variables[KEY] if key is None else key},
                )

            yield ask
        tenant.close()

    def test_answers_only_whom_it_gave_the_key(self, ask):
        assert ask("Get-ConnectionInformation").status_code == 200
        assert ask("Get-ConnectionInformation", key="").status_code == 403

    def test_knows_a_password_by_its_parameter(self, ask):
        # As a text it would be refused, and the error would quote it.
        answer = ask("Connect-ExchangeOnline", CertificatePassword="planted").json()
        assert answer["error"] is None
        assert "not with -CertificatePassword" in answer["refused"]
        assert "planted" not in str(answer)

    def test_refuses_a_cmdlet_that_is_not_loaded(self, ask):
        error = ask("Get-Mailbox", Identity="finance@contoso.com").json()["error"]
        assert error["message"].startswith("The term 'Get-Mailbox' is not recognized")
        assert error["terminating"]
