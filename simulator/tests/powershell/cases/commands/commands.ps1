Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'Where-Object' {
    @(1, 2, 3 | Where-Object { $_ -gt 1 }) -join ','
}
Show-Result 'Select-Object -First stops' {
    @(1, 2, 3 | ForEach-Object { $script:n = $_; $_ } | Select-Object -First 2).Count
    $n
}
Show-Result 'Select-Object -First counts for those after it' {
    @(3, 2, 1 | Select-Object -First 2 | Sort-Object) -join ','
}
Show-Result 'Select-Object -Property' {
    [pscustomobject]@{ A = 1; B = 2 } | Select-Object -Property a | ConvertTo-Json -Compress
}
Show-Result 'Sort-Object' {
    @('b', 'C', 'a' | Sort-Object) -join ','
}
Show-Result 'Sort-Object -Property' {
    @(@(2, 1) | ForEach-Object { [pscustomobject]@{ n = $_ } } | Sort-Object -Property n).n -join ','
}
Show-Result 'Write-Output unrolls' {
    @(Write-Output @(1, 2)).Count
}
Show-Result 'Out-Null' {
    1, 2 | Out-Null
    'end'
}
Show-Result 'Join-Path' {
    (Join-Path -Path 'a' -ChildPath 'b').Length
}
Show-Result 'Get-Command of a function' {
    function Get-X {
    [CmdletBinding()]
    param($Name)
    }
    $c = Get-Command Get-X
    "$($c.Name) $($c.Parameters.ContainsKey('NAME')) $($c.Parameters.ContainsKey('Other'))"
}
Show-Result 'splatting' {
    function f {
    param($a, $b)
    "$a$b"
    }
    $h = @{ a = 1; b = 2 }
    f @h
}
Show-Result 'splatting $PSBoundParameters' {
    function f {
    param($a)
    g @PSBoundParameters
    }
    function g {
    param($a)
    "<$a>"
    }
    f -a 1
}
Show-Result 'positional' {
    function f {
    param($a, [switch] $s, $b)
    "$a$b$s"
    }
    f 1 -s 2
}
Show-Result 'a switch that is given' {
    function f {
    param([switch] $s)
    [bool]$s
    }
    f -s:$false
    f -s
}
Show-Result 'a default' {
    function f {
    param($a = 1, $b = $a + 1)
    "$a$b"
    }
    f
}
Show-Result 'continuation lines' {
    function f {
    param($a, $b)
    "$a$b"
    }
    f -a 1 `
      -b 2
}
