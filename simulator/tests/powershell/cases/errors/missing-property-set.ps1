Import-Module -Name "$PSScriptRoot/../Case.psm1"
$ErrorActionPreference = 'Stop'
$object = [pscustomobject]@{ a = 1 }
Show-Result 'set' {
    $object.a = 2
    $object.A
}
Show-Result 'set a missing one' { $object.b = 1 }
Show-Result 'add to a missing one' { $object.b += 1 }
Show-Result 'add' {
    $object.a += 1
    $object.a
}
Show-Result 'set on $null' {
    $nothing = $null
    $nothing.b = 1
}
Show-Result 'set within' {
    $outer = [pscustomobject]@{ inner = [pscustomobject]@{ a = 1 } }
    $outer.inner.c = 1
}
Show-Result 'set what JSON gave' {
    $json = ConvertFrom-Json -InputObject '{"a":1}'
    $json.a = 'x'
    $json.a
    $json.b = 1
}
Show-Result 'computed name' {
    $name = 'b c'
    $object.$name = 1
}
Set-StrictMode -Version Latest
Show-Result 'strict: add to a missing one' { $object.b += 1 }
Show-Result 'strict: set a missing one' { $object.b = 1 }
