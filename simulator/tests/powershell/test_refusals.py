"""What is outside the dialect is refused: with its line, and before anything runs."""

import pytest

from simulator.powershell import UnsupportedConstruct
from simulator.tests.powershell.running import Runner


def refusal(run: Runner, script: str) -> str:
    with pytest.raises(UnsupportedConstruct) as caught:
        run(script)
    return str(caught.value)


SILENT_IN_THE_GRAMMAR = {
    "leading pipe": "$x = 1\n$x\n | Out-Null",
    "using module": "using module './X.psm1'\nparam($a)\n$a",
    "range before an operator": "$x = 1..3 -join ','",
    "redirection without a blank": "Get-Thing 2>$null",
    "redirection of all streams": "Get-Thing *>$null",
    "bare-word list": "Get-Thing A, B",
    "bare-word list without blanks": "Get-Thing A,B",
    "method call as an argument": "Get-Thing $x.Trim()",
    "cast as an argument": "Get-Thing -Identity [int]$x",
    "type as an argument": "Get-Thing [int]",
    "concatenation as an argument": 'Get-Thing "a" + $b',
    "token with an equals sign": "Get-Thing x=$b",
    "number with a suffix as an argument": "Get-Thing 10MB",
    "number with a suffix": "$x = 1MB",
    "typographic dash": "Get-Thing \N{EN DASH}Identity x",
    "typographic quotes": "$x = \N{LEFT SINGLE QUOTATION MARK}x\N{RIGHT SINGLE QUOTATION MARK}",
    "typographic quote in a string": '$x = "a \N{LEFT DOUBLE QUOTATION MARK}b"',
    "call of a member": "& $x.Name",
    "call with parentheses": "Get-Thing($a, $b)",
    "elseif on a new line of a value": "$x = if (1) { 1 }\nelseif (2) { 2 }",
    "blank before an index": "$x = 'a'\n$y = $x [0]",
    "blank before method parentheses": "$x = 'a'\n$x.Trim ()",
    "member on the next line": "$x = 'a'\n$x.\n Length",
    "argument glued to a string": 'Get-Thing -A "x"-B',
    "question mark after a variable in a string": '$x = 1\n"$x?"',
    "colon after a variable in a string": '$x = 1\n"$x: y"',
    "letter outside ASCII after a variable in a string": (
        '$x = 1\n"$x\N{LATIN SMALL LETTER E WITH ACUTE}"'
    ),
    "drive in a variable of a string": '$x = 1\n"$x:y"',
    "unquoted path": "Import-Module $PSScriptRoot/X.psm1",
    "digit in a parameter's name": "Get-Thing -Attribute15 'x'",
    "empty file": "",
    "comments only": "# nothing\n",
}

NOT_IN_THE_DIALECT = {
    "??": "$x ?? 1",
    "ternary": "$y = $x ? 1 : 2",
    "class": "class X { }",
    "enum": "enum X { a }",
    "for": "for ($i = 0; $i -lt 3; $i++) { $i }",
    "do": "do { 1 } while ($false)",
    "switch": "switch (1) { 1 { 2 } }",
    "trap": "trap { 1 }",
    "process block": "function Get-X { process { 1 } }",
    "filter": "filter Get-X { 1 }",
    "inline parameters": "function Get-X($a) { $a }",
    "scoped function": "function script:Get-X { 1 }",
    "&&": "Get-Thing && Get-Thing",
    "background": "Get-Thing &",
    "redirection": "Get-Thing > out.txt",
    "dot-sourcing": ". ./other.ps1",
    "call by name": "& 'Get-Thing'",
    "native command": "git status",
    "alias": "1 | % { $_ }",
    "label": ":outer while ($true) { break }",
    "stop parsing": "Get-Thing --% a",
    "-=": "$x = 1\n$x -= 1",
    "-band": "1 -band 1",
    "-xor": "$true -xor $true",
    "-creplace": "'a' -creplace 'a', 'b'",
    "unary plus": "+1",
    "increment as a value": "$x = 1\n$y = $x++",
    "assignment as a value": "$x = $y = 1",
    "assignment as a condition": "if ($x = 1) { 2 }",
    "multiple assignment": "$a, $b = 1, 2",
    "hexadecimal": "0x10",
    "long": "$x = 5000000000",
    "exponent": "1e3",
    "unknown type": "[datetime]'2020-01-01'",
    "static property": "[int]::MaxValue",
    "static method": "[Environment]::Exit(3)",
    "constructor": "[System.Exception]::new('x')",
    "[Console]::Out": "[Console]::Out.WriteLine('x')",
    "[Console]::Error.Write": "[Console]::Error.Write('x')",
    "method": "'a'.Insert(0, 'b')",
    "overload": "'a'.Trim('b')",
    "-as": "'1' -as [int]",
    "-f": "'{0}' -f 1",
    "range": "1..3",
    "list": "[System.Collections.Generic.List[string]]::new()",
    "computed method": "'a'.$x()",
    ".PSObject": "$x = 1\n$x.PSObject",
    "-is [pscustomobject]": "1 -is [pscustomobject]",
    "[ordered] of a variable": "$x = @{}\n[ordered]$x",
    "duplicate key": "@{ a = 1; A = 2 }",
    "global scope": "$global:x = 1",
    "automatic variable": "$Error",
    "$args": "$args",
    "$Matches": "'a' -match 'a'\n$Matches",
    "$?": "$?",
    "$input in a function": "function Get-X { $input }",
    "$input in a block": "& { $input }",
    "assignment to $_": "$_ = 1",
    "assignment to $env:": "$env:X = 1",
    "break outside a loop": "if (1) { break }",
    "break of the caller's loop": "while (1) { & { break } }",
    "break out of finally": "while (1) { try { 1 } finally { break } }",
    "bare throw outside catch": "throw",
    "bare throw in a block of a catch": "try { 1 } catch { & { throw } }",
    "return in finally": "try { 1 } finally { return }",
    "catch of an unknown type": "try { 1 } catch [My.Type] { 2 }",
    "unknown attribute": "function Get-X {\nparam([ValidateRange(1, 2)] $a)\n$a\n}",
    "positional attribute": "function Get-X {\nparam([Parameter(Position = 0)] $a)\n$a\n}",
    "Write-Host": "Write-Host 'x'",
    "Get-ChildItem": "Get-ChildItem",
    "Write-Warning": "Write-Warning 'x'",
    "Invoke-Expression": "Invoke-Expression 'x'",
    "parameter of a built-in command": "Sort-Object -Descending",
    "abbreviated parameter of a built-in command": "Start-Sleep -Sec 1",
    "pipe into a module's command": "1 | Set-Thing",
    "pipe into a block": "1 | & { 1 }",
    "unicode escape": '"`u{e9}"',
    "splatted array": "Get-Thing @args",
    "#Requires": "#Requires -Modules X\n1",
    "computed import": "Import-Module (Join-Path 'a' 'b')",
    "import of a missing file": 'Import-Module "$PSScriptRoot/Missing.psm1"',
    "two statements on a line": "if (1) { 2 } 3",
}


class TestRefusalsBeforeRunning:
    @pytest.mark.parametrize(
        "script", SILENT_IN_THE_GRAMMAR.values(), ids=SILENT_IN_THE_GRAMMAR.keys()
    )
    def test_what_the_grammar_misreads_is_refused(self, run: Runner, script: str) -> None:
        assert "script.ps1:" in refusal(run, script)

    @pytest.mark.parametrize("script", NOT_IN_THE_DIALECT.values(), ids=NOT_IN_THE_DIALECT.keys())
    def test_what_is_not_in_the_dialect_is_refused(self, run: Runner, script: str) -> None:
        assert "script.ps1:" in refusal(run, script)

    @pytest.mark.parametrize(
        "script",
        [
            script
            for name, script in (SILENT_IN_THE_GRAMMAR | NOT_IN_THE_DIALECT).items()
            if name not in {"empty file", "comments only", "using module"}
        ],
    )
    def test_nothing_runs_before_the_refusal(self, run: Runner, script: str) -> None:
        refusal(run, f"Import-Module FakeModule\nConnect-Fake\n{script}")
        assert not run.host.module.connected

    def test_file_line_and_construct_are_named(self, run: Runner) -> None:
        message = refusal(run, "$x = 1\n\nWrite-Host $x\n")
        assert message == (
            "script.ps1:3: not in the PowerShell dialect of this runner: the command `Write-Host`"
        )

    def test_what_looks_like_a_dash_is_named(self, run: Runner) -> None:
        assert "a character outside ASCII" in refusal(run, "Get-Thing \N{EN DASH}Identity x")

    def test_an_imported_module_is_checked_first(self, run: Runner) -> None:
        run.write("Outer.psm1", 'Import-Module "$PSScriptRoot/Inner.psm1"\n')
        run.write("Inner.psm1", "function Get-Inner {\n    Write-Host 'x'\n}\n")
        message = refusal(
            run,
            'Import-Module FakeModule\nConnect-Fake\nImport-Module "$PSScriptRoot/Outer.psm1"\n',
        )
        assert message.startswith("Inner.psm1:2:")
        assert not run.host.module.connected

    def test_a_file_that_is_not_utf8_is_refused(self, run: Runner) -> None:
        path = run.folder / "Latin.psm1"
        path.write_bytes(b"# gr\xfc\xdfe\nfunction Get-X { 1 }\n")
        assert "Latin.psm1:1:" in refusal(run, 'Import-Module "$PSScriptRoot/Latin.psm1"\n')

    @pytest.mark.parametrize(
        "script",
        [
            "#Requires -Version 7.4\n'ran'",
            "\ufeff'ran'",
            "'ran'\r\n",
            "# \N{LEFT DOUBLE QUOTATION MARK}x\N{RIGHT DOUBLE QUOTATION MARK} \N{EN DASH}\n'ran'",
            "<#\n.SYNOPSIS\n    A script.\n#>\n[CmdletBinding()]\nparam()\n'ran'",
        ],
        ids=["requires", "byte order mark", "CRLF", "typographic comment", "help"],
    )
    def test_harmless_forms_run(self, run: Runner, script: str) -> None:
        assert run(script).stdout == "ran\n"


UNSUPPORTED = {
    "property of a .NET object": "$x = 'a'\n$x.Chars",
    "method of another type": "$x = 1\n$x.Trim()",
    "character of a string": "$x = 'abc'\n$x[0]",
    "position in an ordered table": "$x = [ordered]@{ a = 1 }\n$x[0]",
    "order of text outside ASCII": "'\N{LATIN SMALL LETTER E WITH ACUTE}' -lt 'f'",
    "named group": "'a' -match '(?<n>a)'",
    "inline option": "'a' -match '(?i)a'",
    "class subtraction": "'a' -match '[a-z-[b]]'",
    "group in a replacement": "'a' -replace '(a)', '$1'",
    "wildcard set": "'a' -like '[ab]'",
    "overflow": "$x = 2147483647\n$x + 1",
    "number in another notation": "1 + '0x10'",
    "time in JSON": '''"$((ConvertFrom-Json -InputObject '{"a":"2026-11-23T10:00:00Z"}').a)"''',
    "broken JSON that PowerShell reads": "ConvertFrom-Json -InputObject '{a:1,}'",
    "characters that differ in form": "'\N{LATIN SMALL LIGATURE FI}' -eq 'fi'",
    "case of a dotless i": "'\N{LATIN SMALL LETTER DOTLESS I}' -match 'I'",
    "length of keys": "@{ a = 1 }.Keys.Length",
    "throw of an object": "throw @{}",
    "call of a string": "$x = 'Get-Thing'\n& $x",
    "abbreviated parameter of an advanced function": (
        "function Get-X {\n[CmdletBinding()]\nparam($Name)\n$Name\n}\nGet-X -Na 'x'"
    ),
    "abbreviated parameter": "function Get-X {\nparam($Name)\n$Name\n}\nGet-X -Na 'x'",
    "unknown parameter of a simple function": (
        "function Get-X {\nparam($Name)\n$Name\n}\nGet-X -Other 'x'"
    ),
    "too many arguments of a simple function": (
        "function Get-X {\nparam($Name)\n$Name\n}\nGet-X 'x' 'y'"
    ),
    "parameter given twice": "Start-Sleep -Seconds 1 -Seconds 2",
    "preference": "$ErrorActionPreference = 'SilentlyContinue'",
    "table on standard output": "@{ a = 1 }",
    "array in an array on standard output": ",@(,@(1))",
    "recursion without end": "function Get-X { Get-X }\nGet-X",
    "exit code out of range": "exit 256",
    "removal outside the temporary folder": (
        'Remove-Item -Path "$PSScriptRoot" -Recurse -Force -ErrorAction SilentlyContinue'
    ),
    "JSON of a command's object": (
        "Import-Module FakeModule\nConnect-Fake\n"
        "ConvertTo-Json -InputObject @(Get-Thing -ErrorAction Stop)"
    ),
    "text of a command's object": (
        'Import-Module FakeModule\nConnect-Fake\n"$(@(Get-Thing -ErrorAction Stop)[0])"'
    ),
}


class TestRefusalsWhileRunning:
    """What only shows at run time is refused too, and no ``catch`` of the script sees it."""

    @pytest.mark.parametrize("script", UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
    def test_no_catch_swallows_it(self, run: Runner, script: str) -> None:
        temporary = run.folder / "temporary"
        temporary.mkdir()
        with pytest.raises(UnsupportedConstruct, match=r"script\.ps1:\d+: ") as caught:
            run(
                f"try {{\n{script}\n}}\ncatch {{\n'swallowed'\n}}\nfinally {{\nStart-Sleep 1\n}}",
                environment={"TMPDIR": str(temporary)},
            )
        assert "swallowed" not in str(caught.value)
        assert run.host.slept == []
