# A module is loaded once, and again with -Force.
Import-Module -Name "$PSScriptRoot/loading.psm1"
Import-Module -Name "$PSScriptRoot/loading.psm1"
[Console]::Error.WriteLine('now with -Force')
Import-Module -Name "$PSScriptRoot/loading.psm1" -Force
Get-Loaded
