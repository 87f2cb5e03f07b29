<#
.SYNOPSIS
    Removes our shared mailbox; leaves one that was adopted.

.DESCRIPTION
    Reads the same object as ensure-shared-mailbox.ps1. Only the mailbox that carries our mark is
    touched: one that we created is removed (Exchange keeps it, recoverable, for 30 days), one that we
    adopted loses its mark and stays. No mailbox with our mark means that there is nothing to do.

    Needs the Exchange roles Mail Recipient Creation, Mail Recipients and View-Only Recipients.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'removing the shared mailbox'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "removing the shared mailbox $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Set-Mailbox', 'Remove-Mailbox')

    $recipient = Find-MarkedRecipient -Mark $desired.mark -RecipientTypeDetails 'SharedMailbox'
    if (-not $recipient) {
        Write-Step -Message "no shared mailbox carries the mark '$($desired.mark)': nothing to remove"
    }
    elseif ($recipient.CustomAttribute15 -eq "$($desired.mark) adopted") {
        Write-Step -Message "$($recipient.PrimarySmtpAddress) was adopted, not created, by this stack: it stays, without our mark"
        $unmarked = @{ CustomAttribute15 = $null }
        Invoke-WithRetry -Action { Set-Mailbox -Identity ([string]$recipient.Guid) @unmarked -ErrorAction Stop }
    }
    else {
        Write-Step -Message "removing shared mailbox $($recipient.PrimarySmtpAddress)"
        Invoke-Removal -Removal { Remove-Mailbox -Identity ([string]$recipient.Guid) -Confirm:$false -ErrorAction Stop }
    }
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
