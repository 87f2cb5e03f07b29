<#
.SYNOPSIS
    Finds what a stack left in Exchange Online after it was destroyed. Changes nothing.

.DESCRIPTION
    Reads { organization, exchangeEnvironmentName, mark } from standard input: mark is project/stack, with
    which the mark of every object of that stack begins. Mailboxes, groups, and mailboxes that are still
    recoverable count. Policies go with their group and carry no mark.

    Names what it finds, and then ends with 1.

    Needs the Exchange roles View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "what is left behind of $($Desired.mark)" } -CommandName @('Get-Recipient', 'Get-Mailbox') -Action {
    param($Desired)
    $all = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -ResultSize Unlimited -ErrorAction Stop })
    $all += @(Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited -ErrorAction Stop })
    # In whichever attribute the stack has its marks. An object that was cut off between its creation and its
    # marking has the mark as display name.
    $attributes = @(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 | ForEach-Object { "CustomAttribute$_" }) + @(1, 2, 3, 4, 5 | ForEach-Object { "ExtensionCustomAttribute$_" }) + 'DisplayName'
    $left = @(foreach ($recipient in $all) {
            $values = @($attributes | ForEach-Object { $recipient.$_ })
            if (@($values | Where-Object { $_ -like "$($Desired.mark)/*" }).Count -gt 0) { $recipient }
        })
    if ($left.Count -gt 0) {
        Stop-Convergence -Reason "these are left: $(@($left | ForEach-Object { "$($_.PrimarySmtpAddress) ('$($_.DisplayName)')" }) -join ', ')"
    }
    Write-Step -Message "nothing carries the mark $($Desired.mark)"
}
