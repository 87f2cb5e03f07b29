function Invoke-WithRetry {
    [CmdletBinding()]
    param([scriptblock] $Action)
    $attempt = 0
    while ($true) {
        $attempt = $attempt + 1
        try { return & $Action }
        catch { if ($attempt -ge 2) { throw "after $attempt attempts: $_" } }
    }
}
