$ErrorActionPreference = 'Stop'
function Write-OwnProblem {
    Write-Error -Message 'problem of a strict one'
    'went on'
}
function Invoke-OwnBlock {
    param([scriptblock] $Action)
    & $Action
}
