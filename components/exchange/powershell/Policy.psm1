<#
.SYNOPSIS
    Reads application access policies, and says what is wrong with those of an application.
.DESCRIPTION
    Policies are compared by object ids: ScopeName and ScopeIdentity are display texts that change with the group.
    The list is always read whole and filtered here, because Get- with an empty -Identity returns every policy of
    the tenant, and what follows a search is often a removal.
    A description ends with the claim of the resource that made the policy or found it again (Ownership.psm1), kept
    short since all policies of a tenant share limited space. One that reads 'released' stands in for a removal: the
    identity was about to go, and the policy goes with its group.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# How Exchange says that there is no policy at all: it does not find '...\*', everything below the organisation.
# Microsoft365DSC#2998 and #687, prowler#12149. The path in quotes is never translated.
$NoPolicy = "ManagementObjectNotFoundException.*\\\*'|object 'OU=.*\\\*' couldn't be found on"

function Get-TenantPolicy {
    <# .SYNOPSIS Lists the application access policies of the organisation; where there is none, nothing. #>
    Invoke-WithRetry -Cmdlet 'Get-ApplicationAccessPolicy' -Action {
        try { Get-ApplicationAccessPolicy -ErrorAction Stop }
        catch { if ($_.Exception.Message -notmatch $NoPolicy) { throw } }
    }
}

function Select-PolicyOnGroup {
    <# .SYNOPSIS Of application access policies that were read before, those whose scope is a group. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [object] $Group)
    if (-not $Group.ExternalDirectoryObjectId) {
        Stop-Convergence -Reason "$($Group.PrimarySmtpAddress) has no Entra object id yet. Run the deployment again in a few minutes."
    }
    $Policy | Where-Object { $_.ScopeIdentityRaw -like "*;$($Group.ExternalDirectoryObjectId)" }
}

function Get-PolicyOnGroup {
    <# .SYNOPSIS Lists the application access policies whose scope is a group. #>
    param([Parameter(Mandatory)] [object] $Group)
    Select-PolicyOnGroup -Policy @(Get-TenantPolicy) -Group $Group
}

function Get-ClaimedPolicy {
    <# .SYNOPSIS Lists the policies of an application that carry the claim of one resource. #>
    param([Parameter(Mandatory)] [string] $AppId, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    @(Get-TenantPolicy) | Where-Object { $Claim -and $_.AppId -eq $AppId -and $_.Description -like "* $Claim" }
}

function Test-Released {
    <# .SYNOPSIS Tells whether a policy may be removed with its group. #>
    param([Parameter(Mandatory)] [object] $Policy)
    $Policy.Description -ceq 'released'
}

function Select-RestrictingPolicy {
    <# .SYNOPSIS Of application access policies, those that restrict one application. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [string] $AppId)
    $Policy | Where-Object { $_.AppId -eq $AppId -and $_.AccessRight -eq 'RestrictAccess' }
}

function Remove-Policy {
    <# .SYNOPSIS Removes one application access policy on a group. #>
    param([Parameter(Mandatory)] [object] $Policy, [Parameter(Mandatory)] [object] $Group)
    Invoke-Removal -Cmdlet 'Remove-ApplicationAccessPolicy' -Removal {
        Remove-ApplicationAccessPolicy -Identity $Policy.Identity -Confirm:$false -ErrorAction Stop
    } -Remaining { @(Get-PolicyOnGroup -Group $Group) | Where-Object { $_.Identity -eq $Policy.Identity } }
}

function Get-MissingPolicyFinding {
    <# .SYNOPSIS Says that an application has no RestrictAccess policy on a group; nothing when it has one. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [object] $Group, [Parameter(Mandatory)] [string] $AppId)
    if (@(Select-RestrictingPolicy -AppId $AppId -Policy @(Select-PolicyOnGroup -Policy $Policy -Group $Group)).Count -eq 0) {
        "no RestrictAccess policy of the application on $($Group.PrimarySmtpAddress)"
    }
}

function Get-OpposingPolicyFinding {
    <# .SYNOPSIS Says which policies of an application stand against a grant, and do not pass by themselves; nothing when none does. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [object] $Group, [Parameter(Mandatory)] [string] $AppId)
    # RestrictAccess policies add up, so one with another scope widens the reach.
    foreach ($candidate in @($Policy | Where-Object { $_.AppId -eq $AppId -and $_.AccessRight -ne 'DenyAccess' })) {
        if (@(Select-PolicyOnGroup -Policy @($candidate) -Group $Group).Count -eq 0) {
            "a further policy lets the application reach '$($candidate.ScopeName)' as well; take that scope into this stack, or: Remove-ApplicationAccessPolicy -Identity '$($candidate.Identity)'"
        }
        elseif (Test-Released -Policy $candidate) {
            "the removal of the policy on $($Group.PrimarySmtpAddress) had begun (its description is 'released'); set 'drift: true' in the stack's configuration, with which it is taken into use again"
        }
    }
}

function Get-PolicyWarning {
    <# .SYNOPSIS Lists what else bears on an application: policies that narrow it, and those for every application. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [string] $AppId)
    # Neither unproves the confinement. Where a member is Denied, one of them is probably the reason.
    foreach ($candidate in @($Policy | Where-Object { $_.AppId -eq $AppId -or $_.AppId -eq '*' })) {
        if ($candidate.AccessRight -eq 'DenyAccess') {
            "the DenyAccess policy $($candidate.Identity) denies this application the members of '$($candidate.ScopeName)'"
        }
        elseif ($candidate.AppId -eq '*') {
            "the RestrictAccess policy $($candidate.Identity) lets every application, this one too, reach the members of '$($candidate.ScopeName)'"
        }
    }
}

function Get-AccessFinding {
    <# .SYNOPSIS Says that Exchange's own test answers otherwise than expected; nothing when it is as expected. #>
    param([Parameter(Mandatory)] [string] $Address, [Parameter(Mandatory)] [string] $AppId, [Parameter(Mandatory)] [string] $Expected)
    $test = Invoke-WithRetry -Cmdlet 'Test-ApplicationAccessPolicy' -NotFoundIsTransient -Action { Test-ApplicationAccessPolicy -Identity $Address -AppId $AppId -ErrorAction Stop }
    $answer = [string]$test.AccessCheckResult
    # Seen as 'Accordé' (SMTP2Graph#41). What a word means that is not known is not guessed, and no wait changes it.
    if ($answer -ne 'Granted' -and $answer -ne 'Denied') {
        Stop-Convergence -Reason "Exchange answers '$answer' for $Address, where 'Granted' or 'Denied' is known: it speaks another language, so nothing can be proven. Set the language of the account that signs in, or of the organisation, to English, and deploy again."
    }
    if ($answer -ne $Expected) { "$Address is $answer, expected $Expected" }
}

Export-ModuleMember -Function @('Get-TenantPolicy', 'Get-PolicyOnGroup', 'Select-PolicyOnGroup', 'Get-ClaimedPolicy', 'Test-Released', 'Select-RestrictingPolicy', 'Remove-Policy', 'Get-MissingPolicyFinding', 'Get-OpposingPolicyFinding', 'Get-PolicyWarning', 'Get-AccessFinding')
