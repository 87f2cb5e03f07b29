<#
.SYNOPSIS
    Sets the display name, the visibility, the sign-in and the forwarding of our shared mailbox.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"markAttribute":"ExtensionCustomAttribute5","mark":"project/stack/name","address":"notifications@contoso.com","displayName":"Notifications","hiddenFromAddressLists":true,"signInBlocked":true,"forwardTo":null}
              Sign-in is set explicitly: Microsoft advises to keep that of a shared mailbox blocked, and an application needs none.
              https://learn.microsoft.com/microsoft-365/lighthouse/m365-lighthouse-block-signin-shared-mailboxes
              Where forwardTo is null, forwarding is left as it is. Otherwise the mailbox keeps each mail and forwards it, by
              ForwardingSmtpAddress, which reads back as it was written. ForwardingAddress, which reads back as a name, goes before it
              where somebody has set that too.
              https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
    Writes    {"displayName":"...","hiddenFromAddressLists":true,"signInBlocked":true}
    Needs the Exchange roles Mail Recipients, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "settings of the shared mailbox $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-Mailbox', 'Set-Mailbox') -Action {
    param($Desired)
    $guid = [string](Get-OwnedRecipient -Desired $Desired -Type 'SharedMailbox').Guid
    Invoke-WithRetry -Cmdlet 'Set-Mailbox' -NotFoundIsTransient -Action {
        $mailbox = Read-Mailbox -Guid $guid
        $changes = ConvertTo-Change -Difference @(Get-MailboxSettingDifference -Mailbox $mailbox -Desired $Desired) -Recipient $mailbox -Desired $Desired
        if ($changes.Count -gt 0) { Set-Mailbox -Identity $guid @changes -ErrorAction Stop }
    }
    [ordered]@{ displayName = $Desired.displayName; hiddenFromAddressLists = $Desired.hiddenFromAddressLists; signInBlocked = $Desired.signInBlocked }
}
