$own = 'the module''s'
$hidden = 'the module''s'
function Get-Top { "[$top] [$late] [$own] [$hidden]" }
function Set-Top {
    $top = 'changed in the module'
    "[$top]"
}
function Set-ModuleTop {
    $script:top = 'of the module now'
    "[$top]"
}
function Add-Top {
    $top += ' and more'
    "[$top]"
}
function Invoke-Block {
    [CmdletBinding()]
    param([scriptblock] $Action)
    $top = 'of the function'
    & $Action
}
function Get-Helper { Get-ScriptsOwn }
function Set-Entry { $table['set'] = 'by the module' }
