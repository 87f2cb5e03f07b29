function Write-Problem {
    [CmdletBinding()]
    param()
    Write-Error -Message 'problem'
    'went on'
}
function Convert-It {
    [int]'x'
    'went on'
}
function Write-ToOther { Write-Problem }
function Invoke-Block {
    param([scriptblock] $Action)
    & $Action
}
