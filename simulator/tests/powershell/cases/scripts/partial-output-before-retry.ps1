Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$state = @{ calls = 0 }
$got = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action {
        $state['calls'] = $state['calls'] + 1
        'page1'
        if ($state['calls'] -eq 1) { throw 'throttled' }
        'page2'
    })
Write-Output "calls $($state['calls']); got $($got.Count): $($got -join ',')"
