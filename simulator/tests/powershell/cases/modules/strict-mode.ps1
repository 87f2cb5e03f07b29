# StrictMode of the script is not in force in a module, nor that of a module in the script.
Import-Module -Name "$PSScriptRoot/strict-mode.psm1"
Import-Module -Name "$PSScriptRoot/strict-mode-of-its-own.psm1"
"script: [$nothing]"
try { Get-StrictUnset } catch { "strict module: $($_.FullyQualifiedErrorId)" }
Invoke-StrictBlock -Action { "block of the script: [$nothing]" }
Set-StrictMode -Version Latest
Get-Unset
Invoke-OwnBlock
try { Invoke-Block -Action { "[$nothing]" } } catch { "strict script: $($_.FullyQualifiedErrorId)" }
try { "[$nothing]" } catch { "strict script: $($_.FullyQualifiedErrorId)" }
function Test-Own {
    try { "[$nothing]" } catch { "function of the script: $($_.FullyQualifiedErrorId)" }
}
Test-Own
