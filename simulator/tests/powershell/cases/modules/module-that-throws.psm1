function Get-Before { 'before' }
throw 'at the top of a module'
