Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'half to even, down' {
    [int]2.5
}
Show-Result 'half to even, up' {
    [int]3.5
}
Show-Result 'empty text' {
    [int]''
}
Show-Result 'text with a fraction' {
    [int]'2.5'
}
Show-Result '[string]$null' {
    ([string]$null).Length
}
Show-Result '[string] of an array' {
    [string]@(1, 2)
}
Show-Result '[string] parameter' {
    function f {
    param([string] $x)
    $x -eq ''
    }
    f -x $null
}
Show-Result '[string] parameter that is not given' {
    function f {
    param([string] $x)
    $x -eq ''
    }
    f
}
Show-Result '[int] parameter' {
    function f {
    param([int] $x)
    $x + 1
    }
    f -x '2'
}
Show-Result 'a parameter keeps its type' {
    function f {
    param([string] $x)
    $x = $null
    $x -eq ''
    }
    f
}
Show-Result 'a typed variable keeps its type' {
    [int] $x = '1'
    $x = '2'
    $x + 1
}
Show-Result '[string[]]' {
    ([string[]]@(1, 2)) -join ','
}
Show-Result '[string[]] parameter of one' {
    function f {
    param([string[]] $x)
    $x.Count
    }
    f -x 'a'
}
Show-Result '[bool]' {
    [bool]'False'
}
Show-Result 'a number in text' {
    "$(1.5) $(2.0)"
}
Show-Result '-replace makes text' {
    (12 -replace '2', '3') + 1
}
Show-Result '-join makes text' {
    (1, 2 -join '') + 1
}
