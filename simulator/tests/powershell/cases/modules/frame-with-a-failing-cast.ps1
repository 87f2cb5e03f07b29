Import-Module -Name "$PSScriptRoot/frame.psm1"
Invoke-Frame -Action {
    [int]'x'
    'never'
}
