# `finally` runs however its block is left.
function Invoke-Throw { try { throw 'x' } finally { 'finally after throw' } }
function Invoke-Return { try { return 'returned' } finally { 'finally after return' } }
function Invoke-Stop { try { Write-Error 'x' -ErrorAction Stop } finally { 'finally after Stop' } }
function Invoke-Nothing { try { $null } finally { 'finally after nothing' } }
try { Invoke-Throw } catch { "caught $_" }
Invoke-Return
try { Invoke-Stop } catch { "caught $_" }
Invoke-Nothing
foreach ($i in @(1, 2)) { try { break } finally { "finally after break $i" } }
foreach ($i in @(1, 2)) { try { continue } finally { "finally after continue $i" } }
try {
    try { throw 'a' } catch { throw 'b' } finally { 'once' }
}
catch { "caught $_" }
try { try { throw 'inner' } finally { 'inner finally' } } catch { "outer caught $_" } finally { 'outer finally' }
function Invoke-Exit { try { exit 2 } finally { 'finally after exit' } }
Invoke-Exit
