<#
.SYNOPSIS
    Lets the identities of the pipelines work in Exchange Online, with the roles that they need and no others.

.DESCRIPTION
    Run once by an Exchange administrator after `pulumi up` in this folder, and again whenever that
    changed something. Reads from standard input what `pulumi stack output exchange --json` prints:
      organization, exchangeEnvironmentName   where to connect
      cmdlets         what the scripts of this project use: a list of { name, parameters }
      applications    a list of { displayName, clientId, objectId, roles, delegatedRoles, childRoles }

    childRoles, a list of { name, parent, readsOnly }, are roles of ours among the roles: each holds of its parent the cmdlets and
    parameters that are used, and no others; of those with readsOnly the Get- and Test- alone. They are made where they are not
    there, and brought to that where they are.

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

function Get-UsedEntry {
    <#
    .SYNOPSIS
        What a role of ours has to hold: the parameters of each cmdlet, of those that the parent holds and the scripts use.
    #>
    param([Parameter(Mandatory)] [string] $Parent, [Parameter(Mandatory)] [object[]] $Used)
    # What every cmdlet has gives nothing by itself, and is needed to run one without a person.
    $common = @('Confirm', 'Debug', 'ErrorAction', 'ErrorVariable', 'InformationAction', 'InformationVariable', 'OutBuffer', 'OutVariable', 'PipelineVariable', 'Verbose', 'WarningAction', 'WarningVariable', 'WhatIf')
    $parameters = @{}
    foreach ($cmdlet in $Used) { $parameters[$cmdlet.name] = @($cmdlet.parameters) + $common }
    $wanted = @{}
    $entries = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleEntry' -Action { Get-ManagementRoleEntry -Identity "$Parent\*" -ResultSize Unlimited -ErrorAction Stop })
    foreach ($entry in $entries) {
        if (-not $parameters.ContainsKey($entry.Name)) { continue }
        $kept = $parameters[$entry.Name]
        $wanted[$entry.Name] = @($entry.Parameters | Where-Object { $kept -contains $_ })
    }
    if ($wanted.Count -eq 0) { Stop-Convergence -Reason "Exchange shows no cmdlet of the role $Parent that the scripts use. Whoever runs this needs the Exchange role Role Management." }
    $wanted
}

function Get-EntryDifference {
    <# .SYNOPSIS What a role of ours holds otherwise than it has to: { Change, Name } of each cmdlet, with Add, Set or Remove. #>
    param([Parameter(Mandatory)] [string] $Role, [Parameter(Mandatory)] [hashtable] $Wanted)
    $entries = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleEntry' -NotFoundIsTransient -Action { Get-ManagementRoleEntry -Identity "$Role\*" -ResultSize Unlimited -ErrorAction Stop })
    foreach ($entry in $entries) {
        if (-not $Wanted.ContainsKey($entry.Name)) {
            [pscustomobject]@{ Change = 'Remove'; Name = $entry.Name }
            continue
        }
        $due = @($Wanted[$entry.Name])
        $held = @($entry.Parameters)
        $other = @($held | Where-Object { $due -notcontains $_ }) + @($due | Where-Object { $held -notcontains $_ })
        if ($other.Count -gt 0) { [pscustomobject]@{ Change = 'Set'; Name = $entry.Name } }
    }
    $names = @($entries | ForEach-Object { $_.Name })
    foreach ($name in @($Wanted.Keys | Where-Object { $names -notcontains $_ } | Sort-Object)) { [pscustomobject]@{ Change = 'Add'; Name = $name } }
}

function Update-ChildRole {
    <# .SYNOPSIS Makes a role of ours, or brings it to what the scripts use; only then may it be assigned. #>
    param([Parameter(Mandatory)] [object] $Child, [Parameter(Mandatory)] [object[]] $Used)
    $role = $Child.name
    $wanted = Get-UsedEntry -Parent $Child.parent -Used $Used
    $enabled = @($wanted.Keys | Sort-Object)
    $made = Invoke-WithRetry -Cmdlet 'New-ManagementRole' -TakenIsTransient -Action {
        $found = @(Get-ManagementRole -ErrorAction Stop | Where-Object { $_.Name -eq $role })
        if ($found.Count -gt 0) { return $found[0] }
        Write-Step -Message "making the role $role of $($enabled.Count) cmdlets of $($Child.parent)"
        New-ManagementRole -Name $role -Parent $Child.parent -EnabledCmdlets $enabled -ErrorAction Stop
    }
    # With the organisation before it, or without.
    $parent = [string]$made.Parent
    if ($parent -ne $Child.parent -and $parent -notlike "*\$($Child.parent)") {
        Stop-Convergence -Reason "the role $role is there already, and a child of '$parent', not of $($Child.parent). It was not taken. If nobody needs it: Remove-ManagementRole -Identity '$role', and run this again."
    }
    foreach ($difference in @(Get-EntryDifference -Role $role -Wanted $wanted)) {
        $entry = "$role\$($difference.Name)"
        $due = @($wanted[$difference.Name])
        Write-Step -Message "$($difference.Change): $entry"
        if ($difference.Change -eq 'Remove') {
            Invoke-WithRetry -Cmdlet 'Remove-ManagementRoleEntry' -NotFoundIsTransient -Action { Remove-ManagementRoleEntry -Identity $entry -Confirm:$false -ErrorAction Stop }
        }
        elseif ($difference.Change -eq 'Add') {
            Invoke-WithRetry -Cmdlet 'Add-ManagementRoleEntry' -NotFoundIsTransient -Action { Add-ManagementRoleEntry -Identity $entry -Parameters $due -ErrorAction Stop }
        }
        else {
            Invoke-WithRetry -Cmdlet 'Set-ManagementRoleEntry' -NotFoundIsTransient -Action { Set-ManagementRoleEntry -Identity $entry -Parameters $due -ErrorAction Stop }
        }
    }
    # Read back: nobody is to get a role that holds more than was meant.
    $null = Wait-Result -Subject "the role $role with what it was given, and nothing else," -Action { @(Get-EntryDifference -Role $role -Wanted $wanted).Count -eq 0 }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "roles of the pipelines in $($Desired.organization)" } -CommandName @('Get-ServicePrincipal', 'New-ServicePrincipal', 'Get-ManagementRoleAssignment', 'New-ManagementRoleAssignment', 'Get-ManagementRole', 'New-ManagementRole', 'Get-ManagementRoleEntry', 'Add-ManagementRoleEntry', 'Set-ManagementRoleEntry', 'Remove-ManagementRoleEntry') -Action {
    param($Desired)
    $observed = @()
    foreach ($application in @($Desired.applications)) {
        try {
            $objectId = $application.objectId
            $children = @(($application | Select-Object -Property 'childRoles').childRoles | Where-Object { $_ })
            foreach ($child in $children) {
                $used = @($Desired.cmdlets | Where-Object { -not $child.readsOnly -or $_.name -match '^(Get|Test)-' })
                Update-ChildRole -Child $child -Used $used
            }
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
