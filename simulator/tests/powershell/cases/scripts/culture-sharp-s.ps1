Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# By culture and without regard to case, sharp s is not two letters.
Write-Output "$('straße' -eq 'STRASSE') $('straße' -ceq 'strasse')"
