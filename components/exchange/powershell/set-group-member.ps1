<#
.SYNOPSIS
    Gives our mail-enabled security group exactly the members of a list: the mailboxes that the application may use.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"markAttribute":"ExtensionCustomAttribute5","mark":"project/stack/name","address":"senders@contoso.com","members":["notifications@contoso.com"]}
              Strangers go before missing members come: in between the application reaches less than it should, never more. One
              member a cmdlet: the audit log then shows who went and who came, where Update-DistributionGroupMember shows a new list.
    Writes    {"members":["..."]}
    Needs the Exchange roles Distribution Groups, Security Group Creation and Membership, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "members of the group $($Desired.address)" } -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Add-DistributionGroupMember', 'Remove-DistributionGroupMember') -Action {
    param($Desired)
    $guid = [string](Get-OwnedRecipient -Desired $Desired -Type 'MailUniversalSecurityGroup').Guid
    $wanted = @($Desired.members | ForEach-Object { Get-ExistingRecipient -Address $_ })
    $others = @($wanted | Where-Object { -not (Test-Mailbox -Recipient $_) })
    if ($others.Count -gt 0) {
        Stop-Convergence -Reason "$($others[0].PrimarySmtpAddress) is a $($others[0].RecipientTypeDetails), not a mailbox. Name the mailboxes themselves: who may change a group within the group could widen what the application reaches, and a role in Exchange opens direct members only."
    }
    $membership = Compare-Membership -Present @(Read-Member -Guid $guid -MayBeNew) -Wanted $wanted

    # Each error that is let pass means: a former attempt, whose answer was lost, did it.
    foreach ($member in $membership.Strays) {
        Write-Step -Message "removing $($member.PrimarySmtpAddress) from $($Desired.address)"
        Invoke-WithRetry -Cmdlet 'Remove-DistributionGroupMember' -NotFoundIsTransient -Action {
            try { Remove-DistributionGroupMember -Identity $guid -Member ([string]$member.Guid) -BypassSecurityGroupManagerCheck -Confirm:$false -ErrorAction Stop }
            catch { if ($_.Exception.Message -notmatch 'MemberNotFoundException') { throw } }
        }
    }
    foreach ($member in $membership.Missing) {
        Write-Step -Message "adding $($member.PrimarySmtpAddress) to $($Desired.address)"
        Invoke-WithRetry -Cmdlet 'Add-DistributionGroupMember' -NotFoundIsTransient -Action {
            try { Add-DistributionGroupMember -Identity $guid -Member ([string]$member.Guid) -BypassSecurityGroupManagerCheck -ErrorAction Stop }
            catch { if ($_.Exception.Message -notmatch 'MemberAlreadyExistsException') { throw } }
        }
    }
    [ordered]@{ members = @($Desired.members) }
}
