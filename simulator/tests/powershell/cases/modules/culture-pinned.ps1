Import-Module -Name "$PSScriptRoot/culture-pinned.psm1"
Test-Passing
'TITLE' -like 'title'
