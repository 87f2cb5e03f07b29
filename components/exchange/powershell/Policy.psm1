<#
.SYNOPSIS
    Reads application access policies, and says what is wrong with those of an application.
.DESCRIPTION
    Policies are compared by object ids: ScopeName and ScopeIdentity are display texts that change with the group.
    The list is always read whole and filtered here, because Get- with an empty -Identity returns every policy of
    the tenant, and what follows a search is often a removal.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# How Exchange says that there is no policy at all: it does not find '...\*', everything below the organisation.
# Microsoft365DSC#2998 and #687, prowler#12149. The path in quotes is never translated.
$NoPolicy = "ManagementObjectNotFoundException.*\\\*'|object 'OU=.*\\\*' couldn't be found on"

function Get-TenantPolicy {
    <# .SYNOPSIS Lists the application access policies of the organisation; where there is none, nothing. #>
    Invoke-WithRetry -Cmdlet 'Get-ApplicationAccessPolicy' -Action {
        try {
            Get-ApplicationAccessPolicy -ErrorAction Stop
        }
        catch {
            if ($_.Exception.Message -notmatch $NoPolicy) { throw }
        }
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
    } -Remaining {
        @(Get-PolicyOnGroup -Group $Group) | Where-Object { $_.Identity -eq $Policy.Identity }
    }
}

function Get-MissingPolicyFinding {
    <# .SYNOPSIS Says that an application has no RestrictAccess policy on a group; nothing when it has one. #>
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [object] $Group,
        [Parameter(Mandatory)] [string] $AppId
    )
    if (@(Select-RestrictingPolicy -AppId $AppId -Policy @(Select-PolicyOnGroup -Policy $Policy -Group $Group)).Count -eq 0) {
        "no RestrictAccess policy of the application on $($Group.PrimarySmtpAddress)"
    }
}

function Get-WideningPolicyFinding {
    <#
    .SYNOPSIS
        Says which further policies let an application reach more than a group; nothing when there is none.
    .DESCRIPTION
        RestrictAccess policies add up, so one with another scope widens the reach. That does not pass by itself.
    #>
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy,
        [Parameter(Mandatory)] [object] $Group,
        [Parameter(Mandatory)] [string] $AppId
    )
    foreach ($candidate in @($Policy | Where-Object { $_.AppId -eq $AppId -and $_.AccessRight -ne 'DenyAccess' })) {
        if (@(Select-PolicyOnGroup -Policy @($candidate) -Group $Group).Count -eq 0) {
            "a further policy lets the application reach '$($candidate.ScopeName)' as well; take that scope into this stack, or: Remove-ApplicationAccessPolicy -Identity '$($candidate.Identity)'"
        }
    }
}

function Get-PolicyWarning {
    <#
    .SYNOPSIS
        Lists what else bears on an application: policies that narrow it, and those for every application.
    .DESCRIPTION
        Neither unproves the confinement. Where a member is Denied, one of them is probably the reason.
    #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy, [Parameter(Mandatory)] [string] $AppId)
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
    param(
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $AppId,
        [Parameter(Mandatory)] [ValidateSet('Granted', 'Denied')] [string] $Expected
    )
    $test = Invoke-WithRetry -Cmdlet 'Test-ApplicationAccessPolicy' -NotFoundIsTransient -Action {
        Test-ApplicationAccessPolicy -Identity $Address -AppId $AppId -ErrorAction Stop
    }
    $answer = [string]$test.AccessCheckResult
    # Seen as 'Accordé' (SMTP2Graph#41). What a word means that is not known is not guessed, and no wait changes it.
    if ($answer -ne 'Granted' -and $answer -ne 'Denied') {
        Stop-Convergence -Reason "Exchange answers '$answer' for $Address, where 'Granted' or 'Denied' is known: it speaks another language, so nothing can be proven. Set the language of the account that signs in, or of the organisation, to English, and deploy again."
    }
    if ($answer -ne $Expected) { "$Address is $answer, expected $Expected" }
}

Export-ModuleMember -Function @('Get-TenantPolicy', 'Get-PolicyOnGroup', 'Select-PolicyOnGroup', 'Select-RestrictingPolicy', 'Remove-Policy', 'Get-MissingPolicyFinding', 'Get-WideningPolicyFinding', 'Get-PolicyWarning', 'Get-AccessFinding')
