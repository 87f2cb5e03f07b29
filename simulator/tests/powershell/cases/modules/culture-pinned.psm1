[cultureinfo]::CurrentCulture = [cultureinfo]::InvariantCulture
function Test-Passing { 'TIMED OUT' -match 'timed out' }
