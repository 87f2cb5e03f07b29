<#
.SYNOPSIS
    Takes an application role back: removes our role assignment.
.DESCRIPTION
    Reads     what ensure-role-assignment.ps1 reads
              Graph goes on with it for half an hour, and for up to two where the application goes on calling. Where the service
              principal went first in Entra, Exchange has removed the assignment itself.
    Needs the Exchange roles Role Management, View-Only Recipients and View-Only Configuration, and a delegating assignment of the role.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the role assignment '$($Desired.name)'" } -CommandName @('Get-Recipient', 'Get-ManagementRoleAssignment', 'Remove-ManagementRoleAssignment') -Action {
    param($Desired)
    $assignment = Find-RoleAssignment -Name $Desired.name
    if (-not $assignment) {
        Write-Step -Message 'there is none: nothing to remove'
        return
    }
    # One that is switched off may go: what it was is what it is.
    $differences = @(Get-AssignmentDifference -Assignment $assignment -Desired $Desired | Where-Object { $_.Property -ne 'Enabled' } | ForEach-Object { "$($_.Property) is '$($_.Found)'" })
    if ($differences.Count -gt 0) {
        Stop-Convergence -Reason "somebody changed it: $($differences -join '; '). It was not removed. If nobody needs it: Remove-ManagementRoleAssignment -Identity '$($Desired.name)', and run the removal again."
    }
    Write-Step -Message "taking $($Desired.role) back from $($Desired.principalId)"
    Invoke-Removal -Cmdlet 'Remove-ManagementRoleAssignment' -Removal {
        Remove-ManagementRoleAssignment -Identity $Desired.name -Confirm:$false -ErrorAction Stop
    } -Remaining { Find-RoleAssignment -Name $Desired.name }
}
