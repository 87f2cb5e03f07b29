function Invoke-Each {
    [CmdletBinding()]
    param([scriptblock] $Action, [object[]] $Items)
    foreach ($item in $Items) { & $Action $item -Suffix '!' }
}
