<#
.SYNOPSIS
    Finds what a stack left in Exchange Online after it was destroyed. Changes nothing.

.DESCRIPTION
    Reads { organization, exchangeEnvironmentName, mark } from standard input: mark is project/stack, with
    which the mark of every object of that stack begins. Mailboxes, groups, and mailboxes that are still
    recoverable count. Policies go with their group and carry no mark.

    Writes { found: [ address ] }, and ends with 1 where there is any.

    Needs the Exchange roles View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/ExchangeObject.psm1" -Force

$connection = $null
$code = 0
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-Mailbox')
    $all = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -ResultSize Unlimited -ErrorAction Stop })
    $all += @(Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -SoftDeletedMailbox -ResultSize Unlimited -ErrorAction Stop })
    # An object that was cut off between its creation and its marking has the mark as display name.
    $left = @($all | Where-Object {
            $_.CustomAttribute15 -like "$($desired.mark)/*" -or $_.DisplayName -like "$($desired.mark)/*"
        })
    foreach ($object in $left) {
        Write-Step -Message "left behind: $($object.PrimarySmtpAddress), $($object.DisplayName)"
    }
    Write-ObservedObject -InputObject ([pscustomobject]@{ found = @($left | ForEach-Object { [string]$_.PrimarySmtpAddress }) })
    if ($left.Count -gt 0) { $code = 1 }
}
catch {
    Write-Failure -Subject 'looking for what is left behind' -ErrorRecord $_
    $code = 1
}
finally {
    Disconnect-Organization -Connection $connection
}
exit $code
