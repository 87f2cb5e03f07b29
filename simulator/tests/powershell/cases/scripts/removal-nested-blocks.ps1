Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$object = [pscustomobject]@{ Identity = 'id1' }
$calls = @{ n = 0 }
Invoke-Removal -Cmdlet 'Remove-X' -Removal { $calls['n'] = $calls['n'] + 1; throw "NotFound $($object.Identity)" }
try { Invoke-Removal -Cmdlet 'Remove-X' -Removal { $calls['n'] = $calls['n'] + 1; throw 'throttled' } }
catch { Write-Output "$($_.Exception.Message)" }
Write-Output $calls['n']
