# What is loaded is asked at each call.
$x = Get-Command -Name get-THING -ErrorAction SilentlyContinue
$null -eq $x
Import-Module "$PSScriptRoot/get-command.psm1"
$x = Get-Command -Name get-THING -ErrorAction Stop
$x.Name
$x.Parameters.ContainsKey('identity')
$x.Parameters.ContainsKey('Other')
$x.Parameters.ContainsKey('ErrorAction')
@($x.Parameters.Keys | Where-Object { $_ -eq 'Filter' }).Count
try { Get-Command No-Thing -ErrorAction Stop } catch { "$($_.FullyQualifiedErrorId): $_" }
@('Get-Thing', 'No-Thing' | Where-Object { -not (Get-Command -Name $_ -ErrorAction SilentlyContinue) }) -join ','
