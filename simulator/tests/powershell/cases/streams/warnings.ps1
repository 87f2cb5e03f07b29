# Warnings go to standard output.
@{ a = @{ b = @{ c = @{ d = 1 } } } } | ConvertTo-Json -Compress
@{ a = @{ b = @{ c = 1 } } } | ConvertTo-Json -Compress
$WarningPreference = 'SilentlyContinue'
@{ a = @{ b = 1 } } | ConvertTo-Json -Depth 0 -Compress
