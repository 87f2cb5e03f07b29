Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'throw' {
    throw 'message'
}
Show-Result 'Write-Error -ErrorAction Stop' {
    Write-Error 'message' -ErrorAction Stop
}
Show-Result 'failed cast' {
    [int]'x'
}
Show-Result 'division by zero' {
    1 / 0
}
Show-Result 'method of $null' {
    $null.Trim()
}
Show-Result 'index of $null' {
    $x = $null
    $x[0]
}
Show-Result 'bad JSON' {
    ConvertFrom-Json -InputObject '{'
}
Show-Result 'JSON keys that differ in case' {
    ConvertFrom-Json -InputObject '{"a":1,"A":2}'
}
Show-Result 'ContainsKey of an ordered table' {
    $h = [ordered]@{}
    $h.ContainsKey('a')
}
Show-Result 'Substring out of range' {
    'ab'.Substring(3)
}
Show-Result 'property that cannot be set' {
    $o = [pscustomobject]@{ a = 1 }
    $o.b = 1
}
Show-Result 'unknown module' {
    Import-Module NoSuchModule -ErrorAction Stop
}
Show-Result 'missing path' {
    Remove-Item -Path '/no-such-folder' -ErrorAction Stop
}
