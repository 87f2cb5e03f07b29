Import-Module -Name "$PSScriptRoot/unapproved-verb.psm1"
'between'
Import-Module -Name "$PSScriptRoot/unapproved-verb.psm1" -Force
