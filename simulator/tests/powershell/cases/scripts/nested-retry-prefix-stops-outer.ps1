Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$calls = @{ inner = 0; outer = 0 }
function Test-Cmd {
    [CmdletBinding()]
    param()
    $calls['inner'] = $calls['inner'] + 1; Write-Error -Message 'is throttled'
}
try {
    Invoke-WithRetry -Cmdlet 'New-Outer' -Action {
        $calls['outer'] = $calls['outer'] + 1
        Invoke-WithRetry -Cmdlet 'Get-Inner' -Action { Test-Cmd -ErrorAction Stop }
    }
}
catch { Write-Output $_.Exception.Message }
Write-Output "$($calls['inner']) $($calls['outer'])"
