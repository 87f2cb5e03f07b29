Set-StrictMode -Version Latest
Import-Module -Name "$PSScriptRoot/preference-global-as-module-sees-it.m.psm1" -Force

Write-Output (Test-Preference)
$ErrorActionPreference = 'Stop'
try { Write-Output (Test-Preference) } catch { Write-Output "stopped $($_.Exception.Message)" }
function Set-Local {
    [CmdletBinding()]
    param()
    $ErrorActionPreference = 'Continue'; Test-Preference
}
try { Write-Output (Set-Local) } catch { Write-Output "stopped $($_.Exception.Message)" }
