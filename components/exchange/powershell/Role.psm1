<#
.SYNOPSIS
    Exchange's service principals, management scopes and role assignments: RBAC for Applications.
.DESCRIPTION
    A service principal here is a pointer to one in Entra. What is ours goes by a name that ends in a hash of its mark:
    what else has the name is refused, never taken. https://learn.microsoft.com/exchange/permissions-exo/application-rbac
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Find-ServicePrincipal {
    <# .SYNOPSIS Finds Exchange's pointer to a service principal of Entra, by its object id or its application id; or nothing. #>
    param([Parameter(Mandatory)] [string] $Id)
    # All of them are listed, because an unknown -Identity is documented to return everything as well.
    $pointers = @(Invoke-WithRetry -Cmdlet 'Get-ServicePrincipal' -Action { Get-ServicePrincipal -ErrorAction Stop })
    $pointers | Where-Object { [string]$_.ObjectId -eq $Id -or [string]$_.AppId -eq $Id }
}

function Find-ManagementScope {
    <# .SYNOPSIS Finds the management scope of a name; or nothing. #>
    param([Parameter(Mandatory)] [string] $Name)
    Invoke-WithRetry -Cmdlet 'Get-ManagementScope' -Action {
        try {
            Get-ManagementScope -Identity $Name -ErrorAction Stop | Where-Object { $_.Name -eq $Name }
        }
        catch {
            if (-not (Test-NotFoundError -ErrorRecord $_)) { throw }
        }
    }
}

function Find-RoleAssignment {
    <# .SYNOPSIS Finds the role assignment of a name; or nothing. #>
    param([Parameter(Mandatory)] [string] $Name)
    Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -Action {
        try {
            Get-ManagementRoleAssignment -Identity $Name -ErrorAction Stop | Where-Object { $_.Name -eq $Name }
        }
        catch {
            if (-not (Test-NotFoundError -ErrorRecord $_)) { throw }
        }
    }
}

function Find-OwnRoleAssignment {
    <#
    .SYNOPSIS
        Finds the role assignments of a name, whatever claim stands behind it; or nothing.
    .DESCRIPTION
        What takes up one that is there makes one of its own, with a claim, so that a removal knows its own by the name. The
        name itself is looked for among all assignments: others may have taken it.
    #>
    param([Parameter(Mandatory)] [string] $Name, [Parameter(Mandatory)] [string] $Assignee)
    Find-RoleAssignment -Name $Name
    Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -Action {
        try {
            Get-ManagementRoleAssignment -RoleAssignee $Assignee -ErrorAction Stop | Where-Object { $_.Name -match ' [0-9a-f]{8}$' -and $_.Name.Substring(0, $_.Name.Length - 9) -eq $Name }
        }
        catch {
            if (-not (Test-NotFoundError -ErrorRecord $_)) { throw }
        }
    }
}

function Remove-RoleAssignment {
    <# .SYNOPSIS Removes the role assignment of a name. #>
    param([Parameter(Mandatory)] [string] $Name)
    Invoke-Removal -Cmdlet 'Remove-ManagementRoleAssignment' -Removal {
        Remove-ManagementRoleAssignment -Identity $Name -Confirm:$false -ErrorAction Stop
    } -Remaining { Find-RoleAssignment -Name $Name }
}

function ConvertTo-MailboxFilter {
    <# .SYNOPSIS The filter of a scope that holds one mailbox: by an id that no other mailbox ever gets. #>
    param([Parameter(Mandatory)] [AllowEmptyString()] [string] $MailboxId)
    "ExternalDirectoryObjectId -eq '$MailboxId'"
}

function Get-ScopeDifference {
    <# .SYNOPSIS What a scope has and should not if it is to hold one mailbox and nothing else, whatever way Exchange spells its filter. #>
    param([Parameter(Mandatory)] [object] $Scope, [Parameter(Mandatory)] [AllowEmptyString()] [string] $MailboxId)
    $expected = ConvertTo-MailboxFilter -MailboxId $MailboxId
    $plain = ([string]$Scope.RecipientFilter -replace '[()]', ' ' -replace '\s+', ' ').Trim()
    if ($plain -ne $expected) { New-Difference -Property 'RecipientFilter' -Expected $expected -Found ([string]$Scope.RecipientFilter) }
    # A root narrows a scope further, and an exclusive one does not restrict applications.
    Compare-Value -Property 'RecipientRoot' -Found ([string]$Scope.RecipientRoot) -Expected ''
    Compare-Value -Property 'Exclusive' -Found ([bool]$Scope.Exclusive) -Expected $false
}

function Get-RoleScopeName {
    <#
    .SYNOPSIS
        How Exchange shows what a role is bound to: a scope and a group by the name, an administrative unit by its object id.
    .DESCRIPTION
        That of a unit is in no document. A public record of a live tenant has it so, of July 2026; shown otherwise, the
        assignment is refused, with what is shown.
    #>
    param([Parameter(Mandatory)] [object] $Desired)
    if ($Desired.scopeType -ne 'Group') { return $Desired.scope }
    [string](Find-AddressHolder -Address $Desired.scope | ForEach-Object { $_.Name })
}

function Get-ScopeFinding {
    <# .SYNOPSIS Says in what a scope holds other mailboxes than it should; nothing where it holds just these. #>
    param([Parameter(Mandatory)] [object] $Desired)
    # Who else is in an administrative unit only Entra tells.
    if ($Desired.scopeType -eq 'AdministrativeUnit') { return }
    if ($Desired.scopeType -eq 'Group') {
        $group = Find-AddressHolder -Address $Desired.scope
        if (-not $group) { return "no group has the address $($Desired.scope)" }
        $held = @(Read-Member -Guid ([string]$group.Guid) -MayBeNew)
    }
    else {
        $scope = Find-ManagementScope -Name $Desired.scope
        if (-not $scope) { return "there is no management scope '$($Desired.scope)'" }
        $held = @(Find-Recipient -Filter $scope.RecipientFilter)
    }
    $membership = Compare-Membership -Present $held -Wanted @($Desired.members | ForEach-Object { Get-ExistingRecipient -Address $_ })
    foreach ($stray in $membership.Strays) { "$($stray.PrimarySmtpAddress) is in '$($Desired.scope)' as well" }
    foreach ($absent in $membership.Missing) { "$($absent.PrimarySmtpAddress) is not in '$($Desired.scope)'" }
}

function Get-AssignmentDifference {
    <# .SYNOPSIS What a role assignment of our name has and should not: another role, assignee, scope or kind. #>
    param([Parameter(Mandatory)] [object] $Assignment, [Parameter(Mandatory)] [object] $Desired)
    Compare-Value -Property 'Role' -Found ([string]$Assignment.Role) -Expected $Desired.role
    Compare-Value -Property 'RoleAssignee' -Found ([string]$Assignment.RoleAssignee) -Expected $Desired.principalId
    Compare-Value -Property 'RecipientWriteScope' -Found ([string]$Assignment.RecipientWriteScope) -Expected $Desired.scopeType
    Compare-Value -Property 'CustomResourceScope' -Found ([string]$Assignment.CustomResourceScope) -Expected (Get-RoleScopeName -Desired $Desired)
    Compare-Value -Property 'RoleAssignmentDelegationType' -Found ([string]$Assignment.RoleAssignmentDelegationType) -Expected 'Regular'
    # No document lists what is read back: only where it is said to be off is it off.
    Compare-Value -Property 'Enabled' -Found ([string]($Assignment | Select-Object -Property 'Enabled').Enabled -ne 'False') -Expected $true
}

function Get-AuthorizationFinding {
    <#
    .SYNOPSIS
        What Exchange's own test says otherwise than expected of one mailbox: { Wrong, Further }.
    .DESCRIPTION
        -InScope is for a mailbox that our roles have to reach. Wrong may pass; Further is what lets the application reach
        more than it should, and does not pass by itself.
    #>
    param(
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [object] $Desired,
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $ScopeName,
        [switch] $InScope
    )
    $rows = @(Invoke-WithRetry -Cmdlet 'Test-ServicePrincipalAuthorization' -NotFoundIsTransient -Action {
            Test-ServicePrincipalAuthorization -Identity $Desired.appId -Resource $Address -ErrorAction Stop
        })
    $strange = @($rows | Where-Object { @('True', 'False') -notcontains [string]$_.InScope })
    if ($strange.Count -gt 0) {
        Stop-Convergence -Reason "Exchange answers '$($strange[0].InScope)' for $Address in the scope of $($strange[0].RoleName), where 'True' or 'False' is known, so nothing can be proven. Deploy again later; should the answer stay, run Test-ServicePrincipalAuthorization -Identity $($Desired.appId) -Resource $Address by hand."
    }
    $ours = @($rows | Where-Object { @($Desired.roles) -contains $_.RoleName -and [string]$_.ScopeType -eq $Desired.scopeType -and $_.AllowedResourceScope -eq $ScopeName })
    $wrong = @(
        foreach ($role in @($Desired.roles)) {
            $row = @($ours | Where-Object { $_.RoleName -eq $role })
            if ($row.Count -eq 0) { "$role is not assigned on the scope '$ScopeName'" }
            elseif ($InScope -and [string]$row[0].InScope -eq 'False') { "$Address is not in the scope of $role" }
            elseif (-not $InScope -and [string]$row[0].InScope -eq 'True') { "$Address is in the scope of $role" }
        }
    )
    $further = @(
        foreach ($row in $rows) {
            $ownScope = [string]$row.ScopeType -eq $Desired.scopeType -and $row.AllowedResourceScope -eq $ScopeName
            # Whatever is bound to our scope opens our mailboxes alone; a permission that goes is still there at this moment.
            if ($ownScope) { continue }
            if ([string]$row.ScopeType -eq 'Organization' -or -not $row.AllowedResourceScope) { "$($row.RoleName) on every mailbox of the organisation" }
            else { "$($row.RoleName) on '$($row.AllowedResourceScope)'" }
        }
    )
    [pscustomobject]@{ Wrong = $wrong; Further = $further }
}

Export-ModuleMember -Function @('Find-ServicePrincipal', 'Find-ManagementScope', 'Find-RoleAssignment', 'Find-OwnRoleAssignment', 'Remove-RoleAssignment', 'ConvertTo-MailboxFilter', 'Get-ScopeDifference', 'Get-RoleScopeName', 'Get-ScopeFinding', 'Get-AssignmentDifference', 'Get-AuthorizationFinding')
