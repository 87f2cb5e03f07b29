<#
.SYNOPSIS
    Proves that an application's roles in Exchange open the mailboxes that they should, and nothing else; fails otherwise.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"appId":"<application (client) id>","roles":["Application Mail.Send"],"scopeType":"CustomRecipientScope","scope":"notifications 3f2a9c1d","members":["notifications@contoso.com"],"controlMailbox":"control.mailbox@contoso.com","timeoutSeconds":600}
              By Exchange's own test, which does not wait for Graph: each member is in the scope of each role, the control mailbox of
              none, and there is no other role. The scope, with the scopeType Group the group with that address, holds nothing else.
              Wrong answers that may pass are asked for again for timeoutSeconds. What is granted in Entra adds to it and is not seen
              here. https://learn.microsoft.com/exchange/permissions-exo/application-rbac
    Writes    {"appId":"...","inScope":["..."],"outOfScope":["..."]}
    Needs the Exchange roles Role Management, View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "proof that $($Desired.appId) is confined to the scope '$($Desired.scope)'" } -CommandName @('Get-Recipient', 'Get-DistributionGroupMember', 'Get-ManagementScope', 'Test-ServicePrincipalAuthorization') -Action {
    param($Desired)
    try {
        $control = Invoke-WithRetry -Cmdlet 'Get-Recipient' -Action { Get-Recipient -Identity $Desired.controlMailbox -ErrorAction Stop }
    }
    catch {
        Stop-Convergence -Reason "the control mailbox $($Desired.controlMailbox) cannot be read: $($_.Exception.Message) It must exist and is not created here: give the address of any mailbox outside the scope."
    }
    if (-not (Test-Mailbox -Recipient $control)) {
        Stop-Convergence -Reason "the control mailbox $($Desired.controlMailbox) is a $($control.RecipientTypeDetails). Give the address of a mailbox."
    }
    $waited = 0
    while ($true) {
        $scopeName = Get-RoleScopeName -Desired $Desired
        $findings = @(
            foreach ($address in @($Desired.members)) { Get-AuthorizationFinding -Address $address -Desired $Desired -ScopeName $scopeName -InScope }
            Get-AuthorizationFinding -Address $Desired.controlMailbox -Desired $Desired -ScopeName $scopeName
        )
        # Which roles there are does not depend on the mailbox that is asked about.
        $further = @($findings[0].Further)
        if ($further.Count -gt 0) {
            Stop-Convergence -Reason "not confined: the application has further roles, which this stack did not assign: $($further -join '; '). See Get-ManagementRoleAssignment -RoleAssignee $($Desired.appId), remove with Remove-ManagementRoleAssignment what nobody needs, and deploy again."
        }
        $wrong = @($findings | ForEach-Object { $_.Wrong }) + @(Get-ScopeFinding -Desired $Desired)
        if ($wrong.Count -eq 0) { break }
        if ($waited -ge $Desired.timeoutSeconds) {
            Stop-Convergence -Reason "not proven after $waited s: $($wrong -join '; '). Mend what is named, or raise proofTimeout if Exchange was only slow, and deploy again."
        }
        Write-Step -Message "waiting 15 s, not proven yet: $($wrong -join '; ')"
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
    Write-Step -Message "proven: $(@($Desired.members) -join ', ') in scope, $($Desired.controlMailbox) not"
    [ordered]@{ appId = $Desired.appId; inScope = @($Desired.members); outOfScope = @($Desired.controlMailbox) }
}
