<#
.SYNOPSIS
    Removes an application access policy with its own command: what the project does not do.

.DESCRIPTION
    Pulumi runs it before it deletes the workflow, whose identity is then unconfined for as long as its
    last token lives. Only the tests use it, to see that this is noticed.

    Reads the same object as ensure-application-access-policy.ps1.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Import-Module -Name "$PSScriptRoot/../../../components/exchange/powershell/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the policy of $($Desired.appId)" } -CommandName @('Get-Recipient', 'Get-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy') -Action {
    param($Desired)
    $group = Get-ExistingRecipient -Address $Desired.groupAddress
    foreach ($policy in @(Get-PolicyOnGroup -Group $group)) {
        Remove-ApplicationAccessPolicy -Identity $policy.Identity -Confirm:$false -ErrorAction Stop
    }
}
