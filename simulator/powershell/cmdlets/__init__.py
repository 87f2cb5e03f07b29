"""PowerShell's own commands that are in the dialect."""
