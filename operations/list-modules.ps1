<#
.SYNOPSIS
    Lists the versions of Microsoft's module for Exchange Online that are installed. Signs in to nothing.
.DESCRIPTION
    Reads     nothing
    Writes    {"versions":["3.9.2"]}
    Needs     nothing
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Report.psm1" -Force

Write-ObservedObject -InputObject ([ordered]@{
        versions = @(Get-Module -Name 'ExchangeOnlineManagement' -ListAvailable | ForEach-Object { [string]$_.Version })
    })
