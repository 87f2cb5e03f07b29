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
Import-Module -Name "$PSScriptRoot/../../../components/exchange/powershell/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'removing the application access policy'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $connection = Connect-Organization -Desired $desired -CommandName @(
        'Get-Recipient', 'Get-ApplicationAccessPolicy', 'Remove-ApplicationAccessPolicy')
    $group = Get-ExistingRecipient -Address $desired.groupAddress
    foreach ($policy in @(Get-PolicyOnGroup -Group $group)) {
        Remove-ApplicationAccessPolicy -Identity $policy.Identity -Confirm:$false -ErrorAction Stop
    }
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
