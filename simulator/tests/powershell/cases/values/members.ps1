Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result 'of each element' {
    @(@{ N = 1 }, @{ N = 2 }).N -join ','
}
Show-Result 'of one element is the object' {
    @(@{ N = 1 }).N -is [array]
}
Show-Result '.Count is the array''s own' {
    @(@{ Count = 7 }, @{ Count = 8 }).Count
}
Show-Result 'a key beats a property' {
    @{ Count = 5 }.Count
}
Show-Result '.Keys' {
    @(@{ a = 1 }.Keys) -join ','
}
Show-Result '.Values' {
    @(@{ a = 1 }.Values) -join ','
}
Show-Result '.ContainsKey' {
    @{ a = 1 }.ContainsKey('A')
}
Show-Result 'a missing key by index is $null' {
    $h = @{}
    $null -eq $h['x']
}
Show-Result 'by a variable' {
    $n = 'a'
    @{ a = 1 }.$n
}
Show-Result 'quoted' {
    @{ 'a b' = 1 }.'a b'
}
Show-Result 'set on a table' {
    $h = @{}
    $h.a = 1
    $h['b'] = 2
    $h.Count
}
Show-Result 'add to a table''s entry' {
    $h = @{ a = 1 }
    $h.a += 2
    $h['a']
}
Show-Result 'set on an object' {
    $o = [pscustomobject]@{ a = 1 }
    $o.a = 2
    $o.a
}
Show-Result 'an array is shared' {
    $a = @(1)
    $b = $a
    $b[0] = 2
    $a[0]
}
Show-Result '+= makes a new array' {
    $a = @(1)
    $b = $a
    $b += 2
    $a.Count
}
Show-Result 'negative index' {
    @(1, 2)[-1]
}
Show-Result 'text length' {
    'abc'.Length
}
Show-Result 'Substring' {
    'abcd'.Substring(1, 2) + 'abcd'.Substring(3)
}
Show-Result 'Trim' {
    "`t a `n".Trim()
}
Show-Result '[string]::IsNullOrEmpty' {
    [string]::IsNullOrEmpty('')
}
Show-Result '[string]::IsNullOrWhiteSpace' {
    [string]::IsNullOrWhiteSpace(' ')
}
Show-Result 'guid equality' {
    [guid]'{0b0d0000-0000-0000-0000-00000000000A}' -eq '0B0D0000-0000-0000-0000-00000000000a'
}
Show-Result 'member of a call' {
    function f { @{ a = 1 } }
    (f).a
}
