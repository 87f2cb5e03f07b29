<#
.SYNOPSIS
    Makes sure that a mail-enabled security group exists, is marked as ours, and has its address, alias, name and owners.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"markAttribute":"ExtensionCustomAttribute5","mark":"project/stack/name","address":"senders@contoso.com","name":"Senders","displayName":"Senders","alias":"Senders","managedBy":[],"adopt":false}
              name is used at creation only; no managedBy leaves the owners as they are; adopt lets it take over an unmarked group.
              Whoever changes the members decides as whom the application may send: nobody can join or leave, it is hidden and takes
              internal mail only. -BypassSecurityGroupManagerCheck, since an application cannot be an owner.
    Writes    {"primarySmtpAddress":"...","claim":"3f2c9a1b"}; set-group-member.ps1 sets the members
    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "mail-enabled security group $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-DistributionGroup', 'New-DistributionGroup', 'Set-DistributionGroup') -Action {
    param($Desired)
    $owners = @{}
    if (@($Desired.managedBy).Count -gt 0) { $owners['ManagedBy'] = @($Desired.managedBy) }
    # Born with the mark as its display name: recognisable as ours even if this process dies before the next cmdlet,
    # since New-DistributionGroup cannot set a custom attribute.
    $recipient = Invoke-WithRetry -Cmdlet 'New-DistributionGroup' -TakenIsTransient -Action {
        $found = Find-OwnedRecipient -Desired $Desired -Type 'MailUniversalSecurityGroup'
        if ($found) { return $found }
        Write-Step -Message "creating mail-enabled security group $($Desired.address)"
        # A distribution group, the cmdlet's default type, cannot be the scope of a policy, and its type cannot be changed later.
        New-DistributionGroup -Type Security -Name $Desired.name -Alias $Desired.alias -DisplayName $Desired.mark -PrimarySmtpAddress $Desired.address -MemberJoinRestriction Closed -MemberDepartRestriction Closed -RequireSenderAuthenticationEnabled $true -IgnoreNamingPolicy @owners -ErrorAction Stop
    }
    $guid = [string]$recipient.Guid
    $claim = Select-Claim -Carried (@(Get-OwnMark -Recipient $recipient -Desired $Desired) -join ', ')
    Invoke-WithRetry -Cmdlet 'Set-DistributionGroup' -NotFoundIsTransient -Action {
        $group = Read-Group -Guid $guid
        $changes = ConvertTo-Change -Difference @(Get-GroupDifference -Group $group -Desired $Desired -Claim $claim) -Recipient $group -Desired $Desired
        # Owners are set whether or not they differ: they cannot be compared.
        if ($changes.Count + $owners.Count -gt 0) { Set-DistributionGroup -Identity $guid @changes @owners -IgnoreNamingPolicy -BypassSecurityGroupManagerCheck -ErrorAction Stop }
    }
    [ordered]@{ primarySmtpAddress = $Desired.address; claim = $claim }
}
