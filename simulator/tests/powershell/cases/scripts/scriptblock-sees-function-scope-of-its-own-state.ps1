Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Force

$Cmdlet = 'script-cmdlet'; $attempt = 'script-attempt'; $Action = 'script-action'
function Find-It {
    [CmdletBinding()]
    param([string] $Name)
    $local = "local-$Name"
    Invoke-WithRetry -Cmdlet 'X-Y' -Action { "$local $Name $Cmdlet $attempt $($Action -is [string])" }
}
Find-It -Name 'n'
