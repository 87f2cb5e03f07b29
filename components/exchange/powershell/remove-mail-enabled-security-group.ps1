<#
.SYNOPSIS
    Removes the application access policies on our group, then the group; leaves one that was adopted, with its policies.
.DESCRIPTION
    Reads     what ensure-mail-enabled-security-group.ps1 reads
              The policies go here, and not with a script of their own, because a policy must outlive the identity that it confines:
              Pulumi removes the group after the workflow, and would remove a policy that had a script of its own before it. A policy
              is ours when its scope is our group. On an adopted group another application may be confined by one.
    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only Recipients and Organization Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the mail-enabled security group $($Desired.address)" } -CommandName @('Get-Recipient', 'Set-DistributionGroup', 'Remove-DistributionGroup', 'Get-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy') -Action {
    param($Desired)
    $found = @{ Mark = $Desired.mark; Address = $Desired.address; RecipientTypeDetails = 'MailUniversalSecurityGroup' }
    $group = Find-MarkedRecipient @found
    if (-not $group) {
        Write-Step -Message "no mail-enabled security group carries the mark '$($Desired.mark)': nothing to remove"
    }
    elseif ($group.CustomAttribute15 -ceq "$($Desired.mark) adopted") {
        Write-Step -Message "$($group.PrimarySmtpAddress) was adopted, not created, by this stack: it stays with the policies on it, without our mark"
        $unmarked = @{ CustomAttribute15 = $null }
        Invoke-WithRetry -Cmdlet 'Set-DistributionGroup' -Action { Set-DistributionGroup -Identity ([string]$group.Guid) @unmarked -BypassSecurityGroupManagerCheck -ErrorAction Stop }
    }
    else {
        foreach ($policy in @(Get-PolicyOnGroup -Group $group)) {
            Write-Step -Message "removing the application access policy $($policy.Identity)"
            Remove-Policy -Policy $policy -Group $group
        }
        Write-Step -Message "removing mail-enabled security group $($group.PrimarySmtpAddress)"
        Invoke-Removal -Cmdlet 'Remove-DistributionGroup' -Removal {
            Assert-Removable -Recipient $group -Desired $Desired
            Remove-DistributionGroup -Identity ([string]$group.Guid) -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop
        } -Remaining { Find-MarkedRecipient @found }
    }
}
