Import-Module -Name "$PSScriptRoot/nested-inner.psm1"
function Add-Right { "right $(Add-One)" }
function Test-Left {
    try { Add-Left } catch { "right does not see it: $($_.FullyQualifiedErrorId)" }
}
