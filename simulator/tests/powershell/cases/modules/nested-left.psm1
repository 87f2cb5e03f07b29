Import-Module -Name "$PSScriptRoot/nested-inner.psm1"
function Add-Left { "left $(Add-One)" }
Export-ModuleMember -Function 'Add-Left'
