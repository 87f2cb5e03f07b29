"""What scripts of the dialect mean: the semantics table of PowerShell 7, row by row."""

# ruff: noqa: E501 - a case that stands on one line can be tried in PowerShell by copying it

import pytest

from tests.simulator.powershell.running import Runner

STRICT = "Set-StrictMode -Version Latest\n"
SHOW = "function Show {\nparam($x)\nif ($null -eq $x) { 'null' } else { $x }\n}\n"

OUTPUT_OF_A_FUNCTION = {
    "every unassigned expression is output": ("function f {\n1\n$a = 2\n3\n}\n(f) -join ','", "1,3"),
    "an array of one is unrolled": ("function f { @(1) }\n(f) -is [array]", "False"),
    "a unary comma keeps the array": ("function f { ,@(1) }\n(f) -is [array]", "True"),
    "return unrolls too": ("function f { return @(1, 2) }\n@(f).Count", "2"),
    "return without a value is no output": ("function f { return }\n@(f).Count", "0"),
    "no output counts as 0": ("function f { }\n$x = f\n@($x).Count", "0"),
    "$null counts as 1": ("@($null).Count", "1"),
    "no output pipes nothing": ("function f { }\n$x = f\n@($x | ForEach-Object { 'ran' }).Count", "0"),
    "$null is piped once": ("@($null | ForEach-Object { 'ran' }).Count", "1"),
    "no output as an argument is $null": (
        "function f { }\nfunction g {\nparam($x)\n@($x).Count\n}\ng -x (f)", "1",
    ),
    "no output equals $null": ("function f { }\n$x = f\n$null -eq $x", "True"),
    "foreach over $null runs zero times": ("foreach ($i in $null) { 'ran' }\n'end'", "end"),
    "foreach over an array with $null runs": ("foreach ($i in @($null)) { 'ran' }", "ran"),
    "one result is the object": ("function f { 'a' }\n(f).Length", "1"),
    "@() flattens one level": ("@(@(1, 2), 3).Count", "2"),
    "statements in @() add up": ("@(\n1\n2, 3\n).Count", "3"),
    "$() of two results is an array": ("$x = $(1; 2)\n$x.Count", "2"),
    "if as a value": ("$x = if ($true) { 'a' } else { 'b' }\n$x", "a"),
    "if without a result is nothing": ("$x = if ($false) { 'a' }\n@($x).Count", "0"),
    "foreach as a value": ("$x = foreach ($i in @(1, 2)) { $i * 2 }\n$x -join ','", "2,4"),
    "a list inside a pipeline is unrolled": ("@(@(@(1, 2), 3) | ForEach-Object { 'x' }).Count", "2"),
    "[void] drops": ("$l = [System.Collections.Generic.List[string]]::new()\n[void]$l.Add('a')\n$l.Count", "1"),
    "List.Add writes nothing": ("$l = [System.Collections.Generic.List[string]]::new()\n$l.Add('a')\n$l.Add('b')\n$l -join ','", "a,b"),
    "a hashtable is not unrolled": ("@(@{ a = 1; b = 2 }).Count", "1"),
    "commands stream": ("@(1, 2 | ForEach-Object { \"a$_\"; $_ } | ForEach-Object { \"b$_\" }) -join ','", "ba1,b1,ba2,b2"),
}  # fmt: skip

CASE = {
    "keys": ("$h = @{ Name = 1 }\n$h['nAME']", "1"),
    "keys as members": ("$h = @{ Name = 1 }\n$h.nAME", "1"),
    "members": ("$o = [pscustomobject]@{ Name = 1 }\n$o.nAME", "1"),
    "parameters": ("function f {\nparam($Name)\n$nAME\n}\nf -nAMe 'x'", "x"),
    "functions": ("function Get-One { 1 }\nget-ONE", "1"),
    "-eq": ("'a' -eq 'A'", "True"),
    "-ceq": ("'a' -ceq 'A'", "False"),
    "-cne": ("'a' -cne 'A'", "True"),
    "-in": ("'a' -in @('A', 'b')", "True"),
    "-contains": ("@('A') -contains 'a'", "True"),
    "-notcontains": ("@('A') -notcontains 'a'", "False"),
    "-notin": ("'b' -notin @('A')", "True"),
    "-like": ("'ABC' -like 'a*'", "True"),
    "-notlike": ("'ABC' -notlike '*d'", "True"),
    "-match": ("'ABC' -match 'b'", "True"),
    "-replace": ("'ABC' -replace 'b', 'x'", "AxC"),
    "-split": ("('aXb' -split 'x').Count", "2"),
    ".Contains() of an array": ("@('A').Contains('a')", "False"),
    ".Contains() of a text": ("'A'.Contains('a')", "False"),
    ".Replace()": ("'A'.Replace('a', 'b')", "A"),
    "$true": ("$TRUE", "True"),
    "ValidateSet": ("function f {\nparam([ValidateSet('One')] $x)\n$x\n}\nf -x 'ONE'", "ONE"),
}

MEMBERS = {
    "of each element": ("@(@{ N = 1 }, @{ N = 2 }).N -join ','", "1,2"),
    "of one element is the object": ("@(@{ N = 1 }).N -is [array]", "False"),
    ".Count is the array's own": ("@(@{ Count = 7 }, @{ Count = 8 }).Count", "2"),
    "a key beats a property": ("@{ Count = 5 }.Count", "5"),
    ".Keys": ("@(@{ a = 1 }.Keys) -join ','", "a"),
    ".Values": ("@(@{ a = 1 }.Values) -join ','", "1"),
    ".ContainsKey": ("@{ a = 1 }.ContainsKey('A')", "True"),
    "a missing key by index is $null": ("$h = @{}\n$null -eq $h['x']", "True"),
    "by a variable": ("$n = 'a'\n@{ a = 1 }.$n", "1"),
    "quoted": ("@{ 'a b' = 1 }.'a b'", "1"),
    "set on a table": ("$h = @{}\n$h.a = 1\n$h['b'] = 2\n$h.Count", "2"),
    "add to a table's entry": ("$h = @{ a = 1 }\n$h.a += 2\n$h['a']", "3"),
    "set on an object": ("$o = [pscustomobject]@{ a = 1 }\n$o.a = 2\n$o.a", "2"),
    "an array is shared": ("$a = @(1)\n$b = $a\n$b[0] = 2\n$a[0]", "2"),
    "+= makes a new array": ("$a = @(1)\n$b = $a\n$b += 2\n$a.Count", "1"),
    "negative index": ("@(1, 2)[-1]", "2"),
    "text length": ("'abc'.Length", "3"),
    "PadRight": ("'a'.PadRight(3) + '|'", "a  |"),
    "Substring": ("'abcd'.Substring(1, 2) + 'abcd'.Substring(3)", "bcd"),
    "IndexOf": ("'abc'.IndexOf('c')", "2"),
    "StartsWith and EndsWith": ("'abc'.StartsWith('ab') -and 'abc'.EndsWith('bc')", "True"),
    "Split": ("'a,b'.Split(',').Count", "2"),
    "Trim": ('"`t a `n".Trim()', "a"),
    "ToUpperInvariant": ("'a'.ToUpperInvariant() + 'B'.ToLowerInvariant()", "Ab"),
    "[string]::IsNullOrEmpty": ("[string]::IsNullOrEmpty('')", "True"),
    "[string]::IsNullOrWhiteSpace": ("[string]::IsNullOrWhiteSpace(' ')", "True"),
    "[string]::Join": ("[string]::Join('-', @('a', 'b'))", "a-b"),
    "[math]": ("[math]::Min(2, 10) + [math]::Max(2, 10)", "12"),
    "[guid]": ("([guid]::NewGuid().ToString()).Length", "36"),
    "guid equality": ("[guid]'{0b0d0000-0000-0000-0000-00000000000A}' -eq '0B0D0000-0000-0000-0000-00000000000a'", "True"),
    "member of a call": ("function f { @{ a = 1 } }\n(f).a", "1"),
}  # fmt: skip

TRUTH = [
    ("@()", False), ("@(0)", False), ("''", False), ("0", False), ("$null", False), ("@('')", False),
    ("@($false, $false)", True), ("'False'", True), ("'0'", True), ("@{}", True), ("1", True),
    ("@(1)", True), ("[pscustomobject]@{}", True),
]  # fmt: skip

COMPARISON = {
    "an array is filtered": ("(@(1, 2, 1) -eq 1).Count", "2"),
    "an array is filtered by -match": ("(@('ab', 'cd') -match 'a') -join ','", "ab"),
    "an array without a match is false": ("if (@(1) -eq 2) { 'yes' } else { 'no' }", "no"),
    "number left": ("1 -eq '01'", "True"),
    "text left": ("'01' -eq 1", "False"),
    "order of text": ("'10' -gt 9", "False"),
    "order of numbers": ("10 -gt '9'", "True"),
    "text that is no number": ("1 -eq 'x'", "False"),
    "bool left": ("$true -eq 'False'", "True"),
    "text and bool": ("'True' -eq $true", "True"),
    "empty text is not $null": ("'' -eq $null", "False"),
    "0 is not $null": ("0 -eq $null", "False"),
    "-not binds tighter": ("-not 1 -eq 2", "False"),
    "-and and -or have equal precedence": ("$true -or $true -and $false", "False"),
    "order ignores case": ("'a' -lt 'B'", "True"),
    "order puts punctuation first": ("'a-b' -lt 'ab'", "True"),
    "-le and -ge": ("(1 -le 1) -and (1 -ge 1)", "True"),
    "-is [int]": ("1 -is [int]", "True"),
    "-is [hashtable] of an ordered one": ("[ordered]@{} -is [hashtable]", "False"),
    "-is [array]": ("@(1) -is [array]", "True"),
    "-isnot": ("1 -isnot [string]", "True"),
    "-as": ("$null -eq ('x' -as [int])", "True"),
    "-match of alternatives": ("'server is busy' -match 'too many|is busy$'", "True"),
    "-in with one value": ("1 -in 1", "True"),
}

ARITHMETIC = {
    "numbers": ("1 + 2 * 3 - 4 % 3", "6"),
    "division": ("7 / 2", "3.5"),
    "whole division": ("(6 / 2) -is [int]", "True"),
    "text plus number": ("'1' + 1", "11"),
    "number plus text": ("1 + '1'", "2"),
    "array plus item": ("(@(1) + 2).Count", "2"),
    "array plus array": ("(@(1) + @(2, 3)).Count", "3"),
    "$null plus": ("$x = $null\n$x += 'a'\n$x", "a"),
    "repetition": ("'ab' * 2", "abab"),
    "increment": ("$i = 1\n$i++\n$i", "2"),
    "range": ("(1..3) -join ','", "1,2,3"),
    "range downwards": ("$a = 3\n($a..1) -join ','", "3,2,1"),
    "remainder takes the sign of the left": ("-7 % 3", "-1"),
    "[math]::Min of a number from JSON": ("$j = ConvertFrom-Json -InputObject '{\"n\":5}'\n[math]::Min($j.n, 3) + 1", "4"),
}  # fmt: skip

CASTS = {
    "half to even, down": ("[int]2.5", "2"),
    "half to even, up": ("[int]3.5", "4"),
    "empty text": ("[int]''", "0"),
    "text with a fraction": ("[int]'2.5'", "2"),
    "[string]$null": ("([string]$null).Length", "0"),
    "[string] of an array": ("[string]@(1, 2)", "1 2"),
    "[string] parameter": ("function f {\nparam([string] $x)\n$x -eq ''\n}\nf -x $null", "True"),
    "[string] parameter that is not given": (
        "function f {\nparam([string] $x)\n$x -eq ''\n}\nf",
        "True",
    ),
    "[int] parameter": ("function f {\nparam([int] $x)\n$x + 1\n}\nf -x '2'", "3"),
    "a parameter keeps its type": (
        "function f {\nparam([string] $x)\n$x = $null\n$x -eq ''\n}\nf",
        "True",
    ),
    "a typed variable keeps its type": ("[int] $x = '1'\n$x = '2'\n$x + 1", "3"),
    "[string[]]": ("([string[]]@(1, 2)) -join ','", "1,2"),
    "[string[]] parameter of one": (
        "function f {\nparam([string[]] $x)\n$x.Count\n}\nf -x 'a'",
        "1",
    ),
    "[bool]": ("[bool]'False'", "True"),
    "a number in text": ('"$(1.5) $(2.0)"', "1.5 2"),
    "-replace makes text": ("(12 -replace '2', '3') + 1", "131"),
    "-join makes text": ("(1, 2 -join '') + 1", "121"),
}

TEXT = {
    "expansion": ('$a = 1\n"$a ${a}b $($a + 1) `$a `"q`" \'$a\' ""x"""', '1 1b 2 $a "q" \'1\' "x"'),
    "a member is not expanded": ("$a = 'x'\n\"$a.Length\"", "x.Length"),
    "an array": ('$a = 1, 2\n"$a"', "1 2"),
    "a table": ('"$(@{})"', "System.Collections.Hashtable"),
    "an object": ('"$([pscustomobject]@{ a = 1; b = $null })"', "@{a=1; b=}"),
    "escapes": ('"a`tb"', "a\tb"),
    "verbatim": ("'a $b `n ''c'''", "a $b `n 'c'"),
    "here-string": ('$a = 1\n@"\nx "$a" # y\n"@', 'x "1" # y'),
    "verbatim here-string": ("@'\nit's $a\n'@", "it's $a"),
    "nested quotes": ('$m = "o\'x"\n"-eq \'$($m -replace "\'", "\'\'")\'"', "-eq 'o''x'"),
    "-f": ("'{0}-{1}-{{0}}' -f 'a', 2", "a-2-{0}"),
    "-f with a nested array": ("'{0} {1}' -f 'a', @(1, 2)", "a System.Object[]"),
    "-f binds tighter than +": ("'{0}' -f 'a' + 'b'", "ab"),
    "-join": ("@('a', $null, 'b') -join '-'", "a--b"),
    "unary -join": ("-join ('a', 'b')", "ab"),
    "-split with a limit": ("('a,b,c' -split ',', 2) -join '|'", "a|b,c"),
    "-replace without a replacement": ("'a1' -replace '\\d'", "a"),
    "-replace of an array": ("(@('a', 'b') -replace 'a', 'x') -join ','", "x,b"),
    "line ends": ("@(@('a', 'b') -join \"`n\").Count", "1"),
}

JSON = {
    "an array of one in the pipeline": ("@(1) | ConvertTo-Json -Compress", "1"),
    "an array of one as an argument": ("ConvertTo-Json -InputObject @(1) -Compress", "[1]"),
    "an array of one as a property": ("@{ a = @(1) } | ConvertTo-Json -Compress", '{"a":[1]}'),
    "an empty array as a property": ("@{ a = @() } | ConvertTo-Json -Compress", '{"a":[]}'),
    "nothing as a property": ("function f { }\n@{ a = f } | ConvertTo-Json -Compress", '{"a":null}'),
    "order": ("[ordered]@{ z = 1; a = $true; m = $null } | ConvertTo-Json -Compress", '{"z":1,"a":true,"m":null}'),
    "text": ("@{ a = \"`\"\\`n/\" } | ConvertTo-Json -Compress", r'{"a":"\"\\\n/"}'),
    "not ASCII": ("'\N{LATIN SMALL LETTER E WITH ACUTE}' | ConvertTo-Json", '"\N{LATIN SMALL LETTER E WITH ACUTE}"'),
    "EscapeNonAscii": ("'\N{LATIN SMALL LETTER E WITH ACUTE}\N{GRINNING FACE}' | ConvertTo-Json -EscapeHandling EscapeNonAscii", r'"\u00e9\ud83d\ude00"'),
    "indentation": ("[ordered]@{ a = @(1); b = @{} } | ConvertTo-Json", '{\n  "a": [\n    1\n  ],\n  "b": {}\n}'),
    "[double]": ("@{ a = 2.0 } | ConvertTo-Json -Compress", '{"a":2.0}'),
    "read: members": ("('{\"a\":{\"b\":[1,2]}}' | ConvertFrom-Json).a.b.Count", "2"),
    "read: an array of one": ("$x = '[{\"a\":1}]' | ConvertFrom-Json\n$x -is [array]", "False"),
    "read: an empty array": ("$x = '[]' | ConvertFrom-Json\n@($x).Count", "0"),
    "read: an empty array as a property": ("@(('{\"a\":[]}' | ConvertFrom-Json).a).Count", "0"),
    "read: a number is a long": ("('{\"a\":1}' | ConvertFrom-Json).a -is [int]", "False"),
    "read: $null": ("$null -eq ('{\"a\":null}' | ConvertFrom-Json).a", "True"),
    "read: several lines": ("('{\"a\":', '1}' | ConvertFrom-Json).a", "1"),
    "read: a date without time stays text": ("('{\"a\":\"2026-11-23\"}' | ConvertFrom-Json).a", "2026-11-23"),
    "there and back": ("'{\"a\":[{\"b\":\"c\"}]}' | ConvertFrom-Json | ConvertTo-Json -Depth 5 -Compress", '{"a":[{"b":"c"}]}'),
}  # fmt: skip

COMMANDS = {
    "Where-Object": ("@(1, 2, 3 | Where-Object { $_ -gt 1 }) -join ','", "2,3"),
    "Select-Object -First stops": ("@(1, 2, 3 | ForEach-Object { $script:n = $_; $_ } | Select-Object -First 2).Count\n$n", "2\n2"),
    "Select-Object -First counts for those after it": ("@(3, 2, 1 | Select-Object -First 2 | Sort-Object) -join ','", "2,3"),
    "Select-Object -ExpandProperty": ("@([pscustomobject]@{ a = @(1, 2) } | Select-Object -ExpandProperty a).Count", "2"),
    "Select-Object -Property": ("[pscustomobject]@{ A = 1; B = 2 } | Select-Object -Property a | ConvertTo-Json -Compress", '{"A":1}'),
    "Select-Object -Unique tells case": ("@('a', 'A', 'a' | Select-Object -Unique).Count", "2"),
    "Sort-Object": ("@('b', 'C', 'a' | Sort-Object) -join ','", "a,b,C"),
    "Sort-Object -Unique": ("@('b', 'a', 'A' | Sort-Object -Unique).Count", "2"),
    "Sort-Object -Property": ("@(@(2, 1) | ForEach-Object { [pscustomobject]@{ n = $_ } } | Sort-Object -Property n).n -join ','", "1,2"),
    "Write-Output unrolls": ("@(Write-Output @(1, 2)).Count", "2"),
    "Out-Null": ("1, 2 | Out-Null\n'end'", "end"),
    "Join-Path": ("(Join-Path -Path 'a' -ChildPath 'b').Length", "3"),
    "New-Guid": ("\"$(New-Guid)\".Length", "36"),
    "Test-Path": ("Test-Path -LiteralPath \"$PSScriptRoot/script.ps1\"", "True"),
    "Get-Command of a function": ("function Get-X {\n[CmdletBinding()]\nparam($Name)\n}\n$c = Get-Command Get-X\n\"$($c.Name) $($c.Parameters.ContainsKey('NAME')) $($c.Parameters.ContainsKey('Other'))\"", "Get-X True False"),
    "splatting": ("function f {\nparam($a, $b)\n\"$a$b\"\n}\n$h = @{ a = 1; b = 2 }\nf @h", "12"),
    "splatting $PSBoundParameters": ("function f {\nparam($a)\ng @PSBoundParameters\n}\nfunction g {\nparam($a)\n\"<$a>\"\n}\nf -a 1", "<1>"),
    "positional": ("function f {\nparam($a, [switch] $s, $b)\n\"$a$b$s\"\n}\nf 1 -s 2", "12True"),
    "a switch that is given": ("function f {\nparam([switch] $s)\n[bool]$s\n}\nf -s:$false\nf -s", "False\nTrue"),
    "a default": ("function f {\nparam($a = 1, $b = $a + 1)\n\"$a$b\"\n}\nf", "12"),
    "continuation lines": ("function f {\nparam($a, $b)\n\"$a$b\"\n}\nf -a 1 `\n  -b 2", "12"),
}  # fmt: skip

TABLES = {
    **{f"output: {name}": case for name, case in OUTPUT_OF_A_FUNCTION.items()},
    **{f"case: {name}": case for name, case in CASE.items()},
    **{f"members: {name}": case for name, case in MEMBERS.items()},
    **{f"comparison: {name}": case for name, case in COMPARISON.items()},
    **{f"arithmetic: {name}": case for name, case in ARITHMETIC.items()},
    **{f"casts: {name}": case for name, case in CASTS.items()},
    **{f"text: {name}": case for name, case in TEXT.items()},
    **{f"JSON: {name}": case for name, case in JSON.items()},
    **{f"commands: {name}": case for name, case in COMMANDS.items()},
}


class TestMeaning:
    @pytest.mark.parametrize(("script", "shown"), TABLES.values(), ids=TABLES.keys())
    def test_script_means_what_it_means_in_powershell(
        self, run: Runner, script: str, shown: str
    ) -> None:
        result = run(f"{STRICT}$ErrorActionPreference = 'Stop'\n{script}")
        assert (result.stderr, result.stdout) == ("", f"{shown}\n")
        assert result.code == 0

    @pytest.mark.parametrize(("value", "truth"), TRUTH)
    def test_truth(self, run: Runner, value: str, truth: bool) -> None:
        assert run(f"if ({value}) {{ 'yes' }} else {{ 'no' }}").stdout == (
            "yes\n" if truth else "no\n"
        )


SCOPES = {
    "an assignment in a function is local": ("$x = 1\nfunction f { $x = 2 }\nf\n$x", "1"),
    "an assignment in a called block is local": ("$x = 1\n& { $x = 2 }\n$x", "1"),
    "in a ForEach-Object block it is the caller's": ("$x = 1\n1 | ForEach-Object { $x = 2 }\n$x", "2"),
    "in a Where-Object block it is the caller's": ("$x = 1\n1 | Where-Object { $x = 2 }\n$x", "2"),
    "a function sees its caller's variables": ("function f { $x }\nfunction g {\n$x = 3\nf\n}\ng", "3"),
    "a block sees the variables where it is called": ("$b = { $x }\nfunction g {\nparam($b)\n$x = 4\n& $b\n}\n$x = 1\ng $b", "4"),
    "$script: reaches the top": ("$x = 1\nfunction f { $script:x = 5 }\nf\n$x", "5"),
    "a block takes arguments": ("$b = {\nparam($a, $b)\n\"$a$b\"\n}\n& $b 1 2", "12"),
    "return leaves a ForEach-Object block only": ("1, 2 | ForEach-Object {\nif ($_ -eq 1) { return }\n$_\n}\n'end'", "2\nend"),
    "$_ is restored": ("1 | ForEach-Object {\n2 | ForEach-Object { 'inner' } | Out-Null\n$_\n}", "1"),
    "break and continue": ("foreach ($i in (1..5)) {\nif ($i -eq 2) { continue }\nif ($i -eq 4) { break }\n$i\n}", "1\n3"),
    "while": ("$i = 0\nwhile ($true) {\n$i++\nif ($i -gt 2) { break }\n}\n$i", "3"),
}  # fmt: skip


class TestScopes:
    @pytest.mark.parametrize(("script", "shown"), SCOPES.values(), ids=SCOPES.keys())
    def test_variables_are_seen_where_powershell_shows_them(
        self, run: Runner, script: str, shown: str
    ) -> None:
        result = run(STRICT + script)
        assert (result.stdout, result.stderr) == (f"{shown}\n", "")


STRICT_ERRORS = {
    "variable that is not set": ("$y", "The variable '$y' cannot be retrieved"),
    ".Count of a scalar": ("$x = 1\n$x.Count", "The property 'Count' cannot be found"),
    ".Count of $null": ("$x = $null\n$x.Count", "The property 'Count' cannot be found"),
    "missing property": ("([pscustomobject]@{ a = 1 }).b", "The property 'b' cannot be found"),
    "missing key as a member": ("@{ a = 1 }.b", "The property 'b' cannot be found"),
    "missing property of all elements": ("@(@{ a = 1 }).b", "The property 'b' cannot be found"),
    "index out of range": ("@(1)[1]", "Index was outside the bounds of the array."),
}
NOT_STRICT = {
    "variable that is not set": "null",
    ".Count of a scalar": "1",
    ".Count of $null": "0",
    "missing property": "null",
    "missing key as a member": "null",
    "missing property of all elements": "null",
    "index out of range": "null",
}


class TestStrictMode:
    @pytest.mark.parametrize("name", STRICT_ERRORS)
    def test_strict_mode_reports(self, run: Runner, name: str) -> None:
        script, message = STRICT_ERRORS[name]
        result = run(f"{STRICT}$ErrorActionPreference = 'Stop'\n{script}")
        assert result.code == 1
        assert message in result.stderr

    @pytest.mark.parametrize("name", STRICT_ERRORS)
    def test_without_it_there_is_a_value(self, run: Runner, name: str) -> None:
        *setup, last = STRICT_ERRORS[name][0].splitlines()
        script = "\n".join([SHOW, *setup, f"Show ({last})"])
        assert run(script).stdout == f"{NOT_STRICT[name]}\n"

    def test_it_ends_with_the_function_that_set_it(self, run: Runner) -> None:
        script = SHOW + "function f { Set-StrictMode -Version 3.0 }\nf\nShow $nothing"
        assert run(script).stdout == "null\n"


class TestOrder:
    def test_a_plain_hashtable_has_none(self, run: Runner) -> None:
        keys = "; ".join(f"k{number} = {number}" for number in range(9))
        script = f"@(@{{ {keys} }}.Keys) -join ','"
        seen = {run(script).stdout for _ in range(5)}
        assert len(seen) > 1

    def test_keys_and_values_agree(self, run: Runner) -> None:
        keys = "; ".join(f"{chr(97 + number)} = '{chr(97 + number)}'" for number in range(9))
        script = f"$h = @{{ {keys} }}\n(@($h.Keys) -join '') -eq (@($h.Values) -join '')"
        assert run(script).stdout == "True\n"

    def test_an_ordered_one_keeps_it(self, run: Runner) -> None:
        keys = "; ".join(f"k{number} = {number}" for number in reversed(range(9)))
        shown = ",".join(f"k{number}" for number in reversed(range(9)))
        assert run(f"$h = [ordered]@{{ {keys} }}\n@($h.Keys) -join ','").stdout == f"{shown}\n"

    def test_a_change_while_enumerating_is_an_error(self, run: Runner) -> None:
        result = run("$h = @{ a = 1; b = 2 }\nforeach ($k in $h.Keys) { $h[$k] = 3 }")
        assert "Collection was modified" in result.stderr


class TestStandardInput:
    def test_input_is_its_lines(self, run: Runner) -> None:
        assert run("@($input) -join '|'", stdin=["a\n", "b\r\n", "c"]).stdout == "a|b|c\n"

    def test_it_is_read_once(self, run: Runner) -> None:
        result = run("@($input).Count\n@($input).Count", stdin=["a", "b"])
        assert result.lines == ["2", "0"]

    def test_it_can_be_piped(self, run: Runner) -> None:
        assert run("($input | ConvertFrom-Json).a", stdin=['{"a":', "1}"]).stdout == "1\n"

    def test_there_may_be_none(self, run: Runner) -> None:
        assert run("(@($input) -join '') -eq ''").stdout == "True\n"


class TestEnvironment:
    def test_a_variable_is_read(self, run: Runner) -> None:
        assert run('"<$env:NAME>"', environment={"NAME": "x"}).stdout == "<x>\n"

    def test_one_that_is_not_set_is_null(self, run: Runner) -> None:
        assert run(STRICT + "$null -eq $env:NAME").stdout == "True\n"

    def test_a_temporary_folder_can_be_made_and_removed(self, run: Runner) -> None:
        script = (
            "$p = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath 'x'\n"
            "New-Item -ItemType Directory -Path $p -ErrorAction Stop | Out-Null\n"
            "Test-Path -Path $p\n"
            "Remove-Item -Path $p -Recurse -Force -ErrorAction Stop\n"
            "Test-Path -Path $p"
        )
        result = run(script, environment={"TMPDIR": str(run.folder)})
        assert (result.lines, result.stderr) == (["True", "False"], "")
