<#
.SYNOPSIS
    Looks at what of Exchange Online stands in the way of a first deployment. Changes nothing.
.DESCRIPTION
    Reads     {"organization":"contoso.onmicrosoft.com","exchangeEnvironmentName":null,"markAttribute":"ExtensionCustomAttribute5","alsoLoad":["New-Mailbox"],
              "recipients":[{"type":"SharedMailbox","mark":"project/stack/name","address":"senders@contoso.com","name":"Senders","alias":"Senders","adopt":false}],
              "existing":["control.mailbox@contoso.com"]}
              alsoLoad is what the deployment's scripts load: what of it is missing is listed, with the parameters that they use.
    Writes    {"domains":["contoso.com"],"missing":["New-Mailbox","Set-Mailbox -Alias"],"isDehydrated":false,"entraGrantsCount":true,
              "recipients":[{"address","state","text","members","applications"}],"existing":[{"address","type"}]}
              state is free, ours, adopted or taken; text says why taken. Of a group that is adopted also who is in it, and which
              applications have a policy on it. type is empty for what does not exist.
    Needs the Exchange roles View-Only Recipients and View-Only Configuration.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module -Name "$PSScriptRoot/../components/exchange/powershell/Session.psm1" -Force

function Get-RecipientState {
    <# .SYNOPSIS What the deployment would find at the address of a mailbox or a group. #>
    param([Parameter(Mandatory)] [object] $Desired)
    $state = 'free'
    $text = ''
    $found = $null
    $members = @()
    $applications = @()
    try {
        $found = Find-OwnedRecipient -Desired $Desired -Type $Desired.type
        if ($found) {
            $state = if (@(Get-OwnMark -Recipient $found -Desired $Desired).Count -gt 0) { 'ours' } else { 'adopted' }
        }
    }
    catch {
        # The deployment's own words, with what to do. What begins with a cmdlet is Exchange's: it did not tell.
        if (-not (Test-OwnError -ErrorRecord $_) -or $_.Exception.Message -match '^\w+-\w+: ') { throw }
        $state = 'taken'
        $text = $_.Exception.Message
    }
    if ($state -eq 'adopted' -and $Desired.type -eq 'MailUniversalSecurityGroup') {
        $members = @(Read-Member -Guid ([string]$found.Guid) | ForEach-Object { [string]$_.PrimarySmtpAddress })
        $applications = @(Get-PolicyOnGroup -Group $found | ForEach-Object { [string]$_.AppId } | Sort-Object)
    }
    [ordered]@{ address = $Desired.address; state = $state; text = $text; members = $members; applications = $applications }
}

Invoke-Convergence -Json (@($input) -join "`n") -Subject { param($Desired) "what stands in the way in $($Desired.organization)" } -CommandName @('Get-Recipient', 'Get-OrganizationConfig', 'Get-DistributionGroupMember', 'Get-ApplicationAccessPolicy') -Action {
    param($Desired)
    $organization = Invoke-WithRetry -Cmdlet 'Get-OrganizationConfig' -Action { Get-OrganizationConfig -ErrorAction Stop }
    $enforced = ($organization | Select-Object -Property 'EnforceExoAppRbacPermissions').EnforceExoAppRbacPermissions
    $domains = @(Invoke-WithRetry -Cmdlet 'Get-AcceptedDomain' -Action { Get-AcceptedDomain -ErrorAction Stop })
    $missing = @(Get-MissingCmdlet -CommandName @($Desired.alsoLoad))
    $loaded = @($Desired.alsoLoad | Where-Object { $missing -notcontains $_ })
    [ordered]@{
        domains          = @($domains | ForEach-Object { $_.DomainName })
        missing          = @($missing + @(Get-MissingParameter -CommandName $loaded -MarkAttribute $Desired.markAttribute))
        isDehydrated     = [bool]($organization | Select-Object -Property 'IsDehydrated').IsDehydrated
        entraGrantsCount = -not $enforced
        recipients       = @($Desired.recipients | ForEach-Object { Get-RecipientState -Desired $_ })
        existing         = @($Desired.existing | ForEach-Object {
                $holder = @(Find-AddressHolder -Address $_)
                [ordered]@{ address = $_; type = "$(@($holder | ForEach-Object { $_.RecipientTypeDetails }) -join ', ')" }
            })
    }
}
