Import-Module NoSuchModule
'went on'
try { Import-Module NoSuchModule -ErrorAction Stop } catch { "$($_.FullyQualifiedErrorId): $_" }
$ErrorActionPreference = 'Stop'
Import-Module NoSuchModule
'never'
