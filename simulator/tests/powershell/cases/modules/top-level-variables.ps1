# pwsh -File runs a script in the global scope: modules see its variables and functions.
$top = 'top'
$hidden = 'the script''s'
Import-Module -Name "$PSScriptRoot/top-level-variables.psm1"
$late = 'set after the import'
function Get-ScriptsOwn { "own, with $top" }
Get-Top
Set-Top
"after: [$top]"
Add-Top
"after: [$top]"
Invoke-Block -Action { "in a block: [$top] [$own]" }
function Get-WithLocal {
    $top = 'of a function of the script'
    $late = 'likewise'
    Get-Top
    Invoke-Block -Action { "in its block: [$top]" }
}
Get-WithLocal
Get-Helper
$table = @{}
Set-Entry
$table['set']
Set-ModuleTop
"after: [$top]"
Get-Top
