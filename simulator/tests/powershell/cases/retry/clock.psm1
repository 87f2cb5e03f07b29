# Takes the place of PowerShell's own: a case waits for nothing.
$slept = @()
function Start-Sleep {
    param($Seconds)
    $script:slept += "$Seconds"
}
function Get-Slept { $slept -join ',' }
