# Modules see the preference that the script set at its top level.
Import-Module -Name "$PSScriptRoot/preference.psm1"
Import-Module -Name "$PSScriptRoot/preference-of-its-own.psm1"
try { Write-OwnProblem } catch { "caught $_" }
try { Invoke-OwnBlock -Action { Write-Error 'in a block' -ErrorAction SilentlyContinue; 'block went on' } } catch { "caught $_" }
Write-Problem -ErrorAction SilentlyContinue
try { Write-Problem -ErrorAction Stop } catch { "caught $_" }
$ErrorActionPreference = 'Stop'
try { Write-Problem } catch { "caught $_" }
try { Write-ToOther } catch { "caught $_" }
Write-Problem -ErrorAction SilentlyContinue
try { Convert-It } catch { "caught $_" }
try { Invoke-Block -Action { Write-Error 'in a block'; 'block went on' } } catch { "caught $_" }
function Set-Local {
    $ErrorActionPreference = 'Continue'
    try { Write-Problem } catch { "caught $_" }
}
Set-Local
Write-Problem
'never'
