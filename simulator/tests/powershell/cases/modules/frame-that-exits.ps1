Import-Module -Name "$PSScriptRoot/frame.psm1"
Invoke-Frame -Action {
    try { exit 7 } catch { 'never caught' } finally { 'inner finally' }
}
'never'
