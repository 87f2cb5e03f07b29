[Console]::Error.WriteLine("loading in $($PSScriptRoot.Length -gt 0)")
function Get-Loaded { 'loaded' }
