<#
.SYNOPSIS
    Makes sure that an application is assigned one application role, on one management scope, group or administrative unit.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"name":"notifications Mail.Send 3f2a9c1d","principalId":"<object id>","role":"Application Mail.Send","scopeType":"CustomRecipientScope","scope":"notifications 3f2a9c1d","members":["notifications@contoso.com"]}
              With the scopeType Group, scope is the address of the group: its direct members are in the scope, others are not; with
              AdministrativeUnit, its object id. What scope or group hold is compared with members before it is bound. One of this
              name with other content is refused, never taken. What Exchange bound the assignment to is read back at once: without its scope it would open every mailbox, so it is taken back then. The assignment of a former identity,
              which this script wrote the last time (PULUMI_COMMAND_STDOUT), goes: that identity is gone, and Exchange may not know.
              One that is there already, and that another resource or a run that was cut off has made, is replaced by one whose
              name ends with a claim: the removal of that other resource, which knows its own by the guid, then leaves this one.
    Writes    {"name":"...","guid":"..."}
    Needs the Exchange roles Role Management, View-Only Recipients and View-Only Configuration, and a delegating assignment of the role.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "role assignment '$($Desired.name)'" } -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Get-ManagementScope', 'Get-ManagementRoleAssignment', 'New-ManagementRoleAssignment', 'Remove-ManagementRoleAssignment') -Action {
    param($Desired)
    # To Exchange an empty scope is none at all, and without one the role opens every mailbox.
    if ([string]::IsNullOrWhiteSpace($Desired.scope)) { Stop-Convergence -Reason 'it would have no scope, and open every mailbox. Give the name of a management scope, the address of a group, or the object id of an administrative unit. Nothing was assigned.' }
    $former = Get-FormerOutput | Select-Object -Property 'name'
    $present = @(Find-OwnRoleAssignment -Name $Desired.name -Assignee $Desired.principalId)
    $differences = @($present | ForEach-Object { Get-AssignmentDifference -Assignment $_ -Desired $Desired } | ForEach-Object { "$($_.Property) is '$($_.Found)', not '$($_.Expected)'" })
    if ($differences.Count -gt 0) {
        Stop-Convergence -Reason "it has other content: $($differences -join '; '). It was not taken. If nobody needs it: Remove-ManagementRoleAssignment -Identity '$($present[0].Name)', and deploy again."
    }
    # What is there and was not made by this resource is another's, which the engine removes after this, or nobody's any more.
    $name = $Desired.name
    $before = $present | Where-Object { $former -and $_.Name -eq $former.name } | Select-Object -First 1
    if ($before) { $name = $before.Name }
    elseif ($present.Count -gt 0) { $name = "$($Desired.name) $(New-Claim)" }
    $waited = 0
    while (-not $before) {
        $wrong = @(Get-ScopeFinding -Desired $Desired)
        if ($wrong.Count -eq 0) { break }
        if ($waited -ge 300) { Stop-Convergence -Reason "what it is to be bound to holds other mailboxes than those that are configured: $($wrong -join '; '). Nothing was assigned. Deploy again; should it stay so, look who else changes it." }
        Write-Step -Message "waiting 15 s, not yet as configured: $($wrong -join '; ')"
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
    $assignment = Invoke-WithRetry -Cmdlet 'New-ManagementRoleAssignment' -NotFoundIsTransient -TakenIsTransient -Action {
        $found = Find-RoleAssignment -Name $name
        if ($found) { return $found }
        Write-Step -Message "assigning $($Desired.role) to $($Desired.principalId) on the scope '$($Desired.scope)'"
        # By the guid, which is this very group's, even if another one gets its address or its name.
        if ($Desired.scopeType -eq 'Group') {
            $group = Get-ExistingRecipient -Address $Desired.scope
            return New-ManagementRoleAssignment -Name $name -App $Desired.principalId -Role $Desired.role -RecipientGroupScope ([string]$group.Guid) -ErrorAction Stop
        }
        if ($Desired.scopeType -eq 'AdministrativeUnit') {
            return New-ManagementRoleAssignment -Name $name -App $Desired.principalId -Role $Desired.role -RecipientAdministrativeUnitScope $Desired.scope -ErrorAction Stop
        }
        New-ManagementRoleAssignment -Name $name -App $Desired.principalId -Role $Desired.role -CustomResourceScope $Desired.scope -ErrorAction Stop
    }
    $differences = @(Get-AssignmentDifference -Assignment $assignment -Desired $Desired | ForEach-Object { "$($_.Property) is '$($_.Found)', not '$($_.Expected)'" })
    if ($differences.Count -gt 0) {
        Write-Step -Message "taking $($Desired.role) back from $($Desired.principalId)"
        try {
            # Not found yet is not gone.
            $null = Wait-Result -Subject "the role assignment '$name'" -Action { Find-RoleAssignment -Name $name }
            Remove-RoleAssignment -Name $name
        }
        catch {
            Stop-Convergence -Reason "Exchange bound it otherwise than it was told to: $($differences -join '; '). It could not be taken back ($(Get-ErrorText -ErrorRecord $_)), and may open every mailbox of the organisation until somebody does: Remove-ManagementRoleAssignment -Identity '$name'"
        }
        Stop-Convergence -Reason "Exchange bound it otherwise than it was told to: $($differences -join '; '). It was taken back at once, since it may have opened more than the scope. Deploy again; should that happen once more, report it."
    }
    # Once Exchange shows this one it also shows what runs that were cut off have made before it.
    $shown = @(Wait-Result -Subject "the role assignment '$name'" -Action {
            $own = @(Find-OwnRoleAssignment -Name $Desired.name -Assignee $Desired.principalId)
            if (@($own | Where-Object { $_.Name -eq $name }).Count -gt 0) { $own }
        })
    $others = @($shown | Where-Object { $_.Name -ne $name -and @(Get-AssignmentDifference -Assignment $_ -Desired $Desired).Count -eq 0 } | ForEach-Object { $_.Name })
    if ($former -and $others -notcontains $former.name -and $former.name -ne $name) { $others += @(Find-RoleAssignment -Name $former.name | ForEach-Object { $_.Name }) }
    foreach ($other in $others) {
        Write-Step -Message "removing the role assignment '$other', whose place this one takes"
        Remove-RoleAssignment -Name $other
    }
    [ordered]@{ name = $name; guid = [string]($shown | Where-Object { $_.Name -eq $name }).Guid }
}
