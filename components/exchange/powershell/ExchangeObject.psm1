<#
.SYNOPSIS
    What the scripts in this folder share: reading the desired object, connecting, retrying,
    recognising our own objects, and reporting.

.DESCRIPTION
    Every script here reads one JSON object from standard input, connects to Exchange Online, brings
    one object to the desired state, writes one JSON line (the observed object) to standard output,
    and disconnects. Before it changes anything it checks, with Get-AcceptedDomain (which needs View-Only
    Configuration), that it is connected to the organisation that the JSON names. Progress and warnings go to standard error, because PowerShell writes its own
    warning and information streams to standard output, where only the JSON line belongs. For the same reason each script
    silences the warnings of cmdlets, in the global scope, in which `pwsh -File` runs it: modules see it there only.

    Credentials come from the environment of the process, never from the JSON. Exactly one way to
    sign in is set:

      EXCHANGE_ACCESS_TOKEN               an access token for https://outlook.office365.com
      EXCHANGE_CERTIFICATE_PATH           a .pfx file, with EXCHANGE_APP_ID, and
                                          EXCHANGE_CERTIFICATE_PASSWORD where it has one
      EXCHANGE_MANAGED_IDENTITY           'system', or the client id of a user-assigned identity
      EXCHANGE_USER_PRINCIPAL_NAME        a person, who signs in in the browser
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Write-Step {
    <#
    .SYNOPSIS
        Shows progress, a warning or an error: one line on standard error, without our credentials.
    .DESCRIPTION
        Some errors of a sign-in quote the token that they could not read.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Message
    )
    foreach ($credential in @($env:EXCHANGE_ACCESS_TOKEN, $env:EXCHANGE_CERTIFICATE_PASSWORD)) {
        if ($credential) { $Message = $Message.Replace($credential, '***') }
    }
    [Console]::Error.WriteLine(($Message -replace '\s+', ' '))
}

function ConvertFrom-DesiredJson {
    <# .SYNOPSIS Reads the desired object that Pulumi sends on standard input. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $Json
    )
    if ([string]::IsNullOrWhiteSpace($Json)) {
        throw 'Standard input is empty. Pipe the desired object to this script as JSON.'
    }
    ConvertFrom-Json -InputObject $Json
}

function Write-ObservedObject {
    <# .SYNOPSIS Writes the one line that Pulumi keeps as the result: JSON, in ASCII only. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $InputObject
    )
    ConvertTo-Json -InputObject $InputObject -Compress -Depth 5 -EscapeHandling EscapeNonAscii
}

function Get-SignInParameter {
    <# .SYNOPSIS Turns the environment's one way to sign in into parameters of Connect-ExchangeOnline. #>
    [CmdletBinding()]
    param()

    $ways = @(
        if ($env:EXCHANGE_ACCESS_TOKEN) { 'EXCHANGE_ACCESS_TOKEN' }
        if ($env:EXCHANGE_CERTIFICATE_PATH) { 'EXCHANGE_CERTIFICATE_PATH' }
        if ($env:EXCHANGE_MANAGED_IDENTITY) { 'EXCHANGE_MANAGED_IDENTITY' }
        if ($env:EXCHANGE_USER_PRINCIPAL_NAME) { 'EXCHANGE_USER_PRINCIPAL_NAME' }
    )
    if ($ways.Count -ne 1) {
        $found = 'none of them is set'
        if ($ways.Count -gt 1) { $found = "these are set: $($ways -join ', ')" }
        throw ('Set exactly one of EXCHANGE_ACCESS_TOKEN, EXCHANGE_CERTIFICATE_PATH, ' +
            "EXCHANGE_MANAGED_IDENTITY and EXCHANGE_USER_PRINCIPAL_NAME to sign in to Exchange Online; $found.")
    }

    $way = $ways[0]
    if ($way -eq 'EXCHANGE_ACCESS_TOKEN') {
        return @{ AccessToken = $env:EXCHANGE_ACCESS_TOKEN }
    }
    if ($way -eq 'EXCHANGE_USER_PRINCIPAL_NAME') {
        return @{ UserPrincipalName = $env:EXCHANGE_USER_PRINCIPAL_NAME }
    }
    if ($way -eq 'EXCHANGE_MANAGED_IDENTITY') {
        $parameters = @{ ManagedIdentity = $true }
        if ($env:EXCHANGE_MANAGED_IDENTITY -ne 'system') {
            $parameters['ManagedIdentityAccountId'] = $env:EXCHANGE_MANAGED_IDENTITY
        }
        return $parameters
    }
    if (-not $env:EXCHANGE_APP_ID) {
        throw 'EXCHANGE_CERTIFICATE_PATH needs EXCHANGE_APP_ID: the application (client) id that the certificate belongs to.'
    }
    $parameters = @{
        CertificateFilePath = $env:EXCHANGE_CERTIFICATE_PATH
        AppId               = $env:EXCHANGE_APP_ID
    }
    if ($env:EXCHANGE_CERTIFICATE_PASSWORD) {
        $parameters['CertificatePassword'] = ConvertTo-SecureString -String $env:EXCHANGE_CERTIFICATE_PASSWORD -AsPlainText -Force
    }
    $parameters
}

function Connect-Organization {
    <#
    .SYNOPSIS
        Connects to Exchange Online with just the cmdlets that a script needs.
    .OUTPUTS
        The connection, to be given to Disconnect-Organization.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired,
        [Parameter(Mandatory)] [string[]] $CommandName
    )

    # With a custom domain or a tenant id, signing in and reading succeed and every write fails:
    # https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2
    if ($Desired.organization -notmatch '\.(onmicrosoft\.(com|us)|onmschina\.cn)$') {
        throw "The organization '$($Desired.organization)' is not an .onmicrosoft.com domain. Give the tenant's initial domain: with any other, Exchange Online signs in and then refuses every change."
    }
    $signIn = Get-SignInParameter

    # -Global, or its cmdlets would be known to the functions of this module only.
    Import-Module -Name 'ExchangeOnlineManagement' -Global -ErrorAction Stop

    # Several of these processes may run at once, and each connection writes a module of its own to
    # disk: in a shared folder they would overwrite one another's.
    $basePath = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath "scoped-mail-sender-$([guid]::NewGuid())"
    New-Item -ItemType Directory -Path $basePath -ErrorAction Stop | Out-Null
    $connection = [pscustomobject]@{ BasePath = $basePath }
    $cmdlets = @($CommandName) + 'Get-AcceptedDomain'

    $parameters = @{
        CommandName           = $cmdlets
        ShowBanner            = $false
        SkipLoadingFormatData = $true
        EXOModuleBasePath     = $basePath
    }
    # A person signs in to the home tenant of the user name; -Organization is for applications.
    if (-not $signIn.ContainsKey('UserPrincipalName')) { $parameters['Organization'] = $Desired.organization }
    if ($Desired.exchangeEnvironmentName) { $parameters['ExchangeEnvironmentName'] = $Desired.exchangeEnvironmentName }
    try {
        Invoke-WithRetry -Cmdlet 'Connect-ExchangeOnline' -Action { Connect-ExchangeOnline @parameters @signIn -ErrorAction Stop | Out-Null }

        # Exchange loads only what the caller's roles allow, and calls all the rest "not recognized".
        $missing = @($cmdlets | Where-Object { -not (Get-Command -Name $_ -ErrorAction SilentlyContinue) })
        if ($missing.Count -gt 0) {
            throw "Exchange Online did not load $($missing -join ', ') for the signed-in identity: its Exchange roles do not allow them. docs/getting-started.md lists the roles."
        }

        # Credentials and configuration are set in two places: a mix-up must not let one stack's
        # objects appear in another stack's tenant.
        $domains = @(Invoke-WithRetry -Cmdlet 'Get-AcceptedDomain' -Action { Get-AcceptedDomain -ErrorAction Stop })
        if (@($domains | Where-Object { $_.DomainName -eq $Desired.organization }).Count -eq 0) {
            throw "The signed-in identity belongs to the tenant of $(@($domains | ForEach-Object { $_.DomainName }) -join ', '), but the stack's 'organization' is $($Desired.organization). Sign in to that one; nothing was changed."
        }
    }
    catch {
        Disconnect-Organization -Connection $connection
        throw
    }
    $connection
}

function Disconnect-Organization {
    <# .SYNOPSIS Ends the session; to be called in finally, whether or not a connection was made. #>
    [CmdletBinding()]
    param(
        [object] $Connection
    )
    if (-not $Connection) { return }
    try {
        Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Stop | Out-Null
    }
    catch {
        # What the script did is done: a session that does not end cleanly must not undo its result.
        Write-Step -Message "warning: the Exchange Online session did not end cleanly: $($_.Exception.Message)"
    }
    try {
        Remove-Item -Path $Connection.BasePath -Recurse -Force -ErrorAction Stop
    }
    catch {
        Write-Step -Message "warning: the folder $($Connection.BasePath) could not be removed: $($_.Exception.Message)"
    }
}

function Test-TransientError {
    <# .SYNOPSIS Tells whether the same call may succeed a little later. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    # ADTransientException is how Exchange reports a domain controller that is away:
    # https://github.com/MicrosoftDocs/office-docs-powershell/issues/10972
    $ErrorRecord.Exception.Message -match ('\b(status code|HTTP|error)\D{0,40}(429|50[0234])\b|TransientException|too many requests|' +
        'server is busy|server is too busy|micro ?delay|request limit exceeded|throttl|timed out|time-?out|' +
        'underlying connection was closed|temporarily unavailable')
}

function Test-NotFoundError {
    <# .SYNOPSIS Tells "there is no such object" apart from every other error. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    $ErrorRecord.Exception.Message -match "ManagementObjectNotFoundException|object '.*' couldn't be found on"
}

function Invoke-WithRetry {
    <#
    .SYNOPSIS
        Runs an action that may be repeated safely, again while its error is a passing one.
    .DESCRIPTION
        Twenty attempts, fifteen seconds apart: five minutes. -NotFoundIsTransient is for objects that
        were created a moment ago and that the next domain controller does not know yet.
        -TakenIsTransient is for an action that searches and then creates: what a lost answer or a killed
        run has left behind holds its address at once, and is found, and recognised as ours, only later.
        -Cmdlet is the cmdlet of Exchange that the action calls: Exchange's errors do not name it.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Cmdlet,
        [Parameter(Mandatory)] [scriptblock] $Action,
        [switch] $NotFoundIsTransient,
        [switch] $TakenIsTransient
    )
    $attempt = 1
    while ($true) {
        try {
            return & $Action
        }
        catch {
            # With a cmdlet's name before it, it comes from another call of this function, within the action,
            # which has waited for five minutes already.
            $again = (Test-TransientError -ErrorRecord $_) -and $_.Exception.Message -notmatch '^\w+-\w+: '
            if ($NotFoundIsTransient -and (Test-NotFoundError -ErrorRecord $_)) { $again = $true }
            if ($TakenIsTransient -and $_.Exception.Message -match 'already being used') { $again = $true }
            if (-not $again -or $attempt -ge 20) {
                # The id of a text that is thrown is the text: one of ours, which says itself what is wrong.
                if ($_.FullyQualifiedErrorId -eq $_.Exception.Message) { throw }
                $text = "${Cmdlet}: $($_.Exception.Message)"
                throw $text
            }
            Write-Step -Message "waiting 15 s, attempt $attempt of 20: $(Get-ErrorText -ErrorRecord $_)"
        }
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
}

function Find-MarkedRecipient {
    <#
    .SYNOPSIS
        Finds the mailbox or group that carries our mark.
    .DESCRIPTION
        The mark is in CustomAttribute15 or, where a former run was cut off between creating and
        marking, still the display name, at the address that the object was created with.
    .OUTPUTS
        The recipient, or nothing. Two of them, or one of another kind, is an error.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails
    )
    $quoted = $Mark -replace "'", "''"
    $filter = "CustomAttribute15 -eq '$quoted' -or CustomAttribute15 -eq '$quoted adopted' -or DisplayName -eq '$quoted'"
    $found = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop })
    # Exchange compares without regard to case, and stacks may differ in it alone.
    $marked = @($found | Where-Object {
            $_.CustomAttribute15 -ceq "$Mark adopted" -or (Test-OwnRecipient -Recipient $_ -Mark $Mark -Address $Address)
        })
    if ($marked.Count -eq 0) { return }
    if ($marked.Count -gt 1) {
        throw "$($marked.Count) objects carry the mark '$Mark': $(@($marked | ForEach-Object { $_.PrimarySmtpAddress }) -join ', '). Clear CustomAttribute15 of those that are not this one."
    }
    if ($marked[0].RecipientTypeDetails -ne $RecipientTypeDetails) {
        throw "$($marked[0].PrimarySmtpAddress) carries the mark '$Mark' and is a $($marked[0].RecipientTypeDetails), not a $RecipientTypeDetails. Clear its CustomAttribute15 if it is not this stack's."
    }
    $marked[0]
}

function Test-OwnRecipient {
    <# .SYNOPSIS Tells whether we created an object: it carries our mark, or is half-made by us. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address
    )
    # A display name counts only until there is a mark, and at the address that it was created with:
    # anybody who may rename a mailbox can write ours there.
    $Recipient.CustomAttribute15 -ceq $Mark -or
    (-not $Recipient.CustomAttribute15 -and $Recipient.DisplayName -ceq $Mark -and $Recipient.PrimarySmtpAddress -eq $Address)
}

function Assert-Removable {
    <#
    .SYNOPSIS
        Reads an object again, right before it is removed: it must still be the same and ours.
    .DESCRIPTION
        Between the search and the removal lie other cmdlets and, where Exchange is busy, minutes.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address
    )
    $found = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity ([string]$Recipient.Guid) -ErrorAction Stop })
    $same = @($found | Where-Object {
            [string]$_.Guid -eq [string]$Recipient.Guid -and
            $_.RecipientTypeDetails -eq $Recipient.RecipientTypeDetails -and
            (Test-OwnRecipient -Recipient $_ -Mark $Mark -Address $Address)
        })
    if ($found.Count -ne 1 -or $same.Count -ne 1) {
        throw "$($Recipient.PrimarySmtpAddress) was changed by somebody else a moment ago and is no longer a $($Recipient.RecipientTypeDetails) with the mark '$Mark'. It was not removed: look at it, and run the removal again."
    }
}

function Find-AddressHolder {
    <# .SYNOPSIS Finds whatever has an address, as its primary or as a further one; or nothing. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Address
    )
    $filter = "EmailAddresses -eq 'smtp:$($Address -replace "'", "''")'"
    Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop }
}

function Find-OwnedRecipient {
    <#
    .SYNOPSIS
        Finds the mailbox or group that is ours, or that the configuration tells us to adopt.
    .DESCRIPTION
        The mark finds our object even where the configuration has changed its address or name since.
        Without it, an object is adopted by its address only: a name may be anybody's, and many tenants
        replace a mailbox's name by an object id.
    .OUTPUTS
        The recipient, or nothing. Whatever else holds the address is an error.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $Name,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails,
        [Parameter(Mandatory)] [bool] $Adopt
    )
    $holders = @(Find-AddressHolder -Address $Address)
    $namesakes = @()
    if ($holders.Count -eq 0) {
        $filter = "Name -eq '$($Name -replace "'", "''")'"
        $namesakes = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Filter $filter -ResultSize Unlimited -ErrorAction Stop })
    }
    # Asked last: what a cut-off run has made may become visible between two searches, and would be taken
    # for a stranger if only the second one showed it.
    $marked = Find-MarkedRecipient -Mark $Mark -Address $Address -RecipientTypeDetails $RecipientTypeDetails
    if ($marked) {
        $others = @($holders | Where-Object { [string]$_.Guid -ne [string]$marked.Guid })
        if ($others.Count -gt 0) {
            throw "$Address belongs to '$($others[0].DisplayName)' ($($others[0].RecipientTypeDetails)), while $($marked.PrimarySmtpAddress) carries our mark. Choose another address."
        }
        return $marked
    }
    if ($holders.Count -eq 0) {
        if ($namesakes.Count -eq 0) { return }
        $namesake = $namesakes[0]
        $remedy = 'Choose another name.'
        if ($namesake.RecipientTypeDetails -eq $RecipientTypeDetails -and -not $namesake.CustomAttribute15) {
            $remedy = "Choose another name, or set 'address: $($namesake.PrimarySmtpAddress)' and 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
        }
        throw "the name '$Name' belongs to $($namesake.PrimarySmtpAddress), a $($namesake.RecipientTypeDetails) that was not created by this stack. $remedy"
    }
    $holder = $holders[0]
    if ($holder.RecipientTypeDetails -ne $RecipientTypeDetails) {
        throw "$Address exists and is a $($holder.RecipientTypeDetails), not a $RecipientTypeDetails. It is never converted: choose another address."
    }
    if ($holder.CustomAttribute15) {
        throw "$Address exists and carries the mark '$($holder.CustomAttribute15)' in CustomAttribute15: it belongs to another stack or tool, or to a sender of this stack that has another name now. Choose another address, or give the sender its former name."
    }
    if (-not $Adopt) {
        throw "$Address exists ('$($holder.DisplayName)') and was not created by this stack. Choose another address, or set 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
    }
    $holder
}

function Get-OwnedRecipient {
    <# .SYNOPSIS Returns the object that carries our mark; waits while it is too new to be found. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails
    )
    Wait-Result -Subject "a $RecipientTypeDetails with the mark '$Mark'" -Action {
        Find-MarkedRecipient -Mark $Mark -Address $Address -RecipientTypeDetails $RecipientTypeDetails
    }
}

function Get-ExistingRecipient {
    <# .SYNOPSIS Returns the recipient with an address; waits while it is too new to be found. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Address
    )
    Invoke-WithRetry -Cmdlet 'Get-Recipient' -NotFoundIsTransient -Action { Get-Recipient -Identity $Address -ErrorAction Stop }
}

function Wait-Result {
    <# .SYNOPSIS Repeats a search until it yields something: five minutes at most. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Subject,
        [Parameter(Mandatory)] [scriptblock] $Action
    )
    $attempt = 1
    while ($attempt -le 20) {
        $result = & $Action
        if ($result) { return $result }
        Write-Step -Message "waiting 15 s, attempt $attempt of 20: Exchange Online does not show $Subject yet"
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
    throw "Exchange Online did not show $Subject within five minutes. If it was created a moment ago, run the deployment again later; if it was removed by hand, run it again to create it anew."
}

function Invoke-Removal {
    <# .SYNOPSIS Runs a removal; an object that is gone already, as after a lost answer, is removed. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Cmdlet,
        [Parameter(Mandatory)] [scriptblock] $Removal
    )
    # Not named $Action: the block below would see the one of Invoke-WithRetry, which is itself.
    Invoke-WithRetry -Cmdlet $Cmdlet -Action {
        try {
            & $Removal
        }
        catch {
            if (-not (Test-NotFoundError -ErrorRecord $_)) { throw }
        }
    }
}

function Get-OwnershipMark {
    <#
    .SYNOPSIS
        The value that CustomAttribute15 should have: the mark, and for what we did not create a word more.
    .DESCRIPTION
        That word is what keeps an adopted object from being removed with the stack.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address
    )
    if ($Recipient.CustomAttribute15) { return $Recipient.CustomAttribute15 }
    if (Test-OwnRecipient -Recipient $Recipient -Mark $Mark -Address $Address) { return $Mark }
    "$Mark adopted"
}

function Compare-Value {
    <#
    .SYNOPSIS
        One difference between what is found and what is desired, or nothing.
    .DESCRIPTION
        The functions below say in this form what a script would set. The scripts set it, and
        find-drift.ps1 reports it: what counts as a difference stands here only.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Property,
        [object] $Found,
        [object] $Expected,
        [switch] $CaseSensitive
    )
    $same = $Found -eq $Expected
    if ($CaseSensitive) { $same = $Found -ceq $Expected }
    if (-not $same) { [pscustomobject]@{ Property = $Property; Expected = $Expected; Found = $Found } }
}

function Get-MailboxDifference {
    <# .SYNOPSIS What ensure-shared-mailbox.ps1 would set of a mailbox that exists. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Mailbox,
        [Parameter(Mandatory)] [object] $Desired
    )
    Compare-Value -Property 'CustomAttribute15' -Found $Mailbox.CustomAttribute15 -Expected (Get-OwnershipMark -Recipient $Mailbox -Mark $Desired.mark -Address $Desired.address)
    Compare-Value -Property 'Alias' -Found $Mailbox.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Mailbox.PrimarySmtpAddress -Expected $Desired.address
}

function Get-MailboxSettingDifference {
    <# .SYNOPSIS What set-shared-mailbox.ps1 would set. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Mailbox,
        [Parameter(Mandatory)] [object] $Desired
    )
    Compare-Value -Property 'DisplayName' -Found $Mailbox.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Mailbox.HiddenFromAddressListsEnabled -Expected $Desired.hiddenFromAddressLists
    Compare-Value -Property 'AccountDisabled' -Found $Mailbox.AccountDisabled -Expected $Desired.signInBlocked
}

function Get-GroupDifference {
    <#
    .SYNOPSIS
        What ensure-mail-enabled-security-group.ps1 would set of a group that exists.
    .DESCRIPTION
        ManagedBy reads back as names or object ids, whichever the tenant uses, so it is not compared.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Group,
        [Parameter(Mandatory)] [object] $Desired
    )
    Compare-Value -Property 'CustomAttribute15' -Found $Group.CustomAttribute15 -Expected (Get-OwnershipMark -Recipient $Group -Mark $Desired.mark -Address $Desired.address)
    Compare-Value -Property 'DisplayName' -Found $Group.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'Alias' -Found $Group.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Group.PrimarySmtpAddress -Expected $Desired.address
    Compare-Value -Property 'MemberJoinRestriction' -Found $Group.MemberJoinRestriction -Expected 'Closed'
    Compare-Value -Property 'MemberDepartRestriction' -Found $Group.MemberDepartRestriction -Expected 'Closed'
    Compare-Value -Property 'RequireSenderAuthenticationEnabled' -Found $Group.RequireSenderAuthenticationEnabled -Expected $true
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Group.HiddenFromAddressListsEnabled -Expected $true
}

function Compare-Membership {
    <# .SYNOPSIS Who is in a group and should not be, and who is not and should: { Strays, Missing }. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Present,
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Wanted
    )
    $presentGuids = @($Present | ForEach-Object { [string]$_.Guid })
    $wantedGuids = @($Wanted | ForEach-Object { [string]$_.Guid })
    [pscustomobject]@{
        Strays  = @($Present | Where-Object { $wantedGuids -notcontains [string]$_.Guid })
        Missing = @($Wanted | Where-Object { $presentGuids -notcontains [string]$_.Guid })
    }
}

function Get-PolicyDifference {
    <# .SYNOPSIS What ensure-application-access-policy.ps1 would set of a policy that exists. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Policy,
        [Parameter(Mandatory)] [object] $Desired
    )
    # Nothing else can be set: a policy of another application, scope or right is another policy.
    Compare-Value -Property 'Description' -Found $Policy.Description -Expected $Desired.description -CaseSensitive
}

function Get-PolicyOnGroup {
    <#
    .SYNOPSIS
        Lists the application access policies whose scope is a group.
    .DESCRIPTION
        Compares object ids: ScopeName and ScopeIdentity are display texts that change with the group.
        The list is read whole and filtered here, because Get- with an empty -Identity returns every
        policy of the tenant, and what follows a search is often a removal.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Group
    )
    if (-not $Group.ExternalDirectoryObjectId) {
        throw "$($Group.PrimarySmtpAddress) has no Entra object id yet. Run the deployment again in a few minutes."
    }
    $policies = @(Invoke-WithRetry -Cmdlet 'Get-ApplicationAccessPolicy' -Action { Get-ApplicationAccessPolicy -ErrorAction Stop })
    Select-PolicyOnGroup -Policy $policies -Group $Group
}

function Select-PolicyOnGroup {
    <# .SYNOPSIS Of application access policies that were read before, those whose scope is a group. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [object] $Group
    )
    $Policy | Where-Object { $_.ScopeIdentityRaw -like "*;$($Group.ExternalDirectoryObjectId)" }
}

function Select-RestrictingPolicy {
    <# .SYNOPSIS Of application access policies, those that restrict one application. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [string] $AppId
    )
    $Policy | Where-Object { $_.AppId -eq $AppId -and $_.AccessRight -eq 'RestrictAccess' }
}

function Get-PolicyFinding {
    <#
    .SYNOPSIS
        Says what is wrong with the policies of an application; nothing when all is right.
    .DESCRIPTION
        RestrictAccess policies add up, so one with another scope widens the application's reach.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [object] $Group,
        [Parameter(Mandatory)] [string] $AppId
    )
    $scopeFound = $false
    foreach ($candidate in @($Policy | Where-Object { $_.AppId -eq $AppId -and $_.AccessRight -ne 'DenyAccess' })) {
        if ($candidate.ScopeIdentityRaw -like "*;$($Group.ExternalDirectoryObjectId)") {
            $scopeFound = $true
        }
        else {
            "the policy $($candidate.Identity) lets the application reach '$($candidate.ScopeName)' as well: remove it, or take that scope into this stack"
        }
    }
    if (-not $scopeFound) { "no RestrictAccess policy of the application on $($Group.PrimarySmtpAddress)" }
}

function Get-PolicyWarning {
    <#
    .SYNOPSIS
        Lists what else bears on an application: policies that narrow it, and those for every application.
    .DESCRIPTION
        Neither unproves the confinement. Where a member is Denied, one of them is probably the reason.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [string] $AppId
    )
    foreach ($candidate in @($Policy | Where-Object { $_.AppId -eq $AppId -or $_.AppId -eq '*' })) {
        if ($candidate.AccessRight -eq 'DenyAccess') {
            "the DenyAccess policy $($candidate.Identity) denies this application the members of '$($candidate.ScopeName)'"
        }
        elseif ($candidate.AppId -eq '*') {
            "the RestrictAccess policy $($candidate.Identity) lets every application, this one too, reach the members of '$($candidate.ScopeName)'"
        }
    }
}

function Get-AccessFinding {
    <# .SYNOPSIS Says that Exchange's own test answers otherwise than expected; nothing when it is as expected. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $AppId,
        [Parameter(Mandatory)] [ValidateSet('Granted', 'Denied')] [string] $Expected
    )
    $test = Invoke-WithRetry -Cmdlet 'Test-ApplicationAccessPolicy' -NotFoundIsTransient -Action {
        Test-ApplicationAccessPolicy -Identity $Address -AppId $AppId -ErrorAction Stop
    }
    if ([string]$test.AccessCheckResult -ne $Expected) {
        "$Address is $($test.AccessCheckResult), expected $Expected"
    }
}

function Get-ErrorText {
    <# .SYNOPSIS The message of an error, without Exchange's "code|type|" in front. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    $ErrorRecord.Exception.Message -replace '\|?\bEx[0-9A-F]+\|[^|]+\|', ''
}

function Write-Failure {
    <# .SYNOPSIS Says on one line of standard error what failed, on which object, and what to do. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Subject,
        [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord
    )
    $text = Get-ErrorText -ErrorRecord $ErrorRecord
    $remedies = [ordered]@{
        'already being used|already exists'      = 'Choose another address, alias or name, or remove the object that has it. If an interrupted run made it less than an hour ago, Exchange does not show it yet: run the deployment again later.'
        'total size of App Access Policies'      = 'Shorten policyDescription, or remove policies that nobody needs: Exchange limits their size together.'
        'write permission to target DC'          = "Set 'organization' to the tenant's .onmicrosoft.com domain."
        "isn't supported in this scenario"       = 'Give the deploying application the Entra role Exchange Administrator, or Exchange roles of its own.'
        'not a valid security principal'         = 'The scope must be a mail-enabled security group.'
        "module 'ExchangeOnlineManagement'"      = 'Install it: Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.2 -Scope CurrentUser (3.10 and newer need PowerShell 7.6).'
        'token is expired'                       = 'Sign in again: an access token for Exchange lives for about an hour. A certificate (EXCHANGE_CERTIFICATE_PATH) outlasts a long deployment.'
        'access denied|insufficient'             = 'Check the Exchange roles of the deploying identity.'
    }
    # What Exchange refuses for any other reason; our own sentences say what to do by themselves.
    $remedy = ''
    if ($text -match '^\w+-\w+: ') { $remedy = ' Mend what it names, and run the deployment again.' }
    foreach ($pattern in $remedies.Keys) {
        if ($text -match $pattern) {
            $remedy = " $($remedies[$pattern])"
            break
        }
    }
    Write-Step -Message "error: ${Subject}: $text$remedy"
}

Export-ModuleMember -Function @(
    'Write-Step', 'ConvertFrom-DesiredJson', 'Write-ObservedObject', 'Write-Failure',
    'Connect-Organization', 'Disconnect-Organization', 'Invoke-WithRetry', 'Invoke-Removal', 'Wait-Result',
    'Find-MarkedRecipient', 'Assert-Removable', 'Find-AddressHolder', 'Find-OwnedRecipient', 'Get-OwnedRecipient', 'Get-ExistingRecipient', 'Get-OwnershipMark',
    'Get-MailboxDifference', 'Get-MailboxSettingDifference', 'Get-GroupDifference', 'Compare-Membership', 'Get-PolicyDifference',
    'Get-PolicyOnGroup', 'Select-PolicyOnGroup', 'Select-RestrictingPolicy', 'Get-PolicyFinding', 'Get-PolicyWarning', 'Get-AccessFinding'
)
