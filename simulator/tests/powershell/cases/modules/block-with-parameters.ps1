Import-Module -Name "$PSScriptRoot/block-with-parameters.psm1"
Invoke-Each -Items @('a', 'b') -Action {
    param($Item, $Suffix)
    "$Item$Suffix"
}
