# A function without [CmdletBinding()] or [Parameter()] converts as a cast does.
Import-Module -Name "$PSScriptRoot/../Case.psm1"
function Set-X {
    param([string] $Name, [int] $Number, [string[]] $Names, [bool] $Flag, [object[]] $Items, [guid] $Id, [ValidateSet('One', 'Two')] [string] $Kind)
    "$Name|$Number|$($Names -join ',')|$Flag|$(@($Items).Count)|$($PSBoundParameters.Count)"
}
Show-Result 'nothing given' {
    function Get-Defaults {
        param([string] $Name, [int] $Number, [string[]] $Names, [bool] $Flag, [object[]] $Items, [switch] $Really, $Any)
        ($Name -eq ''), $Number, ($null -eq $Names), $Flag, ($null -eq $Items), [bool]$Really, ($null -eq $Any)
    }
    Get-Defaults
}
Show-Result 'array for text' { Set-X -Name @('a', 'b') -Id '0b0d0000-0000-0000-0000-00000000000a' }
Show-Result 'table for text' { Set-X -Name @{ a = 1 } -Id '0b0d0000-0000-0000-0000-00000000000a' }
Show-Result 'number for text' { Set-X -Name 1.5 -Id '0b0d0000-0000-0000-0000-00000000000a' }
Show-Result 'text for number' { Set-X -Number 'x' }
Show-Result 'not in the set' { Set-X -Kind 'Three' }
Show-Result 'text for bool' { Set-X -Flag 'true' }
Show-Result 'no value' { Set-X -Name }
Show-Result 'one for a list' { Set-X -Names 'a' -Items 'b' -Id '0b0d0000-0000-0000-0000-00000000000a' }
Show-Result 'nothing for a list' { Set-X -Names $null -Items @() -Id '0b0d0000-0000-0000-0000-00000000000a' }
Show-Result 'guid' { Set-X -Id 'x' }
