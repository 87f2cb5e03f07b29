Set-StrictMode -Version Latest
$null -eq $env:A_NAME_THAT_NOBODY_SETS
