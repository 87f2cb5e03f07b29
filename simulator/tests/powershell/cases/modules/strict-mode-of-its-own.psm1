Set-StrictMode -Version Latest
function Get-StrictUnset { "[$nothing]" }
function Invoke-StrictBlock {
    param([scriptblock] $Action)
    & $Action
}
