Write-Error 'x' -ErrorAction Stop
