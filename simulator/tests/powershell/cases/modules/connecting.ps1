try { Connect-Things } catch { $_.FullyQualifiedErrorId }
Import-Module "$PSScriptRoot/connecting.psm1"
Import-Module "$PSScriptRoot/connecting-user.psm1"
try { Use-Thing } catch { $_.FullyQualifiedErrorId }
Connect-Alone
try { Use-Thing } catch { $_.FullyQualifiedErrorId }
try { Get-Thing } catch { $_.FullyQualifiedErrorId }
Connect-Things
Get-Thing
Use-Thing
