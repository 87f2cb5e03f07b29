<#
.SYNOPSIS
    Makes sure that an application is restricted to the members of a mail-enabled security group.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"appId":"<application (client) id>","groupAddress":"senders@contoso.com","description":"Restrict this app","retireFormer":true}
              Never the object id as appId: a policy of that would be stored, and confine nobody. With retireFormer, the policy of the
              application that this script wrote the last time (PULUMI_COMMAND_STDOUT) is removed after the new one is made: two add
              up, while none at all means the whole organisation. No other is touched. remove-mail-enabled-security-group.ps1 removes.
    Writes    {"appId":"...","groupAddress":"...","claim":"3f2c9a1b"}
    Needs the Exchange roles Organization Configuration, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "application access policy of $($Desired.appId) on $($Desired.groupAddress)" } -CommandName @('Get-Recipient', 'Get-ApplicationAccessPolicy', 'New-ApplicationAccessPolicy', 'Set-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy') -Action {
    param($Desired)
    $group = Get-ExistingRecipient -Address $Desired.groupAddress
    if (-not $group.IsValidSecurityPrincipal -or $group.RecipientTypeDetails -ne 'MailUniversalSecurityGroup') {
        Stop-Convergence -Reason "it is a $($group.RecipientTypeDetails). The scope of a policy must be a mail-enabled security group."
    }
    $former = Get-FormerOutput | Select-Object -Property 'appId'
    $new = New-Claim
    $policy = Invoke-WithRetry -Cmdlet 'New-ApplicationAccessPolicy' -NotFoundIsTransient -TakenIsTransient -Action {
        $existing = @(Select-RestrictingPolicy -Policy @(Get-PolicyOnGroup -Group $group) -AppId $Desired.appId)
        if ($existing.Count -gt 0) { return $existing[0] }
        Write-Step -Message "restricting application $($Desired.appId) to the members of $($Desired.groupAddress)"
        $created = New-ApplicationAccessPolicy -AccessRight RestrictAccess -AppId $Desired.appId -PolicyScopeGroupId $Desired.groupAddress -Description "$($Desired.description) $new" -ErrorAction Stop
        # The scope is given by an address and kept by an id: were it another recipient's, the policy would let the
        # application reach that one's members.
        if (@(Select-PolicyOnGroup -Policy @($created) -Group $group).Count -ne 1) {
            Stop-Convergence -Reason "Exchange Online stored the policy with the scope '$($created.ScopeName)', which is not this group ($($group.ExternalDirectoryObjectId)): see which other recipient $($Desired.groupAddress) stands for, and: Remove-ApplicationAccessPolicy -Identity '$($created.Identity)'"
        }
        $created
    }
    # A policy that an earlier removal has released is taken into use again here, before any proof.
    $claim = Select-Claim -Carried $policy.Description -New $new
    foreach ($difference in @(Get-PolicyDifference -Policy $policy -Desired $Desired -Claim $claim)) {
        Write-Step -Message "setting Description of the policy $($policy.Identity)"
        Invoke-WithRetry -Cmdlet 'Set-ApplicationAccessPolicy' -NotFoundIsTransient -Action { Set-ApplicationAccessPolicy -Identity $policy.Identity -Description $difference.Expected -ErrorAction Stop }
    }

    if ($Desired.retireFormer -and $former -and $former.appId -and $former.appId -ne $Desired.appId) {
        foreach ($other in @(Select-RestrictingPolicy -Policy @(Get-PolicyOnGroup -Group $group) -AppId $former.appId | Where-Object { $_.Description -like "* $(Get-FormerClaim)" })) {
            Write-Step -Message "removing the policy of the former identity $($other.AppId)"
            Remove-Policy -Policy $other -Group $group
        }
    }
    [ordered]@{ appId = $Desired.appId; groupAddress = $Desired.groupAddress; claim = $claim }
}
