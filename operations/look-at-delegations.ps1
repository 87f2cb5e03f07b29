<#
.SYNOPSIS
    Looks which roles of Exchange the deploying identity may assign to others. Changes nothing.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"appId":"<client id>","person":""}
              Of the two the one that is signed in: an application, or a person's user principal name.
    Writes    {"objectId":"<of the application>","isShown":true,"roles":["Application Mail.Send"]}
              roles are those of which it has a delegating assignment that is switched on and has no scope, by itself or by a role group.
              objectId is empty for a person, and where Exchange has no pointer to the application. isShown is whether it has any role
              that is shown here: by a role in Entra, such as Exchange Administrator, it has what is not.
    Needs the Exchange roles Role Management and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Session.psm1" -Force

function Get-OwnAssignment {
    <# .SYNOPSIS What an application or a person is assigned, also by role groups; not what every user gets by a policy. #>
    param([Parameter(Mandatory)] [string] $Assignee)
    $assignments = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -Action {
            try { Get-ManagementRoleAssignment -RoleAssignee $Assignee -ErrorAction Stop }
            catch { if (-not (Test-NotFoundError -ErrorRecord $_)) { throw } }
        })
    $assignments | Where-Object { [string]$_.RoleAssigneeType -ne 'RoleAssignmentPolicy' }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "which roles may be assigned in $($Desired.organization)" } -CommandName @('Get-ServicePrincipal', 'Get-ManagementRoleAssignment') -Action {
    param($Desired)
    $objectId = ''
    if ($Desired.appId) { $objectId = [string](Find-ServicePrincipal -Id $Desired.appId | ForEach-Object { $_.ObjectId }) }
    $assignee = "$objectId$($Desired.person)"
    $assignments = @()
    if ($assignee) { $assignments = @(Get-OwnAssignment -Assignee $assignee) }
    $delegating = @($assignments | Where-Object { [string]$_.RoleAssignmentDelegationType -like 'Delegating*' -and [string]$_.Enabled -ne 'False' -and -not [string]$_.CustomResourceScope })
    [ordered]@{
        objectId = $objectId
        isShown  = $assignments.Count -gt 0
        roles    = @($delegating | ForEach-Object { [string]$_.Role })
    }
}
