<#
.SYNOPSIS
    Which mailboxes and groups are ours: finds them by their mark, and refuses all others.
.DESCRIPTION
    The mark is "project/stack/name" in CustomAttribute15; with the word "adopted" after it, the object was not
    created by us and is never removed. An object that was cut off between its creation and its marking has the
    mark as its display name, at the address that it was created with.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

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

function Find-AddressHolder {
    <# .SYNOPSIS Finds whatever has an address, as its primary or as a further one; or nothing. #>
    param([Parameter(Mandatory)] [string] $Address)
    Find-Recipient -Filter "EmailAddresses -eq 'smtp:$(ConvertTo-FilterText -Text $Address)'"
}

function Get-ExistingRecipient {
    <# .SYNOPSIS Returns the recipient with an address; waits while it is too new to be found. #>
    param([Parameter(Mandatory)] [string] $Address)
    Invoke-WithRetry -Cmdlet 'Get-Recipient' -NotFoundIsTransient -Action { Get-Recipient -Identity $Address -ErrorAction Stop }
}

function Test-OwnRecipient {
    <# .SYNOPSIS Tells whether we created an object: it carries our mark, or is half-made by us. #>
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address
    )
    # A display name counts only until there is a mark, and at the address that it was created with: anybody who
    # may rename a mailbox can write ours there.
    $Recipient.CustomAttribute15 -ceq $Mark -or
    (-not $Recipient.CustomAttribute15 -and $Recipient.DisplayName -ceq $Mark -and $Recipient.PrimarySmtpAddress -eq $Address)
}

function Find-MarkedRecipient {
    <#
    .SYNOPSIS
        Finds the mailbox or group that carries our mark, adopted ones included; or nothing.
    .DESCRIPTION
        Two of them, or one of another kind, is an error.
    #>
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails
    )
    $text = ConvertTo-FilterText -Text $Mark
    $found = @(Find-Recipient -Filter "CustomAttribute15 -eq '$text' -or CustomAttribute15 -eq '$text adopted' -or DisplayName -eq '$text'")
    # Exchange compares without regard to case, and stacks may differ in it alone.
    $marked = @($found | Where-Object {
            $_.CustomAttribute15 -ceq "$Mark adopted" -or (Test-OwnRecipient -Recipient $_ -Mark $Mark -Address $Address)
        })
    if ($marked.Count -eq 0) { return }
    if ($marked.Count -gt 1) {
        Stop-Convergence -Reason "$($marked.Count) objects carry the mark '$Mark': $(@($marked | ForEach-Object { $_.PrimarySmtpAddress }) -join ', '). Clear CustomAttribute15 of those that are not this one."
    }
    if ($marked[0].RecipientTypeDetails -ne $RecipientTypeDetails) {
        Stop-Convergence -Reason "$($marked[0].PrimarySmtpAddress) carries the mark '$Mark' and is a $($marked[0].RecipientTypeDetails), not a $RecipientTypeDetails. Clear its CustomAttribute15 if it is not this stack's."
    }
    $marked[0]
}

function Get-OwnedRecipient {
    <# .SYNOPSIS Returns the object that carries our mark; waits while it is too new to be found. #>
    param(
        [Parameter(Mandatory)] [string] $Mark,
        [Parameter(Mandatory)] [string] $Address,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails
    )
    Wait-Result -Subject "a $RecipientTypeDetails with the mark '$Mark'" -Action {
        Find-MarkedRecipient -Mark $Mark -Address $Address -RecipientTypeDetails $RecipientTypeDetails
    }
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
    param(
        [Parameter(Mandatory)] [object] $Desired,
        [Parameter(Mandatory)] [string] $RecipientTypeDetails
    )
    $address = $Desired.address
    $holders = @(Find-AddressHolder -Address $address)
    # An alias is an address as well, in the initial domain. Exchange would name its holder by an id.
    $aliasHolders = @(Find-AddressHolder -Address "$($Desired.alias)@$($Desired.organization)")
    $namesakes = @()
    if ($holders.Count -eq 0) {
        $namesakes = @(Find-Recipient -Filter "Name -eq '$(ConvertTo-FilterText -Text $Desired.name)'")
    }
    # Asked last: what a cut-off run has made may become visible between two searches, and would be taken for a
    # stranger if only the second one showed it.
    $marked = Find-MarkedRecipient -Mark $Desired.mark -Address $address -RecipientTypeDetails $RecipientTypeDetails
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
        if ($namesake.RecipientTypeDetails -eq $RecipientTypeDetails -and -not $namesake.CustomAttribute15) {
            $remedy = "Choose another name, or set 'address: $($namesake.PrimarySmtpAddress)' and 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
        }
        Stop-Convergence -Reason "the name '$($Desired.name)' belongs to $($namesake.PrimarySmtpAddress), a $($namesake.RecipientTypeDetails) that was not created by this stack. $remedy"
    }
    $holder = $holders[0]
    if ($holder.RecipientTypeDetails -ne $RecipientTypeDetails) {
        Stop-Convergence -Reason "$address exists and is a $($holder.RecipientTypeDetails), not a $RecipientTypeDetails. It is never converted: choose another address."
    }
    if ($holder.CustomAttribute15) {
        Stop-Convergence -Reason "$address exists and carries the mark '$($holder.CustomAttribute15)' in CustomAttribute15: it belongs to another stack or tool, or to a sender of this stack that has another name now. Choose another address, or give the sender its former name."
    }
    if (-not $Desired.adopt) {
        Stop-Convergence -Reason "$address exists ('$($holder.DisplayName)') and was not created by this stack. Choose another address, or set 'adopt: true' on this object in the stack's configuration: it is then managed from here on, and never removed."
    }
    $holder
}

function Get-OwnershipMark {
    <# .SYNOPSIS The value that CustomAttribute15 should have: the mark, and for what we did not create a word more. #>
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [object] $Desired
    )
    if ($Recipient.CustomAttribute15) { return $Recipient.CustomAttribute15 }
    if (Test-OwnRecipient -Recipient $Recipient -Mark $Desired.mark -Address $Desired.address) { return $Desired.mark }
    "$($Desired.mark) adopted"
}

function Assert-Removable {
    <#
    .SYNOPSIS
        Reads an object again, right before it is removed: it must still be the same and ours.
    .DESCRIPTION
        Between the search and the removal lie other cmdlets and, where Exchange is busy, minutes.
    #>
    param(
        [Parameter(Mandatory)] [object] $Recipient,
        [Parameter(Mandatory)] [object] $Desired
    )
    $found = @(Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity ([string]$Recipient.Guid) -ErrorAction Stop })
    $same = @($found | Where-Object {
            [string]$_.Guid -eq [string]$Recipient.Guid -and
            $_.RecipientTypeDetails -eq $Recipient.RecipientTypeDetails -and
            (Test-OwnRecipient -Recipient $_ -Mark $Desired.mark -Address $Desired.address)
        })
    if ($found.Count -ne 1 -or $same.Count -ne 1) {
        Stop-Convergence -Reason "$($Recipient.PrimarySmtpAddress) was changed by somebody else a moment ago and is no longer a $($Recipient.RecipientTypeDetails) with the mark '$($Desired.mark)'. It was not removed: look at it, and run the removal again."
    }
}

Export-ModuleMember -Function @('Find-Recipient', 'Find-AddressHolder', 'Get-ExistingRecipient', 'Find-MarkedRecipient', 'Get-OwnedRecipient', 'Find-OwnedRecipient', 'Get-OwnershipMark', 'Assert-Removable')
