Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'variable that is not set' {
    $y
}
Show-Result '.Count of a scalar' {
    $x = 1
    $x.Count
}
Show-Result '.Count of $null' {
    $x = $null
    $x.Count
}
Show-Result 'missing property' {
    ([pscustomobject]@{ a = 1 }).b
}
Show-Result 'missing key as a member' {
    @{ a = 1 }.b
}
Show-Result 'missing property of all elements' {
    @(@{ a = 1 }).b
}
Show-Result 'index out of range' {
    @(1)[1]
}
