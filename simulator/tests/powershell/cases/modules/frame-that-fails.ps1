Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/frame.psm1"
Invoke-Frame -Action {
    'before'
    throw "Server is BUSY`n now"
}
'never'
