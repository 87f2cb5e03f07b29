function Get-Unset { "[$nothing] [$($null -eq (@{ a = 1 }).b)]" }
function Invoke-Block {
    param([scriptblock] $Action)
    & $Action
}
function Invoke-OwnBlock { & { "own block [$nothing]" } }
