Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
function Set-X {
[CmdletBinding()]
param(
[Parameter(Mandatory)] [string] $Name,
[ValidateSet('One', 'Two')] [string] $Kind,
[ValidateNotNullOrEmpty()] [string] $Text,
[int] $Number,
[bool] $Flag,
[string[]] $Names,
[hashtable] $Table,
[scriptblock] $Block
)
'ran'
}

Show-Result 'missing' {
    Set-X
}
Show-Result 'empty' {
    Set-X -Name ''
}
Show-Result '$null' {
    Set-X -Name $null
}
Show-Result 'unknown' {
    Set-X -Name a -Other b
}
Show-Result 'no value' {
    Set-X -Name
}
Show-Result 'too many' {
    Set-X a One b 1 $true c @{} { 1 } 'more'
}
Show-Result 'not in the set' {
    Set-X -Name a -Kind Three
}
Show-Result 'not null or empty' {
    Set-X -Name a -Text ''
}
Show-Result 'no number' {
    Set-X -Name a -Number x
}
Show-Result 'array for text' {
    Set-X -Name @('a', 'b')
}
Show-Result 'text for bool' {
    Set-X -Name a -Flag 'true'
}
Show-Result 'ordered for hashtable' {
    Set-X -Name a -Table ([ordered]@{})
}
Show-Result 'text for a block' {
    Set-X -Name a -Block 'x'
}
Show-Result 'unknown in a splat' {
    $h = @{ Name = 'a'; Other = 1 }
    Set-X @h
}
Show-Result 'table for text' {
    Set-X -Name a -Text @{ a = 1 }
}
Show-Result 'object for text' {
    Set-X -Name a -Text ([pscustomobject]@{ a = 1 })
}
Show-Result 'list of one for text' {
    Set-X -Name @('a')
}
Show-Result 'number for bool' {
    Set-X -Name a -Flag 1
}
Show-Result 'twice' {
    Set-X -Name a -Names @("b", "")
}
