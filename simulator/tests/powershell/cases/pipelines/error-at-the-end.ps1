# What a command does once its input has ended is past the functions that fed it.
function Get-Text {
    try { '{' } catch { [Console]::Error.WriteLine("caught further up: $_") }
}
try { Get-Text | ConvertFrom-Json } catch { "outside: $($_.FullyQualifiedErrorId)" }
function Get-Numbers {
    try { 1; 2; 3 } catch { "up: $_" } finally { [Console]::Error.WriteLine('finally') }
    [Console]::Error.WriteLine('reached')
}
@(Get-Numbers | Select-Object -First 2) -join ','
@(Get-Numbers | Select-Object -First 1 | ForEach-Object { $_ }) -join ','
