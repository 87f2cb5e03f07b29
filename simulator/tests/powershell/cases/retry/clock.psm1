# Takes the place of PowerShell's own: a case waits for nothing.
$slept = [System.Collections.Generic.List[string]]::new()
function Start-Sleep {
    param($Seconds)
    $slept.Add("$Seconds")
}
function Get-Slept { $slept -join ',' }
