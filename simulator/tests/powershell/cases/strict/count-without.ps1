Import-Module -Name "$PSScriptRoot/../Case.psm1"
function Get-Nothing { }
foreach ($property in @('Count', 'Length')) {
    Show-Result "text: $property" { 'abc'.$property }
    Show-Result "number: $property" { (1).$property }
    Show-Result "bool: $property" { $true.$property }
    Show-Result "null: $property" { $null.$property }
    Show-Result "nothing: $property" { (Get-Nothing).$property }
    Show-Result "object: $property" { ([pscustomobject]@{ a = 1 }).$property }
    Show-Result "object from JSON: $property" { (ConvertFrom-Json -InputObject '{"a":1}').$property }
    Show-Result "object that has one: $property" { ([pscustomobject]@{ Count = 7; Length = 8 }).$property }
    Show-Result "guid: $property" { ([guid]'0b0d0000-0000-0000-0000-00000000000a').$property }
    Show-Result "table: $property" { @{ a = 1; b = 2 }.$property }
    Show-Result "ordered table: $property" { ([ordered]@{ a = 1; b = 2 }).$property }
    Show-Result "array: $property" { @(1, 2, 3).$property }
    Show-Result "empty array: $property" { @().$property }
    Show-Result "one object in an array: $property" { @([pscustomobject]@{ a = 1 }).$property }
    Show-Result "objects: $property" { @([pscustomobject]@{ a = 1 }, [pscustomobject]@{ a = 2 }).$property }
    Show-Result "of @( ) around: $property" { @('abc').$property }
}
Show-Result 'keys' { @{ a = 1; b = 2 }.Keys.Count, @{ a = 1; b = 2 }.Values.Count }
Show-Result 'error record' { try { throw 'x' } catch { $_.Count } }
