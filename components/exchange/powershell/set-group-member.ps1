<#
.SYNOPSIS
    Gives our mail-enabled security group exactly the members of a list.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      groupMark      the owner of the group: project/stack/name
      groupAddress   primary SMTP address of the group, for messages
      members        addresses of the mailboxes that shall be in it, and no others

    The members are the mailboxes that the application may use. Strangers are removed first and missing
    members added afterwards: in between the application reaches less than it should, never more.
    Remove- and Add-DistributionGroupMember change one member each, so the audit log shows who went and
    who came; Update-DistributionGroupMember would rewrite the list, and show only that it did.

    Writes { members }.

    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only
    Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'members of the group'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "members of the group $($desired.groupAddress)"
    $connection = Connect-Organization -Desired $desired -CommandName @(
        'Get-Recipient', 'Get-DistributionGroupMember', 'Add-DistributionGroupMember', 'Remove-DistributionGroupMember')

    $group = Get-OwnedRecipient -Mark $desired.groupMark -Address $desired.groupAddress -RecipientTypeDetails 'MailUniversalSecurityGroup'
    $guid = [string]$group.Guid
    $wanted = @($desired.members | ForEach-Object { Get-ExistingRecipient -Address $_ })
    $present = @(Invoke-WithRetry -Cmdlet 'Get-DistributionGroupMember' -NotFoundIsTransient -Action { Get-DistributionGroupMember -Identity $guid -ResultSize Unlimited -ErrorAction Stop })
    $membership = Compare-Membership -Present $present -Wanted $wanted

    foreach ($member in $membership.Strays) {
        Write-Step -Message "removing $($member.PrimarySmtpAddress) from $($desired.groupAddress)"
        Invoke-WithRetry -Cmdlet 'Remove-DistributionGroupMember' -NotFoundIsTransient -Action {
            try {
                Remove-DistributionGroupMember -Identity $guid -Member ([string]$member.Guid) -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop
            }
            catch {
                # A former attempt, whose answer was lost, did it.
                if ($_.Exception.Message -notmatch 'MemberNotFoundException') { throw }
            }
        }
    }
    foreach ($member in $membership.Missing) {
        Write-Step -Message "adding $($member.PrimarySmtpAddress) to $($desired.groupAddress)"
        Invoke-WithRetry -Cmdlet 'Add-DistributionGroupMember' -NotFoundIsTransient -Action {
            try {
                Add-DistributionGroupMember -Identity $guid -Member ([string]$member.Guid) -BypassSecurityGroupManagerCheck -ErrorAction Stop
            }
            catch {
                # A former attempt, whose answer was lost, did it.
                if ($_.Exception.Message -notmatch 'MemberAlreadyExistsException') { throw }
            }
        }
    }

    Write-ObservedObject -InputObject ([ordered]@{ members = @($desired.members) })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
