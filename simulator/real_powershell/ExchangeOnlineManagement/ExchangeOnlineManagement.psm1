<#
.SYNOPSIS
    Stands in for Microsoft's ExchangeOnlineManagement where scripts meet the simulated tenant.

.DESCRIPTION
    Has no behaviour of its own: each command is bound by PowerShell and forwarded to the process that
    started this one (simulator/real_powershell/bridge.py), which knows all commands and their parameters. As
    with the real module, connecting fetches the cmdlets that the caller may run, writes them to a
    module of their own, and imports it globally.

    It follows the documentation of the real module, which it was never held against.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

if (-not $env:SIMULATED_MODULE_ADDRESS) {
    throw 'This ExchangeOnlineManagement leads to a simulated tenant only: python -m simulator starts PowerShell with it.'
}

# The modules that connecting imported.
$script:loaded = @()

function Send-Command {
    <# .SYNOPSIS Has a command answered; ends the process where no script may go on. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Command,
        [hashtable] $Parameters = @{}
    )
    $body = ConvertTo-Json -InputObject @{ command = $Command; parameters = $Parameters } -Depth 5 -Compress -EscapeHandling EscapeNonAscii
    $request = @{
        Uri         = $env:SIMULATED_MODULE_ADDRESS
        Method      = 'Post'
        Headers     = @{ 'X-Simulated-Module-Key' = $env:SIMULATED_MODULE_KEY }
        ContentType = 'application/json; charset=utf-8'
        Body        = $body
        NoProxy     = $true
    }
    $answer = $null
    try {
        $answer = Microsoft.PowerShell.Utility\Invoke-RestMethod @request
    }
    catch {
        # Whoever answers was killed, and this process is meant to die with it: a script that went on
        # would show what happens after an error, not after a killed process.
        [Console]::Error.WriteLine("The simulated tenant is gone: $($_.Exception.Message)")
        [Environment]::Exit(137)
    }
    if ($answer.refused) {
        [Console]::Error.WriteLine($answer.refused)
        [Environment]::Exit(70)
    }
    $answer
}

function Invoke-SimulatedCommand {
    <# .SYNOPSIS Runs a command with the parameters that PowerShell has bound; every function below calls it. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Command,
        [System.Collections.IDictionary] $Bound
    )
    $parameters = @{}
    foreach ($name in $Bound.Keys) {
        if ([System.Management.Automation.Cmdlet]::CommonParameters -contains $name) { continue }
        $value = $Bound[$name]
        if ($value -is [switch]) { $value = $value.IsPresent }
        if ($value -is [securestring]) { $value = ConvertFrom-SecureString -SecureString $value -AsPlainText }
        $parameters[$name] = $value
    }
    $answer = Send-Command -Command $Command -Parameters $parameters
    if ($answer.error) {
        $exception = [System.Exception]::new($answer.error.message)
        if ($answer.error.terminating) { throw $exception }
        # The caller's -ErrorAction decides, as with the cmdlets of Exchange Online.
        Write-Error -Exception $exception -ErrorId $answer.error.id
        return
    }
    if ($Command -eq 'Connect-ExchangeOnline') {
        $folder = [System.IO.Path]::GetTempPath()
        if ($parameters.ContainsKey('EXOModuleBasePath')) { $folder = $parameters['EXOModuleBasePath'] }
        $path = Join-Path -Path $folder -ChildPath "tmpEXO_$([guid]::NewGuid()).psm1"
        Set-Content -LiteralPath $path -Value $answer.functions -Encoding utf8
        $script:loaded += Import-Module -Name $path -Global -PassThru -DisableNameChecking
    }
    if ($Command -eq 'Disconnect-ExchangeOnline') {
        foreach ($module in $script:loaded) { Remove-Module -ModuleInfo $module -Force }
        $script:loaded = @()
    }
    foreach ($entry in $answer.output) {
        $entry.properties.PSObject.TypeNames.Insert(0, $entry.type)
        $entry.properties
    }
}

function Start-Sleep {
    <# .SYNOPSIS Moves the tenant's clock and returns at once: functions come before cmdlets. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)] [double] $Seconds
    )
    Send-Command -Command 'Start-Sleep' -Parameters @{ Seconds = $Seconds } | Out-Null
}

function Invoke-RestMethod {
    <# .SYNOPSIS Asks the simulated Entra for a token: functions come before cmdlets. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Method,
        [Parameter(Mandatory)] [string] $Uri,
        [Parameter(Mandatory)] [hashtable] $Body,
        [switch] $SkipHttpErrorCheck
    )
    Invoke-SimulatedCommand -Command 'Invoke-RestMethod' -Bound $PSBoundParameters
}

# The commands that are there before connecting.
. ([scriptblock]::Create((Send-Command -Command 'Import-Module').functions))

Export-ModuleMember -Function @(
    'Connect-ExchangeOnline', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation',
    'Invoke-RestMethod', 'Invoke-SimulatedCommand', 'Start-Sleep'
)
