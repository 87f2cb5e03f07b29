Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/private-functions-from-script-block.m.psm1" -Force

try { Use-Block -Block { Get-Secret } }
catch { Write-Output $_.FullyQualifiedErrorId }
Use-Own
