<#
.SYNOPSIS
    Removes the application access policies on our group, then the group; leaves a group that was
    adopted.

.DESCRIPTION
    Reads the same object as ensure-mail-enabled-security-group.ps1. Only the group that carries our
    mark is touched.

    The policies go here, and not with a script of their own, because a policy must outlive the identity
    that it confines: Pulumi removes the group after the workflow, and would remove a policy that had a
    script of its own before it. A policy is ours when its scope is our group. An adopted group keeps
    its policies: another application may be confined by it.

    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only
    Recipients and Organization Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'removing the mail-enabled security group'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "removing the mail-enabled security group $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @(
        'Get-Recipient', 'Set-DistributionGroup', 'Remove-DistributionGroup', 'Get-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy')

    $group = Find-MarkedRecipient -Mark $desired.mark -Address $desired.address -RecipientTypeDetails 'MailUniversalSecurityGroup'
    if (-not $group) {
        Write-Step -Message "no mail-enabled security group carries the mark '$($desired.mark)': nothing to remove"
    }
    elseif ($group.CustomAttribute15 -ceq "$($desired.mark) adopted") {
        Write-Step -Message "$($group.PrimarySmtpAddress) was adopted, not created, by this stack: it stays with the policies on it, without our mark"
        $unmarked = @{ CustomAttribute15 = $null }
        Invoke-WithRetry -Cmdlet 'Set-DistributionGroup' -Action {
            Set-DistributionGroup -Identity ([string]$group.Guid) @unmarked -BypassSecurityGroupManagerCheck -ErrorAction Stop
        }
    }
    else {
        foreach ($policy in @(Get-PolicyOnGroup -Group $group)) {
            Write-Step -Message "removing the application access policy $($policy.Identity)"
            Invoke-Removal -Cmdlet 'Remove-ApplicationAccessPolicy' -Removal { Remove-ApplicationAccessPolicy -Identity $policy.Identity -Confirm:$false -ErrorAction Stop }
        }
        Write-Step -Message "removing mail-enabled security group $($group.PrimarySmtpAddress)"
        Invoke-Removal -Cmdlet 'Remove-DistributionGroup' -Removal {
            Assert-Removable -Recipient $group -Mark $desired.mark -Address $desired.address
            Remove-DistributionGroup -Identity ([string]$group.Guid) -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop
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
