<#
.SYNOPSIS
    Sets the display name, the visibility and the sign-in of our shared mailbox.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      mark                     the owner: project/stack/name
      address                  primary SMTP address
      displayName              up to 256 characters
      hiddenFromAddressLists   true keeps it out of the address book
      signInBlocked            true disables the account behind the mailbox

    Sign-in is set explicitly. A shared mailbox has an account with a password that nobody set, and
    Microsoft advises to keep its sign-in blocked; the tenant's default is not relied on. A workflow
    that sends through Graph as an application needs no sign-in.
    https://learn.microsoft.com/microsoft-365/lighthouse/m365-lighthouse-block-signin-shared-mailboxes

    Writes { displayName, hiddenFromAddressLists, signInBlocked }.

    Needs the Exchange roles Mail Recipients, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'settings of the shared mailbox'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "settings of the shared mailbox $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-Mailbox', 'Set-Mailbox')

    $recipient = Get-OwnedRecipient -Mark $desired.mark -Address $desired.address -RecipientTypeDetails 'SharedMailbox'
    $guid = [string]$recipient.Guid
    $mailbox = Invoke-WithRetry -Cmdlet 'Get-Mailbox' -NotFoundIsTransient -Action { Get-Mailbox -Identity $guid -ErrorAction Stop }

    $changes = @{}
    foreach ($difference in @(Get-MailboxSettingDifference -Mailbox $mailbox -Desired $desired)) { $changes[$difference.Property] = $difference.Expected }
    if ($changes.Count -gt 0) {
        Write-Step -Message "setting $(@($changes.Keys | Sort-Object) -join ', ') of $($desired.address)"
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -NotFoundIsTransient -Action { Set-Mailbox -Identity $guid @changes -ErrorAction Stop }
    }

    Write-ObservedObject -InputObject ([ordered]@{
            displayName            = $desired.displayName
            hiddenFromAddressLists = $desired.hiddenFromAddressLists
            signInBlocked          = $desired.signInBlocked
        })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
