<#
.SYNOPSIS
    Makes sure that a shared mailbox exists, is marked as ours, and has its address and alias.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"mark":"project/stack/name","address":"notifications@contoso.com","name":"Notifications","alias":"Notifications","adopt":false}
              name is used at creation only; adopt lets it take over an unmarked shared mailbox with this address.
    Writes    {"externalDirectoryObjectId":"...","primarySmtpAddress":"..."}: the former is its object id in Entra and Graph.
              What may change often is set by set-shared-mailbox.ps1, so that this output, and the workflow's URI, stay.
    Needs the Exchange roles Mail Recipient Creation, Mail Recipients, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "shared mailbox $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-Mailbox', 'New-Mailbox', 'Set-Mailbox') -Action {
    param($Desired)
    # Born with the mark as its display name: recognisable as ours even if this process dies before the next cmdlet,
    # since New-Mailbox cannot set a custom attribute.
    $recipient = Invoke-WithRetry -Cmdlet 'New-Mailbox' -TakenIsTransient -Action {
        $found = Find-OwnedRecipient -Desired $Desired -RecipientTypeDetails 'SharedMailbox'
        if ($found) { return $found }
        Write-Step -Message "creating shared mailbox $($Desired.address)"
        New-Mailbox -Shared -Name $Desired.name -Alias $Desired.alias -DisplayName $Desired.mark -PrimarySmtpAddress $Desired.address -ErrorAction Stop
    }
    $guid = [string]$recipient.Guid

    # The object id is written by Entra, some time after the mailbox exists.
    $mailbox = Wait-Result -Subject "the Entra object id of $($Desired.address)" -Action {
        $read = Invoke-WithRetry -Cmdlet 'Get-Mailbox' -NotFoundIsTransient -Action { Get-Mailbox -Identity $guid -ErrorAction Stop }
        if ($read.ExternalDirectoryObjectId) { $read }
    }

    $changes = @{}
    foreach ($difference in @(Get-MailboxDifference -Mailbox $mailbox -Desired $Desired)) {
        # In Exchange Online -PrimarySmtpAddress of Set-Mailbox is refused; this one moves the primary address.
        $parameter = $difference.Property -replace '^PrimarySmtpAddress$', 'WindowsEmailAddress'
        $changes[$parameter] = $difference.Expected
    }
    if ($changes.Count -gt 0) {
        Write-Step -Message "setting $(@($changes.Keys | Sort-Object) -join ', ') of $($Desired.address)"
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -NotFoundIsTransient -Action { Set-Mailbox -Identity $guid @changes -ErrorAction Stop }
    }
    [ordered]@{ externalDirectoryObjectId = $mailbox.ExternalDirectoryObjectId; primarySmtpAddress = $Desired.address }
}
