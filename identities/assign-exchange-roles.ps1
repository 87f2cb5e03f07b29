<#
.SYNOPSIS
    Lets the identities of the pipelines work in Exchange Online, with the roles that they need and no others.

.DESCRIPTION
    Run once by an Exchange administrator after `pulumi up` in this folder, and again whenever that
    changed something. Reads from standard input what `pulumi stack output exchange --json` prints:
      organization, exchangeEnvironmentName   where to connect
      applications    a list of { displayName, clientId, objectId, roles, delegatedRoles }

    For each application it creates Exchange's pointer to the enterprise application where there is none,
    and assigns the roles that are missing; delegatedRoles, where there are any, are those that it may assign
    to others, for senders with scoping: rbac. It takes nothing away: a role that is not in the list is named in a
    warning. Exchange takes 30 minutes to two hours to let new roles act.

    Roles are assigned to the application itself. The Entra role Exchange Administrator would do as well, and
    can change everything in Exchange.

    Writes { applications }: each with the roles that it holds.

    Needs the Exchange roles View-Only Configuration, and Role Management, with which whoever runs it could
    assign any role: it is for a person, not for a pipeline.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "roles of the pipelines in $($Desired.organization)" } -CommandName @('Get-ServicePrincipal', 'New-ServicePrincipal', 'Get-ManagementRoleAssignment', 'New-ManagementRoleAssignment') -Action {
    param($Desired)
    $observed = @()
    foreach ($application in @($Desired.applications)) {
        try {
            $objectId = $application.objectId
            # All of them are listed, because an unknown -Identity is documented to return everything as well.
            $principals = @(Invoke-WithRetry -Cmdlet 'Get-ServicePrincipal' -Action { Get-ServicePrincipal -ErrorAction Stop })
            if (@($principals | Where-Object { [string]$_.ObjectId -eq $objectId }).Count -eq 0) {
                Write-Step -Message "making $($application.displayName) known to Exchange"
                $null = Invoke-WithRetry -Cmdlet 'New-ServicePrincipal' -NotFoundIsTransient -Action {
                    New-ServicePrincipal -AppId $application.clientId -ObjectId $objectId -DisplayName $application.displayName -ErrorAction Stop
                }
            }
            $assignments = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -NotFoundIsTransient -Action { Get-ManagementRoleAssignment -RoleAssignee $objectId -ErrorAction Stop })
            # A delegating assignment gives nothing but the right to assign the role.
            $held = @($assignments | Where-Object { [string]$_.RoleAssignmentDelegationType -eq 'Regular' } | ForEach-Object { [string]$_.Role })
            $delegated = @($assignments | Where-Object { [string]$_.RoleAssignmentDelegationType -like 'Delegating*' } | ForEach-Object { [string]$_.Role })
            $wanted = @(($application | Select-Object -Property 'delegatedRoles').delegatedRoles | Where-Object { $_ })
            foreach ($role in @($application.roles)) {
                if ($held -contains $role) { continue }
                Write-Step -Message "assigning $role to $($application.displayName)"
                $null = Invoke-WithRetry -Cmdlet 'New-ManagementRoleAssignment' -NotFoundIsTransient -Action {
                    New-ManagementRoleAssignment -App $objectId -Role $role -ErrorAction Stop
                }
            }
            foreach ($role in $wanted) {
                if ($delegated -contains $role) { continue }
                Write-Step -Message "letting $($application.displayName) assign $role"
                $null = Invoke-WithRetry -Cmdlet 'New-ManagementRoleAssignment' -NotFoundIsTransient -Action {
                    New-ManagementRoleAssignment -App $objectId -Role $role -Delegating -ErrorAction Stop
                }
            }
            foreach ($role in $held) {
                if (@($application.roles) -notcontains $role) {
                    Write-Step -Message "warning: $($application.displayName) also holds the role $role, which it does not need"
                }
            }
            foreach ($role in $delegated) {
                if ($wanted -notcontains $role) {
                    Write-Step -Message "warning: $($application.displayName) may also assign the role $role, which it does not need"
                }
            }
        }
        catch {
            Stop-Convergence -Reason "roles of the application $($application.displayName): $($_.Exception.Message)"
        }
        $observed += [ordered]@{ displayName = $application.displayName; roles = @($application.roles) }
    }
    [ordered]@{ applications = $observed }
}
