Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Import-Module -Name "$PSScriptRoot/get-command-of-global-module.outer.psm1" -Force
Connect-Outer
Write-Output "$(@('Get-InnerThing', 'Get-NoSuchThing12' | Where-Object { -not (Get-Command -Name $_ -ErrorAction SilentlyContinue) }) -join ',')"
Write-Output (Get-InnerThing)
Write-Output (& { Get-InnerThing })
