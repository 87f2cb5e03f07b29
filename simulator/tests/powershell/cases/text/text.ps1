Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'expansion' {
    $a = 1
    "$a ${a}b $($a + 1) `$a `"q`" '$a' ""x"""
}
Show-Result 'a member is not expanded' {
    $a = 'x'
    "$a.Length"
}
Show-Result 'an array' {
    $a = 1, 2
    "$a"
}
Show-Result 'a table' {
    "$(@{})"
}
Show-Result 'an object' {
    "$([pscustomobject]@{ a = 1; b = $null })"
}
Show-Result 'escapes' {
    "a`tb"
}
Show-Result 'verbatim' {
    'a $b `n ''c'''
}
Show-Result 'here-string' {
$a = 1
@"
x "$a" # y
"@
}
Show-Result 'verbatim here-string' {
@'
it's $a
'@
}
Show-Result 'nested quotes' {
    $m = "o'x"
    "-eq '$($m -replace "'", "''")'"
}
Show-Result '-join' {
    @('a', $null, 'b') -join '-'
}
Show-Result 'unary -join' {
    -join ('a', 'b')
}
Show-Result '-split with a limit' {
    ('a,b,c' -split ',', 2) -join '|'
}
Show-Result '-replace without a replacement' {
    'a1' -replace '\d'
}
Show-Result '-replace of an array' {
    (@('a', 'b') -replace 'a', 'x') -join ','
}
Show-Result 'line ends' {
    @(@('a', 'b') -join "`n").Count
}
