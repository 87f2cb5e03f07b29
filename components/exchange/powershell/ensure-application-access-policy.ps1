<#
.SYNOPSIS
    Makes sure that an application is restricted to the members of a mail-enabled security group.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      appId          application (client) id of the identity; not its object id, with which a policy
                     would be stored and would confine nobody
      groupAddress   primary SMTP address of the group
      description    text of the policy; all policies of a tenant share a limited space
      retireFormer   whether the policy of the application that this one takes the place of is removed
                     afterwards: where that was an identity of ours, which no longer exists

    Which application that was stands in the state, and nowhere else: Pulumi hands the line that this
    script wrote the last time on in PULUMI_COMMAND_STDOUT. No other policy on the group is touched,
    since without it the application of somebody else would reach the whole organisation.

    The new policy is made before an old one is removed: two RestrictAccess policies add up, while an
    application with none at all reaches the whole organisation.

    There is no script that removes a policy by itself: see remove-mail-enabled-security-group.ps1.

    Writes { appId, groupAddress }.

    Needs the Exchange roles Organization Configuration, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'application access policy'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "application access policy of $($desired.appId) on $($desired.groupAddress)"
    $connection = Connect-Organization -Desired $desired -CommandName @(
        'Get-Recipient', 'Get-ApplicationAccessPolicy', 'New-ApplicationAccessPolicy', 'Set-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy')

    $group = Get-ExistingRecipient -Address $desired.groupAddress
    if (-not $group.IsValidSecurityPrincipal -or $group.RecipientTypeDetails -ne 'MailUniversalSecurityGroup') {
        throw "it is a $($group.RecipientTypeDetails). The scope of a policy must be a mail-enabled security group."
    }

    $policy = Invoke-WithRetry -Cmdlet 'New-ApplicationAccessPolicy' -NotFoundIsTransient -Action {
        $existing = @(Select-RestrictingPolicy -Policy @(Get-PolicyOnGroup -Group $group) -AppId $desired.appId)
        if ($existing.Count -gt 0) { return $existing[0] }
        Write-Step -Message "restricting application $($desired.appId) to the members of $($desired.groupAddress)"
        $created = New-ApplicationAccessPolicy -AccessRight RestrictAccess -AppId $desired.appId -PolicyScopeGroupId $desired.groupAddress -Description $desired.description -ErrorAction Stop
        # The scope is given by an address and kept by an id: were it another recipient's, the policy would
        # let the application reach that one's members.
        if (@(Select-PolicyOnGroup -Policy @($created) -Group $group).Count -ne 1) {
            throw "Exchange Online stored the policy $($created.Identity) with the scope '$($created.ScopeName)', which is not this group ($($group.ExternalDirectoryObjectId)). Nothing was granted. Remove that policy with Remove-ApplicationAccessPolicy, and see which other recipient $($desired.groupAddress) stands for."
        }
        $created
    }
    if (@(Get-PolicyDifference -Policy $policy -Desired $desired).Count -gt 0) {
        Write-Step -Message "setting Description of the policy $($policy.Identity)"
        Invoke-WithRetry -Cmdlet 'Set-ApplicationAccessPolicy' -NotFoundIsTransient -Action {
            Set-ApplicationAccessPolicy -Identity $policy.Identity -Description $desired.description -ErrorAction Stop
        }
    }

    $former = @($env:PULUMI_COMMAND_STDOUT -split "`n" | Where-Object { $_ -like '{*' })
    if ($desired.retireFormer -and $former.Count -gt 0) {
        $formerAppId = (ConvertFrom-DesiredJson -Json $former[0]).appId
        $retired = @()
        if ($formerAppId -ne $desired.appId) {
            $retired = @(Select-RestrictingPolicy -Policy @(Get-PolicyOnGroup -Group $group) -AppId $formerAppId)
        }
        foreach ($other in $retired) {
            Write-Step -Message "removing the policy of the former identity $($other.AppId)"
            Invoke-Removal -Cmdlet 'Remove-ApplicationAccessPolicy' -Removal { Remove-ApplicationAccessPolicy -Identity $other.Identity -Confirm:$false -ErrorAction Stop }
        }
    }

    Write-ObservedObject -InputObject ([ordered]@{
            appId        = $desired.appId
            groupAddress = $desired.groupAddress
        })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
