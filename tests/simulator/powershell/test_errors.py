"""The error channel, exit codes, and what goes to which stream."""

import io
from pathlib import Path

import pytest

from simulator.powershell import run_file
from simulator.powershell.interface import Arguments, CommandError
from tests.simulator.powershell.running import FakeHost, Runner

EXIT_CODES = {
    "end of the script": ("'x'", 0),
    "exit": ("exit", 0),
    "exit with a number": ("exit 3", 3),
    "exit of a function": ("function f { exit 4 }\nf\n'not reached'", 4),
    "exit in a catch": ("try { throw 'x' } catch { exit 5 }", 5),
    "throw": ("throw 'x'", 1),
    "throw in a function": ("function f { throw 'x' }\nf", 1),
    "rethrown": ("try { throw 'x' } catch { throw }", 1),
    "Write-Error under Stop": ("$ErrorActionPreference = 'Stop'\nWrite-Error 'x'", 1),
    "Write-Error -ErrorAction Stop": ("Write-Error 'x' -ErrorAction Stop", 1),
    "Write-Error alone": ("Write-Error 'x'", 0),
    "failed cast alone": ("[int]'x'", 0),
    "failed cast under Stop": ("$ErrorActionPreference = 'Stop'\n[int]'x'", 1),
    "missing script parameter": ("param([Parameter(Mandatory)] $x)\n$x", 1),
}

CAUGHT = {
    "throw": ("throw 'message'", "message"),
    "Write-Error -ErrorAction Stop": ("Write-Error 'message' -ErrorAction Stop", "message"),
    "failed cast": (
        "[int]'x'",
        'Cannot convert value "x" to type "System.Int32". '
        "Error: \"The input string 'x' was not in a correct format.\"",
    ),
    "division by zero": ("1 / 0", "Attempted to divide by zero."),
    "method of $null": ("$null.Trim()", "You cannot call a method on a null-valued expression."),
    "index of $null": ("$x = $null\n$x[0]", "Cannot index into a null array."),
    "bad JSON": (
        "ConvertFrom-Json -InputObject '{'",
        "Conversion from JSON failed with error: Expecting property name enclosed in double "
        "quotes: line 1 column 2 (char 1)",
    ),
    "JSON keys that differ in case": (
        'ConvertFrom-Json -InputObject \'{"a":1,"A":2}\'',
        "Cannot convert the JSON string because it contains keys with different casing or "
        "duplicated keys. Please use the -AsHashTable switch instead. The key that was attempted "
        "to be added to the existing key 'a' was 'A'.",
    ),
    "format": (
        "'{1}' -f 'x'",
        "Error formatting a string: Index (zero based) must be greater than or equal to zero and "
        "less than the size of the argument list..",
    ),
    "ContainsKey of an ordered table": (
        "$h = [ordered]@{}\n$h.ContainsKey('a')",
        "Method invocation failed because [System.Collections.Specialized.OrderedDictionary] does "
        "not contain a method named 'ContainsKey'.",
    ),
    "Substring out of range": (
        "'ab'.Substring(3)",
        'Exception calling "Substring" with "1" argument(s): "Index and length must refer to a '
        "location within the string. (Parameter 'startIndex')\"",
    ),
    "property that cannot be set": (
        "$o = [pscustomobject]@{ a = 1 }\n$o.b = 1",
        "The property 'b' cannot be found on this object. "
        "Verify that the property exists and can be set.",
    ),
    "unknown module": (
        "Import-Module NoSuchModule -ErrorAction Stop",
        "The specified module 'NoSuchModule' was not loaded because no valid module file was found "
        "in any module directory.",
    ),
    "missing path": (
        "Remove-Item -Path '/no-such-folder' -ErrorAction Stop",
        f"Cannot find path '{Path('/no-such-folder')}' because it does not exist.",
    ),
    "existing folder": (
        'New-Item -ItemType Directory -Path "$PSScriptRoot" -ErrorAction Stop',
        None,
    ),
}

FUNCTION = (
    "function Set-X {\n[CmdletBinding()]\nparam(\n[Parameter(Mandatory)] [string] $Name,\n"
    "[ValidateSet('One', 'Two')] [string] $Kind,\n[ValidateNotNullOrEmpty()] [string] $Text,\n"
    "[int] $Number,\n[bool] $Flag,\n[string[]] $Names,\n[hashtable] $Table,\n"
    "[scriptblock] $Block\n)\n'ran'\n}\n"
)
BINDING = {
    "missing": ("Set-X", "missing mandatory parameters: Name."),
    "empty": ("Set-X -Name ''", "parameter 'Name' because it is an empty string."),
    "$null": ("Set-X -Name $null", "parameter 'Name' because it is an empty string."),
    "unknown": ("Set-X -Name a -Other b", "matches parameter name 'Other'."),
    "no value": ("Set-X -Name", "Missing an argument for parameter 'Name'."),
    "too many": ("Set-X a One b 1 $true c @{} { 1 } 'more'", "accepts argument 'more'."),
    "not in the set": ("Set-X -Name a -Kind Three", 'The argument "Three" does not belong to'),
    "not null or empty": ("Set-X -Name a -Text ''", "The argument is null or empty."),
    "no number": ("Set-X -Name a -Number x", "parameter 'Number'. Cannot convert value \"x\""),
    "array for text": ("Set-X -Name @('a', 'b')", "Cannot convert value to type System.String."),
    "text for bool": ("Set-X -Name a -Flag 'true'", "Boolean parameters accept only Boolean"),
    "ordered for hashtable": (
        "Set-X -Name a -Table ([ordered]@{})",
        "System.Collections.Hashtable",
    ),
    "text for a block": ("Set-X -Name a -Block 'x'", "System.Management.Automation.ScriptBlock"),
    "unknown in a splat": ("$h = @{ Name = 'a'; Other = 1 }\nSet-X @h", "parameter name 'Other'."),
}


class TestExitCodes:
    @pytest.mark.parametrize(("script", "code"), EXIT_CODES.values(), ids=EXIT_CODES.keys())
    def test_exit_code(self, run: Runner, script: str, code: int) -> None:
        assert run(script).code == code


class TestErrorRecords:
    @pytest.mark.parametrize(("script", "message"), CAUGHT.values(), ids=CAUGHT.keys())
    def test_it_can_be_caught_and_says_what_powershell_says(
        self, run: Runner, script: str, message: str | None
    ) -> None:
        result = run(f"try {{\n{script}\n}}\ncatch {{\n$_.Exception.Message\n}}")
        expected = message or f"An item with the specified name {run.folder} already exists."
        assert (result.stdout, result.stderr) == (f"{expected}\n", "")

    @pytest.mark.parametrize(("script", "message"), BINDING.values(), ids=BINDING.keys())
    def test_arguments_that_do_not_bind(self, run: Runner, script: str, message: str) -> None:
        result = run(f"{FUNCTION}try {{\n{script}\n}}\ncatch {{\n$_.Exception.Message\n}}")
        assert message in result.stdout
        assert "ran" not in result.lines

    @pytest.mark.parametrize(
        ("attribute", "argument"),
        [
            ("[AllowEmptyString()] [string]", "''"),
            ("[AllowNull()] [object]", "$null"),
            ("[AllowEmptyCollection()] [object[]]", "@()"),
        ],
    )
    def test_a_mandatory_parameter_takes_what_it_allows(
        self, run: Runner, attribute: str, argument: str
    ) -> None:
        script = "function f {\nparam([Parameter(Mandatory)] %s $x)\n'ran'\n}\nf -x %s"
        assert run(script % (attribute, argument)).stdout == "ran\n"
        refused = run(script % (attribute.split("] ")[1], argument))
        assert "Cannot bind argument to parameter 'x' because it is" in refused.stderr

    def test_what_a_record_shows(self, run: Runner) -> None:
        result = run(
            "try {\nthrow 'x'\n}\ncatch {\n"
            "$_.FullyQualifiedErrorId\n$_.Exception.GetType().FullName\n"
            '$_.InvocationInfo.ScriptLineNumber\n"text: $_"\n}'
        )
        assert result.lines == [
            "x", "System.Management.Automation.RuntimeException", "2", "text: x",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("caught", "handler"),
        [
            ("System.Management.Automation.CommandNotFoundException", "first"),
            ("System.Management.Automation.RuntimeException", "first"),
            ("System.Exception", "first"),
            ("System.IO.IOException", "second"),
        ],
    )
    def test_catch_by_type_takes_derived_ones(self, run: Runner, caught: str, handler: str) -> None:
        script = f"try {{ Get-Nothing }}\ncatch [{caught}] {{ 'first' }}\ncatch {{ 'second' }}"
        assert run(script).stdout == f"{handler}\n"

    def test_an_unknown_command_is_not_recognized(self, run: Runner) -> None:
        result = run("try { Get-Nothing } catch { $_.Exception.Message }")
        assert result.lines[0] == (
            "The term 'Get-Nothing' is not recognized as a name of a cmdlet, function, script "
            "file, or executable program."
        )

    def test_an_uncaught_error_shows_message_file_and_line(self, run: Runner) -> None:
        result = run("$x = 1\nfunction f {\n    throw 'went wrong'\n}\nf")
        assert "script.ps1:3" in result.stderr
        assert "   3 |     throw 'went wrong'" in result.stderr
        assert "     | went wrong" in result.stderr
        assert result.stdout == ""


class TestErrorChannel:
    def test_write_error_is_not_caught_by_itself(self, run: Runner) -> None:
        result = run("try {\nWrite-Error 'x'\n'went on'\n}\ncatch { 'caught' }")
        assert result.stdout == "went on\n"
        assert "x" in result.stderr

    def test_write_error_is_caught_under_the_preference(self, run: Runner) -> None:
        script = "$ErrorActionPreference = 'Stop'\ntry { Write-Error 'x' } catch { 'caught' }"
        assert run(script).stdout == "caught\n"

    def test_silently_continue_shows_nothing(self, run: Runner) -> None:
        result = run("Write-Error 'x' -ErrorAction SilentlyContinue\n'went on'")
        assert (result.stdout, result.stderr) == ("went on\n", "")

    def test_a_failed_statement_alone_ends_without_try(self, run: Runner) -> None:
        result = run("function f {\n[int]'x'\n'went on'\n}\nf\n'and on'")
        assert result.lines == ["went on", "and on"]
        assert "Cannot convert" in result.stderr

    def test_within_a_try_it_ends_the_whole_block(self, run: Runner) -> None:
        script = "function f {\n[int]'x'\n'went on'\n}\ntry { f } catch { 'caught' }"
        assert run(script).stdout == "caught\n"

    def test_error_action_of_a_function_reaches_what_it_calls(self, run: Runner) -> None:
        script = (
            "function f {\n[CmdletBinding()]\nparam()\nWrite-Error 'x'\n'went on'\n}\n"
            "try { f -ErrorAction Stop } catch { 'caught' }\nf"
        )
        assert run(script).lines == ["caught", "went on"]

    def test_throw_in_a_catch_reaches_the_outer_one(self, run: Runner) -> None:
        script = 'try {\ntry { throw \'inner\' } catch { throw "outer: $_" }\n} catch { "$_" }'
        assert run(script).stdout == "outer: inner\n"

    def test_a_bare_throw_keeps_the_record(self, run: Runner) -> None:
        script = (
            "function f {\ntry { Get-Nothing } catch { throw }\n}\n"
            "try { f } catch { $_.FullyQualifiedErrorId }"
        )
        assert run(script).stdout == "CommandNotFoundException\n"

    def test_past_those_further_up_too(self, run: Runner) -> None:
        script = (
            "function f {\ntry { 1 | ForEach-Object { $_ } }\n"
            "catch { [Console]::Error.WriteLine('in f') }\n}\n"
            "try { f | ForEach-Object { throw 'x' } } catch { \"outside: $_\" }"
        )
        result = run(script)
        assert (result.stdout, result.stderr) == ("outside: x\n", "")

    def test_a_bare_throw_takes_the_innermost_error(self, run: Runner) -> None:
        inner = "try { throw 'inner' } catch { throw }"
        script = f"try {{\ntry {{ throw 'outer' }} catch {{ {inner} }}\n}} catch {{ \"$_\" }}"
        assert run(script).stdout == "inner\n"

    def test_the_item_of_a_catch_is_restored(self, run: Runner) -> None:
        script = "try { throw 'a' } catch {\ntry { throw 'b' } catch { \"$_\" }\n\"$_\"\n}"
        assert run(script).lines == ["b", "a"]

    def test_a_later_command_fails_past_the_functions_before_it(self, run: Runner) -> None:
        script = (
            "function f {\ntry { 1 }\ncatch { [Console]::Error.WriteLine('in f') }\n"
            "finally { Start-Sleep 1 }\n}\n"
            "try { f | ForEach-Object { throw 'x' } } catch { \"outside: $_\" }"
        )
        result = run(script)
        assert (result.stdout, result.stderr) == ("outside: x\n", "")


class TestFinally:
    @pytest.mark.parametrize(
        "leaving", ["throw 'x'", "exit 2", "return", "Write-Error 'x' -ErrorAction Stop", "$null"]
    )
    def test_it_runs_however_the_block_is_left(self, run: Runner, leaving: str) -> None:
        script = f"function f {{\ntry {{ {leaving} }} finally {{ Start-Sleep 7 }}\n}}\nf"
        run(script)
        assert run.host.slept == [7]

    def test_it_runs_once_after_a_catch_that_throws(self, run: Runner) -> None:
        result = run("try { throw 'a' } catch { throw 'b' } finally { Start-Sleep 1 }")
        assert (result.code, run.host.slept) == (1, [1])

    def test_break_passes_through_it(self, run: Runner) -> None:
        script = "foreach ($i in (1..3)) {\ntry { break } finally { Start-Sleep $i }\n}"
        run(script)
        assert run.host.slept == [1]


class TestStreams:
    def test_console_error_goes_to_stderr(self, run: Runner) -> None:
        result = run("[Console]::Error.WriteLine('progress')\n'result'")
        assert (result.stdout, result.stderr) == ("result\n", "progress\n")

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

    def test_output_before_an_error_is_there(self, run: Runner) -> None:
        result = run("function f {\n'first'\nthrow 'x'\n}\nf")
        assert (result.code, result.stdout) == (1, "first\n")

    def test_too_little_depth_warns_on_stdout(self, run: Runner) -> None:
        result = run("@{ a = @{ b = @{ c = @{ d = 1 } } } } | ConvertTo-Json -Compress")
        assert result.lines == [
            "WARNING: Resulting JSON is truncated as serialization has exceeded the set depth "
            "of 2.",
            '{"a":{"b":{"c":"System.Collections.Hashtable"}}}',
        ]

    def test_the_default_depth_holds_two_levels(self, run: Runner) -> None:
        result = run("@{ a = @{ b = @{ c = 1 } } } | ConvertTo-Json -Compress")
        assert result.lines == ['{"a":{"b":{"c":1}}}']

    def test_the_warning_preference_hides_the_warning(self, run: Runner) -> None:
        script = (
            "$WarningPreference = 'SilentlyContinue'\n"
            "@{ a = @{ b = 1 } } | ConvertTo-Json -Depth 0 -Compress"
        )
        assert run(script).lines == ['{"a":"System.Collections.Hashtable"}']


class _Flushed(io.StringIO):
    """Knows what has been flushed."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


class TestModuleCommands:
    """How errors of an imported module's commands reach the script."""

    SETUP = "Import-Module FakeModule\nConnect-Fake\n"

    def test_error_action_stop_makes_it_terminating(self, run: Runner) -> None:
        run.host.module.failures = [CommandError("busy", "System.Exception", "[RequestId=1]")]
        result = run(
            self.SETUP + "try { Get-Thing -ErrorAction Stop }\n"
            "catch { $_.Exception.Message; $_.FullyQualifiedErrorId }"
        )
        assert result.lines == ["busy", "[RequestId=1]"]

    def test_without_it_the_script_goes_on(self, run: Runner) -> None:
        run.host.module.failures = [CommandError("busy")]
        result = run(self.SETUP + "try {\nGet-Thing\n'went on'\n} catch { 'caught' }")
        assert (result.stdout, result.code) == ("went on\n", 0)
        assert "busy" in result.stderr

    def test_silently_continue_is_silent(self, run: Runner) -> None:
        run.host.module.failures = [CommandError("busy")]
        result = run(self.SETUP + "@(Get-Thing -ErrorAction SilentlyContinue).Count")
        assert (result.stdout, result.stderr) == ("0\n", "")

    def test_arguments_that_do_not_bind_are_always_terminating(self, run: Runner) -> None:
        run.host.module.failures = [
            CommandError("no such", "System.Management.Automation.ParameterBindingException")
        ]
        assert run(self.SETUP + "try { Get-Thing } catch { 'caught' }").stdout == "caught\n"

    def test_an_exception_type_can_be_caught(self, run: Runner) -> None:
        run.host.module.failures = [CommandError("x", "System.InvalidOperationException")]
        script = (
            "try { Get-Thing -ErrorAction Stop } catch [System.InvalidOperationException] { 'it' }"
        )
        assert run(self.SETUP + script).stdout == "it\n"

    def test_an_error_of_the_simulation_itself_is_not_caught(self, run: Runner) -> None:
        def gives_up(_: Arguments) -> list[object]:
            raise LookupError("not simulated")

        run.host.module.add("Set-Thing", gives_up)
        with pytest.raises(LookupError):
            run(self.SETUP + "try { Set-Thing } catch { 'caught' } finally { Start-Sleep 1 }")
        assert run.host.slept == []
