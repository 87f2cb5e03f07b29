<#
.SYNOPSIS
    Makes sure that a mail-enabled security group exists, is marked as ours, and has its address, alias,
    display name and owners.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      mark          the owner: project/stack/name
      address       primary SMTP address
      name          Exchange's unique name, used at creation only
      displayName   up to 256 characters
      alias         the mail alias
      managedBy     addresses of the owners; an empty list leaves the owners as they are
      adopt         whether an existing, unmarked group with this address may be taken over

    The group is the scope of an application access policy: whoever can change its members decides as
    whom the application may send. So nobody can join or leave it by himself, it is hidden from the
    address book, it takes mail from inside the organisation only, and -BypassSecurityGroupManagerCheck
    lets the deploying identity manage it without being an owner: an application cannot be one.

    Members are set by set-group-member.ps1. Writes { primarySmtpAddress }.

    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only
    Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'mail-enabled security group'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "mail-enabled security group $($desired.address)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-DistributionGroup', 'New-DistributionGroup', 'Set-DistributionGroup')

    # Born with the mark as its display name: recognisable as ours even if this process dies before the
    # next cmdlet, since New-DistributionGroup cannot set a custom attribute.
    $recipient = Invoke-WithRetry -Cmdlet 'New-DistributionGroup' -TakenIsTransient -Action {
        $found = Find-OwnedRecipient -Mark $desired.mark -Address $desired.address -Name $desired.name -RecipientTypeDetails 'MailUniversalSecurityGroup' -Adopt $desired.adopt
        if ($found) { return $found }
        Write-Step -Message "creating mail-enabled security group $($desired.address)"
        $owners = @{}
        if (@($desired.managedBy).Count -gt 0) { $owners['ManagedBy'] = @($desired.managedBy) }
        # A distribution group, the cmdlet's default type, cannot be the scope of a policy, and its type
        # cannot be changed later.
        New-DistributionGroup -Type Security -Name $desired.name -Alias $desired.alias -DisplayName $desired.mark -PrimarySmtpAddress $desired.address -MemberJoinRestriction Closed -MemberDepartRestriction Closed -RequireSenderAuthenticationEnabled $true -IgnoreNamingPolicy @owners -ErrorAction Stop
    }
    $guid = [string]$recipient.Guid
    $group = Invoke-WithRetry -Cmdlet 'Get-DistributionGroup' -NotFoundIsTransient -Action { Get-DistributionGroup -Identity $guid -ErrorAction Stop }

    $changes = @{}
    foreach ($difference in @(Get-GroupDifference -Group $group -Desired $desired)) { $changes[$difference.Property] = $difference.Expected }
    # Set whether or not it differs: it cannot be compared.
    if (@($desired.managedBy).Count -gt 0) { $changes['ManagedBy'] = @($desired.managedBy) }
    if ($changes.Count -gt 0) {
        Write-Step -Message "setting $(@($changes.Keys | Sort-Object) -join ', ') of $($desired.address)"
        Invoke-WithRetry -Cmdlet 'Set-DistributionGroup' -NotFoundIsTransient -Action { Set-DistributionGroup -Identity $guid @changes -IgnoreNamingPolicy -BypassSecurityGroupManagerCheck -ErrorAction Stop }
    }

    Write-ObservedObject -InputObject ([ordered]@{ primarySmtpAddress = $desired.address })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
