Import-Module -Name "$PSScriptRoot/../Case.psm1"
function Test-Splat {
    [CmdletBinding()]
    param([string] $A, [switch] $S, [string[]] $Names)
    "A=$A S=$S Names=$($Names -join ',') $(@($PSBoundParameters.Keys | Sort-Object) -join ',')"
}
function Test-Simple {
    param([string] $A, [string] $B)
    "A=$A B=$B"
}
$one = @{ A = 'a'; S = $true }
$ordered = [ordered]@{ a = 'lower'; Names = @('x', 'y') }
$other = @{ A = 'other' }
Show-Result 'written after' { Test-Splat @one -A 'explicit' }
Show-Result 'written before' { Test-Splat -A 'explicit' @one }
Show-Result 'switch turned off' { Test-Splat @one -S:$false }
Show-Result 'ordered' { Test-Splat @ordered }
Show-Result 'ordered and written, in another case' { Test-Splat @ordered -A 'explicit' -NAMES 'z' }
Show-Result 'simple function' { Test-Simple @other -A 'explicit' }
Show-Result 'positional' { Test-Simple @other 'second' }
Show-Result 'built-in command' {
    $path = @{ Path = 'a'; ChildPath = 'b' }
    Join-Path @path -ChildPath 'c'
}
Show-Result 'block' {
    & {
        param($A)
        $A
    } @other -A 'explicit'
}
Show-Result 'error action' {
    $quiet = @{ ErrorAction = 'SilentlyContinue' }
    try { Write-Error 'x' @quiet -ErrorAction Stop } catch { "caught $_" }
}
