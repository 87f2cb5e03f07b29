# What stands after the comma of an error's id, and which line the error is said to be in.
Import-Module -Name "$PSScriptRoot/ids.psm1"
function Show-Id {
    param([string] $Name, [scriptblock] $Block)
    try { & $Block }
    catch { "${Name}: $($_.FullyQualifiedErrorId) at $($_.InvocationInfo.ScriptLineNumber), $($_.Exception.GetType().FullName)" }
}
function Write-Simple { Write-Error 'x' -ErrorAction Stop }
function Write-Advanced {
    [CmdletBinding()]
    param()
    Write-Error 'x' -ErrorAction Stop
}
function Convert-Simple { [int]'x' }
function Convert-Advanced {
    [CmdletBinding()]
    param()

    [int]'x'
}
function Convert-ByParameter {
    param([Parameter(Mandatory)] $Value)

    [int]$Value
}
function Get-Advanced {
    [CmdletBinding()]
    param([string] $Name)
    Get-NotThere
}
function Invoke-Outer {
    [CmdletBinding()]
    param()

    Get-Advanced
}
function Stop-Advanced {
    [CmdletBinding()]
    param()

    throw 'thrown'
}
function Resume-Advanced {
    [CmdletBinding()]
    param()
    try { [int]'x' }
    catch { throw }
}
function Resume-Record {
    [CmdletBinding()]
    param()
    try { [int]'x' }
    catch { throw $_ }
}
try { Write-Error 'x' -ErrorAction Stop } catch { "at the top: $($_.FullyQualifiedErrorId) at $($_.InvocationInfo.ScriptLineNumber)" }
try { [int]'x' } catch { "cast at the top: $($_.FullyQualifiedErrorId) at $($_.InvocationInfo.ScriptLineNumber)" }
Show-Id 'Write-Error in a block' { Write-Error 'x' -ErrorAction Stop }
Show-Id 'Write-Error in a function' { Write-Simple }
Show-Id 'Write-Error in an advanced function' { Write-Advanced }
Show-Id 'Write-Error in ForEach-Object' { 1 | ForEach-Object { Write-Error 'x' -ErrorAction Stop } }
Show-Id 'Write-Error in a called block' { & { Write-Error 'x' -ErrorAction Stop } }
Show-Id 'cast in a function' { Convert-Simple }
Show-Id 'cast in an advanced function' { Convert-Advanced }
Show-Id 'cast in a function with a mandatory parameter' { Convert-ByParameter -Value 'x' }
Show-Id 'cast in ForEach-Object' { 1 | ForEach-Object { [int]'x' } }
Show-Id 'cast in Where-Object' { 1 | Where-Object { [int]'x' } }
Show-Id 'cast in ForEach-Object in an advanced block' { 1 | ForEach-Object { Convert-Advanced } }
Show-Id 'missing command in a block' { Get-NotThere }
Show-Id 'missing command in a function' { Get-SimpleMissing }
Show-Id 'missing command in an advanced function' { Get-AdvancedMissing }
Show-Id 'missing command in a block of a module''s function' { Invoke-Simple -Action { Get-NotThere } }
Show-Id 'missing command in a block of a module''s advanced function' { Invoke-Advanced -Action { Get-NotThere } }
Show-Id 'missing command two functions down' { Invoke-Outer }
Show-Id 'missing command in ForEach-Object' { 1 | ForEach-Object { Get-NotThere } }
Show-Id 'missing command in a block with parameters' {
    & {
        [CmdletBinding()]
        param()
        Get-NotThere
    }
}
Show-Id 'throw in an advanced function' { Stop-Advanced }
Show-Id 'throw in ForEach-Object' { 1 | ForEach-Object { throw 'x, y' } }
Show-Id 'rethrown' { Resume-Advanced }
Show-Id 'its record thrown' { Resume-Record }
Show-Id 'binding in an advanced function' { Get-Advanced -Nope 1 }
Show-Id 'binding of a built-in command' { Join-Path -Path '' -ChildPath 'x' }
Show-Id 'binding of a built-in command, no number' { 1 | Select-Object -First 'x' }
Show-Id 'JSON in an advanced function' { Invoke-Advanced -Action { ConvertFrom-Json -InputObject '{' } }
Show-Id 'property in an advanced function' {
    Invoke-Advanced -Action {
        Set-StrictMode -Version Latest
        @{ a = 1 }.b
    }
}
Show-Id 'division' { 1 / 0 }
Show-Id 'empty text' { throw '' }
