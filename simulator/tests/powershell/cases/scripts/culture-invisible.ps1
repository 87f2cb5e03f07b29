Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Zero width space and soft hyphen.
Write-Output "$('a​b' -eq 'ab') $('a­b' -eq 'ab') $('a​b' -ceq 'ab') $(@('a​b') -contains 'ab') $('ab' -in @('a​b')) $('a​b' -like 'ab')"
