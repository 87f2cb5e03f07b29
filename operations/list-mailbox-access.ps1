<#
.SYNOPSIS
    Lists what Exchange Online lets applications do with mailboxes, and what confines it. Changes nothing.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"shown":50}
              shown is how many mailboxes of a scope are named; all are counted.
    Writes    {"entraGrantsCount":true,"pointers":[{"principalId","appId","displayName"}],"assignments":[{"name","role","principalId","scope"}],
              "policies":[{"appId","accessRight","scope","size"}]}, each scope as {"name","kind","isGone","mailboxes":["..."],"count"}
    Needs the Exchange roles View-Only Recipients and View-Only Configuration, and of Role Management the Get- cmdlets.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Session.psm1" -Force

function New-ScopeReport {
    <# .SYNOPSIS A scope with the mailboxes in it. #>
    param([string] $Name, [string] $Kind, [bool] $IsGone, [AllowEmptyCollection()] [object[]] $Mailbox, [int] $Shown)
    [ordered]@{
        name      = $Name
        kind      = $Kind
        isGone    = $IsGone
        mailboxes = @($Mailbox | ForEach-Object { $_.PrimarySmtpAddress } | Sort-Object | Select-Object -First $Shown)
        count     = $Mailbox.Count
    }
}

function Get-GroupMailbox {
    <# .SYNOPSIS The mailboxes in a group; -Nested is for a policy, to which groups within the group count as well. #>
    param([Parameter(Mandatory)] [object] $Group, [switch] $Nested, [AllowEmptyCollection()] [string[]] $Seen = @())
    $guid = [string]$Group.Guid
    $members = @(Invoke-WithRetry -Cmdlet 'Get-DistributionGroupMember' -Action { Get-DistributionGroupMember -Identity $guid -ResultSize Unlimited -ErrorAction Stop })
    foreach ($member in $members) {
        if (Test-Mailbox -Recipient $member) { $member }
        elseif ($Nested -and $member.RecipientTypeDetails -eq 'MailUniversalSecurityGroup' -and $Seen -notcontains [string]$member.Guid) {
            Get-GroupMailbox -Group $member -Nested -Seen @($Seen + $guid)
        }
    }
}

function Get-PolicyScope {
    <# .SYNOPSIS The scope of an application access policy: a group, or one mailbox. #>
    param([Parameter(Mandatory)] [object] $Policy, [int] $Shown)
    $objectId = ([string]$Policy.ScopeIdentityRaw -split ';')[1]
    $holder = @(Find-Recipient -Filter "ExternalDirectoryObjectId -eq '$objectId'")
    $mailboxes = @()
    if ($holder.Count -eq 1 -and (Test-Mailbox -Recipient $holder[0])) { $mailboxes = $holder }
    elseif ($holder.Count -eq 1) { $mailboxes = @(Get-GroupMailbox -Group $holder[0] -Nested) }
    New-ScopeReport -Name $Policy.ScopeName -Kind 'Group' -IsGone ($holder.Count -eq 0) -Mailbox $mailboxes -Shown $Shown
}

function Get-AssignmentScope {
    <# .SYNOPSIS The scope of a role assignment. The members of an administrative unit are known to Entra only. #>
    param([Parameter(Mandatory)] [object] $Assignment, [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Scope, [int] $Shown)
    $name = [string]$Assignment.CustomResourceScope
    $kind = [string]$Assignment.RecipientWriteScope
    $mailboxes = @()
    $isGone = $kind -ne 'Organization' -and -not $name
    if ($kind -eq 'Group' -and $name) {
        $groups = @(Find-Recipient -Filter "Name -eq '$($name -replace "'", "''")'" | Where-Object { $_.RecipientTypeDetails -like '*Group' })
        $isGone = $groups.Count -eq 0
        if ($groups.Count -eq 1) { $mailboxes = @(Get-GroupMailbox -Group $groups[0]) }
    }
    if ($kind -eq 'CustomRecipientScope' -and $name) {
        $named = @($Scope | Where-Object { $_.Name -eq $name })
        $isGone = $named.Count -eq 0
        if ($named.Count -eq 1) { $mailboxes = @(Find-Recipient -Filter $named[0].RecipientFilter | Where-Object { Test-Mailbox -Recipient $_ }) }
    }
    New-ScopeReport -Name $name -Kind $kind -IsGone $isGone -Mailbox $mailboxes -Shown $Shown
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "access to mailboxes in $($Desired.organization)" } -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Get-OrganizationConfig', 'Get-ApplicationAccessPolicy', 'Get-ServicePrincipal', 'Get-ManagementScope', 'Get-ManagementRoleAssignment') -Action {
    param($Desired)
    $organization = Invoke-WithRetry -Cmdlet 'Get-OrganizationConfig' -Action { Get-OrganizationConfig -ErrorAction Stop }
    $enforced = ($organization | Select-Object -Property 'EnforceExoAppRbacPermissions').EnforceExoAppRbacPermissions
    $pointers = @(Invoke-WithRetry -Cmdlet 'Get-ServicePrincipal' -Action { Get-ServicePrincipal -ErrorAction Stop })
    $scopes = @(Invoke-WithRetry -Cmdlet 'Get-ManagementScope' -Action { Get-ManagementScope -ErrorAction Stop })
    $assignments = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -Action { Get-ManagementRoleAssignment -ErrorAction Stop })
    $opening = @($assignments | Where-Object { $_.RoleAssigneeType -eq 'ServicePrincipal' -and $_.Role -like 'Application *' -and $_.RoleAssignmentDelegationType -eq 'Regular' })
    [ordered]@{
        entraGrantsCount = -not $enforced
        pointers         = @($pointers | ForEach-Object { [ordered]@{ principalId = [string]$_.ObjectId; appId = [string]$_.AppId; displayName = $_.DisplayName } })
        assignments      = @($opening | ForEach-Object {
                [ordered]@{ name = $_.Name; role = [string]$_.Role; principalId = [string]$_.RoleAssignee; scope = Get-AssignmentScope -Assignment $_ -Scope $scopes -Shown $Desired.shown }
            })
        policies         = @(Get-TenantPolicy | ForEach-Object {
                [ordered]@{ appId = [string]$_.AppId; accessRight = [string]$_.AccessRight; scope = Get-PolicyScope -Policy $_ -Shown $Desired.shown; size = ([string]$_.Description).Length }
            })
    }
}
