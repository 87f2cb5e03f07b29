function Get-Thing {
    [CmdletBinding()]
    param([string] $Identity, [string] $Filter)
}
