function Get-Thing { 'thing' }
