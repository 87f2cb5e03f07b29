($input | ConvertFrom-Json).a
