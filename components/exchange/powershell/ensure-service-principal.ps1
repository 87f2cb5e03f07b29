<#
.SYNOPSIS
    Makes sure that Exchange has a pointer to a service principal of Entra, so that it can be assigned roles.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"principalId":"<object id>","appId":"<application (client) id>","displayName":"sender"}
              principalId is that of the enterprise application, not of the app registration. A pointer that is there is taken as
              it is: it can only point to this one. Never -ServiceId, which is being deprecated.
    Writes    {"principalId":"...","made":true}; made is false where it was there before, or the answer was lost
    Needs the Exchange roles Role Management and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/Session.psm1" -Force

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "Exchange's pointer to the service principal $($Desired.principalId)" } -CommandName @('Get-ServicePrincipal', 'New-ServicePrincipal') -Action {
    param($Desired)
    $result = Invoke-WithRetry -Cmdlet 'New-ServicePrincipal' -NotFoundIsTransient -TakenIsTransient -Action {
        $found = Find-ServicePrincipal -Id $Desired.principalId
        if ($found) { return [pscustomobject]@{ Pointer = $found; Made = $false } }
        Write-Step -Message "making $($Desired.displayName) known to Exchange"
        $new = New-ServicePrincipal -AppId $Desired.appId -ObjectId $Desired.principalId -DisplayName $Desired.displayName -ErrorAction Stop
        [pscustomobject]@{ Pointer = $new; Made = $true }
    }
    if ([string]$result.Pointer.AppId -ne $Desired.appId) {
        Stop-Convergence -Reason "it is there with the application id $($result.Pointer.AppId), not $($Desired.appId). Only a new one can have another: Remove-ServicePrincipal -Identity $($Desired.principalId), and deploy again."
    }
    $former = Get-FormerOutput | Select-Object -Property 'principalId', 'made'
    $made = $result.Made -or ($former -and $former.principalId -eq $Desired.principalId -and $former.made -eq $true)
    [ordered]@{ principalId = $Desired.principalId; made = $made }
}
