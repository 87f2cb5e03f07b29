# What a try catches, and what only shows and goes on.
try {
    Write-Error 'not caught' -ErrorAction SilentlyContinue
    'went on'
}
catch { 'caught' }
function Convert-It {
    [int]'x'
    'went on'
}
try { Convert-It } catch { 'within a try it ends the whole block' }
function Write-It {
    [CmdletBinding()]
    param()
    Write-Error 'x'
    'went on'
}
try { Write-It -ErrorAction Stop } catch { 'caught by -ErrorAction of the function' }
try { try { throw 'inner' } catch { throw "outer: $_" } } catch { "$_" }
try { throw 'a' } catch {
    try { throw 'b' } catch { "$_" }
    "$_"
}
try {
    try { throw 'outer' } catch { try { throw 'inner' } catch { throw } }
}
catch { "innermost: $_" }
$ErrorActionPreference = 'Stop'
try { Write-Error 'x' } catch { 'caught under the preference' }
