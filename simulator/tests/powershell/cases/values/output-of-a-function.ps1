Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'every unassigned expression is output' {
    function f {
    1
    $a = 2
    3
    }
    (f) -join ','
}
Show-Result 'an array of one is unrolled' {
    function f { @(1) }
    (f) -is [array]
}
Show-Result 'a unary comma keeps the array' {
    function f { ,@(1) }
    (f) -is [array]
}
Show-Result 'return unrolls too' {
    function f { return @(1, 2) }
    @(f).Count
}
Show-Result 'return without a value is no output' {
    function f { return }
    @(f).Count
}
Show-Result 'no output counts as 0' {
    function f { }
    $x = f
    @($x).Count
}
Show-Result '$null counts as 1' {
    @($null).Count
}
Show-Result 'no output pipes nothing' {
    function f { }
    $x = f
    @($x | ForEach-Object { 'ran' }).Count
}
Show-Result '$null is piped once' {
    @($null | ForEach-Object { 'ran' }).Count
}
Show-Result 'no output as an argument is $null' {
    function f { }
    function g {
    param($x)
    @($x).Count
    }
    g -x (f)
}
Show-Result 'no output equals $null' {
    function f { }
    $x = f
    $null -eq $x
}
Show-Result 'foreach over $null runs zero times' {
    foreach ($i in $null) { 'ran' }
    'end'
}
Show-Result 'foreach over an array with $null runs' {
    foreach ($i in @($null)) { 'ran' }
}
Show-Result 'one result is the object' {
    function f { 'a' }
    (f).Length
}
Show-Result '@() flattens one level' {
    @(@(1, 2), 3).Count
}
Show-Result 'statements in @() add up' {
    @(
    1
    2, 3
    ).Count
}
Show-Result '$() of two results is an array' {
    $x = $(1; 2)
    $x.Count
}
Show-Result 'if as a value' {
    $x = if ($true) { 'a' } else { 'b' }
    $x
}
Show-Result 'if without a result is nothing' {
    $x = if ($false) { 'a' }
    @($x).Count
}
Show-Result 'foreach as a value' {
    $x = foreach ($i in @(1, 2)) { $i * 2 }
    $x -join ','
}
Show-Result 'a list inside a pipeline is unrolled' {
    @(@(@(1, 2), 3) | ForEach-Object { 'x' }).Count
}
Show-Result 'a hashtable is not unrolled' {
    @(@{ a = 1; b = 2 }).Count
}
Show-Result 'commands stream' {
    @(1, 2 | ForEach-Object { "a$_"; $_ } | ForEach-Object { "b$_" }) -join ','
}
