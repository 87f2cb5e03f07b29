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

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing the role assignment '$($Desired.name)'" } -CommandName @('Get-Recipient', 'Get-ServicePrincipal', 'Get-ManagementRoleAssignment', 'Remove-ManagementRoleAssignment') -Action {
    param($Desired)
    $name = $Desired.name
    $guid = ''
    $former = Get-FormerOutput
    if ($former) {
        $name = $former.name
        $guid = $former.guid
    }
    # With its pointer Exchange has removed what was assigned; and another one may have taken its place.
    $assignment = Find-Removable -Search { Find-RoleAssignment -Name $name } -Gone {
        param($Waited)
        # Who does not know the assignment yet, may not know the pointer either.
        if ($Waited -ge 60 -and -not (Find-ServicePrincipal -Id $Desired.principalId)) { return $true }
        @(Find-OwnRoleAssignment -Name $Desired.name -Assignee $Desired.principalId | Where-Object { $_.Name -ne $name }).Count -gt 0
    }
    if (-not $assignment) {
        Write-Step -Message 'there is none: nothing to remove'
        return
    }
    # One that is switched off may go: what it was is what it is.
    $differences = @(Get-AssignmentDifference -Assignment $assignment -Desired $Desired | Where-Object { $_.Property -ne 'Enabled' } | ForEach-Object { "$($_.Property) is '$($_.Found)'" })
    if ($differences.Count -gt 0) {
        Stop-Convergence -Reason "somebody changed it: $($differences -join '; '). It was not removed. If nobody needs it: Remove-ManagementRoleAssignment -Identity '$name', and run the removal again."
    }
    if ($guid -and [string]$assignment.Guid -ne $guid) {
        Write-Step -Message "warning: '$name' stays: its guid is not $guid, so a resource that was made anew has made it. If no stack has it, remove it by hand."
        return
    }
    Write-Step -Message "taking $($Desired.role) back from $($Desired.principalId)"
    Invoke-Removal -Cmdlet 'Remove-ManagementRoleAssignment' -Removal {
        Remove-ManagementRoleAssignment -Identity $name -Confirm:$false -ErrorAction Stop
    } -Remaining { Find-RoleAssignment -Name $name }
}
