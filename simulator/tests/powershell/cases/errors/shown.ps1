# What an error looks like that nothing catches.
function Write-It { Write-Error 'in a function' }
function Convert-It {
    [int]'x'
    'went on'
}
Write-Error 'at the top'
Write-It
Convert-It
$null.Trim()
1 / 0
$object = [pscustomobject]@{ a = 1 }
$object.b = 1
Remove-Item -Path '/no-such-folder'
Get-NotThere
& {
    throw 'went wrong'
}
'never'
