<#
.SYNOPSIS
    Removes our shared mailbox, recoverable for 30 days or for good; leaves one that was adopted, without our mark.
.DESCRIPTION
    Reads     what ensure-shared-mailbox.ps1 reads, and "purge":true for a removal that cannot be undone
              What is to be purged is given a display name that says so first, and only a soft-deleted mailbox with our mark and
              that name is purged: not one that an earlier deployment left recoverable, but one that an interrupted removal left.
    Needs the Exchange roles Mail Recipient Creation, Mail Recipients, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

function Find-DoomedMailbox {
    <# .SYNOPSIS Lists the soft-deleted mailboxes that this script removed in order to purge them. #>
    param([Parameter(Mandatory)] [string] $Mark, [Parameter(Mandatory)] [string] $DisplayName)
    # The list is read whole and filtered here: what follows cannot be undone.
    $softDeleted = @(Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited -ErrorAction Stop })
    $softDeleted | Where-Object { $_.CustomAttribute15 -ceq $Mark -and $_.DisplayName -ceq $DisplayName -and $_.RecipientTypeDetails -eq 'SharedMailbox' -and $_.ExchangeGuid }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the shared mailbox $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-Mailbox', 'Set-Mailbox', 'Remove-Mailbox') -Action {
    param($Desired)
    $doomed = "$($Desired.mark) to be purged"
    $found = @{ Mark = $Desired.mark; Address = $Desired.address; RecipientTypeDetails = 'SharedMailbox' }
    $recipient = Find-MarkedRecipient @found
    if (-not $recipient) {
        Write-Step -Message "no shared mailbox carries the mark '$($Desired.mark)': nothing to remove"
        if ($Desired.purge) {
            # One that an interrupted run has just removed takes a moment to show.
            Write-Step -Message 'waiting 60 s for a soft-deleted one that an interrupted run may have left'
            Start-Sleep -Seconds 60
        }
    }
    elseif ($recipient.CustomAttribute15 -ceq "$($Desired.mark) adopted") {
        Write-Step -Message "$($recipient.PrimarySmtpAddress) was adopted, not created, by this stack: it stays, without our mark"
        $unmarked = @{ CustomAttribute15 = $null }
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -Action { Set-Mailbox -Identity ([string]$recipient.Guid) @unmarked -ErrorAction Stop }
    }
    else {
        if ($Desired.purge) {
            # The mark as well: a half-made mailbox has it in its display name only.
            $changes = @{ DisplayName = $doomed; CustomAttribute15 = $Desired.mark }
            Invoke-Removal -Cmdlet 'Set-Mailbox' -Removal {
                Assert-Removable -Recipient $recipient -Desired $Desired
                Set-Mailbox -Identity ([string]$recipient.Guid) @changes -ErrorAction Stop
            } -Remaining { Find-MarkedRecipient @found }
        }
        Write-Step -Message "removing shared mailbox $($recipient.PrimarySmtpAddress)"
        Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal {
            Assert-Removable -Recipient $recipient -Desired $Desired
            Remove-Mailbox -Identity ([string]$recipient.Guid) -Confirm:$false -ErrorAction Stop
        } -Remaining { Find-MarkedRecipient @found }
        if ($Desired.purge) {
            Wait-Result -Subject "the removed mailbox $($recipient.PrimarySmtpAddress) among the soft-deleted ones" -Action {
                Find-DoomedMailbox -Mark $Desired.mark -DisplayName $doomed
            } | Out-Null
        }
    }

    if ($Desired.purge) {
        foreach ($mailbox in @(Find-DoomedMailbox -Mark $Desired.mark -DisplayName $doomed)) {
            Write-Step -Message "purging shared mailbox $($mailbox.PrimarySmtpAddress), removed $($mailbox.WhenSoftDeleted)"
            Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal {
                # The one identity by which public code names a soft-deleted mailbox: its addresses may be another's by now.
                Remove-Mailbox -Identity ([string]$mailbox.ExchangeGuid) -PermanentlyDelete -Confirm:$false -ErrorAction Stop
            } -Remaining { Find-DoomedMailbox -Mark $Desired.mark -DisplayName $doomed | Where-Object { [string]$_.ExchangeGuid -eq [string]$mailbox.ExchangeGuid } }
        }
    }
}
