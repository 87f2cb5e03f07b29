<#
.SYNOPSIS
    Removes the released application access policies on our group, then the group; leaves one that was adopted, with its policies.
.DESCRIPTION
    Reads     what ensure-mail-enabled-security-group.ps1 reads; the claim is in its former output (PULUMI_COMMAND_STDOUT)
              The policies go here, and not with their own resource, because a policy must outlive the identity that it confines: Pulumi
              removes the group after the workflow, and what a policy restricts before it. So release-application-access-policy.ps1
              only says that a policy may go. One that nobody released may confine an identity that can still send: then nothing goes.
              With identityOutlives, of an identity that is not ours, the group stays as well, and says until when.
    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only Recipients and Organization Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the mail-enabled security group $($Desired.address)" } -CommandName @('Get-Recipient', 'Set-DistributionGroup', 'Remove-DistributionGroup', 'Get-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy') -Action {
    param($Desired)
    $group = Find-RemovableRecipient -Desired $Desired -Type 'MailUniversalSecurityGroup'
    if (-not $group) { return }
    if (Test-Adopted -Recipient $group -Desired $Desired) {
        Write-Step -Message "$($group.PrimarySmtpAddress) was adopted, not created, by this stack: it stays with the policies on it, without our mark"
        $unmarked = Get-Unmarking -Recipient $group -Desired $Desired
        Invoke-WithRetry -Cmdlet 'Set-DistributionGroup' -Action { Set-DistributionGroup -Identity ([string]$group.Guid) @unmarked -BypassSecurityGroupManagerCheck -ErrorAction Stop }
        return
    }
    $policies = @(Get-PolicyOnGroup -Group $group)
    $hours = if ($policies.Count -gt 0) { 24 } else { 2 }
    if (Test-Outlived -Desired $Desired -Subject "the mail-enabled security group $($group.PrimarySmtpAddress)" -Hours $hours -Removal "Remove-DistributionGroup -Identity '$($group.PrimarySmtpAddress)' -BypassSecurityGroupManagerCheck, after the policies on it") { return }
    foreach ($policy in $policies) {
        if (-not (Test-Released -Policy $policy)) {
            Stop-Convergence -Reason "the application access policy of the application $($policy.AppId) on it was not released: what it confines may still hold permissions, and would reach every mailbox of the organisation. Nothing was removed. If the application is this stack's, run 'python -m operations.recover' and 'pulumi up', and then the removal again. Otherwise take its Graph permissions away, wait until its tokens have expired (a day), then: Remove-ApplicationAccessPolicy -Identity '$($policy.Identity)'"
        }
    }
    foreach ($policy in $policies) {
        Write-Step -Message "removing the application access policy $($policy.Identity)"
        Remove-Policy -Policy $policy -Group $group
    }
    Write-Step -Message "removing mail-enabled security group $($group.PrimarySmtpAddress)"
    Invoke-Removal -Cmdlet 'Remove-DistributionGroup' -Removal {
        Assert-Removable -Recipient $group -Desired $Desired
        Remove-DistributionGroup -Identity ([string]$group.Guid) -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop
    } -Remaining { Find-MarkedRecipient -Desired $Desired -Type 'MailUniversalSecurityGroup' }
}
