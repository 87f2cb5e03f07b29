<#
.SYNOPSIS
    Writes into the description of an application access policy that its identity is about to go. Removes nothing.
.DESCRIPTION
    Reads     what ensure-application-access-policy.ps1 reads; the claim is in its former output (PULUMI_COMMAND_STDOUT)
              Pulumi deletes a policy before the identity that it confines, and an application without a policy reaches every mailbox.
              So the policy stays, and remove-mail-enabled-security-group.ps1, which comes after the identity, removes those released.
              With identityOutlives the identity is not ours: its policy is not released either, and says until when it stays.
    Needs the Exchange roles Organization Configuration and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "releasing the application access policy of $($Desired.appId) on $($Desired.groupAddress)" } -CommandName @('Get-ApplicationAccessPolicy', 'Set-ApplicationAccessPolicy') -Action {
    param($Desired)
    $claimed = @(Get-ClaimedPolicy -AppId $Desired.appId -Claim (Get-FormerClaim))
    if ($claimed.Count -eq 0) {
        Write-Step -Message "no application access policy of $($Desired.appId) has the claim '$(Get-FormerClaim)': it is gone or released, or a resource that was made anew has taken it up. Nothing is released"
    }
    foreach ($policy in $claimed) {
        if (Test-Outlived -Desired $Desired -Subject "the application access policy of $($policy.AppId)" -Hours 24 -Removal "Remove-ApplicationAccessPolicy -Identity '$($policy.Identity)'") { continue }
        Write-Step -Message "releasing the application access policy $($policy.Identity)"
        Invoke-Removal -Cmdlet 'Set-ApplicationAccessPolicy' -Removal {
            Set-ApplicationAccessPolicy -Identity $policy.Identity -Description 'released' -ErrorAction Stop
        } -Remaining { Get-ClaimedPolicy -AppId $Desired.appId -Claim (Get-FormerClaim) }
    }
}
