$ErrorActionPreference = 'Stop'
Write-Error 'x'
