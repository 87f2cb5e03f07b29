<#
.SYNOPSIS
    What of an object differs from what is desired.
.DESCRIPTION
    The scripts set what these functions name, and find-drift.ps1 reports it: what counts as a difference stands
    here only.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function New-Difference {
    <# .SYNOPSIS One difference: of a property, or of what is missing or amiss as a whole. #>
    param([string] $Property, [object] $Expected, [object] $Found)
    [pscustomobject]@{ Property = $Property; Expected = $Expected; Found = $Found }
}

function Compare-Value {
    <# .SYNOPSIS One difference between what is found and what is desired, or nothing. #>
    param(
        [Parameter(Mandatory)] [string] $Property,
        [object] $Found,
        [object] $Expected,
        [switch] $CaseSensitive
    )
    $same = $Found -eq $Expected
    if ($CaseSensitive) { $same = $Found -ceq $Expected }
    if (-not $same) { New-Difference -Property $Property -Expected $Expected -Found $Found }
}

function Get-MailboxDifference {
    <# .SYNOPSIS What ensure-shared-mailbox.ps1 would set of a mailbox that exists. #>
    param([Parameter(Mandatory)] [object] $Mailbox, [Parameter(Mandatory)] [object] $Desired)
    Compare-Value -Property 'CustomAttribute15' -Found $Mailbox.CustomAttribute15 -Expected (Get-OwnershipMark -Recipient $Mailbox -Desired $Desired)
    Compare-Value -Property 'Alias' -Found $Mailbox.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Mailbox.PrimarySmtpAddress -Expected $Desired.address
}

function Get-MailboxSettingDifference {
    <# .SYNOPSIS What set-shared-mailbox.ps1 would set. #>
    param([Parameter(Mandatory)] [object] $Mailbox, [Parameter(Mandatory)] [object] $Desired)
    Compare-Value -Property 'DisplayName' -Found $Mailbox.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Mailbox.HiddenFromAddressListsEnabled -Expected $Desired.hiddenFromAddressLists
    Compare-Value -Property 'AccountDisabled' -Found $Mailbox.AccountDisabled -Expected $Desired.signInBlocked
}

function Get-GroupDifference {
    <# .SYNOPSIS What ensure-mail-enabled-security-group.ps1 would set of a group that exists. #>
    param([Parameter(Mandatory)] [object] $Group, [Parameter(Mandatory)] [object] $Desired)
    # Not ManagedBy, which reads back as names or object ids, whichever the tenant uses.
    Compare-Value -Property 'CustomAttribute15' -Found $Group.CustomAttribute15 -Expected (Get-OwnershipMark -Recipient $Group -Desired $Desired)
    Compare-Value -Property 'DisplayName' -Found $Group.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'Alias' -Found $Group.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Group.PrimarySmtpAddress -Expected $Desired.address
    Compare-Value -Property 'MemberJoinRestriction' -Found $Group.MemberJoinRestriction -Expected 'Closed'
    Compare-Value -Property 'MemberDepartRestriction' -Found $Group.MemberDepartRestriction -Expected 'Closed'
    Compare-Value -Property 'RequireSenderAuthenticationEnabled' -Found $Group.RequireSenderAuthenticationEnabled -Expected $true
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Group.HiddenFromAddressListsEnabled -Expected $true
}

function Compare-Membership {
    <# .SYNOPSIS Who is in a group and should not be, and who is not and should: { Strays, Missing }. #>
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Present,
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Wanted
    )
    $presentGuids = @($Present | ForEach-Object { [string]$_.Guid })
    $wantedGuids = @($Wanted | ForEach-Object { [string]$_.Guid })
    [pscustomobject]@{
        Strays  = @($Present | Where-Object { $wantedGuids -notcontains [string]$_.Guid })
        Missing = @($Wanted | Where-Object { $presentGuids -notcontains [string]$_.Guid })
    }
}

function Get-PolicyDifference {
    <# .SYNOPSIS What ensure-application-access-policy.ps1 would set of a policy that exists. #>
    param([Parameter(Mandatory)] [object] $Policy, [Parameter(Mandatory)] [object] $Desired)
    # Nothing else can be set: a policy of another application, scope or right is another policy.
    Compare-Value -Property 'Description' -Found $Policy.Description -Expected $Desired.description -CaseSensitive
}

Export-ModuleMember -Function @('New-Difference', 'Get-MailboxDifference', 'Get-MailboxSettingDifference', 'Get-GroupDifference', 'Compare-Membership', 'Get-PolicyDifference')
