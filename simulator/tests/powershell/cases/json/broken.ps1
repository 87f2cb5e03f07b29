Import-Module -Name "$PSScriptRoot/../Case.psm1"
Show-Result 'open object' { ConvertFrom-Json -InputObject '{' }
Show-Result 'a word' { ConvertFrom-Json -InputObject 'error: something' }
Show-Result 'a word after blanks' { ConvertFrom-Json -InputObject '  x' }
Show-Result 'a word after lines' { ConvertFrom-Json -InputObject "`n`n Unauthorized" }
Show-Result 'words' { ConvertFrom-Json -InputObject 'not json' }
Show-Result 'markup' { ConvertFrom-Json -InputObject '<html></html>' }
Show-Result 'only an end' { ConvertFrom-Json -InputObject '}' }
Show-Result 'duplicate key' { ConvertFrom-Json -InputObject '{"a":1,"a":2}' }
Show-Result 'keys that differ in case' { ConvertFrom-Json -InputObject '{"a":1,"A":2}' }
Show-Result 'keys that differ in case, below' { ConvertFrom-Json -InputObject '{"x":{"Name":1,"name":2}}' }
Show-Result 'keys that differ in case, in an array' { ConvertFrom-Json -InputObject '[{"Name":1,"name":2}]' }
Show-Result 'empty key' { ConvertFrom-Json -InputObject '{"":1}' }
Show-Result 'null' { ConvertFrom-Json -InputObject 'null' }
Show-Result 'a number' { ConvertFrom-Json -InputObject '12' }
Show-Result 'a text' { ConvertFrom-Json -InputObject '"x"' }
