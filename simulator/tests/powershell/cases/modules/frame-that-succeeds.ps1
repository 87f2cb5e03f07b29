# A frame in a module runs the script's block.
[CmdletBinding()]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/frame.psm1"
function Get-Name {
    param($Desired)
    $Desired.name
}
$desired = [pscustomobject]@{ name = 'n' }
Invoke-Frame -Action {
    $suffix = 'x'
    "$(Get-Name -Desired $desired)-$suffix"
    if ($suffix) { return }
    'never'
}
'after'
