Import-Module -Name "$PSScriptRoot/export.psm1"
Import-Module "$PSScriptRoot/export-of-all.psm1"
Get-Outer
Use-Own
Get-All
"[$private]"
try { Get-Inner } catch { $_.FullyQualifiedErrorId }
function Get-Inner { 'of the script' }
Get-Outer
Get-Inner
