Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$Patterns = [ordered]@{ 'busy|throttl' = 'passing'; 'denied' = 'final' }
$script:Connected = $false

function Connect-It { $script:Connected = $true }
function Disconnect-It {
    "disconnected from $script:Connected"
    $script:Connected = $false
}
function Get-Kind {
    param([string] $Message)
    foreach ($pattern in $Patterns.Keys) {
        if ($Message -match $pattern) { return $Patterns[$pattern] }
    }
    'unknown'
}
function Invoke-Frame {
    [CmdletBinding()]
    param([Parameter(Mandatory)] [scriptblock] $Action)
    try {
        Connect-It
        & $Action
    }
    catch {
        [Console]::Error.WriteLine("error: $($_.Exception.Message -replace '\s+', ' ') ($(Get-Kind -Message $_.Exception.Message))")
        exit 1
    }
    finally {
        Disconnect-It
    }
}
Export-ModuleMember -Function 'Invoke-Frame'
