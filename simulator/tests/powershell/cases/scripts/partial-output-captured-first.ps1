Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$state = @{ calls = 0 }
$got = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action {
        $state['calls'] = $state['calls'] + 1
        $all = @(foreach ($n in 1, 2, 3) { $n; if ($state['calls'] -eq 1 -and $n -eq 2) { throw 'throttled' } })
        $all
    })
Write-Output "got $($got.Count): $($got -join ',')"
