<#
.SYNOPSIS
    Which mailboxes and groups are ours: finds them by their mark, and refuses all others.
.DESCRIPTION
    The mark is one value of the attribute that markAttribute names: "project/stack/name created 3f2c9a1b". Where
    the attribute holds several values, others' stay beside it. With "adopted" in place of "created" the object was
    not created by us and is never removed. An object that was cut off between its creation and its marking has
    "project/stack/name" as its display name, at the address that it was created with.
    The last word is the claim. Whatever creates an object, or finds it again without knowing its claim, writes a
    new one into it and into its own output, which Pulumi hands to the next update and to the removal
    (PULUMI_COMMAND_STDOUT). A removal that finds another claim than its own leaves the object alone: a resource
    that was made anew has taken it up since.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# A mark of any stack. The attributes with several values are anybody's; a value of this form is this program's.
$AnyMark = '^\S+/\S+/\S+ (created|adopted) [0-9a-f]{8}$'

function Get-FormerClaim {
    <# .SYNOPSIS The claim in the output of this resource's last run; nothing where there is no such output. #>
    $former = Get-FormerOutput | Select-Object -Property 'claim'
    if ($former) { $former.claim }
}

function Select-Claim {
    <# .SYNOPSIS The claim of this run: that of the last one where the object still carries it, else a new one. #>
    param([Parameter(Mandatory)] [AllowEmptyString()] [string] $Carried, [string] $New = (New-Claim))
    $former = Get-FormerClaim
    if ($former -and $Carried -like "* $former") { return $former }
    $New
}

function New-Claim {
    <# .SYNOPSIS Eight random digits: enough to tell those that took up one object, and short, see Policy.psm1. #>
    ([string][guid]::NewGuid()).Substring(0, 8)
}

function Find-Recipient {
    <# .SYNOPSIS Lists the recipients that a filter matches. #>
    param([Parameter(Mandatory)] [string] $Filter)
    Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Filter $Filter -ResultSize Unlimited -ErrorAction Stop }
}

function ConvertTo-FilterText {
    <# .SYNOPSIS A text within the quotes of a filter. #>
    param([Parameter(Mandatory)] [string] $Text)
    $Text -replace "'", "''"
}

function Test-Mailbox {
    <# .SYNOPSIS Tells whether a recipient is a mailbox: a Microsoft 365 group, a GroupMailbox, is a group. #>
    param([Parameter(Mandatory)] [object] $Recipient)
    $Recipient.RecipientTypeDetails -like '*Mailbox' -and $Recipient.RecipientTypeDetails -ne 'GroupMailbox'
}

function Find-AddressHolder {
    <# .SYNOPSIS Finds whatever has an address, as its primary or as a further one; or nothing. #>
    param([Parameter(Mandatory)] [string] $Address)
    Find-Recipient -Filter "EmailAddresses -eq 'smtp:$(ConvertTo-FilterText -Text $Address)'"
}

function Get-ExistingRecipient {
    <# .SYNOPSIS Returns the recipient with an address; waits while it is too new to be found. #>
    param([Parameter(Mandatory)] [string] $Address)
    # In an -Identity it stands for any characters: others would be taken for the one that is meant.
    if ($Address -match '\*') { Stop-Convergence -Reason "the address $Address holds *, by which Exchange finds others' mailboxes too. Give the mailbox another address." }
    Invoke-WithRetry -Cmdlet 'Get-Recipient' -NotFoundIsTransient -Action { Get-Recipient -Identity $Address -ErrorAction Stop }
}

function Get-OwnMark {
    <# .SYNOPSIS What of an object's attribute is our mark: as a rule one value, or none. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    $attribute = $Desired.markAttribute
    # Stacks may differ in upper and lower case alone.
    @($Recipient.$attribute) | Where-Object { $_ -like "$($Desired.mark) *" -and ($_ -split ' ')[0] -ceq $Desired.mark }
}

function Get-OtherMark {
    <# .SYNOPSIS What stands where our mark would have to: the mark of another stack or, in an attribute with one value, whatever is there. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    $attribute = $Desired.markAttribute
    $own = @(Get-OwnMark -Recipient $Recipient -Desired $Desired)
    @($Recipient.$attribute) | Where-Object { $_ -and $own -notcontains $_ -and ($attribute -notlike 'Extension*' -or $_ -match $AnyMark) }
}

function Test-HalfMade {
    <# .SYNOPSIS Tells whether an object was created by us and cut off before it was marked. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    # A display name counts only while there is no mark, and at the address that it was created with: anybody who
    # may rename a mailbox can write ours there.
    $marks = @(Get-OwnMark -Recipient $Recipient -Desired $Desired) + @(Get-OtherMark -Recipient $Recipient -Desired $Desired)
    $marks.Count -eq 0 -and $Recipient.DisplayName -ceq $Desired.mark -and $Recipient.PrimarySmtpAddress -eq $Desired.address
}

function Find-MarkedRecipient {
    <# .SYNOPSIS Finds the mailbox or group that carries our mark, adopted ones included; or nothing. Two of them, or one of another kind, is an error. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Type)
    $text = ConvertTo-FilterText -Text $Desired.mark
    $found = @(Find-Recipient -Filter "$($Desired.markAttribute) -like '$text *' -or DisplayName -eq '$text'")
    # Exchange compares without regard to case, and stacks may differ in it alone.
    $marked = @($found | Where-Object { @(Get-OwnMark -Recipient $_ -Desired $Desired).Count -gt 0 -or (Test-HalfMade -Recipient $_ -Desired $Desired) })
    if ($marked.Count -eq 0) { return }
    if ($marked.Count -gt 1) {
        Stop-Convergence -Reason "$($marked.Count) objects carry the mark '$($Desired.mark)': $(@($marked | ForEach-Object { $_.PrimarySmtpAddress }) -join ', '). Take it out of the $($Desired.markAttribute) of those that are not this one."
    }
    if ($marked[0].RecipientTypeDetails -ne $Type) {
        Stop-Convergence -Reason "$($marked[0].PrimarySmtpAddress) carries the mark '$($Desired.mark)' and is a $($marked[0].RecipientTypeDetails), not a $Type. Take it out of its $($Desired.markAttribute) if it is not this stack's."
    }
    $marked[0]
}

function Get-OwnedRecipient {
    <# .SYNOPSIS Returns the object that carries our mark; waits while it is too new to be found. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Type)
    Wait-Result -Subject "a $Type with the mark '$($Desired.mark)'" -Action { Find-MarkedRecipient -Desired $Desired -Type $Type }
}

function Find-OwnedRecipient {
    <#
    .SYNOPSIS
        Finds the mailbox or group that is ours, or that the configuration tells us to adopt; or nothing.
    .DESCRIPTION
        The mark finds our object even where the configuration has changed its address or name since. Without it,
        an object is adopted by its address only: a name may be anybody's, and many tenants replace a mailbox's
        name by an object id. Whatever else has the address, the alias or the name is an error.
    #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Type)
    $address = $Desired.address
    $holders = @(Find-AddressHolder -Address $address)
    # An alias is an address as well, in the initial domain. Exchange would name its holder by an id.
    $aliasHolders = @(Find-AddressHolder -Address "$($Desired.alias)@$($Desired.organization)")
    $namesakes = @()
    if ($holders.Count -eq 0) { $namesakes = @(Find-Recipient -Filter "Name -eq '$(ConvertTo-FilterText -Text $Desired.name)'") }
    # Asked last: what a cut-off run has made may become visible between two searches, and would be taken for a
    # stranger if only the second one showed it.
    $marked = Find-MarkedRecipient -Desired $Desired -Type $Type
    $ours = $marked
    if (-not $ours -and $holders.Count -gt 0) { $ours = $holders[0] }
    # One that has the name as well is told with what to do about it, below.
    $known = @($ours) + $namesakes | Where-Object { $_ } | ForEach-Object { [string]$_.Guid }
    $other = $aliasHolders | Where-Object { @($known) -notcontains [string]$_.Guid } | Select-Object -First 1
    if ($other) {
        Stop-Convergence -Reason "the alias '$($Desired.alias)' belongs to '$($other.DisplayName)' ($($other.PrimarySmtpAddress), a $($other.RecipientTypeDetails)). Choose another alias."
    }
    if ($marked) {
        $others = @($holders | Where-Object { [string]$_.Guid -ne [string]$marked.Guid })
        if ($others.Count -gt 0) {
            Stop-Convergence -Reason "$address belongs to '$($others[0].DisplayName)' ($($others[0].RecipientTypeDetails)), while $($marked.PrimarySmtpAddress) carries our mark. Choose another address."
        }
        return $marked
    }
    if ($holders.Count -eq 0) {
        if ($namesakes.Count -eq 0) { return }
        $namesake = $namesakes[0]
        $remedy = 'Choose another name.'
        if ($namesake.RecipientTypeDetails -eq $Type -and @(Get-OtherMark -Recipient $namesake -Desired $Desired).Count -eq 0) {
            $remedy = "Choose another name, or set 'address: $($namesake.PrimarySmtpAddress)' and 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
        }
        Stop-Convergence -Reason "the name '$($Desired.name)' belongs to $($namesake.PrimarySmtpAddress), a $($namesake.RecipientTypeDetails) that was not created by this stack. $remedy"
    }
    $holder = $holders[0]
    if ($holder.RecipientTypeDetails -ne $Type) {
        Stop-Convergence -Reason "$address exists and is a $($holder.RecipientTypeDetails), not a $Type. It is never converted: choose another address."
    }
    $theirs = @(Get-OtherMark -Recipient $holder -Desired $Desired)
    if ($theirs.Count -gt 0) {
        Stop-Convergence -Reason "$address exists and carries the mark '$($theirs[0])' in $($Desired.markAttribute): it belongs to another stack or tool, or to a sender of this stack that has another name now. Choose another address, or give the sender its former name."
    }
    if (-not $Desired.adopt) {
        Stop-Convergence -Reason "$address exists ('$($holder.DisplayName)') and was not created by this stack. Choose another address, or set 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
    }
    $holder
}

function Get-DueMark {
    <# .SYNOPSIS The mark that an object should carry, with a claim. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [AllowEmptyString()] [string] $Claim)
    $own = @(Get-OwnMark -Recipient $Recipient -Desired $Desired)
    $created = $own.Count -gt 0 -and -not (Test-Adopted -Recipient $Recipient -Desired $Desired)
    if ($created -or (Test-HalfMade -Recipient $Recipient -Desired $Desired)) { return "$($Desired.mark) created $Claim" }
    "$($Desired.mark) adopted $Claim"
}

function Get-MarkChange {
    <# .SYNOPSIS What to give the attribute of the mark, so that an object carries one mark of ours, or none, and keeps what others wrote there. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired, [string] $Due)
    if ($Desired.markAttribute -notlike 'Extension*') {
        if ($Due) { return $Due }
        return $null
    }
    $own = @(Get-OwnMark -Recipient $Recipient -Desired $Desired)
    $former = @($own | Where-Object { $_ -ne $Due })
    $change = @{}
    if ($Due -and $own -notcontains $Due) { $change['Add'] = $Due }
    if ($former.Count -gt 0) { $change['Remove'] = $former }
    $change
}

function Get-Unmarking {
    <# .SYNOPSIS The parameter of Set-Mailbox or Set-DistributionGroup that takes our mark off an object. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    $parameter = @{}
    $parameter[$Desired.markAttribute] = Get-MarkChange -Recipient $Recipient -Desired $Desired
    $parameter
}

function Test-Adopted {
    <# .SYNOPSIS Tells whether an object that carries our mark was there before us. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    @(Get-OwnMark -Recipient $Recipient -Desired $Desired | Where-Object { $_ -match ' adopted\b' }).Count -gt 0
}

function Find-RemovableRecipient {
    <# .SYNOPSIS Finds the object that carries our mark and the claim of this very resource; says so where there is none. #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Type)
    $recipient = Find-Removable -Search { Find-MarkedRecipient -Desired $Desired -Type $Type }
    $claim = Get-FormerClaim
    if (-not $recipient) {
        Write-Step -Message "no $Type carries the mark '$($Desired.mark)': nothing to remove"
    }
    elseif (-not $claim -or @(Get-OwnMark -Recipient $recipient -Desired $Desired) -notcontains (Get-DueMark -Recipient $recipient -Desired $Desired -Claim $claim)) {
        Write-Step -Message "warning: $($recipient.PrimarySmtpAddress) stays: it carries the mark '$(@(Get-OwnMark -Recipient $recipient -Desired $Desired) -join ', ')', and this removal has the claim '$claim'. A resource that was made anew has taken it up. If no stack has it, remove it by hand."
    }
    else { $recipient }
}

function Assert-Removable {
    <# .SYNOPSIS Reads an object again, right before it is removed: it must still be the same, ours, and of this very resource. #>
    param([Parameter(Mandatory)] [object] $Recipient, [Parameter(Mandatory)] [object] $Desired)
    # Between the search and the removal lie other cmdlets and, where Exchange is busy, minutes.
    $found = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity ([string]$Recipient.Guid) -ErrorAction Stop })
    $same = @($found | Where-Object {
            [string]$_.Guid -eq [string]$Recipient.Guid -and
            $_.RecipientTypeDetails -eq $Recipient.RecipientTypeDetails -and
            @(Get-OwnMark -Recipient $_ -Desired $Desired) -contains "$($Desired.mark) created $(Get-FormerClaim)"
        })
    if ($found.Count -ne 1 -or $same.Count -ne 1) {
        Stop-Convergence -Reason "$($Recipient.PrimarySmtpAddress) was changed by somebody else a moment ago and is no longer a $($Recipient.RecipientTypeDetails) with the mark '$($Desired.mark)' of this stack. It was not removed: look at it, and run the removal again."
    }
}

function Test-Outlived {
    <#
    .SYNOPSIS
        Tells whether the identity that an object confines is another's and lives on. Then the object stays, and this says until when.
    .DESCRIPTION
        A managed identity's token is kept for a day, with the permissions that it was issued with; Exchange goes by a role for up
        to two hours. What is removed meanwhile, confines nothing, and what has lost its scope may reach every mailbox.
    #>
    param([Parameter(Mandatory)] [object] $Desired, [Parameter(Mandatory)] [string] $Subject, [Parameter(Mandatory)] [int] $Hours, [Parameter(Mandatory)] [string] $Removal)
    if (-not ($Desired | Select-Object -Property 'identityOutlives').identityOutlives) { return $false }
    Write-Step -Message "warning: $Subject stays: the identity that it confines is not this stack's and lives on, and for up to $Hours h from now what it was permitted may count without this for every mailbox of the organisation. Where nobody needs it by then: $Removal"
    $true
}

Export-ModuleMember -Function @('Get-FormerClaim', 'Select-Claim', 'New-Claim', 'Find-Recipient', 'Test-Mailbox', 'Find-AddressHolder', 'Get-ExistingRecipient', 'Get-OwnMark', 'Find-MarkedRecipient', 'Get-OwnedRecipient', 'Find-OwnedRecipient', 'Get-DueMark', 'Get-MarkChange', 'Get-Unmarking', 'Test-Adopted', 'Find-RemovableRecipient', 'Assert-Removable', 'Test-Outlived')
