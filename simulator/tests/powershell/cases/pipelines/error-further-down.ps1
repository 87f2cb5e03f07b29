# An error of a later command passes through the functions that feed it.
function Get-One {
    try { 1 } catch { [Console]::Error.WriteLine("caught further up: $_") } finally { [Console]::Error.WriteLine('finally') }
    [Console]::Error.WriteLine('went on further up')
}
"result: $(try { Get-One | ForEach-Object { throw 'down' } } catch { "outside: $_" })"
function Get-Two {
    try { 1; 2 } catch { "instead of: $_" }
    3
}
'second'
@(Get-Two | ForEach-Object {
        if ($_ -eq 1) { throw 'down' }
        "seen $_"
    }) -join ', '
'third'
try { Get-Two | ForEach-Object { throw 'each time' } } catch { "outside: $_" }
'fourth: a block that feeds'
1 | ForEach-Object { try { 'a' } catch { "up: $_" } } | ForEach-Object {
    if ($_ -eq 'a') { throw 'down' }
    $_
}
'fifth: an array is no function'
try { @(1, 2) | ForEach-Object { throw "at $_" } } catch { "outside: $_" }
'sixth: past a rethrow'
function Get-Three {
    try { 1 } catch { throw "again: $_" }
}
try { Get-Three | ForEach-Object { throw 'down' } } catch { "outside: $_" }
'seventh: Where-Object'
function Get-Four {
    try { 1 } catch { "caught $_" }
}
@(Get-Four | Where-Object {
        if ($_ -eq 1) { throw 'filter' }
        $true
    }) -join ', '
'eighth: a statement that fails'
@(Get-Four | ForEach-Object {
        if ($_ -eq 1) { [int]'x' }
        "after $_"
    }) -join ', '
'ninth: exit'
function Get-Five {
    try { 1 } catch { 'never' } finally { [Console]::Error.WriteLine('finally of five') }
}
Get-Five | ForEach-Object { exit 4 }
