Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'an assignment in a function is local' {
    $x = 1
    function f { $x = 2 }
    f
    $x
}
Show-Result 'an assignment in a called block is local' {
    $x = 1
    & { $x = 2 }
    $x
}
Show-Result 'in a ForEach-Object block it is the caller''s' {
    $x = 1
    1 | ForEach-Object { $x = 2 }
    $x
}
Show-Result 'in a Where-Object block it is the caller''s' {
    $x = 1
    1 | Where-Object { $x = 2 }
    $x
}
Show-Result 'a function sees its caller''s variables' {
    function f { $x }
    function g {
    $x = 3
    f
    }
    g
}
Show-Result 'a block sees the variables where it is called' {
    $b = { $x }
    function g {
    param($b)
    $x = 4
    & $b
    }
    $x = 1
    g $b
}
Show-Result '$script: reaches the top' {
    $x = 1
    function f { $script:x = 5 }
    f
    $x
}
Show-Result 'a block takes arguments' {
    $b = {
    param($a, $b)
    "$a$b"
    }
    & $b 1 2
}
Show-Result 'return leaves a ForEach-Object block only' {
    1, 2 | ForEach-Object {
    if ($_ -eq 1) { return }
    $_
    }
    'end'
}
Show-Result '$_ is restored' {
    1 | ForEach-Object {
    2 | ForEach-Object { 'inner' } | Out-Null
    $_
    }
}
Show-Result 'break and continue' {
    foreach ($i in 1, 2, 3, 4, 5) {
    if ($i -eq 2) { continue }
    if ($i -eq 4) { break }
    $i
    }
}
Show-Result 'while' {
    $i = 0
    while ($true) {
    $i++
    if ($i -gt 2) { break }
    }
    $i
}
