# One letter in two spellings, and letters that only differ in a mark.
Import-Module -Name "$PSScriptRoot/../Case.psm1"
$composed = "$(@($input)[0])"
$parts = $composed -split '\|'
Show-Result 'one or two characters' { ($parts[0] -eq $parts[1]), ($parts[0] -ceq $parts[1]), (@($parts[0]) -contains $parts[1]) }
$first = $parts[0]
$kelvin = $parts[6]
Show-Result 'by character' { ($parts[0] -like $parts[1]), ($parts[0] -match $parts[1]), @{ $first = 1 }.ContainsKey($parts[1]) }
Show-Result 'upper and lower' { ($parts[0] -eq $parts[2]), ($parts[0] -ceq $parts[2]), ($parts[0] -like $parts[2]), ($parts[0] -match $parts[2]), @{ $first = 1 }.ContainsKey($parts[2]) }
Show-Result 'without the mark' { ($parts[0] -eq 'e'), ($parts[0] -like 'e') }
Show-Result 'sharp s' { ($parts[3] -eq 'STRASSE'), ($parts[3] -ceq 'strasse'), ($parts[3] -like 'strasse') }
Show-Result 'Kelvin sign' { ($parts[6] -eq 'k'), ($parts[6] -like 'k'), ($parts[6] -match 'k'), @{ $kelvin = 1 }.ContainsKey('k') }
Show-Result 'dotted and dotless i' { ($parts[7] -eq 'i'), ($parts[7] -like 'i'), ($parts[8] -eq 'I'), ($parts[8] -like 'I') }
Show-Result 'case of ASCII' { ('TIMED OUT' -match 'timed out'), ('TITLE' -like 'title'), ('TITLE' -eq 'title'), ('TITLE' -replace 'title', 'x') }
Show-Result 'final sigma' { ($parts[9] -eq $parts[10]), ($parts[9] -like $parts[10]) }
Show-Result 'beyond the plane' { ($parts[11] -eq $parts[11]), $parts[11].Length, ($parts[11] -like '?'), ($parts[11] -like '??'), ($parts[11] -match '^..$') }
Show-Result 'no-break space' { ($parts[12] -match '^\s$'), $parts[12].Trim().Length }
