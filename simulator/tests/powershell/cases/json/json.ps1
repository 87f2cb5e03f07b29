Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'an array of one in the pipeline' {
    @(1) | ConvertTo-Json -Compress
}
Show-Result 'an array of one as an argument' {
    ConvertTo-Json -InputObject @(1) -Compress
}
Show-Result 'an array of one as a property' {
    @{ a = @(1) } | ConvertTo-Json -Compress
}
Show-Result 'an empty array as a property' {
    @{ a = @() } | ConvertTo-Json -Compress
}
Show-Result 'nothing as a property' {
    function f { }
    @{ a = f } | ConvertTo-Json -Compress
}
Show-Result 'order' {
    [ordered]@{ z = 1; a = $true; m = $null } | ConvertTo-Json -Compress
}
Show-Result 'text' {
    @{ a = "`"\`n/" } | ConvertTo-Json -Compress
}
Show-Result 'not ASCII' {
    'é' | ConvertTo-Json
}
Show-Result 'EscapeNonAscii' {
    'é😀' | ConvertTo-Json -EscapeHandling EscapeNonAscii
}
Show-Result 'indentation' {
    [ordered]@{ a = @(1); b = @{} } | ConvertTo-Json
}
Show-Result '[double]' {
    @{ a = 2.0 } | ConvertTo-Json -Compress
}
Show-Result 'read: members' {
    ('{"a":{"b":[1,2]}}' | ConvertFrom-Json).a.b.Count
}
Show-Result 'read: an array of one' {
    $x = '[{"a":1}]' | ConvertFrom-Json
    $x -is [array]
}
Show-Result 'read: an empty array' {
    $x = '[]' | ConvertFrom-Json
    @($x).Count
}
Show-Result 'read: an empty array as a property' {
    @(('{"a":[]}' | ConvertFrom-Json).a).Count
}
Show-Result 'read: a number is a long' {
    ('{"a":1}' | ConvertFrom-Json).a -is [int]
}
Show-Result 'read: $null' {
    $null -eq ('{"a":null}' | ConvertFrom-Json).a
}
Show-Result 'read: several lines' {
    ('{"a":', '1}' | ConvertFrom-Json).a
}
Show-Result 'read: a date without time stays text' {
    ('{"a":"2026-11-23"}' | ConvertFrom-Json).a
}
Show-Result 'there and back' {
    '{"a":[{"b":"c"}]}' | ConvertFrom-Json | ConvertTo-Json -Depth 5 -Compress
}
