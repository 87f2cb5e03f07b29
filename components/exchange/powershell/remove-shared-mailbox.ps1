<#
.SYNOPSIS
    Removes our shared mailbox, recoverable for 30 days or for good; leaves one that was adopted, without our mark.
.DESCRIPTION
    Reads     what ensure-shared-mailbox.ps1 reads, and "purge":true for a removal that cannot be undone; the claim is in that script's
              former output (PULUMI_COMMAND_STDOUT). What is purged carries that claim: not a mailbox that an earlier deployment left
              recoverable, but one that an interrupted removal left.
    Needs the Exchange roles Mail Recipient Creation, Mail Recipients, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

function Find-RemovedMailbox {
    <# .SYNOPSIS Lists the soft-deleted mailboxes that this very resource created. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $mark = "$($Desired.mark) created $(Get-FormerClaim)"
    # The list is read whole and filtered here: what follows cannot be undone.
    $softDeleted = @(Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited -ErrorAction Stop })
    $softDeleted | Where-Object { @(Get-OwnMark -Recipient $_ -Desired $Desired) -contains $mark -and $_.RecipientTypeDetails -eq 'SharedMailbox' -and $_.ExchangeGuid }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the shared mailbox $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-Mailbox', 'Set-Mailbox', 'Remove-Mailbox') -Action {
    param($Desired)
    $recipient = Find-RemovableRecipient -Desired $Desired -Type 'SharedMailbox'
    if ($recipient -and (Test-Adopted -Recipient $recipient -Desired $Desired)) {
        Write-Step -Message "$($recipient.PrimarySmtpAddress) was adopted, not created, by this stack: it stays, without our mark"
        $unmarked = Get-Unmarking -Recipient $recipient -Desired $Desired
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -Action { Set-Mailbox -Identity ([string]$recipient.Guid) @unmarked -ErrorAction Stop }
        return
    }
    if ($recipient) {
        Write-Step -Message "removing shared mailbox $($recipient.PrimarySmtpAddress)"
        Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal {
            Assert-Removable -Recipient $recipient -Desired $Desired
            Remove-Mailbox -Identity ([string]$recipient.Guid) -Confirm:$false -ErrorAction Stop
        } -Remaining { Find-MarkedRecipient -Desired $Desired -Type 'SharedMailbox' }
    }
    if (-not $Desired.purge -or -not (Get-FormerClaim)) { return }

    if ($recipient) {
        Wait-Result -Subject "the removed mailbox $($recipient.PrimarySmtpAddress) among the soft-deleted ones" -Remedy 'It is removed, and not yet for good: run this same removal again.' -Action { Find-RemovedMailbox -Desired $Desired } | Out-Null
    }
    else {
        Write-Step -Message 'waiting 60 s for a soft-deleted one that an interrupted run may have left'
        Start-Sleep -Seconds 60
    }
    foreach ($mailbox in @(Find-RemovedMailbox -Desired $Desired)) {
        Write-Step -Message "purging shared mailbox $($mailbox.PrimarySmtpAddress), removed $($mailbox.WhenSoftDeleted)"
        Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal {
            # The one identity by which public code names a soft-deleted mailbox: its addresses may be another's by now.
            Remove-Mailbox -Identity ([string]$mailbox.ExchangeGuid) -PermanentlyDelete -Confirm:$false -ErrorAction Stop
        } -Remaining { Find-RemovedMailbox -Desired $Desired | Where-Object { [string]$_.ExchangeGuid -eq [string]$mailbox.ExchangeGuid } }
    }
}
