<#
.SYNOPSIS
    Proves that an application reaches every mailbox that it should, and not the control mailbox; fails otherwise.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"appId":"<application (client) id>","groupAddress":"senders@contoso.com","members":["notifications@contoso.com"],"controlMailbox":"control.mailbox@contoso.com","timeoutSeconds":600,"settleSeconds":3600}
              Granted alone proves nothing, since an application without any policy is Granted everywhere: the control mailbox has to
              be Denied, and no further policy of the application may add to the reach; one for every application ('*') is a warning. Wrong answers that may pass are asked for again for timeoutSeconds.
              Exchange's test sees a new policy at once, Graph up to an hour or more later: settleSeconds are waited after the proof,
              without a connection. https://learn.microsoft.com/exchange/permissions-exo/application-access-policies
    Writes    {"appId":"...","granted":["..."],"denied":["..."],"otherReasons":["why the control mailbox refuses Graph besides"]}
    Needs the Exchange roles Organization Configuration, View-Only Configuration and View-Only Recipients.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

function Assert-GrantCounts {
    <# .SYNOPSIS Stops where the organisation has Exchange take no notice of what is granted in Entra. #>
    param([Parameter(Mandatory)] [object] $Organization)
    # The property exists since May 2026, undescribed; read here as: permissions come from RBAC for Applications
    # only. Selected by name, so that where it does not exist yet it reads as nothing. An application can be excepted
    # (Set-ServicePrincipal -OverrideEnforceExoAppRbacPermissions); to read that takes Role Management, which is too much.
    if (($Organization | Select-Object -Property 'EnforceExoAppRbacPermissions').EnforceExoAppRbacPermissions) {
        Stop-Convergence -Reason 'EnforceExoAppRbacPermissions is set in Get-OrganizationConfig: what is granted in Entra no longer counts, so this policy would confine nothing and the workflow could not send. Confine it by RBAC for Applications, or: Set-OrganizationConfig -EnforceExoAppRbacPermissions $false'
    }
}

function Get-OtherReason {
    <# .SYNOPSIS Lists why a mailbox refuses Graph with the text of a policy ("Access to OData is disabled") and without one. #>
    param([Parameter(Mandatory)] [string] $Address, [Parameter(Mandatory)] [object] $Organization)
    # Seen where EWS is off for the mailbox or has a list of applications: msgraph-sdk-javascript#252, MHA#49. EwsEnabled of
    # the organisation does not bear on Graph, says the page of Set-OrganizationConfig. It bears on the proof by sending,
    # whose 403 then tells nothing of the policy; Exchange's own test is not misled.
    $mailbox = Invoke-WithRetry -Cmdlet 'Get-CASMailbox' -Action { Get-CASMailbox -Identity $Address -ErrorAction Stop }
    $list = $Organization.EwsApplicationAccessPolicy
    if ($list) { "EwsApplicationAccessPolicy is $list in Get-OrganizationConfig" }
    if ($mailbox.EwsEnabled -eq $false) { 'EwsEnabled is False in Get-CASMailbox' }
    $list = $mailbox.EwsApplicationAccessPolicy
    if ($list) { "EwsApplicationAccessPolicy is $list in Get-CASMailbox" }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "proof that $($Desired.appId) is confined to $($Desired.groupAddress)" } -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Get-ApplicationAccessPolicy', 'Test-ApplicationAccessPolicy', 'Get-OrganizationConfig', 'Get-CASMailbox') -Action {
    param($Desired)
    $stands = 'No permission is granted in this run; what an earlier one granted stands.'
    $group = Get-ExistingRecipient -Address $Desired.groupAddress
    try {
        $control = Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity $Desired.controlMailbox -ErrorAction Stop }
    }
    catch {
        Stop-Convergence -Reason "the control mailbox $($Desired.controlMailbox) cannot be read: $($_.Exception.Message) It must exist and is not created here: give the address of any mailbox outside the group."
    }
    if (-not (Test-Mailbox -Recipient $control)) {
        Stop-Convergence -Reason "the control mailbox $($Desired.controlMailbox) is a $($control.RecipientTypeDetails). Give the address of a mailbox."
    }
    $organization = Invoke-WithRetry -Cmdlet 'Get-OrganizationConfig' -Action { Get-OrganizationConfig -ErrorAction Stop }
    Assert-GrantCounts -Organization $organization

    $members = @($Desired.members | ForEach-Object { Get-ExistingRecipient -Address $_ })
    $waited = 0
    while ($true) {
        $policies = @(Get-TenantPolicy)
        $opposing = @(Get-OpposingPolicyFinding -Policy $policies -Group $group -AppId $Desired.appId)
        if ($opposing.Count -gt 0) { Stop-Convergence -Reason "not confined: $($opposing -join '; '). $stands" }
        $warnings = @(Get-PolicyWarning -Policy $policies -AppId $Desired.appId)
        $wrong = @(
            Get-MissingPolicyFinding -Policy $policies -Group $group -AppId $Desired.appId
            $membership = Compare-Membership -Present @(Read-Member -Guid ([string]$group.Guid) -MayBeNew) -Wanted $members
            foreach ($stray in $membership.Strays) { "$($stray.PrimarySmtpAddress) is in the group as well, so the application would reach it" }
            foreach ($address in @($Desired.members)) { Get-AccessFinding -Address $address -AppId $Desired.appId -Expected 'Granted' }
            Get-AccessFinding -Address $Desired.controlMailbox -AppId $Desired.appId -Expected 'Denied'
        )
        if ($wrong.Count -eq 0) { break }
        if ($waited -ge $Desired.timeoutSeconds) {
            Stop-Convergence -Reason "not proven after $waited s: $(($wrong + $warnings) -join '; '). $stands Mend what is named, or raise proofTimeout if Exchange was only slow, and deploy again."
        }
        Write-Step -Message "waiting 15 s, not proven yet: $($wrong -join '; ')"
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
    $otherReasons = @(Get-OtherReason -Address $Desired.controlMailbox -Organization $organization)
    foreach ($warning in $warnings) { Write-Step -Message "warning: $warning" }
    foreach ($reason in $otherReasons) {
        Write-Step -Message "warning: a 403 of $($Desired.controlMailbox) proves nothing of the policy: $reason. For a proof by sending give a control mailbox without that."
    }
    Write-Step -Message "proven: $(@($Desired.members) -join ', ') Granted, $($Desired.controlMailbox) Denied"

    # An access token may expire during the wait, and Exchange limits idle sessions.
    Disconnect-Organization
    $left = $Desired.settleSeconds
    while ($left -gt 0) {
        Write-Step -Message "settling: $left s until the permission is granted, for Graph to learn of the policy"
        $pause = [math]::Min($left, 300)
        Start-Sleep -Seconds $pause
        $left = $left - $pause
    }
    [ordered]@{ appId = $Desired.appId; granted = @($Desired.members); denied = @($Desired.controlMailbox); otherReasons = $otherReasons }
}
