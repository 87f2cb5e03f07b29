# A module that two others import is one module; what a module imports is its own.
Import-Module -Name "$PSScriptRoot/nested-left.psm1"
Import-Module -Name "$PSScriptRoot/nested-right.psm1"
Add-Left
Add-Right
Add-Left
Test-Left
try { Add-One } catch { "not here: $($_.FullyQualifiedErrorId)" }
Import-Module -Name "$PSScriptRoot/nested-inner.psm1"
Add-One
Import-Module -Name "$PSScriptRoot/nested-inner.psm1" -Force
Add-One
Add-Left
