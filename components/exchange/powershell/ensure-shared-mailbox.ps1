<#
.SYNOPSIS
    Makes sure that a shared mailbox exists, is marked as ours, and has its address and alias.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      mark       the owner: project/stack/name
      address    primary SMTP address
      name       Exchange's unique name, used at creation only
      alias      the mail alias
      adopt      whether an existing, unmarked shared mailbox with this address may be taken over
      purge      not read here: see remove-shared-mailbox.ps1

    What may change often (display name, visibility, sign-in) is set by set-shared-mailbox.ps1, so that
    such a change leaves the output of this script, and with it the workflow's URI, untouched.

    Writes { externalDirectoryObjectId, primarySmtpAddress }. The former is the mailbox's object id in
    Entra and in Graph.

    Needs the Exchange roles Mail Recipient Creation, Mail Recipients, View-Only Recipients and View-Only
    Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'shared mailbox'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "shared mailbox $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-Mailbox', 'New-Mailbox', 'Set-Mailbox')

    # Born with the mark as its display name: recognisable as ours even if this process dies before the
    # next cmdlet, since New-Mailbox cannot set a custom attribute.
    $recipient = Invoke-WithRetry -Cmdlet 'New-Mailbox' -TakenIsTransient -Action {
        $found = Find-OwnedRecipient -Mark $desired.mark -Address $desired.address -Name $desired.name -RecipientTypeDetails 'SharedMailbox' -Adopt $desired.adopt
        if ($found) { return $found }
        Write-Step -Message "creating shared mailbox $($desired.address)"
        New-Mailbox -Shared -Name $desired.name -Alias $desired.alias -DisplayName $desired.mark -PrimarySmtpAddress $desired.address -ErrorAction Stop
    }
    $guid = [string]$recipient.Guid

    # The object id is written by Entra, some time after the mailbox exists.
    $mailbox = Wait-Result -Subject "the Entra object id of $($desired.address)" -Action {
        Invoke-WithRetry -Cmdlet 'Get-Mailbox' -NotFoundIsTransient -Action { Get-Mailbox -Identity $guid -ErrorAction Stop } |
            Where-Object { $_.ExternalDirectoryObjectId }
    }

    $changes = @{}
    foreach ($difference in @(Get-MailboxDifference -Mailbox $mailbox -Desired $desired)) {
        # In Exchange Online -PrimarySmtpAddress of Set-Mailbox is refused; this one moves the primary address.
        $parameter = $difference.Property -replace '^PrimarySmtpAddress$', 'WindowsEmailAddress'
        $changes[$parameter] = $difference.Expected
    }
    if ($changes.Count -gt 0) {
        Write-Step -Message "setting $(@($changes.Keys | Sort-Object) -join ', ') of $($desired.address)"
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -NotFoundIsTransient -Action { Set-Mailbox -Identity $guid @changes -ErrorAction Stop }
    }

    Write-ObservedObject -InputObject ([ordered]@{
            externalDirectoryObjectId = $mailbox.ExternalDirectoryObjectId
            primarySmtpAddress        = $desired.address
        })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
