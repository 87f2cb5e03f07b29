function Use-Thing { "used $(Get-Thing)" }
