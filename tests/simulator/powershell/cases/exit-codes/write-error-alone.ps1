Write-Error 'x'
