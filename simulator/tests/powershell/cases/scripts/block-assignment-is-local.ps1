Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$count = 1
Invoke-WithRetry -Cmdlet 'A-B' -Action { $count = $count + 5; "inside $count" }
Write-Output "outside $count"
& { $count = 9 }
Write-Output "outside $count"
