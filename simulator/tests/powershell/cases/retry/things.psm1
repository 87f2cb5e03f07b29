$failures = @()
$script:Asked = 0
function Add-Failure {
    param([string[]] $Message)
    foreach ($one in $Message) { $script:failures += $one }
    $script:Asked = 0
}
function Get-Thing {
    [CmdletBinding()]
    param([string] $Identity)
    $script:Asked = $script:Asked + 1
    if ($script:Asked -le $failures.Count) { Write-Error $failures[$script:Asked - 1] }
    else {
        [pscustomobject]@{ Name = "$Identity 1"; Addresses = @('a', 'b'); Enabled = $true }
        [pscustomobject]@{ Name = "$Identity 2"; Addresses = @(); Enabled = $false }
    }
}
function Get-Asked { $script:Asked }
