<#
.SYNOPSIS
    Removes Exchange's pointer to a service principal; leaves one that others have assigned roles to.
.DESCRIPTION
    Reads     what ensure-service-principal.ps1 reads
              Where the service principal went first in Entra, Exchange has removed the pointer itself. With identityOutlives, of an
              identity that is not ours, a pointer that was there before us stays: others may use it, as for SMTP.
    Needs the Exchange roles Role Management and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "removing Exchange's pointer to the service principal $($Desired.principalId)" } -CommandName @('Get-ServicePrincipal', 'Remove-ServicePrincipal', 'Get-ManagementRoleAssignment') -Action {
    param($Desired)
    $pointer = Find-ServicePrincipal -Id $Desired.principalId
    if (-not $pointer) {
        Write-Step -Message 'there is none: nothing to remove'
        return
    }
    $former = Get-FormerOutput | Select-Object -Property 'made'
    if (($Desired | Select-Object -Property 'identityOutlives').identityOutlives -and -not ($former -and $former.made)) {
        Write-Step -Message "it stays: it was there before this stack, or before its state was lost, and others may use it. If nobody does: Remove-ServicePrincipal -Identity $($Desired.principalId)"
        return
    }
    # What was taken back a moment ago may be listed still; what a run that was cut off has assigned not yet, and it
    # keeps the pointer.
    $waited = 0
    while ($true) {
        $others = @(Invoke-WithRetry -Cmdlet 'Get-ManagementRoleAssignment' -NotFoundIsTransient -Action { Get-ManagementRoleAssignment -RoleAssignee $Desired.principalId -ErrorAction Stop })
        if ($others.Count -eq 0) {
            Write-Step -Message "removing Exchange's pointer to $($pointer.DisplayName)"
            try {
                Invoke-Removal -Cmdlet 'Remove-ServicePrincipal' -Removal {
                    Remove-ServicePrincipal -Identity $Desired.principalId -Confirm:$false -ErrorAction Stop
                } -Remaining { Find-ServicePrincipal -Id $Desired.principalId }
                return
            }
            catch { if ($waited -ge 120) { throw } }
        }
        if ($waited -ge 120) { break }
        Write-Step -Message 'waiting 15 s: Exchange Online may not show yet what is assigned to it, or no more'
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
    Write-Step -Message "warning: it stays, since others have assigned it roles: $(@($others | ForEach-Object { $_.Name }) -join ', ')"
}
