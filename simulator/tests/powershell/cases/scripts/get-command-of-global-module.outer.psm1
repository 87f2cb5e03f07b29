Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Connect-Outer {
    [CmdletBinding()]
    param()
    Import-Module -Name "$PSScriptRoot/get-command-of-global-module.inner.psm1" -Global -ErrorAction Stop
    $missing = @(@('Get-InnerThing', 'Get-NoSuchThing12') | Where-Object { -not (Get-Command -Name $_ -ErrorAction SilentlyContinue) })
    "$($missing -join ',')|$(Get-InnerThing)"
}
Export-ModuleMember -Function @('Connect-Outer')
