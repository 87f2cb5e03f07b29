Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'keys' {
    $h = @{ Name = 1 }
    $h['nAME']
}
Show-Result 'keys as members' {
    $h = @{ Name = 1 }
    $h.nAME
}
Show-Result 'members' {
    $o = [pscustomobject]@{ Name = 1 }
    $o.nAME
}
Show-Result 'parameters' {
    function f {
    param($Name)
    $nAME
    }
    f -nAMe 'x'
}
Show-Result 'functions' {
    function Get-One { 1 }
    get-ONE
}
Show-Result '-eq' {
    'a' -eq 'A'
}
Show-Result '-ceq' {
    'a' -ceq 'A'
}
Show-Result '-cne' {
    'a' -cne 'A'
}
Show-Result '-in' {
    'a' -in @('A', 'b')
}
Show-Result '-contains' {
    @('A') -contains 'a'
}
Show-Result '-notcontains' {
    @('A') -notcontains 'a'
}
Show-Result '-notin' {
    'b' -notin @('A')
}
Show-Result '-like' {
    'ABC' -like 'a*'
}
Show-Result '-notlike' {
    'ABC' -notlike '*d'
}
Show-Result '-match' {
    'ABC' -match 'b'
}
Show-Result '-replace' {
    'ABC' -replace 'b', 'x'
}
Show-Result '-split' {
    ('aXb' -split 'x').Count
}
Show-Result '.Replace()' {
    'A'.Replace('a', 'b')
}
Show-Result '$true' {
    $TRUE
}
Show-Result 'ValidateSet' {
    function f {
    param([ValidateSet('One')] $x)
    $x
    }
    f -x 'ONE'
}
