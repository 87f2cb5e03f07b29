Import-Module -Name "$PSScriptRoot/../Case.psm1"
Show-Result 'to the end' { 'abcd'.Substring(1) }
Show-Result 'of a length' { 'abcd'.Substring(1, 2) }
Show-Result 'nothing at the end' { 'ab'.Substring(2) }
Show-Result 'nothing' { 'ab'.Substring(0, 0) }
Show-Result 'past the end' { 'ab'.Substring(3) }
Show-Result 'before the beginning' { 'ab'.Substring(-1) }
Show-Result 'too long' { 'ab'.Substring(1, 2) }
Show-Result 'past the end, of a length' { 'ab'.Substring(3, 1) }
Show-Result 'a negative length' { 'ab'.Substring(1, -1) }
Show-Result 'both wrong' { 'ab'.Substring(-1, -1) }
Show-Result 'of an empty text' { ''.Substring(1) }
