Import-Module -Name "$PSScriptRoot/../Case.psm1"
function Show-Table {
    [CmdletBinding()]
    param([hashtable] $Table)
    $Table -is [hashtable]
    $Table.Count
    $Table['A']
    $Table.ContainsKey('A')
    $Table['new'] = 1
    @($Table.Keys | Sort-Object) -join ','
}
function Show-SimpleTable {
    param([hashtable] $Table)
    $Table -is [hashtable]
    $Table['A']
}
$ordered = [ordered]@{ z = 1; a = 2 }
Show-Result 'ordered' { Show-Table -Table $ordered }
Show-Result 'ordered, simple function' { Show-SimpleTable -Table $ordered }
Show-Result 'the one that was given' { @($ordered.Keys) -join ',' }
$plain = @{ a = 2 }
Show-Result 'plain' { Show-Table -Table $plain }
Show-Result 'the plain one that was given' { @($plain.Keys | Sort-Object) -join ',' }
Show-Result 'empty' { Show-Table -Table ([ordered]@{}) }
Show-Result 'text' { Show-Table -Table 'x' }
Show-Result 'array' { Show-Table -Table @(1) }
Show-Result 'nothing' { Show-SimpleTable -Table $null }
