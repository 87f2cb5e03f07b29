$private = 'private'
function Get-All { $private }
