Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

function Get-Policy {
    [CmdletBinding()]
    param([object[]] $Existing)
    $policy = Invoke-WithRetry -Cmdlet 'New-X' -Action {
        if ($Existing.Count -gt 0) { return $Existing[0] }
        'created'
    }
    "after $policy"
}
Get-Policy -Existing @('old', 'older')
Get-Policy -Existing @()
