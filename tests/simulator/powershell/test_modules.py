"""Session states of script and modules, and commands of imported modules."""

import pytest

from simulator.powershell import UnsupportedConstruct
from simulator.powershell.interface import Arguments, CommandError, SecureString
from tests.simulator.powershell.running import Runner

IMPORT = 'Import-Module "$PSScriptRoot/Helper.psm1"\n'
CONNECT = "Import-Module FakeModule\nConnect-Fake\n"

RETRY = """
Set-StrictMode -Version Latest

function Invoke-WithRetry {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [scriptblock] $Action,
        [int] $Attempts = 3
    )
    $attempt = 1
    while ($true) {
        try {
            return & $Action
        }
        catch {
            if ($_.Exception.Message -notmatch 'busy' -or $attempt -ge $Attempts) { throw }
        }
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
}

Export-ModuleMember -Function 'Invoke-WithRetry'
"""


class TestScriptModules:
    def test_exported_functions_are_there_and_others_are_not(self, run: Runner) -> None:
        run.write(
            "Helper.psm1",
            "function Get-Outer { Get-Inner }\nfunction Get-Inner { 'inner' }\n"
            "Export-ModuleMember -Function Get-Outer\n",
        )
        result = run(IMPORT + "Get-Outer\ntry { Get-Inner } catch { 'not exported' }")
        assert result.lines == ["inner", "not exported"]

    def test_without_an_export_all_functions_are_there(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Get-Inner { 'inner' }\n")
        assert run(IMPORT + "Get-Inner").stdout == "inner\n"

    def test_a_module_does_not_see_the_scripts_variables(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Get-It { $null -eq $secret }\n")
        assert run(IMPORT + "$secret = 1\nGet-It").stdout == "True\n"

    def test_its_own_variables_are_seen_by_its_functions_only(self, run: Runner) -> None:
        run.write("Helper.psm1", "$own = 1\nfunction Get-It { $own }\n")
        assert run(IMPORT + "Get-It\n$null -eq $own").lines == ["1", "True"]

    def test_a_block_run_by_a_module_does_not_see_that_functions_variables(
        self, run: Runner
    ) -> None:
        run.write(
            "Helper.psm1", "function Invoke-It {\nparam($Block)\n$x = 'module'\n& $Block\n}\n"
        )
        assert run(IMPORT + "$x = 'script'\nInvoke-It -Block { $x }").stdout == "script\n"

    def test_nor_does_it_change_the_variables_where_it_was_written(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Invoke-It {\nparam($Block)\n& $Block\n}\n")
        assert run(IMPORT + "$x = 1\nInvoke-It -Block { $x = 2 }\n$x").stdout == "1\n"

    def test_a_block_of_the_module_itself_sees_the_function_that_runs_it(self, run: Runner) -> None:
        """The trap of ``& $Action`` in a block that is handed to a function with an ``$Action``."""
        run.write(
            "Helper.psm1",
            "function Invoke-Inner {\nparam($Action)\n& $Action\n}\n"
            "function Invoke-Outer {\nparam($Action)\nInvoke-Inner -Action { & $Action }\n}\n",
        )
        with pytest.raises(UnsupportedConstruct, match="deeper"):
            run(IMPORT + "Invoke-Outer -Action { 'never reached' }")

    def test_strict_mode_of_a_module_is_its_own(self, run: Runner) -> None:
        run.write("Helper.psm1", "Set-StrictMode -Version Latest\nfunction Get-It { $nothing }\n")
        result = run(IMPORT + "$null -eq $nothing\ntry { Get-It } catch { 'strict' }")
        assert result.lines == ["True", "strict"]

    def test_strict_mode_of_the_script_holds_in_modules(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Get-It { $nothing }\n")
        script = f"Set-StrictMode -Version Latest\n{IMPORT}try {{ Get-It }} catch {{ 'strict' }}"
        assert run(script).stdout == "strict\n"

    def test_a_preference_of_a_script_function_is_not_seen_by_a_module(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Write-It {\nWrite-Error 'x'\n'went on'\n}\n")
        script = IMPORT + "function f {\n$ErrorActionPreference = 'Stop'\nWrite-It\n}\nf"
        assert run(script).stdout == "went on\n"

    def test_whether_one_of_the_script_itself_is_seen_must_not_matter(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Write-It {\nWrite-Error 'x'\n}\n")
        with pytest.raises(UnsupportedConstruct, match="depends on how the script was started"):
            run(f"$ErrorActionPreference = 'Stop'\n{IMPORT}Write-It")

    def test_a_preference_of_the_module_is_seen_by_its_functions(self, run: Runner) -> None:
        run.write(
            "Helper.psm1",
            "$ErrorActionPreference = 'Stop'\nfunction Write-It {\nWrite-Error 'x'\n}\n",
        )
        assert run(IMPORT + "try { Write-It } catch { 'caught' }").stdout == "caught\n"

    def test_it_is_loaded_once_and_again_with_force(self, run: Runner) -> None:
        run.write("Helper.psm1", "[Console]::Error.WriteLine('loading')\nfunction Get-It { 1 }\n")
        assert run(IMPORT + IMPORT).stderr == "loading\n"
        assert run(IMPORT + IMPORT.rstrip() + " -Force").stderr == "loading\nloading\n"

    def test_what_a_module_imports_is_its_own(self, run: Runner) -> None:
        run.write("Inner.psm1", "function Get-Inner { 'inner' }\n")
        run.write(
            "Helper.psm1",
            'Import-Module "$PSScriptRoot/Inner.psm1"\nfunction Get-Outer { Get-Inner }\n'
            "Export-ModuleMember -Function 'Get-Outer'\n",
        )
        result = run(IMPORT + "Get-Outer\ntry { Get-Inner } catch { 'not here' }")
        assert result.lines == ["inner", "not here"]

    def test_unapproved_verbs_warn_on_stdout(self, run: Runner) -> None:
        run.write("Helper.psm1", ["function Do-It { 1 }", "function Ensure-It { 1 }", ""][1])
        assert run(IMPORT).stdout.startswith("WARNING: The names of some imported commands")
        assert run(IMPORT.rstrip() + " -DisableNameChecking").stdout == ""

    def test_its_own_folder_is_the_script_root(self, run: Runner) -> None:
        (run.folder / "below").mkdir()
        run.write("below/Below.psm1", "function Get-Root { $PSScriptRoot }\n")
        result = run('Import-Module "$PSScriptRoot/below/Below.psm1"\nGet-Root')
        assert result.stdout == f"{(run.folder / 'below').resolve()}\n"


class TestRetryInAModule:
    def test_a_passing_error_is_retried_on_the_virtual_clock(self, run: Runner) -> None:
        run.write("Helper.psm1", RETRY)
        run.host.module.failures = [CommandError("server is busy"), CommandError("server is busy")]
        result = run(
            f"Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n{CONNECT}{IMPORT}"
            "$name = 'x'\n"
            "$found = Invoke-WithRetry -Action { Get-Thing -Identity $name -ErrorAction Stop }\n"
            "@($found).Count"
        )
        assert (result.stdout, result.stderr) == ("2\n", "")
        assert run.host.slept == [15, 15]
        calls = run.host.module.commands["get-thing"].calls
        assert [call.named for call in calls] == [{"Identity": "x"}] * 3

    def test_a_permanent_error_is_not(self, run: Runner) -> None:
        run.write("Helper.psm1", RETRY)
        run.host.module.failures = [CommandError("access denied")]
        script = 'try { Invoke-WithRetry -Action { Get-Thing -ErrorAction Stop } } catch { "$_" }'
        assert run(CONNECT + IMPORT + script).stdout == "access denied\n"
        assert run.host.slept == []

    def test_attempts_are_bounded(self, run: Runner) -> None:
        run.write("Helper.psm1", RETRY)
        run.host.module.failures = [CommandError("busy")] * 9
        result = run(CONNECT + IMPORT + "Invoke-WithRetry -Action { Get-Thing -ErrorAction Stop }")
        assert (result.code, run.host.slept) == (1, [15, 15])


class TestCommandsOfModules:
    def test_they_are_unknown_until_imported(self, run: Runner) -> None:
        result = run("try { Connect-Fake } catch { 'unknown' }")
        assert result.stdout == "unknown\n"

    def test_what_is_loaded_is_asked_at_each_call(self, run: Runner) -> None:
        script = (
            "Import-Module FakeModule\n"
            "try { Get-Thing -ErrorAction Stop } catch { 'not loaded' }\n"
            "Connect-Fake\n@(Get-Thing -ErrorAction Stop).Count"
        )
        assert run(script).lines == ["not loaded", "2"]

    def test_the_scripts_import_is_seen_by_modules(self, run: Runner) -> None:
        run.write("Helper.psm1", "function Get-It { @(Get-Thing -ErrorAction Stop).Count }\n")
        assert run(CONNECT + IMPORT + "Get-It").stdout == "2\n"

    def test_a_modules_import_is_its_own_unless_global(self, run: Runner) -> None:
        run.write("Helper.psm1", f"function Connect-It {{\n{CONNECT}}}\n")
        script = IMPORT + "Connect-It\ntry { Set-Thing } catch { 'not here' }"
        assert run(script).stdout == "not here\n"
        run.write(
            "Helper.psm1",
            "function Connect-It {\nImport-Module FakeModule -Global\nConnect-Fake\n}",
        )
        assert run(script).stdout == ""

    def test_arguments_arrive_as_written(self, run: Runner) -> None:
        run(
            CONNECT + "$h = @{ Filter = \"Name -eq 'x'\" }\n"
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
        script = "function f {\nparam([switch] $s)\nSet-Thing -Force:$s\n}\nf -s\nf"
        run(CONNECT + script)
        calls = run.host.module.commands["set-thing"].calls
        assert [call.named for call in calls] == [{"Force": True}, {"Force": False}]

    def test_objects_have_their_properties(self, run: Runner) -> None:
        script = (
            "Set-StrictMode -Version Latest\n" + CONNECT + "$t = @(Get-Thing -ErrorAction Stop)\n"
            "$t[0].NAME\n$t[0].Addresses.Count\n$t[0].Addresses -join ','\n"
            "@($t | Where-Object { $_.Enabled }).Count\n$t.Name -join ','\n"
            "try { $t[0].Missing } catch { 'missing' }"
        )
        assert run(script).lines == ["first", "2", "a,b", "1", "first,second", "missing"]

    def test_get_command_tells_what_is_loaded(self, run: Runner) -> None:
        script = (
            "$x = Get-Command -Name get-THING -ErrorAction SilentlyContinue\n$null -eq $x\n"
            + CONNECT
            + "$x = Get-Command -Name get-THING -ErrorAction Stop\n$x.Name\n"
            "$x.Parameters.ContainsKey('identity')\n$x.Parameters.ContainsKey('Other')\n"
            "@($x.Parameters.Keys | Where-Object { $_ -eq 'Filter' }).Count\n"
            "try { Get-Command No-Thing -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }"
        )
        assert run(script).lines == [
            "True", "Get-Thing", "True", "False", "1",
            "CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
        ]  # fmt: skip

    def test_an_unknown_module_does_not_end_the_script_by_itself(self, run: Runner) -> None:
        result = run("Import-Module NoSuchModule\n'went on'")
        assert result.stdout == "went on\n"
        assert "The specified module 'NoSuchModule' was not loaded" in result.stderr
