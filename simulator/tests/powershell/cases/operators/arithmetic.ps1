Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'numbers' {
    1 + 2 * 3 - 4 % 3
}
Show-Result 'division' {
    7 / 2
}
Show-Result 'whole division' {
    (6 / 2) -is [int]
}
Show-Result 'text plus number' {
    '1' + 1
}
Show-Result 'number plus text' {
    1 + '1'
}
Show-Result 'array plus item' {
    (@(1) + 2).Count
}
Show-Result 'array plus array' {
    (@(1) + @(2, 3)).Count
}
Show-Result '$null plus' {
    $x = $null
    $x += 'a'
    $x
}
Show-Result 'repetition' {
    'ab' * 2
}
Show-Result 'increment' {
    $i = 1
    $i++
    $i
}
Show-Result 'remainder takes the sign of the left' {
    -7 % 3
}
Show-Result '[math]::Min of a number from JSON' {
    $j = ConvertFrom-Json -InputObject '{"n":5}'
    [math]::Min($j.n, 3) + 1
}
