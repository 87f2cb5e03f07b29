function Get-Outer { Get-Inner }
function Get-Inner { 'inner' }
function Use-Own { 1 | ForEach-Object { Get-Inner } }
Export-ModuleMember -Function @('Get-Outer', 'Use-Own')
