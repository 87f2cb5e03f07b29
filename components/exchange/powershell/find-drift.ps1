<#
.SYNOPSIS
    Finds what was changed in Exchange Online by others since a stack was deployed. Changes nothing.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"objects":[{"script":"set-shared-mailbox.ps1","desired":{}}]}
              desired is what the script was last given, and the claim that it wrote. What differs is what that script would set; owners
              of a group are not seen. One connection serves all; nothing is waited for: what is not found now is missing.
              Of role assignments, one that was changed or switched off is reported, which its script refuses to take.
    Writes    {"findings":[{"DisplayName":{"expected":"...","found":"..."}}]}: one an object, in their order, empty where nothing differs
    Needs the Exchange roles View-Only Recipients and View-Only Configuration, and Role Management where objects of roles are looked at.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

function Find-RecipientDrift {
    <# .SYNOPSIS Reads our mailbox or our group, without its members. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Script)
    $isGroup = $Script -eq 'ensure-mail-enabled-security-group.ps1'
    $type = if ($isGroup) { 'MailUniversalSecurityGroup' } else { 'SharedMailbox' }
    $recipient = Find-MarkedRecipient -Desired $Desired -Type $type
    if (-not $recipient) {
        $property = if ($isGroup) { 'Group' } else { 'Mailbox' }
        return New-Difference -Property $property -Expected "$($Desired.address) with the mark $($Desired.mark)" -Found 'none'
    }
    if ($isGroup) { return Get-GroupDifference -Group (Read-Group -Guid ([string]$recipient.Guid)) -Desired $Desired -Claim $Desired.claim }
    $mailbox = Read-Mailbox -Guid ([string]$recipient.Guid)
    if ($Script -eq 'set-shared-mailbox.ps1') { return Get-MailboxSettingDifference -Mailbox $mailbox -Desired $Desired }
    Get-MailboxDifference -Mailbox $mailbox -Desired $Desired -Claim $Desired.claim
}

function Find-MemberDrift {
    <# .SYNOPSIS Reads the members of our group. #>
    param([Parameter(Mandatory)] [object] $Desired)
    # A group may have thousands of strays; the finding has to fit into an environment variable.
    $shown = 20
    $group = Find-MarkedRecipient -Desired $Desired -Type 'MailUniversalSecurityGroup'
    if (-not $group) { return New-Difference -Property 'MissingMembers' -Expected @($Desired.members) -Found @() }
    $missing = @()
    $wanted = @()
    foreach ($address in @($Desired.members)) {
        $holder = Find-AddressHolder -Address $address
        if ($holder) { $wanted += $holder } else { $missing += $address }
    }
    $membership = Compare-Membership -Present @(Read-Member -Guid ([string]$group.Guid)) -Wanted $wanted
    $missing += @($membership.Missing | ForEach-Object { $_.PrimarySmtpAddress })
    $strays = @($membership.Strays | ForEach-Object { $_.PrimarySmtpAddress })
    if ($missing.Count -gt 0) { New-Difference -Property 'MissingMembers' -Expected $missing -Found @() }
    if ($strays.Count -gt $shown) { $strays = @($strays | Select-Object -First $shown) + "and $($strays.Count - $shown) more" }
    if ($strays.Count -gt 0) { New-Difference -Property 'StrayMembers' -Expected @() -Found $strays }
}

function Find-PolicyDrift {
    <# .SYNOPSIS Looks for the policy of one application on its group. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy)
    $group = Find-AddressHolder -Address $Desired.groupAddress
    $own = @()
    if ($group) { $own = @(Select-RestrictingPolicy -AppId $Desired.appId -Policy @(Select-PolicyOnGroup -Policy $Policy -Group $group)) }
    if ($own.Count -gt 0) { return Get-PolicyDifference -Policy $own[0] -Desired $Desired -Claim $Desired.claim }
    # With the group gone, what is left of the policy on it restricts nobody.
    $found = 'none'
    $elsewhere = @(Select-RestrictingPolicy -Policy $Policy -AppId $Desired.appId)
    if ($group -and $elsewhere.Count -gt 0) { $found = "only on $(@($elsewhere | ForEach-Object { $_.ScopeName }) -join ', ')" }
    New-Difference -Property 'RestrictAccess' -Expected "on $($Desired.groupAddress)" -Found $found
}

function Find-ProofDrift {
    <# .SYNOPSIS Repeats that part of the proof which asks for policies. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy)
    $group = Find-AddressHolder -Address $Desired.groupAddress
    $wrong = @("no group has the address $($Desired.groupAddress)")
    if ($group) {
        $wrong = @(
            Get-OpposingPolicyFinding -Policy $Policy -Group $group -AppId $Desired.appId
            Get-MissingPolicyFinding -Policy $Policy -Group $group -AppId $Desired.appId
        )
    }
    if ($wrong.Count -gt 0) { New-Difference -Property 'Confinement' -Expected 'proven' -Found ($wrong -join '; ') }
}

function Find-PointerDrift {
    <# .SYNOPSIS Looks for Exchange's pointer to a service principal. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $pointer = Find-ServicePrincipal -Id $Desired.principalId
    if (-not $pointer) { return New-Difference -Property 'Pointer' -Expected "to $($Desired.principalId)" -Found 'none' }
    Compare-Value -Property 'AppId' -Found ([string]$pointer.AppId) -Expected $Desired.appId
}

function Find-ScopeDrift {
    <# .SYNOPSIS Reads our management scope. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $mailboxId = [string]$Desired.mailboxId
    if ($Desired.mailboxAddress) { $mailboxId = [string](Find-AddressHolder -Address $Desired.mailboxAddress | ForEach-Object { $_.ExternalDirectoryObjectId }) }
    $scope = Find-ManagementScope -Name $Desired.name
    if (-not $scope) { return New-Difference -Property 'Scope' -Expected $Desired.name -Found 'none' }
    Get-ScopeDifference -Scope $scope -MailboxId $mailboxId
}

function Find-AssignmentDrift {
    <# .SYNOPSIS Reads our role assignment. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $assignment = Find-OwnRoleAssignment -Name $Desired.name -Assignee $Desired.principalId | Select-Object -First 1
    if (-not $assignment) { return New-Difference -Property 'Assignment' -Expected "$($Desired.role) on $($Desired.scope)" -Found 'none' }
    Get-AssignmentDifference -Assignment $assignment -Desired $Desired
}

function Find-RoleProofDrift {
    <# .SYNOPSIS Repeats that part of the proof which asks what roles there are. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $wrong = @("Exchange has no pointer to $($Desired.appId)")
    if (Find-ServicePrincipal -Id $Desired.appId) {
        $wrong = @("no mailbox has the control mailbox's address $($Desired.controlMailbox)")
        if (Find-AddressHolder -Address $Desired.controlMailbox) {
            $finding = Get-AuthorizationFinding -Address $Desired.controlMailbox -Desired $Desired -ScopeName (Get-RoleScopeName -Desired $Desired)
            $wrong = @($finding.Wrong) + @($finding.Further)
        }
    }
    if ($wrong.Count -gt 0) { New-Difference -Property 'Confinement' -Expected 'proven' -Found ($wrong -join '; ') }
}

function Find-Drift {
    <# .SYNOPSIS The differences of one object. #>
    param([Parameter(Mandatory)] [object] $Object, [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy)
    $recipients = @('ensure-shared-mailbox.ps1', 'set-shared-mailbox.ps1', 'ensure-mail-enabled-security-group.ps1')
    if ($recipients -contains $Object.script) { return Find-RecipientDrift -Desired $Object.desired -Script $Object.script }
    if ($Object.script -eq 'set-group-member.ps1') { return Find-MemberDrift -Desired $Object.desired }
    if ($Object.script -eq 'ensure-application-access-policy.ps1') { return Find-PolicyDrift -Desired $Object.desired -Policy $Policy }
    if ($Object.script -eq 'prove-confinement.ps1') { return Find-ProofDrift -Desired $Object.desired -Policy $Policy }
    if ($Object.script -eq 'ensure-service-principal.ps1') { return Find-PointerDrift -Desired $Object.desired }
    if ($Object.script -eq 'ensure-management-scope.ps1') { return Find-ScopeDrift -Desired $Object.desired }
    if ($Object.script -eq 'ensure-role-assignment.ps1') { return Find-AssignmentDrift -Desired $Object.desired }
    if ($Object.script -eq 'prove-authorization.ps1') { return Find-RoleProofDrift -Desired $Object.desired }
    Stop-Convergence -Reason "find-drift.ps1 does not know what $($Object.script) sets. Teach it, or set 'drift: false' in the stack's configuration."
}

function Test-LookedAt {
    <# .SYNOPSIS Tells whether there are objects of policies to look at, or with -OfRoles objects of roles. #>
    param([Parameter(Mandatory)] [object] $Desired, [switch] $OfRoles)
    $scripts = @('ensure-application-access-policy.ps1', 'prove-confinement.ps1')
    if ($OfRoles) { $scripts = @('ensure-service-principal.ps1', 'ensure-management-scope.ps1', 'ensure-role-assignment.ps1', 'prove-authorization.ps1') }
    @($Desired.objects | Where-Object { $scripts -contains $_.script }).Count -gt 0
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "drift in $($Desired.organization)" } -CommandName @('Get-Recipient', 'Get-Mailbox', 'Get-DistributionGroup', 'Get-DistributionGroupMember') -FurtherCommandName {
    param($Desired)
    # Not every cloud is known to have policies.
    if (Test-LookedAt -Desired $Desired) { 'Get-ApplicationAccessPolicy' }
    # Where no role is assigned, nobody who only looks needs the role that shows them.
    if (Test-LookedAt -Desired $Desired -OfRoles) { @('Get-ServicePrincipal', 'Get-ManagementScope', 'Get-ManagementRoleAssignment', 'Test-ServicePrincipalAuthorization') }
} -Action {
    param($Desired)
    # Once for all applications: the list is that of the whole tenant.
    $policies = @(if (Test-LookedAt -Desired $Desired) { Get-TenantPolicy })
    $findings = @(
        foreach ($object in @($Desired.objects)) {
            $finding = [ordered]@{}
            foreach ($difference in @(Find-Drift -Object $object -Policy $policies)) {
                $finding[$difference.Property] = [ordered]@{ expected = $difference.Expected; found = $difference.Found }
            }
            $finding
        }
    )
    [ordered]@{ findings = $findings }
}
