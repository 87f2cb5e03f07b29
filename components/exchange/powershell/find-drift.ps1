<#
.SYNOPSIS
    Finds what was changed in Exchange Online by others since a stack was deployed. Changes nothing.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      objects     a list of { script, desired }: for each object of the stack the script that converges
                  it, and the JSON that this script was last given

    One connection serves all objects, and each cmdlet here begins with Get-. What counts as a difference
    is what the scripts themselves would set: both ask the same functions of ExchangeObject.psm1. What
    those cannot compare (the owners of a group) is not seen here either. Nothing is waited for: what is
    not found now is missing.

    Writes { findings }: one entry an object, in the order of the objects, of the form
    { property: { expected, found } }, empty where nothing differs.

    Needs the Exchange roles View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

# A group may have thousands of strays; the finding has to fit into an environment variable.
$shown = 20

function Find-MailboxDrift {
    <# .SYNOPSIS Reads our mailbox; -Setting is for what set-shared-mailbox.ps1 sets of it. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired,
        [switch] $Setting
    )
    $recipient = Find-MarkedRecipient -Mark $Desired.mark -Address $Desired.address -RecipientTypeDetails 'SharedMailbox'
    if (-not $recipient) {
        [pscustomobject]@{ Property = 'Mailbox'; Expected = "$($Desired.address) with the mark $($Desired.mark)"; Found = 'none' }
        return
    }
    $mailbox = Invoke-WithRetry -Cmdlet 'Get-Mailbox' -Action { Get-Mailbox -Identity ([string]$recipient.Guid) -ErrorAction Stop }
    if ($Setting) {
        Get-MailboxSettingDifference -Mailbox $mailbox -Desired $Desired
    }
    else {
        Get-MailboxDifference -Mailbox $mailbox -Desired $Desired
    }
}

function Find-GroupDrift {
    <# .SYNOPSIS Reads our group, without its members. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired
    )
    $recipient = Find-MarkedRecipient -Mark $Desired.mark -Address $Desired.address -RecipientTypeDetails 'MailUniversalSecurityGroup'
    if (-not $recipient) {
        [pscustomobject]@{ Property = 'Group'; Expected = "$($Desired.address) with the mark $($Desired.mark)"; Found = 'none' }
        return
    }
    $group = Invoke-WithRetry -Cmdlet 'Get-DistributionGroup' -Action { Get-DistributionGroup -Identity ([string]$recipient.Guid) -ErrorAction Stop }
    Get-GroupDifference -Group $group -Desired $Desired
}

function Find-MemberDrift {
    <# .SYNOPSIS Reads the members of our group. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired
    )
    $group = Find-MarkedRecipient -Mark $Desired.groupMark -Address $Desired.groupAddress -RecipientTypeDetails 'MailUniversalSecurityGroup'
    if (-not $group) {
        [pscustomobject]@{ Property = 'MissingMembers'; Expected = @($Desired.members); Found = @() }
        return
    }
    $present = @(Invoke-WithRetry -Cmdlet 'Get-DistributionGroupMember' -Action { Get-DistributionGroupMember -Identity ([string]$group.Guid) -ResultSize Unlimited -ErrorAction Stop })
    $missing = @()
    $wanted = @()
    foreach ($address in @($Desired.members)) {
        $holder = Find-AddressHolder -Address $address
        if ($holder) {
            $wanted += $holder
        }
        else {
            $missing += $address
        }
    }
    $membership = Compare-Membership -Present $present -Wanted $wanted
    $missing += @($membership.Missing | ForEach-Object { $_.PrimarySmtpAddress })
    $strays = @($membership.Strays | ForEach-Object { $_.PrimarySmtpAddress })
    if ($missing.Count -gt 0) { [pscustomobject]@{ Property = 'MissingMembers'; Expected = $missing; Found = @() } }
    if ($strays.Count -gt $shown) {
        $strays = @($strays | Select-Object -First $shown) + "and $($strays.Count - $shown) more"
    }
    if ($strays.Count -gt 0) { [pscustomobject]@{ Property = 'StrayMembers'; Expected = @(); Found = $strays } }
}

function Find-PolicyDrift {
    <# .SYNOPSIS Looks for the policy of one application on its group. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired,
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy
    )
    $group = Find-AddressHolder -Address $Desired.groupAddress
    $own = @()
    if ($group) {
        $own = @(Select-RestrictingPolicy -AppId $Desired.appId -Policy @(Select-PolicyOnGroup -Policy $Policy -Group $group))
    }
    if ($own.Count -gt 0) {
        Get-PolicyDifference -Policy $own[0] -Desired $Desired
        return
    }
    # With the group gone, what is left of the policy on it restricts nobody.
    $found = 'none'
    $elsewhere = @(Select-RestrictingPolicy -Policy $Policy -AppId $Desired.appId)
    if ($group -and $elsewhere.Count -gt 0) {
        $found = "only on $(@($elsewhere | ForEach-Object { $_.ScopeName }) -join ', ')"
    }
    [pscustomobject]@{ Property = 'RestrictAccess'; Expected = "on $($Desired.groupAddress)"; Found = $found }
}

function Find-ProofDrift {
    <# .SYNOPSIS Repeats that part of the proof which asks for policies. #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Desired,
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Policy
    )
    $group = Find-AddressHolder -Address $Desired.groupAddress
    $wrong = @("no group has the address $($Desired.groupAddress)")
    if ($group) {
        $wrong = @(Get-PolicyFinding -Policy $Policy -Group $group -AppId $Desired.appId)
    }
    if ($wrong.Count -gt 0) { [pscustomobject]@{ Property = 'Confinement'; Expected = 'proven'; Found = ($wrong -join '; ') } }
}

$connection = $null
$subject = 'looking for drift'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $connection = Connect-Organization -Desired $desired -CommandName @(
        'Get-Recipient', 'Get-Mailbox', 'Get-DistributionGroup', 'Get-DistributionGroupMember', 'Get-ApplicationAccessPolicy')
    # Once for all applications: the list is that of the whole tenant.
    $policies = @(Invoke-WithRetry -Cmdlet 'Get-ApplicationAccessPolicy' -Action { Get-ApplicationAccessPolicy -ErrorAction Stop })

    $findings = @(
        foreach ($object in @($desired.objects)) {
            $differences = @(
                if ($object.script -eq 'ensure-shared-mailbox.ps1') {
                    Find-MailboxDrift -Desired $object.desired
                }
                elseif ($object.script -eq 'set-shared-mailbox.ps1') {
                    Find-MailboxDrift -Desired $object.desired -Setting
                }
                elseif ($object.script -eq 'ensure-mail-enabled-security-group.ps1') {
                    Find-GroupDrift -Desired $object.desired
                }
                elseif ($object.script -eq 'set-group-member.ps1') {
                    Find-MemberDrift -Desired $object.desired
                }
                elseif ($object.script -eq 'ensure-application-access-policy.ps1') {
                    Find-PolicyDrift -Desired $object.desired -Policy $policies
                }
                elseif ($object.script -eq 'prove-confinement.ps1') {
                    Find-ProofDrift -Desired $object.desired -Policy $policies
                }
                else {
                    throw "find-drift.ps1 does not know what $($object.script) sets. Teach it, or set 'drift: false' in the stack's configuration."
                }
            )
            $finding = [ordered]@{}
            foreach ($difference in $differences) {
                $finding[$difference.Property] = [ordered]@{ expected = $difference.Expected; found = $difference.Found }
            }
            $finding
        }
    )
    Write-ObservedObject -InputObject ([ordered]@{ findings = $findings })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
