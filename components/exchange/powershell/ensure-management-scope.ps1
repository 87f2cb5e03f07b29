<#
.SYNOPSIS
    Makes sure that a management scope exists that holds one mailbox and nothing else.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"name":"notifications 3f2a9c1d","mailboxId":"<object id in Entra>","mailboxAddress":null}
              By the object id: an address may be another's tomorrow, and a group's name in a filter goes stale where the group is
              made anew. mailboxAddress, in place of the id, is looked up now. Where this script wrote the scope's name the last time (PULUMI_COMMAND_STDOUT),
              it is ours: it moves to the mailbox that took its place, and what others made of its filter goes. Any other one of
              this name with other content is refused.
    Writes    {"name":"...","mailboxId":"..."}
    Needs the Exchange roles Role Management, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "management scope '$($Desired.name)'" } -CommandName @('Get-Recipient', 'Get-ManagementScope', 'New-ManagementScope', 'Set-ManagementScope') -Action {
    param($Desired)
    $mailboxId = $Desired.mailboxId
    if ($Desired.mailboxAddress) {
        $mailbox = Get-ExistingRecipient -Address $Desired.mailboxAddress
        if (-not (Test-Mailbox -Recipient $mailbox)) {
            Stop-Convergence -Reason "$($Desired.mailboxAddress) is a $($mailbox.RecipientTypeDetails), not a mailbox. Name the mailboxes themselves."
        }
        $mailboxId = [string]$mailbox.ExternalDirectoryObjectId
    }
    $filter = ConvertTo-MailboxFilter -MailboxId $mailboxId
    # What the scope will hold, asked of Exchange before anything is bound to it.
    $held = @(Wait-Result -Subject "the mailbox $($mailboxId)" -Action { Find-Recipient -Filter $filter })
    if ($held.Count -ne 1 -or [string]$held[0].ExternalDirectoryObjectId -ne $mailboxId) {
        Stop-Convergence -Reason "its filter $filter holds $(@($held | ForEach-Object { $_.PrimarySmtpAddress }) -join ', ') and not one mailbox. Nothing was changed."
    }
    $scope = Invoke-WithRetry -Cmdlet 'New-ManagementScope' -TakenIsTransient -Action {
        $found = Find-ManagementScope -Name $Desired.name
        if ($found) { return $found }
        Write-Step -Message "creating the management scope '$($Desired.name)' with $($held[0].PrimarySmtpAddress)"
        New-ManagementScope -Name $Desired.name -RecipientRestrictionFilter $filter -ErrorAction Stop
    }
    $differences = @(Get-ScopeDifference -Scope $scope -MailboxId $mailboxId)
    if ($differences.Count -gt 0) {
        $former = Get-FormerOutput
        if (-not $former -or $former.name -ne $Desired.name) {
            Stop-Convergence -Reason "it exists and holds '$($scope.RecipientFilter)', not the mailbox $($held[0].PrimarySmtpAddress). It was not changed: others may have bound roles to it. If nobody needs it: Remove-ManagementScope -Identity '$($Desired.name)', and deploy again."
        }
        Write-Step -Message "giving the management scope '$($Desired.name)' the mailbox $($held[0].PrimarySmtpAddress) alone: it holds '$($scope.RecipientFilter)'"
        Invoke-WithRetry -Cmdlet 'Set-ManagementScope' -Action { Set-ManagementScope -Identity $Desired.name -RecipientRestrictionFilter $filter -ErrorAction Stop }
        $null = Wait-Result -Subject "the management scope '$($Desired.name)' as it was set" -Remedy 'Look at it, and deploy again.' -Action {
            Find-ManagementScope -Name $Desired.name | Where-Object { @(Get-ScopeDifference -Scope $_ -MailboxId $mailboxId).Count -eq 0 }
        }
    }
    [ordered]@{ name = $Desired.name; mailboxId = $mailboxId }
}
