<#
.SYNOPSIS
    Removes our shared mailbox; leaves one that was adopted.

.DESCRIPTION
    Reads the same object as ensure-shared-mailbox.ps1. Only the mailbox that carries our mark is
    touched: one that we created is removed (Exchange keeps it, recoverable, for 30 days), one that we
    adopted loses its mark and stays. No mailbox with our mark means that there is nothing to do. Right
    before the removal it is read again: it must still be the same and ours.

    With purge it is removed for good. What is to be purged is given a display name that says so before it is removed. Only a soft-deleted
    mailbox with our mark and that name is purged: one that an earlier deployment left recoverable is not,
    and one that an interrupted removal left is.

    Needs the Exchange roles Mail Recipient Creation, Mail Recipients, View-Only Recipients and View-Only
    Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

function Find-DoomedMailbox {
    <# .SYNOPSIS Lists the soft-deleted mailboxes that this script removed in order to purge them. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $DisplayName
    )
    # The list is read whole and filtered here: what follows cannot be undone.
    $softDeleted = @(Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited -ErrorAction Stop })
    $softDeleted | Where-Object {
        $_.CustomAttribute15 -ceq $Mark -and $_.DisplayName -ceq $DisplayName -and $_.RecipientTypeDetails -eq 'SharedMailbox' -and $_.Guid
    }
}

$connection = $null
$subject = 'removing the shared mailbox'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "removing the shared mailbox $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-Mailbox', 'Set-Mailbox', 'Remove-Mailbox')

    $doomed = "$($desired.mark) to be purged"
    $recipient = Find-MarkedRecipient -Mark $desired.mark -Address $desired.address -RecipientTypeDetails 'SharedMailbox'
    if (-not $recipient) {
        Write-Step -Message "no shared mailbox carries the mark '$($desired.mark)': nothing to remove"
        if ($desired.purge) {
            # One that an interrupted run has just removed takes a moment to show.
            Write-Step -Message 'waiting 60 s for a soft-deleted one that an interrupted run may have left'
            Start-Sleep -Seconds 60
        }
    }
    elseif ($recipient.CustomAttribute15 -ceq "$($desired.mark) adopted") {
        Write-Step -Message "$($recipient.PrimarySmtpAddress) was adopted, not created, by this stack: it stays, without our mark"
        $unmarked = @{ CustomAttribute15 = $null }
        Invoke-WithRetry -Cmdlet 'Set-Mailbox' -Action { Set-Mailbox -Identity ([string]$recipient.Guid) @unmarked -ErrorAction Stop }
    }
    else {
        if ($desired.purge) {
            # The mark as well: a half-made mailbox has it in its display name only.
            $changes = @{ DisplayName = $doomed; CustomAttribute15 = $desired.mark }
            Invoke-Removal -Cmdlet 'Set-Mailbox' -Removal {
                Assert-Removable -Recipient $recipient -Mark $desired.mark -Address $desired.address
                Set-Mailbox -Identity ([string]$recipient.Guid) @changes -ErrorAction Stop
            }
        }
        Write-Step -Message "removing shared mailbox $($recipient.PrimarySmtpAddress)"
        Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal {
            Assert-Removable -Recipient $recipient -Mark $desired.mark -Address $desired.address
            Remove-Mailbox -Identity ([string]$recipient.Guid) -Confirm:$false -ErrorAction Stop
        }
        if ($desired.purge) {
            Wait-Result -Subject "the removed mailbox $($recipient.PrimarySmtpAddress) among the soft-deleted ones" -Action {
                Find-DoomedMailbox -Mark $desired.mark -DisplayName $doomed
            } | Out-Null
        }
    }

    if ($desired.purge) {
        foreach ($mailbox in @(Find-DoomedMailbox -Mark $desired.mark -DisplayName $doomed)) {
            Write-Step -Message "purging shared mailbox $($mailbox.PrimarySmtpAddress), removed $($mailbox.WhenSoftDeleted)"
            Invoke-Removal -Cmdlet 'Remove-Mailbox' -Removal { Remove-Mailbox -Identity ([string]$mailbox.Guid) -PermanentlyDelete -Confirm:$false -ErrorAction Stop }
        }
    }
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
