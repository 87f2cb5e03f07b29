# Characters without a width: comparisons by culture do not see them, those by character do.
Import-Module -Name "$PSScriptRoot/../Case.psm1"
$marks = [ordered]@{
    'zero width space'      = '​'
    'soft hyphen'           = '­'
    'zero width joiner'     = '‍'
    'zero width non-joiner' = '‌'
    'byte order mark'       = '﻿'
    'left-to-right mark'    = '‎'
    'word joiner'           = '⁠'
}
foreach ($name in $marks.Keys) {
    $with = "a$($marks[$name])b"
    Show-Result "${name}: -eq" { ($with -eq 'ab'), ('ab' -eq $with), ($with -ne 'ab'), ($with -ceq 'ab'), ($with -cne 'ab') }
    Show-Result "${name}: -like" { ($with -like 'ab'), ('ab' -like $with), ($with -like 'a*'), ($with -like 'a?b'), ($with -notlike 'ab') }
    Show-Result "${name}: -match" { ($with -match 'ab'), ($with -match '^a.b$'), ($with -replace $marks[$name], '-') }
    Show-Result "${name}: -contains" { (@($with) -contains 'ab'), ('ab' -in @($with)), (@($with) -notcontains 'ab'), ('ab' -notin @($with)) }
    Show-Result "${name}: keys" { @{ $with = 1 }.ContainsKey('ab') }
    Show-Result "${name}: methods" { $with.Replace('ab', 'x').Length, $with.Length }
    Show-Result "${name}: filter" { @(@($with, 'c') -eq 'ab').Count }
    Show-Result "${name}: alone" { ($marks[$name] -eq ''), ($marks[$name] -like ''), [string]::IsNullOrEmpty($marks[$name]), [string]::IsNullOrWhiteSpace($marks[$name]), $marks[$name].Trim().Length, ($marks[$name] -match '^\s$') }
    Show-Result "${name}: split" { ($with -split 'ab').Count }
}
