[Console]::Error.WriteLine('progress')
function Get-First {
    'first'
    throw 'x'
}
Get-First
