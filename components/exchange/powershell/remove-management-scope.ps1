<#
.SYNOPSIS
    Removes our management scope.
.DESCRIPTION
    Reads     what ensure-management-scope.ps1 reads
              One that a role assignment is bound to stays: a resource that was made anew has taken it up, or others use it. With
              identityOutlives, of an identity that is not ours, it stays as well.
    Needs the Exchange roles Role Management and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the management scope '$($Desired.name)'" } -CommandName @('Get-ManagementScope', 'Remove-ManagementScope', 'Get-ManagementRoleAssignment') -Action {
    param($Desired)
    $scope = Find-Removable -Search { Find-ManagementScope -Name $Desired.name }
    if (-not $scope) {
        Write-Step -Message 'there is none: nothing to remove'
        return
    }
    if (Test-Outlived -Desired $Desired -Subject "the management scope '$($Desired.name)'" -Hours 2 -Removal "Remove-ManagementScope -Identity '$($Desired.name)'") { return }
    $mailboxId = $Desired.mailboxId
    # Given by its address, it is the one that this stack found there.
    if (-not $mailboxId) { $mailboxId = [string](Get-FormerOutput | ForEach-Object { $_.mailboxId }) }
    if (@(Get-ScopeDifference -Scope $scope -MailboxId $mailboxId).Count -gt 0) {
        Stop-Convergence -Reason "somebody changed it: it holds '$($scope.RecipientFilter)'. It was not removed. If nobody needs it: Remove-ManagementScope -Identity '$($Desired.name)', and run the removal again."
    }
    $assignments = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -Action { Get-ManagementRoleAssignment -ErrorAction Stop })
    $bound = @($assignments | Where-Object { [string]$_.CustomResourceScope -eq $Desired.name })
    if ($bound.Count -gt 0) {
        Write-Step -Message "warning: it stays, since roles are bound to it: $(@($bound | ForEach-Object { $_.Name }) -join ', '). A resource that was made anew has taken it up. If no stack has it, remove it by hand."
        return
    }
    Write-Step -Message "removing the management scope '$($Desired.name)'"
    Invoke-Removal -Cmdlet 'Remove-ManagementScope' -Removal {
        Remove-ManagementScope -Identity $Desired.name -Confirm:$false -ErrorAction Stop
    } -Remaining { Find-ManagementScope -Name $Desired.name }
}
