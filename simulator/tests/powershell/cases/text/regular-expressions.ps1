Import-Module -Name "$PSScriptRoot/../Case.psm1"
Show-Result 'outside printable ASCII' { 'a~ b' -replace '[^\x20-\x7E]', '?' }
Show-Result 'a tab' { "a`tb" -replace '[^\x20-\x7E]', '?' }
Show-Result 'code points' { ("aé€b" -replace '[^\x20-\x7E]', '?'), ('é' -match '[\u00e0-\u00ff]') }
Show-Result 'case in a range' { ('B' -match '[a-z]'), ('b' -match '[A-Z]'), ('B' -match '\x62') }
Show-Result 'white space' { "a`r`n  b`tc" -replace '\s+', ' ' }
Show-Result 'end of a line' { ("x`n" -match 'x$'), ("x`n`n" -match 'x$'), ("x`ny" -match 'x$') }
Show-Result 'point and line end' { ("a`nb" -match 'a.b'), ("a`rb" -match 'a.b') }
Show-Result 'alternatives' { ('Server Busy' -match 'too many|is busy|server busy'), ('x' -match 'a|') }
Show-Result 'groups' { ('abab' -match '^(ab)+$'), ('abc' -match 'a(?:b|x)c'), ('ab' -match 'a(?!c)'), ('ab' -match 'a(?=b)') }
Show-Result 'quantifiers' { ('aaa' -match '^a{3}$'), ('aaa' -match '^a{2,}$'), ('aaa' -replace 'a{1,2}?', 'b'), ('aXbX' -replace '.*?X', '-') }
Show-Result 'escaped signs' { ('a.b' -match 'a\.b'), ('axb' -match 'a\.b'), ('a-b' -replace '\-', '+'), ('[x]' -replace '[\[\]]', '') }
Show-Result 'words' { ('Get-Thing: said' -match '^\w+-\w+: '), ('tan' -match '\ban\b'), ('é' -match '\w'), ('٣' -match '\d') }
Show-Result 'empty' { ('x' -match ''), ('abc' -replace '', '-') }
Show-Result 'a list is filtered' { @('ab', 'cd', 'AB') -match 'a' }
Show-Result 'a list is replaced in' { @('ab', 'cd') -replace '[ac]', 'x' }
Show-Result 'not a text' { (12 -match '2'), ($null -match 'x'), ($null -match ''), (12 -replace '2', 'x'), ($null -replace 'x', 'y') }
Show-Result 'split' { 'a1b22c' -split '\d+' }
Show-Result 'split at lines' { "a`nb`r`nc" -split '\r?\n' }
Show-Result 'split with empty ends' { ',a,,b,' -split ',' }
Show-Result 'split of $null' { @($null -split ',').Count, @('' -split ',').Count }
Show-Result 'like' { ('a[b' -like 'a?b'), ('abc' -like 'a*c'), ('abc' -like 'A?C'), ('' -like '*'), ($null -like '*'), (12 -like '1*'), ("a`nb" -like 'a*b') }
Show-Result 'like without a wildcard' { ('abc' -like 'ABC'), ('abc' -like 'ab'), ('' -like ''), ($null -like '') }
