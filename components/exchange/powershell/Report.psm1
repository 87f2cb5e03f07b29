<#
.SYNOPSIS
    What a script says: progress and errors on standard error, its result on standard output.
.DESCRIPTION
    Both in ASCII, and in lines of a bounded length: Pulumi's command provider loses a command that has run
    when it wrote a byte that is not UTF-8, as a Windows console may, and hangs on a line of more than 64 KiB.
#>

# -match, -like and -replace follow the culture of the process: in a Turkish one 'TIMED OUT' does not match
# 'timed out'. PowerShell keeps what a pattern meant when it first met it, so this has to come before any other.
[cultureinfo]::CurrentCulture = [cultureinfo]::InvariantCulture

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# By what an error's text has in it. Exchange's own words are looked for in English; in another language the remedy
# is the general one, unless a type stands beside them.
$Remedies = [ordered]@{
    'already being used|\w*ExistsException|already exists' = 'Choose another address, alias or name, or remove the object that has it. If an interrupted run made it less than an hour ago, Exchange does not show it yet: run the deployment again later.'
    'total size of App Access Policies'                    = 'Shorten policyDescription, or remove policies that nobody needs: Exchange limits their size together.'
    'InvalidOperationInDehydratedContextException'         = 'An Exchange administrator runs Enable-OrganizationCustomization, once and for good; the deployment does not do that by itself. Exchange takes up to an hour after that, also where IsDehydrated is False already: run the deployment again then.'
    'delegating role assignment'                           = "Give the deploying identity a delegating assignment of that role: New-ManagementRoleAssignment -App <its object id> -Role '<the role>' -Delegating. Where Enable-OrganizationCustomization was run within the last hour, run the deployment again later instead."
    'write permission to target DC'                        = "Set 'organization' to the tenant's .onmicrosoft.com domain."
    "isn't supported in this scenario"                     = 'Give the deploying application the Entra role Exchange Administrator, or Exchange roles of its own.'
    'not a valid security principal'                       = 'The scope must be a mail-enabled security group.'
    "module 'ExchangeOnlineManagement'"                    = 'Install it: Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.2 -Scope CurrentUser (3.10 and newer need PowerShell 7.6).'
    'parameter cannot be found'                            = 'Exchange loads only the parameters that the Exchange roles of the deploying identity allow; the head of the script names the roles. If they are right, the module is too old: Get-Module ExchangeOnlineManagement -ListAvailable shows which versions are installed, and the newest is used.'
    'token is expired'                                     = 'Sign in again: an access token for Exchange lives for about an hour. A certificate (EXCHANGE_CERTIFICATE_PATH) or the federated token of a pipeline (EXCHANGE_FEDERATED_TOKEN_FILE) outlasts a long deployment.'
    'AADSTS'                                               = 'Entra refused the sign-in: docs/messages.md says what its codes mean.'
    'UnAuthorized|Unauthorized'                            = "Exchange did not take the sign-in: the token must be for https://outlook.office365.com, from the tenant that 'organization' names, and its application needs the permission Exchange.ManageAsApp and an Exchange role."
    'access denied|access is denied|insufficient'          = 'Check the Exchange roles of the deploying identity.'
    "couldn't be found|\w*ObjectNotFoundException"         = "If it was created a moment ago, run the deployment again later; if it was removed by hand, set 'drift: true' in the stack's configuration, with which the deployment makes it anew."
}

# Besides those in the environment.
$script:Credentials = @()

function Write-Step {
    <# .SYNOPSIS Shows progress, a warning or an error: one line on standard error, without our credentials. #>
    param([Parameter(Mandatory)] [string] $Message)
    # Some errors of a sign-in quote the token that they could not read.
    foreach ($credential in @($env:EXCHANGE_ACCESS_TOKEN, $env:EXCHANGE_CERTIFICATE_PASSWORD) + $script:Credentials) {
        if ($credential) { $Message = $Message.Replace($credential, '***') }
    }
    $line = $Message -replace '\s+', ' '
    if ($line.Length -gt 4000) { $line = $line.Substring(0, 4000) + ' ... (cut)' }
    if ($line -match '[^ -~]') {
        # As in JSON, without its quotes: u with an umlaut becomes \u00fc.
        $json = ConvertTo-Json -InputObject $line -Compress -EscapeHandling EscapeNonAscii
        $line = $json.Substring(1, $json.Length - 2).Replace('\"', '"').Replace('\\', '\')
    }
    [Console]::Error.WriteLine($line)
}

function Add-Credential {
    <# .SYNOPSIS Keeps a credential that is in no variable of the environment out of what is written. #>
    param([Parameter(Mandatory)] [string] $Credential)
    $script:Credentials += $Credential
}

function Write-ObservedObject {
    <# .SYNOPSIS Writes the one line that Pulumi keeps as the result: JSON, in ASCII only. #>
    param([Parameter(Mandatory)] [object] $InputObject)
    ConvertTo-Json -InputObject $InputObject -Compress -Depth 5 -EscapeHandling EscapeNonAscii
}

function Stop-Convergence {
    <# .SYNOPSIS Ends the script with a reason of its own, which says what to do by itself and is never waited for. #>
    param([Parameter(Mandatory)] [string] $Reason)
    Write-Error -Message $Reason -ErrorId 'ScopedMailSender' -ErrorAction Stop
}

function Test-OwnError {
    <# .SYNOPSIS Tells an error of Stop-Convergence from those of Exchange, of the module and of PowerShell. #>
    param([Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $ErrorRecord.FullyQualifiedErrorId -like 'ScopedMailSender*'
}

function Get-ErrorText {
    <# .SYNOPSIS The message of an error, without Exchange's "code|type|" in front. #>
    param([Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $ErrorRecord.Exception.Message -replace '(\bEx[0-9A-F]+)?\|[\w.]+\|', ''
}

function Write-Failure {
    <# .SYNOPSIS Says on one line of standard error what failed, on which object, and what to do. #>
    param([Parameter(Mandatory)] [string] $Subject, [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $text = Get-ErrorText -ErrorRecord $ErrorRecord
    # With a cmdlet's name in front it is Exchange's refusal; our own sentences say what to do by themselves, also
    # where they quote one.
    $remedy = ''
    $refused = $text -match '^\w+-\w+: '
    if ($refused) { $remedy = ' Mend what it names, and run the deployment again.' }
    $patterns = if ($refused -or -not (Test-OwnError -ErrorRecord $ErrorRecord)) { $Remedies.Keys }
    foreach ($pattern in $patterns) {
        if ($ErrorRecord.Exception.Message -match $pattern) {
            $remedy = " $($Remedies[$pattern])"
            break
        }
    }
    Write-Step -Message "error: ${Subject}: $text$remedy"
}

Export-ModuleMember -Function @('Write-Step', 'Add-Credential', 'Write-ObservedObject', 'Write-Failure', 'Stop-Convergence', 'Test-OwnError', 'Get-ErrorText')
