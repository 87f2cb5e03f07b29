Set-StrictMode -Version Latest

function Invoke-WithRetry {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [scriptblock] $Action,
        [int] $Attempts = 3
    )
    $attempt = 1
    while ($true) {
        try {
            return & $Action
        }
        catch {
            if ($_.Exception.Message -notmatch 'busy' -or $attempt -ge $Attempts) { throw }
        }
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
}
Export-ModuleMember -Function 'Invoke-WithRetry'
