# A catch by type also sees what the error wraps.
try { [int]'x' } catch [System.Management.Automation.PSInvalidCastException] { 'PSInvalidCastException' }
try { [int]'x' } catch [System.InvalidCastException] { 'InvalidCastException' }
try { [int]'x' } catch [System.Management.Automation.RuntimeException] { 'RuntimeException' }
try { 1 / 0 } catch [System.DivideByZeroException] { 'DivideByZeroException' }
try { 1 / 0 } catch [System.ArithmeticException] { 'ArithmeticException' }
try { 'ab'.Substring(3) } catch [System.ArgumentException] { 'ArgumentException' }
try { 'ab'.Substring(3) } catch [System.Management.Automation.MethodInvocationException] { 'MethodInvocationException' }
try { Get-NotThere } catch [System.Management.Automation.CommandNotFoundException] { 'CommandNotFoundException' }
try { throw 'x' } catch [System.Management.Automation.RuntimeException] { 'RuntimeException' }
try { Write-Error 'x' -ErrorAction Stop } catch [Microsoft.PowerShell.Commands.WriteErrorException] { 'WriteErrorException' }
try { ConvertFrom-Json -InputObject '{' } catch [System.ArgumentException] { 'ArgumentException' }
try { ConvertFrom-Json -InputObject '{"a":1,"A":2}' } catch [System.InvalidOperationException] { 'InvalidOperationException' }
try { Import-Module NoSuchModule -ErrorAction Stop } catch [System.IO.FileNotFoundException] { 'FileNotFoundException' }
try { Get-NotThere } catch [System.IO.IOException] { 'first' } catch { 'second' }
try { [int]'x' } catch [System.SystemException] { 'SystemException' }
try { [int]'x' } catch [System.Exception] { "Exception: $($_.Exception.GetType().FullName)" }
function Test-It {
    [CmdletBinding()]
    param([Parameter(Mandatory)] [string] $Name, [int] $Number)
}
try { Test-It -Name '' } catch [System.Management.Automation.ParameterBindingException] { 'ParameterBindingException' }
try { Test-It -Name 'a' -Number 'x' } catch [System.Management.Automation.PSInvalidCastException] { 'PSInvalidCastException' } catch { "not it: $($_.Exception.GetType().FullName)" }
try { ([pscustomobject]@{ a = 1 }).b = 2 } catch { $_.Exception.GetType().FullName }
