<#
.SYNOPSIS
    Reads an object, and says what of it differs from what is desired.
.DESCRIPTION
    The scripts set what these functions name, and find-drift.ps1 reports it: what counts as a difference stands
    here only.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function Read-Mailbox {
    <# .SYNOPSIS Reads a mailbox with what only Get-Mailbox shows; -MayBeNew waits while it is too new to be found. #>
    param([Parameter(Mandatory)] [string] $Guid, [switch] $MayBeNew)
    Invoke-WithRetry -Cmdlet 'Get-Mailbox' -NotFoundIsTransient:$MayBeNew -Action { Get-Mailbox -Identity $Guid -ErrorAction Stop }
}

function Read-Group {
    <# .SYNOPSIS Reads a group with what only Get-DistributionGroup shows. #>
    param([Parameter(Mandatory)] [string] $Guid)
    Invoke-WithRetry -Cmdlet 'Get-DistributionGroup' -Action { Get-DistributionGroup -Identity $Guid -ErrorAction Stop }
}

function Read-Member {
    <# .SYNOPSIS Lists the members of a group; -MayBeNew waits while the group is too new to be found. #>
    param([Parameter(Mandatory)] [string] $Guid, [switch] $MayBeNew)
    Invoke-WithRetry -Cmdlet 'Get-DistributionGroupMember' -NotFoundIsTransient:$MayBeNew -Action { Get-DistributionGroupMember -Identity $Guid -ResultSize Unlimited -ErrorAction Stop }
}

function New-Difference {
    <# .SYNOPSIS One difference: of a property, or of what is missing or amiss as a whole. #>
    param([string] $Property, [object] $Expected, [object] $Found)
    [pscustomobject]@{ Property = $Property; Expected = $Expected; Found = $Found }
}

function Compare-Value {
    <# .SYNOPSIS One difference between what is found and what is desired, or nothing. #>
    param([Parameter(Mandatory)] [string] $Property, [object] $Found, [object] $Expected, [switch] $CaseSensitive)
    $same = $Found -eq $Expected
    if ($CaseSensitive) { $same = $Found -ceq $Expected }
    if (-not $same) { New-Difference -Property $Property -Expected $Expected -Found $Found }
}

function Compare-Mark {
    <# .SYNOPSIS The difference of an object's mark and its claim, or nothing. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    $due = Get-DueMark -Recipient $Recipient -Desired $Desired -Claim $Claim
    Compare-Value -Property $Desired.markAttribute -Found (@(Get-OwnMark -Recipient $Recipient -Desired $Desired) -join ', ') -Expected $due -CaseSensitive
}

function Get-MailboxDifference {
    <# .SYNOPSIS What ensure-shared-mailbox.ps1 would set of a mailbox that exists. #>
    param([Parameter(Mandatory)] [object] $Mailbox, [Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    Compare-Mark -Recipient $Mailbox -Desired $Desired -Claim $Claim
    Compare-Value -Property 'Alias' -Found $Mailbox.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Mailbox.PrimarySmtpAddress -Expected $Desired.address
}

function Get-MailboxSettingDifference {
    <# .SYNOPSIS What set-shared-mailbox.ps1 would set. #>
    param([Parameter(Mandatory)] [object] $Mailbox, [Parameter(Mandatory)] [object] $Desired)
    Compare-Value -Property 'DisplayName' -Found $Mailbox.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Mailbox.HiddenFromAddressListsEnabled -Expected $Desired.hiddenFromAddressLists
    Compare-Value -Property 'AccountDisabled' -Found $Mailbox.AccountDisabled -Expected $Desired.signInBlocked
    if ($Desired.forwardTo) {
        Compare-Value -Property 'ForwardingSmtpAddress' -Found ([string]$Mailbox.ForwardingSmtpAddress -replace '^smtp:', '') -Expected $Desired.forwardTo
        Compare-Value -Property 'DeliverToMailboxAndForward' -Found $Mailbox.DeliverToMailboxAndForward -Expected $true
    }
}

function Get-GroupDifference {
    <# .SYNOPSIS What ensure-mail-enabled-security-group.ps1 would set of a group that exists. #>
    param([Parameter(Mandatory)] [object] $Group, [Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    # Not ManagedBy, which reads back as names or object ids, whichever the tenant uses.
    Compare-Mark -Recipient $Group -Desired $Desired -Claim $Claim
    Compare-Value -Property 'DisplayName' -Found $Group.DisplayName -Expected $Desired.displayName -CaseSensitive
    Compare-Value -Property 'Alias' -Found $Group.Alias -Expected $Desired.alias
    Compare-Value -Property 'PrimarySmtpAddress' -Found $Group.PrimarySmtpAddress -Expected $Desired.address
    Compare-Value -Property 'MemberJoinRestriction' -Found $Group.MemberJoinRestriction -Expected 'Closed'
    Compare-Value -Property 'MemberDepartRestriction' -Found $Group.MemberDepartRestriction -Expected 'Closed'
    Compare-Value -Property 'RequireSenderAuthenticationEnabled' -Found $Group.RequireSenderAuthenticationEnabled -Expected $true
    Compare-Value -Property 'HiddenFromAddressListsEnabled' -Found $Group.HiddenFromAddressListsEnabled -Expected $true
}

function ConvertTo-Change {
    <# .SYNOPSIS The parameters of Set-Mailbox or Set-DistributionGroup by which the differences of a recipient go. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Difference, [Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    $changes = @{}
    foreach ($one in $Difference) {
        $parameter = $one.Property
        # In Exchange Online -PrimarySmtpAddress of Set-Mailbox is refused; this one moves the primary address.
        if ($parameter -eq 'PrimarySmtpAddress' -and $Recipient.RecipientTypeDetails -eq 'SharedMailbox') { $parameter = 'WindowsEmailAddress' }
        $changes[$parameter] = $one.Expected
        if ($parameter -eq $Desired.markAttribute) { $changes[$parameter] = Get-MarkChange -Recipient $Recipient -Desired $Desired -Due $one.Expected }
    }
    if ($changes.Count -gt 0) { Write-Step -Message "setting $(@($changes.Keys | Sort-Object) -join ', ') of $($Desired.address)" }
    $changes
}

function Compare-Membership {
    <# .SYNOPSIS Who is in a group and should not be, and who is not and should: { Strays, Missing }. #>
    param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Present, [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Wanted)
    $presentGuids = @($Present | ForEach-Object { [string]$_.Guid })
    $wantedGuids = @($Wanted | ForEach-Object { [string]$_.Guid })
    [pscustomobject]@{
        Strays  = @($Present | Where-Object { $wantedGuids -notcontains [string]$_.Guid })
        Missing = @($Wanted | Where-Object { $presentGuids -notcontains [string]$_.Guid })
    }
}

function Get-PolicyDifference {
    <# .SYNOPSIS What ensure-application-access-policy.ps1 would set of a policy that exists. #>
    param([Parameter(Mandatory)] [object] $Policy, [Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    # Nothing else can be set: a policy of another application, scope or right is another policy.
    Compare-Value -Property 'Description' -Found $Policy.Description -Expected "$($Desired.description) $Claim" -CaseSensitive
}

Export-ModuleMember -Function @('Read-Mailbox', 'Read-Group', 'Read-Member', 'New-Difference', 'Compare-Value', 'Get-MailboxDifference', 'Get-MailboxSettingDifference', 'Get-GroupDifference', 'ConvertTo-Change', 'Compare-Membership', 'Get-PolicyDifference')
