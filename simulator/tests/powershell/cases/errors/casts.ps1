Import-Module -Name "$PSScriptRoot/../Case.psm1"
Show-Result '[int] of a word' { [int]'x' }
Show-Result '[int] of $null' { [int]$null }
Show-Result '[int] of blanks' { [int]' ' }
Show-Result '[int] with blanks' { [int]' 7 ' }
Show-Result '[int] of a large number' { [int]'99999999999' }
Show-Result '[int] of an array' { [int]@(1, 2) }
Show-Result '[int] of an array of one' { [int]@('3') }
Show-Result '[int] of a table' { [int]@{ a = 1 } }
Show-Result '[int] of an object' { [int]([pscustomobject]@{ a = 1 }) }
Show-Result '[int] of $true' { [int]$true }
Show-Result '[guid] of a word' { [guid]'x' }
Show-Result '[guid] of an empty text' { [guid]'' }
Show-Result '[guid] without hyphens' { "$([guid]'0b0d000000000000000000000000000a')" }
Show-Result '[bool] of a word' { [bool]'False' }
Show-Result '[bool] of an empty text' { [bool]'' }
Show-Result '[string[]] of a number' { ([string[]]1).Count }
Show-Result 'a typed variable' {
    [int] $number = 'x'
    $number
}
Show-Result 'a typed variable, later' {
    [int] $number = 1
    $number = 'x'
}
Show-Result 'a typed parameter, later' {
    function Set-It {
        param([int] $Number)
        $Number = 'x'
        $Number
    }
    Set-It -Number 1
}
Show-Result 'a set, later' {
    function Set-It {
        param([ValidateSet('One', 'Two')] [string] $Kind)
        $Kind = 'Three'
        $Kind
    }
    Set-It -Kind 'One'
}
Show-Result 'in arithmetic' { 1 + 'x' }
Show-Result 'multiplied' { 'ab' * 'x' }
