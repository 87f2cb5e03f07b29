function Get-SimpleMissing { Get-NotThere }
function Get-AdvancedMissing {
    [CmdletBinding()]
    param()
    Get-NotThere
}
function Invoke-Simple {
    param([scriptblock] $Action)
    & $Action
}
function Invoke-Advanced {
    [CmdletBinding()]
    param([scriptblock] $Action)
    & $Action
}
