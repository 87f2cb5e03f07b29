Import-Module -Name "$PSScriptRoot/../Case.psm1"
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Show-Result '@()' {
    if (@()) { 'yes' } else { 'no' }
}
Show-Result '@(0)' {
    if (@(0)) { 'yes' } else { 'no' }
}
Show-Result '''''' {
    if ('') { 'yes' } else { 'no' }
}
Show-Result '0' {
    if (0) { 'yes' } else { 'no' }
}
Show-Result '$null' {
    if ($null) { 'yes' } else { 'no' }
}
Show-Result '@('''')' {
    if (@('')) { 'yes' } else { 'no' }
}
Show-Result '@($false, $false)' {
    if (@($false, $false)) { 'yes' } else { 'no' }
}
Show-Result '''False''' {
    if ('False') { 'yes' } else { 'no' }
}
Show-Result '''0''' {
    if ('0') { 'yes' } else { 'no' }
}
Show-Result '@{}' {
    if (@{}) { 'yes' } else { 'no' }
}
Show-Result '1' {
    if (1) { 'yes' } else { 'no' }
}
Show-Result '@(1)' {
    if (@(1)) { 'yes' } else { 'no' }
}
Show-Result '[pscustomobject]@{}' {
    if ([pscustomobject]@{}) { 'yes' } else { 'no' }
}
