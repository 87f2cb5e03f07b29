Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
Show-Result 'written in another case' { $o = [ordered]@{ z = 1; y = 2 }; $o['Z'] = 3; $o.Y = 4; @($o.Keys) -join ','; $o.Count; $o['z'] }
Show-Result 'added to in another case' { $o = [ordered]@{ z = 1 }; $o['Z'] += 1; $o.Keys -join ','; $o.z }
Show-Result 'as JSON' { $o = [ordered]@{ name = 1; b = 2 }; $o['NAME'] = 3; ConvertTo-Json -InputObject $o -Compress }
Show-Result 'plain' { $h = @{ z = 1 }; $h['Z'] = 3; @($h.Keys) -join ','; $h.Count }
Show-Result 'plain, by member' { $h = @{ z = 1 }; $h.Z = 3; @($h.Keys) -join ',' }
Show-Result 'object' { $o = [pscustomobject]@{ z = 1 }; $o.Z = 3; ConvertTo-Json -InputObject $o -Compress }
Show-Result 'order of addition' { $o = [ordered]@{}; $o['b'] = 1; $o.a = 2; $o['c'] = 3; @($o.Keys) -join ','; @($o.Values) -join ',' }
Show-Result 'a missing key' { $o = [ordered]@{ a = 1 }; $null -eq $o['b'] }
Show-Result 'a missing key as a member' { $o = [ordered]@{ a = 1 }; $o.b }
Show-Result '.ContainsKey' { $o = [ordered]@{ a = 1 }; $o.ContainsKey('a') }
Show-Result '-is' { ([ordered]@{} -is [hashtable]), (@{} -is [hashtable]) }
Show-Result 'text' { "$([ordered]@{ a = 1 })"; "$(@{})" }
Show-Result 'truth' { if ([ordered]@{}) { 'yes' } else { 'no' } }
Show-Result 'changed while enumerated' { $o = [ordered]@{ a = 1; b = 2 }; foreach ($k in $o.Keys) { $o[$k] = 3 }; $o['a'] }
Show-Result 'changed while a copy of its keys is' { $o = [ordered]@{ a = 1; b = 2 }; foreach ($k in @($o.Keys)) { $o[$k] = 3 }; $o['a'], $o['b'] }
Show-Result 'added to while enumerated' { $o = [ordered]@{ a = 1 }; foreach ($k in $o.Keys) { $o["$k$k"] = 3 } }
Show-Result 'piped' { @([ordered]@{ a = 1; b = 2 } | ForEach-Object { 'once' }).Count }
Show-Result 'duplicate computed keys' { $k = 'A'; [ordered]@{ a = 1; $k = 2 } }
Show-Result 'null key' { $k = $null; [ordered]@{ $k = 2 } }
Show-Result 'null key, plain' { $k = $null; @{ $k = 2 } }
