<#
.SYNOPSIS
    Proves that an application reaches every mailbox that it should, and not the control mailbox.

.DESCRIPTION
    Reads from standard input:
      organization, exchangeEnvironmentName   where to connect
      appId            application (client) id of the identity
      groupAddress     the group that its policy is scoped to
      members          addresses that must be Granted, and that are all members of the group
      permissions      what is granted afterwards; not read here, but a further one is proven anew
      controlMailbox   address of an existing mailbox outside the group, which must be Denied
      timeoutSeconds   how long answers may stay wrong before this fails
      settleSeconds    how long to wait after the proof; 0 for not at all

    Granted alone proves nothing: an application without any policy is Granted everywhere. So the
    control mailbox has to be Denied, and no policy with another scope may add to the reach.

    Exchange's test knows a new policy at once, Graph up to an hour or more later. The wait after the
    proof lets Graph catch up before the permission is granted. It is spent without a connection.
    https://learn.microsoft.com/exchange/permissions-exo/application-access-policies

    Writes { appId, granted, denied }.

    Needs the Exchange roles Organization Configuration, without which Test-ApplicationAccessPolicy may not be
    loaded, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/ExchangeObject.psm1" -Force

$connection = $null
$subject = 'proof of confinement'
try {
    $desired = ConvertFrom-DesiredJson -Json (@($input) -join "`n")
    $subject = "proof that $($desired.appId) is confined to $($desired.groupAddress)"
    $connection = Connect-Organization -Desired $desired -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Get-ApplicationAccessPolicy', 'Test-ApplicationAccessPolicy')

    $group = Get-ExistingRecipient -Address $desired.groupAddress
    try {
        $control = Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity $desired.controlMailbox -ErrorAction Stop }
    }
    catch {
        throw "the control mailbox $($desired.controlMailbox) cannot be read: $($_.Exception.Message) It must exist and is not created here: give the address of any mailbox outside the group."
    }
    if ($control.RecipientTypeDetails -notlike '*Mailbox') {
        throw "the control mailbox $($desired.controlMailbox) is a $($control.RecipientTypeDetails). Give the address of a mailbox."
    }

    $members = @($desired.members | ForEach-Object { Get-ExistingRecipient -Address $_ })
    $waited = 0
    while ($true) {
        $policies = @(Invoke-WithRetry -Cmdlet 'Get-ApplicationAccessPolicy' -Action { Get-ApplicationAccessPolicy -ErrorAction Stop })
        $warnings = @(Get-PolicyWarning -Policy $policies -AppId $desired.appId)
        $wrong = @(
            Get-PolicyFinding -Policy $policies -Group $group -AppId $desired.appId
            $present = @(Invoke-WithRetry -Cmdlet 'Get-DistributionGroupMember' -NotFoundIsTransient -Action {
                    Get-DistributionGroupMember -Identity ([string]$group.Guid) -ResultSize Unlimited -ErrorAction Stop
                })
            foreach ($stray in (Compare-Membership -Present $present -Wanted $members).Strays) {
                "$($stray.PrimarySmtpAddress) is in the group as well, so the application would reach it"
            }
            foreach ($address in @($desired.members)) {
                Get-AccessFinding -Address $address -AppId $desired.appId -Expected 'Granted'
            }
            Get-AccessFinding -Address $desired.controlMailbox -AppId $desired.appId -Expected 'Denied'
        )
        if ($wrong.Count -eq 0) { break }
        if ($waited -ge $desired.timeoutSeconds) {
            throw "not proven after $waited s: $(($wrong + $warnings) -join '; '). Nothing was granted. Mend what is named, or raise proofTimeout if Exchange was only slow, and deploy again."
        }
        Write-Step -Message "waiting 15 s, not proven yet: $($wrong -join '; ')"
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
    foreach ($warning in $warnings) { Write-Step -Message "warning: $warning" }
    Write-Step -Message "proven: $(@($desired.members) -join ', ') Granted, $($desired.controlMailbox) Denied"

    # An access token may expire during the wait, and Exchange limits idle sessions.
    Disconnect-Organization -Connection $connection
    $connection = $null
    $left = $desired.settleSeconds
    while ($left -gt 0) {
        Write-Step -Message "settling: $left s until the permission is granted, for Graph to learn of the policy"
        $pause = [math]::Min($left, 300)
        Start-Sleep -Seconds $pause
        $left = $left - $pause
    }

    Write-ObservedObject -InputObject ([ordered]@{
            appId   = $desired.appId
            granted = @($desired.members)
            denied  = @($desired.controlMailbox)
        })
}
catch {
    Write-Failure -Subject $subject -ErrorRecord $_
    exit 1
}
finally {
    Disconnect-Organization -Connection $connection
}
