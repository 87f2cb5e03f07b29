<#
.SYNOPSIS
    The frame of every script: read the desired object, connect, run, report, disconnect.
.DESCRIPTION
    A script reads one JSON object from standard input, brings one object of Exchange Online to that state,
    and writes one JSON line, the observed object, to standard output; everything else goes to standard error.
    Before it changes anything it checks that it is connected to the organisation that the JSON names.

    Credentials come from the environment of the process, never from the JSON. Exactly one way to sign in is set:
      EXCHANGE_ACCESS_TOKEN           an access token for https://outlook.office365.com; lives for about an hour. That of a
                                      person with EXCHANGE_USER_PRINCIPAL_NAME, whose it is: one sign-in for all scripts
      EXCHANGE_FEDERATED_TOKEN_FILE   a file with the token of a pipeline, and EXCHANGE_APP_ID: exchanged at Entra
                                      for a fresh access token by each script, so nothing expires while others wait
      EXCHANGE_CERTIFICATE_PATH       a .pfx file, and EXCHANGE_APP_ID; EXCHANGE_CERTIFICATE_PASSWORD where it has one
      EXCHANGE_MANAGED_IDENTITY       'system', or the client id of a user-assigned identity
      EXCHANGE_USER_PRINCIPAL_NAME    a person, who signs in in the browser
#>

# Warnings would go to standard output, where only the result belongs; a script silences those of Exchange's cmdlets.
$WarningPreference = 'SilentlyContinue'

# For the scripts and for one another, so that each function is found wherever it is called.
Import-Module -Name "$PSScriptRoot/Report.psm1" -Global -Force
Import-Module -Name "$PSScriptRoot/Retry.psm1" -Global -Force
Import-Module -Name "$PSScriptRoot/Ownership.psm1" -Global -Force
Import-Module -Name "$PSScriptRoot/Difference.psm1" -Global -Force
Import-Module -Name "$PSScriptRoot/Policy.psm1" -Global -Force
Import-Module -Name "$PSScriptRoot/Role.psm1" -Global -Force

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# The parameters that the scripts use of what changes something. Exchange loads those alone that the caller's
# roles allow, and old versions of its module lack some: better to know before the first change than amid them.
$UsedParameters = @{
    'New-Mailbox'                    = @('Shared', 'Name', 'Alias', 'DisplayName', 'PrimarySmtpAddress')
    'Set-Mailbox'                    = @('Alias', 'WindowsEmailAddress', 'DisplayName', 'HiddenFromAddressListsEnabled', 'AccountDisabled', 'DeliverToMailboxAndForward', 'ForwardingSmtpAddress')
    'Remove-Mailbox'                 = @('PermanentlyDelete')
    'New-DistributionGroup'          = @('Type', 'Name', 'Alias', 'DisplayName', 'PrimarySmtpAddress', 'ManagedBy', 'MemberJoinRestriction', 'MemberDepartRestriction', 'RequireSenderAuthenticationEnabled', 'IgnoreNamingPolicy')
    'Set-DistributionGroup'          = @('Alias', 'PrimarySmtpAddress', 'DisplayName', 'ManagedBy', 'MemberJoinRestriction', 'MemberDepartRestriction', 'RequireSenderAuthenticationEnabled', 'HiddenFromAddressListsEnabled', 'IgnoreNamingPolicy', 'BypassSecurityGroupManagerCheck')
    'Remove-DistributionGroup'       = @('BypassSecurityGroupManagerCheck')
    'Add-DistributionGroupMember'    = @('Member', 'BypassSecurityGroupManagerCheck')
    'Remove-DistributionGroupMember' = @('Member', 'BypassSecurityGroupManagerCheck')
    'New-ApplicationAccessPolicy'    = @('AccessRight', 'AppId', 'PolicyScopeGroupId', 'Description')
    'Set-ApplicationAccessPolicy'    = @('Description')
    'New-ServicePrincipal'           = @('AppId', 'ObjectId', 'DisplayName')
    'New-ManagementScope'            = @('Name', 'RecipientRestrictionFilter')
    'Set-ManagementScope'            = @('RecipientRestrictionFilter')
    'New-ManagementRoleAssignment'   = @('Name', 'App', 'Role', 'CustomResourceScope', 'RecipientGroupScope', 'RecipientAdministrativeUnitScope')
}

# The folder of the open connection; empty where there is none.
$script:BasePath = ''

function Invoke-Convergence {
    <#
    .SYNOPSIS
        Runs a script's action on the desired object, connected to Exchange Online.
    .DESCRIPTION
        -Action gets the desired object; what it puts out last is the observed object. -Subject gets it too and
        says in words what this is about, for errors. -FurtherCommandName gets it too, and names cmdlets that are
        needed for some objects only. The exit code is 1 after any failure, told in one line.
    #>
    param(
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $Json, [Parameter(Mandatory)] [scriptblock] $Subject,
        [Parameter(Mandatory)] [string[]] $CommandName, [scriptblock] $FurtherCommandName, [Parameter(Mandatory)] [scriptblock] $Action
    )
    $about = 'the desired object'
    try {
        if ([string]::IsNullOrWhiteSpace($Json)) { Stop-Convergence -Reason 'Standard input is empty. Pipe the desired object to this script as JSON.' }
        # ConvertFrom-Json makes a time of such a text, which would then be written in another form.
        if ($Json -match '[:,\[]\s*"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]*(Z|[+-][0-9:]*)?|/Date\([^"]*)"') {
            Stop-Convergence -Reason 'A text in it is a time as JSON has it: PowerShell would read it as one, and write it otherwise. Write that text otherwise, for example with a space in place of T. Nothing was changed.'
        }
        $desired = ConvertFrom-Json -InputObject $Json
        $about = & $Subject $desired
        $cmdlets = @($CommandName)
        if ($FurtherCommandName) { $cmdlets += @(& $FurtherCommandName $desired) }
        Connect-Organization -Desired $desired -CommandName $cmdlets
        $output = @(& $Action $desired)
        if ($output.Count -gt 0) { Write-ObservedObject -InputObject $output[$output.Count - 1] }
    }
    catch {
        Write-Failure -Subject $about -ErrorRecord $_
        exit 1
    }
    finally {
        Disconnect-Organization
    }
}

function Get-FormerOutput {
    <# .SYNOPSIS The object that this resource wrote the last time, which Pulumi hands to its update and its removal; nothing where there is none. #>
    $line = @($env:PULUMI_COMMAND_STDOUT -split "`n" | Where-Object { $_ -like '{*' }) | Select-Object -First 1
    if ($line) { ConvertFrom-Json -InputObject $line }
}

function Get-SignInParameter {
    <# .SYNOPSIS Turns the environment's one way to sign in into parameters of Connect-ExchangeOnline. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $ways = @(
        if ($env:EXCHANGE_ACCESS_TOKEN) { 'EXCHANGE_ACCESS_TOKEN' }
        if ($env:EXCHANGE_FEDERATED_TOKEN_FILE) { 'EXCHANGE_FEDERATED_TOKEN_FILE' }
        if ($env:EXCHANGE_CERTIFICATE_PATH) { 'EXCHANGE_CERTIFICATE_PATH' }
        if ($env:EXCHANGE_MANAGED_IDENTITY) { 'EXCHANGE_MANAGED_IDENTITY' }
        # Beside an access token it says whose that is, and is no way of its own.
        if ($env:EXCHANGE_USER_PRINCIPAL_NAME -and -not $env:EXCHANGE_ACCESS_TOKEN) { 'EXCHANGE_USER_PRINCIPAL_NAME' }
    )
    if ($ways.Count -ne 1) {
        $found = if ($ways.Count -gt 1) { "these are set: $($ways -join ', ')" } else { 'none of them is set' }
        Stop-Convergence -Reason "Set exactly one of EXCHANGE_ACCESS_TOKEN, EXCHANGE_FEDERATED_TOKEN_FILE, EXCHANGE_CERTIFICATE_PATH, EXCHANGE_MANAGED_IDENTITY and EXCHANGE_USER_PRINCIPAL_NAME to sign in to Exchange Online; $found."
    }
    $way = $ways[0]
    # A person signs in to the home tenant of the user name; -Organization is for applications.
    if ($way -eq 'EXCHANGE_ACCESS_TOKEN') {
        $parameters = @{ AccessToken = $env:EXCHANGE_ACCESS_TOKEN }
        if ($env:EXCHANGE_USER_PRINCIPAL_NAME) { $parameters['UserPrincipalName'] = $env:EXCHANGE_USER_PRINCIPAL_NAME }
        return $parameters
    }
    # Windows' own way to sign in (WAM) needs a window, which a process that Pulumi starts does not have.
    if ($way -eq 'EXCHANGE_USER_PRINCIPAL_NAME') { return @{ DisableWAM = $true; UserPrincipalName = $env:EXCHANGE_USER_PRINCIPAL_NAME } }
    if ($way -eq 'EXCHANGE_MANAGED_IDENTITY') {
        $parameters = @{ ManagedIdentity = $true }
        if ($env:EXCHANGE_MANAGED_IDENTITY -ne 'system') { $parameters['ManagedIdentityAccountId'] = $env:EXCHANGE_MANAGED_IDENTITY }
        return $parameters
    }
    if (-not $env:EXCHANGE_APP_ID) { Stop-Convergence -Reason "$way needs EXCHANGE_APP_ID: the application (client) id that it belongs to." }
    if ($way -eq 'EXCHANGE_FEDERATED_TOKEN_FILE') { return @{ AccessToken = Get-FederatedAccessToken -Desired $Desired } }
    $parameters = @{ CertificateFilePath = $env:EXCHANGE_CERTIFICATE_PATH; AppId = $env:EXCHANGE_APP_ID }
    if ($env:EXCHANGE_CERTIFICATE_PASSWORD) { $parameters['CertificatePassword'] = ConvertTo-SecureString -String $env:EXCHANGE_CERTIFICATE_PASSWORD -AsPlainText -Force }
    $parameters
}

function Get-FederatedAccessToken {
    <# .SYNOPSIS Exchanges the token of a pipeline, which keeps the file fresh, for an access token of Exchange Online, which lives for an hour. #>
    param([Parameter(Mandatory)] [object] $Desired)
    # https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case.
    $login = 'https://login.microsoftonline.com'
    $exchange = 'https://outlook.office365.com'
    if ($Desired.exchangeEnvironmentName -like 'O365USGov*') { $login = 'https://login.microsoftonline.us' }
    if ($Desired.exchangeEnvironmentName -eq 'O365USGovGCCHigh') { $exchange = 'https://outlook.office365.us' }
    if ($Desired.exchangeEnvironmentName -eq 'O365USGovDoD') { $exchange = 'https://webmail.apps.mil' }
    if ($Desired.exchangeEnvironmentName -eq 'O365China') {
        $login = 'https://login.chinacloudapi.cn'
        $exchange = 'https://partner.outlook.cn'
    }
    $assertion = (Get-Content -LiteralPath $env:EXCHANGE_FEDERATED_TOKEN_FILE -Raw -ErrorAction Stop).Trim()
    Add-Credential -Credential $assertion
    $body = @{
        grant_type            = 'client_credentials'
        client_id             = $env:EXCHANGE_APP_ID
        scope                 = "$exchange/.default"
        client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
        client_assertion      = $assertion
    }
    # What Entra says (AADSTS...) is in the body of a refusal. Selected by name: it may be a proxy that answers.
    $answer = Invoke-RestMethod -Method Post -Uri "$login/$($Desired.organization)/oauth2/v2.0/token" -Body $body -SkipHttpErrorCheck -ErrorAction Stop |
        Select-Object -Property 'access_token', 'error_description'
    if (-not $answer.access_token) { throw "Entra gave no token to the application $($env:EXCHANGE_APP_ID): $($answer.error_description)" }
    Add-Credential -Credential $answer.access_token
    $answer.access_token
}

function Connect-Organization {
    <#
    .SYNOPSIS
        Connects to Exchange Online with just the cmdlets that a script needs.
    .DESCRIPTION
        What alsoLoad of the desired object names is loaded too, as far as it may be: for a look at what is missing.
    #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string[]] $CommandName)
    # With a custom domain or a tenant id, signing in and reading succeed and every write fails:
    # https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2
    if ($Desired.organization -notmatch '\.(onmicrosoft\.(com|us)|onmschina\.cn)$') {
        Stop-Convergence -Reason "The organization '$($Desired.organization)' is not an .onmicrosoft.com domain. Give the tenant's initial domain: with any other, Exchange Online signs in and then refuses every change."
    }
    # -Global, or its cmdlets would be known to the functions of this module only.
    Import-Module -Name 'ExchangeOnlineManagement' -Global -ErrorAction Stop

    # Several of these processes may run at once, and each connection writes a module of its own to disk: in a
    # shared folder they would overwrite one another's.
    $script:BasePath = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath "scoped-mail-sender-$([guid]::NewGuid())"
    New-Item -ItemType Directory -Path $script:BasePath -ErrorAction Stop | Out-Null
    $cmdlets = @($CommandName) + 'Get-AcceptedDomain'
    $also = @(($Desired | Select-Object -Property 'alsoLoad').alsoLoad | Where-Object { $_ })
    $parameters = @{ CommandName = $cmdlets + $also; ShowBanner = $false; SkipLoadingFormatData = $true; EXOModuleBasePath = $script:BasePath }
    if ($Desired.exchangeEnvironmentName) { $parameters['ExchangeEnvironmentName'] = $Desired.exchangeEnvironmentName }
    if (-not $env:EXCHANGE_USER_PRINCIPAL_NAME) { $parameters['Organization'] = $Desired.organization }
    Invoke-WithRetry -Cmdlet 'Connect-ExchangeOnline' -AnyErrorIsTried -Action {
        $signIn = Get-SignInParameter -Desired $Desired
        Connect-ExchangeOnline @parameters @signIn -ErrorAction Stop | Out-Null
    }
    Assert-Loaded -CommandName $cmdlets -MarkAttribute ($Desired | Select-Object -Property 'markAttribute').markAttribute

    # Credentials and configuration are set in two places: a mix-up must not let one stack's objects appear in
    # another stack's tenant.
    $domains = @(Invoke-WithRetry -Cmdlet 'Get-AcceptedDomain' -Action { Get-AcceptedDomain -ErrorAction Stop })
    if (@($domains | Where-Object { $_.DomainName -eq $Desired.organization }).Count -eq 0) {
        Stop-Convergence -Reason "The signed-in identity belongs to the tenant of $(@($domains | ForEach-Object { $_.DomainName }) -join ', '), but the stack's 'organization' is $($Desired.organization). Sign in to that one; nothing was changed."
    }
}

function Assert-Loaded {
    <# .SYNOPSIS Checks that the connection has every cmdlet and parameter that the script will use. #>
    param([Parameter(Mandatory)] [string[]] $CommandName, [string] $MarkAttribute)
    $missing = @(Get-MissingCmdlet -CommandName $CommandName)
    if ($missing.Count -gt 0) {
        Stop-Convergence -Reason "Exchange Online did not load $($missing -join ', ') for the signed-in identity: its Exchange roles do not allow them. docs/getting-started.md lists the roles; a new one takes up to two hours and a new sign-in."
    }
    $missing = @(Get-MissingParameter -CommandName $CommandName -MarkAttribute $MarkAttribute)
    if ($missing.Count -gt 0) {
        Stop-Convergence -Reason "Exchange Online loaded these cmdlets without parameters that are needed: $($missing -join ', '). Either the Exchange roles of the signed-in identity leave them out (docs/getting-started.md lists the roles), or the module is too old: Get-Module ExchangeOnlineManagement -ListAvailable shows which versions are installed, and the newest is used. Nothing was changed."
    }
}

function Get-MissingCmdlet {
    <# .SYNOPSIS Of some cmdlets, those that the connection does not have. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [string[]] $CommandName)
    # Exchange loads only what the caller's roles allow, and calls all the rest "not recognized".
    $CommandName | Where-Object { -not (Get-Command -Name $_ -ErrorAction SilentlyContinue) }
}

function Get-MissingParameter {
    <# .SYNOPSIS Of cmdlets that the connection has, the parameters that the scripts use and that it does not have. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [string[]] $CommandName, [string] $MarkAttribute)
    foreach ($cmdlet in $CommandName) {
        $known = (Get-Command -Name $cmdlet).Parameters
        $used = @($UsedParameters[$cmdlet])
        if ($cmdlet -eq 'Set-Mailbox' -or $cmdlet -eq 'Set-DistributionGroup') { $used += $MarkAttribute }
        $used | Where-Object { $_ -and -not $known.ContainsKey($_) } | ForEach-Object { "$cmdlet -$_" }
    }
}

function Disconnect-Organization {
    <# .SYNOPSIS Ends the session, if there is one. #>
    if (-not $script:BasePath) { return }
    # What the script did is done: a session that does not end cleanly must not undo its result.
    try { Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop | Out-Null }
    catch { Write-Step -Message "warning: the Exchange Online session did not end cleanly: $($_.Exception.Message)" }
    try { Remove-Item -Path $script:BasePath -Recurse -Force -ErrorAction Stop }
    catch { Write-Step -Message "warning: the folder $($script:BasePath) could not be removed: $($_.Exception.Message)" }
    $script:BasePath = ''
}

Export-ModuleMember -Function @('Invoke-Convergence', 'Get-FormerOutput', 'Get-MissingCmdlet', 'Get-MissingParameter', 'Disconnect-Organization')
