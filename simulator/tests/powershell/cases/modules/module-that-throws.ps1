try { Import-Module -Name "$PSScriptRoot/module-that-throws.psm1" } catch { "caught $_ [$($_.FullyQualifiedErrorId)]" }
try { Get-Before } catch { $_.FullyQualifiedErrorId }
