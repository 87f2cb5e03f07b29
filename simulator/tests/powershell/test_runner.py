"""The runner's own side: its host, the modules that are written in Python, and its random order."""

import io

import pytest

from simulator.powershell import UnsupportedConstruct, run_file
from simulator.powershell.interface import Arguments, CommandError, SecureString
from simulator.tests.powershell.running import FakeHost, Runner

CONNECT = "Import-Module FakeModule\nConnect-Fake\n"


class TestCommandsOfModules:
    """What a module that is written in Python gets, and how its errors reach the script."""

    def test_arguments_arrive_as_written(self, run: Runner) -> None:
        run(
            CONNECT + "$h = @{ Filter = \"Name -eq 'x'\"; Last = $false }\n"
            "$s = ConvertTo-SecureString -String 'p' -AsPlainText -Force\n"
            "function f { }\n$nothing = f\n"
            "Set-Thing 'first' -identity @(1, 'b') @h -Force -Confirm:$false -Table @{ a = $null } "
            "-Guid ([guid]'0b0d0000-0000-0000-0000-00000000000A') -Secret $s -Nothing $nothing "
            "-ErrorAction Stop -Last"
        )
        (call,) = run.host.module.commands["set-thing"].calls
        secret = call.named["Secret"]
        assert isinstance(secret, SecureString)
        assert secret.plain_text == "p"
        assert call == Arguments(
            {
                "identity": [1, "b"],
                "Filter": "Name -eq 'x'",
                "Force": True,
                "Confirm": False,
                "Table": {"a": None},
                "Guid": "0b0d0000-0000-0000-0000-00000000000a",
                "Secret": secret,
                "Nothing": None,
                "Last": True,
            },
            ["first"],
            frozenset({"Force", "Last"}),
        )

    def test_a_switch_is_handed_on(self, run: Runner) -> None:
        run(CONNECT + "function f {\nparam([switch] $s)\nSet-Thing -Force:$s\n}\nf -s\nf")
        calls = run.host.module.commands["set-thing"].calls
        assert [call.named for call in calls] == [{"Force": True}, {"Force": False}]

    def test_what_is_loaded_is_asked_at_each_call(self, run: Runner) -> None:
        script = (
            "Import-Module FakeModule\n"
            "$null -eq (Get-Command Get-Thing -ErrorAction SilentlyContinue)\n"
            "try { Get-Thing -ErrorAction Stop } catch { 'not loaded' }\n"
            "Connect-Fake\n@(Get-Thing -ErrorAction Stop).Name -join ','\n"
            "(Get-Command get-THING).Parameters.ContainsKey('identity')"
        )
        assert run(script).lines == ["True", "not loaded", "first,second", "True"]

    def test_an_error_has_the_message_type_and_id_that_the_module_gives(self, run: Runner) -> None:
        run.host.module.failures = [
            CommandError("busy", "System.InvalidOperationException", "[RequestId=1]")
        ]
        result = run(
            CONNECT + "try { Get-Thing -ErrorAction Stop } "
            'catch [System.InvalidOperationException] { "$_ $($_.FullyQualifiedErrorId)" }'
        )
        assert result.stdout == "busy [RequestId=1]\n"

    @pytest.mark.parametrize(
        ("preference", "error_action", "shown"),
        [
            ("Continue", "", "went on"),
            ("Continue", "-ErrorAction Stop", "caught"),
            ("Stop", "", "caught"),
            ("Stop", "-ErrorAction SilentlyContinue", "went on"),
        ],
    )
    def test_an_error_ends_the_script_as_error_action_or_the_scripts_preference_say(
        self, run: Runner, preference: str, error_action: str, shown: str
    ) -> None:
        run.host.module.failures = [CommandError("busy")]
        result = run(
            f"$ErrorActionPreference = '{preference}'\n{CONNECT}"
            f"try {{\n$found = Get-Thing {error_action}\n'went on'\n}} catch {{ 'caught' }}"
        )
        assert result.stdout == f"{shown}\n"

    def test_arguments_that_do_not_bind_are_always_terminating(self, run: Runner) -> None:
        run.host.module.failures = [
            CommandError("no such", "System.Management.Automation.ParameterBindingException")
        ]
        assert run(CONNECT + "try { Get-Thing } catch { 'caught' }").stdout == "caught\n"

    def test_an_error_of_the_simulation_itself_is_not_caught(self, run: Runner) -> None:
        def gives_up(_: Arguments) -> list[object]:
            raise LookupError("not simulated")

        run.host.module.add("Set-Thing", gives_up)
        with pytest.raises(LookupError):
            run(CONNECT + "try { Set-Thing } catch { 'caught' } finally { Start-Sleep 1 }")
        assert run.host.slept == []


class TestInstalledModules:
    """Beside the recorded answers, since versions are those of one machine."""

    def test_are_listed_with_their_version(self, run: Runner) -> None:
        result = run(
            "Get-Module -Name 'fakemodule' -ListAvailable | ForEach-Object "
            "{ \"$($_.Name) $($_.Version)\" }\n@(Get-Module -Name 'None' -ListAvailable).Count"
        )
        assert result.stdout == "FakeModule 1.2.3\n0\n"


class TestHost:
    def test_sleeping_moves_the_hosts_clock(self, run: Runner) -> None:
        run("Start-Sleep -Seconds 15\nStart-Sleep 1.5")
        assert run.host.slept == [15, 1.5]

    def test_progress_is_flushed_while_the_script_runs(self, run: Runner) -> None:
        host = FakeHost()
        stderr = _Flushed()
        seen: list[str] = []
        host.on_sleep = lambda: seen.append(stderr.flushed)
        run_file(
            run.write("script.ps1", "[Console]::Error.WriteLine('waiting')\nStart-Sleep 1"),
            stdin=[],
            stdout=io.StringIO(),
            stderr=stderr,
            environment={},
            host=host,
        )
        assert seen == ["waiting\n"]

    def test_a_variable_of_the_environment_is_read(self, run: Runner) -> None:
        assert run('"<$env:NAME>"', environment={"NAME": "x"}).stdout == "<x>\n"

    def test_a_temporary_folder_can_be_made_and_removed(self, run: Runner) -> None:
        path = "$p = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath 'x'\n"
        environment = {"TMPDIR": str(run.folder)}
        made = run(
            f"{path}New-Item -ItemType Directory -Path $p -ErrorAction Stop | Out-Null",
            environment=environment,
        )
        assert (made.code, (run.folder / "x").is_dir()) == (0, True)
        removed = run(
            f"{path}Remove-Item -Path $p -Recurse -Force -ErrorAction Stop", environment=environment
        )
        assert (removed.code, (run.folder / "x").exists()) == (0, False)


class _Flushed(io.StringIO):
    """Knows what has been flushed."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_a_plain_hashtable_has_no_order(run: Runner) -> None:
    keys = "; ".join(f"k{number} = {number}" for number in range(9))
    seen = {run(f"@(@{{ {keys} }}.Keys) -join ','").stdout for _ in range(5)}
    assert len(seen) > 1


def test_a_block_that_a_function_of_its_own_module_runs_for_ever_is_refused(run: Runner) -> None:
    """The trap of ``& $Action`` in a block that is handed to a function with an ``$Action``."""
    run.write(
        "Helper.psm1",
        "function Invoke-Inner {\nparam($Action)\n& $Action\n}\n"
        "function Invoke-Outer {\nparam($Action)\nInvoke-Inner -Action { & $Action }\n}\n",
    )
    with pytest.raises(UnsupportedConstruct, match="deeper"):
        run('Import-Module "$PSScriptRoot/Helper.psm1"\nInvoke-Outer -Action { 1 }')
