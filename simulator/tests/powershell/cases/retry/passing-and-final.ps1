Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/clock.psm1"
Import-Module -Name "$PSScriptRoot/things.psm1"
Import-Module -Name "$PSScriptRoot/retry.psm1"
$name = 'x'
Add-Failure -Message @('server is busy', 'server is Busy')
$found = Invoke-WithRetry -Action { Get-Thing -Identity $name -ErrorAction Stop }
"$(@($found).Count) after $(Get-Asked), slept $(Get-Slept)"
$found[0].NAME
$found[0].Addresses.Count
@($found | Where-Object { $_.Enabled }).Count
$found.Name -join ','
try { $found[0].Missing } catch { 'missing' }
try { Invoke-WithRetry -Action { throw 'access denied' } } catch { "$_, slept $(Get-Slept)" }
try { Invoke-WithRetry -Action { throw 'busy' } } catch { "$_, slept $(Get-Slept)" }
