<#
.SYNOPSIS
    Makes sure that a shared mailbox exists, is marked as ours, and has its address and alias.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"markAttribute":"ExtensionCustomAttribute5","mark":"project/stack/name","address":"notifications@contoso.com","name":"Notifications","alias":"Notifications","adopt":false}
              name is used at creation only; adopt lets it take over an unmarked shared mailbox with this address.
    Writes    {"externalDirectoryObjectId":"...","primarySmtpAddress":"...","claim":"3f2c9a1b"}: the first is its object id in Entra and
              Graph. What may change often is set by set-shared-mailbox.ps1, so that this output, and the workflow's URI, stay.
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
        $found = Find-OwnedRecipient -Desired $Desired -Type 'SharedMailbox'
        if ($found) { return $found }
        Write-Step -Message "creating shared mailbox $($Desired.address)"
        New-Mailbox -Shared -Name $Desired.name -Alias $Desired.alias -DisplayName $Desired.mark -PrimarySmtpAddress $Desired.address -ErrorAction Stop
    }
    $guid = [string]$recipient.Guid
    $claim = Select-Claim -Carried (@(Get-OwnMark -Recipient $recipient -Desired $Desired) -join ', ')
    Invoke-WithRetry -Cmdlet 'Set-Mailbox' -NotFoundIsTransient -Action {
        $mailbox = Read-Mailbox -Guid $guid
        $changes = ConvertTo-Change -Difference @(Get-MailboxDifference -Mailbox $mailbox -Desired $Desired -Claim $claim) -Recipient $mailbox -Desired $Desired
        if ($changes.Count -gt 0) { Set-Mailbox -Identity $guid @changes -ErrorAction Stop }
    }

    # The object id is written by Entra, some time after the mailbox exists.
    $objectId = Wait-Result -Subject "the Entra object id of $($Desired.address)" -Action { (Read-Mailbox -Guid $guid -MayBeNew).ExternalDirectoryObjectId }
    [ordered]@{ externalDirectoryObjectId = $objectId; primarySmtpAddress = $Desired.address; claim = $claim }
}
