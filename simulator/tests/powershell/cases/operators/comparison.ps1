Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'an array is filtered' {
    (@(1, 2, 1) -eq 1).Count
}
Show-Result 'an array is filtered by -match' {
    (@('ab', 'cd') -match 'a') -join ','
}
Show-Result 'an array without a match is false' {
    if (@(1) -eq 2) { 'yes' } else { 'no' }
}
Show-Result 'number left' {
    1 -eq '01'
}
Show-Result 'text left' {
    '01' -eq 1
}
Show-Result 'order of text' {
    '10' -gt 9
}
Show-Result 'order of numbers' {
    10 -gt '9'
}
Show-Result 'text that is no number' {
    1 -eq 'x'
}
Show-Result 'bool left' {
    $true -eq 'False'
}
Show-Result 'text and bool' {
    'True' -eq $true
}
Show-Result 'empty text is not $null' {
    '' -eq $null
}
Show-Result '0 is not $null' {
    0 -eq $null
}
Show-Result '-not binds tighter' {
    -not 1 -eq 2
}
Show-Result '-and and -or have equal precedence' {
    $true -or $true -and $false
}
Show-Result 'order ignores case' {
    'a' -lt 'B'
}
Show-Result 'order puts punctuation first' {
    'a-b' -lt 'ab'
}
Show-Result '-le and -ge' {
    (1 -le 1) -and (1 -ge 1)
}
Show-Result '-is [int]' {
    1 -is [int]
}
Show-Result '-is [hashtable] of an ordered one' {
    [ordered]@{} -is [hashtable]
}
Show-Result '-is [array]' {
    @(1) -is [array]
}
Show-Result '-isnot' {
    1 -isnot [string]
}
Show-Result '-match of alternatives' {
    'server is busy' -match 'too many|is busy$'
}
Show-Result '-in with one value' {
    1 -in 1
}
