# As a module does that gets its commands when it connects.
function Connect-Things {
    [CmdletBinding()]
    param()
    Import-Module -Name "$PSScriptRoot/connecting-commands.psm1" -Global
}
function Connect-Alone {
    [CmdletBinding()]
    param()
    Import-Module -Name "$PSScriptRoot/connecting-commands.psm1"
    Get-Thing
}
