<#
.SYNOPSIS
    Which errors pass by themselves, and how long they are waited for.
.DESCRIPTION
    Exchange Online writes "code|type|text". The type is the same everywhere; the text is in the language of
    the organisation (Microsoft365DSC#2998 has a German one). So a type is looked for wherever one is known,
    and a text beside it: for errors that came without a type.
#>

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Never translated: types of Exchange, the status codes of HTTP, and the texts of .NET, which has English ones only.
$PassingInEveryLanguage = @(
    'TransientException'                                  # a domain controller that is away: office-docs-powershell#10972
    'ADServerSettingsChangedException'                    # others have taken over: michevnew/PowerShell#9
    'UnableToWriteToAadException'                         # Entra did not take a write: Partner-Center-PowerShell#409
    'OverBudgetException'                                 # throttling: Exchange's own type for it
    '\b(status code|HTTP|error)\D{0,40}(429|50[0234])\b'  # learn.microsoft.com/graph/throttling
    'timed out|time-?out'                                 # HttpClient.Timeout among others
    '(task|operation|request) was cancell?ed'             # .NET, when it gave up waiting
    'underlying connection was closed|connection reset|forcibly closed|transport connection'  # pnp/powershell#564
    'SSL connection could not be established'             # PowerShell#21307
    'error occurred while sending the request'            # DLConversionV2#158
)
# Exchange's and its module's own words, seen in English only: in another language such an error ends the script,
# and the next run goes on.
$PassingInEnglish = @(
    'too many requests|server is (too )?busy|micro ?delay|request limit exceeded|throttl|temporarily unavailable'
    'maximum number of concurrent requests'               # "... per tenant": GreyCorbel/ExoHelper
    'Maximum retry count reached'                         # said of the module's own attempts
)
# "There is no such object": Microsoft365DSC#2998, in German #687.
$NotFound = "ManagementObjectNotFoundException|object '.*' couldn't be found on|Objekt '.*' nicht auf '.*' gefunden"
# The same type has "'IT Team' matches multiple entries" (Microsoft365DSC#3741): there are two, not none.
$Ambiguous = 'matches multiple entries'
# An address, an alias or a name is in use: "already being used by the proxy addresses", "already exists".
$Taken = 'ProxyAddressExistsException|ADObjectAlreadyExistsException|already being used|already exists'

function Test-TransientError {
    <# .SYNOPSIS Tells whether the same call may succeed a little later. #>
    param([Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $ErrorRecord.Exception.Message -match (($PassingInEveryLanguage + $PassingInEnglish) -join '|')
}

function Test-NotFoundError {
    <# .SYNOPSIS Tells "there is no such object" apart from every other error. #>
    param([Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $ErrorRecord)
    $ErrorRecord.Exception.Message -match $NotFound -and $ErrorRecord.Exception.Message -notmatch $Ambiguous
}

function Invoke-WithRetry {
    <#
    .SYNOPSIS
        Runs an action that may be repeated safely, again while its error is a passing one.
    .DESCRIPTION
        Twenty attempts, fifteen seconds apart: five minutes.
        -Cmdlet is the cmdlet of Exchange that the action calls: Exchange's errors do not name it.
        -NotFoundIsTransient is for objects that were created a moment ago and that the next domain controller
        does not know yet.
        -TakenIsTransient is for an action that searches and then creates: what a lost answer or a killed run has
        left behind holds its address at once, and is found, and recognised as ours, only later.
        -AnyErrorIsTried has every error tried three times: those of connecting are too many to be listed.
    #>
    param(
        [Parameter(Mandatory)] [string] $Cmdlet, [Parameter(Mandatory)] [scriptblock] $Action,
        [switch] $NotFoundIsTransient, [switch] $TakenIsTransient, [switch] $AnyErrorIsTried
    )
    $attempt = 1
    while ($true) {
        try {
            # Collected first: what a failed attempt put out, such as the first page of a list, goes with it.
            return @(& $Action)
        }
        catch {
            $own = Test-OwnError -ErrorRecord $_
            $limit = 1
            if ($AnyErrorIsTried -and -not $own) { $limit = 3 }
            # An error of our own comes from a call of this function within the action, which has waited already.
            if ((Test-TransientError -ErrorRecord $_) -and -not $own) { $limit = 20 }
            if ($NotFoundIsTransient -and (Test-NotFoundError -ErrorRecord $_)) { $limit = 20 }
            if ($TakenIsTransient -and $_.Exception.Message -match $Taken -and -not $own) { $limit = 20 }
            if ($attempt -ge $limit) {
                if ($own) { throw }
                $refusal = "${Cmdlet}: $($_.Exception.Message)"
                Stop-Convergence -Reason $refusal
            }
            Write-Step -Message "waiting 15 s, attempt $attempt of ${limit}: $(Get-ErrorText -ErrorRecord $_)"
        }
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
}

function Invoke-Removal {
    <# .SYNOPSIS Runs a removal; an object that is gone already, as after a lost answer, is removed. #>
    param([Parameter(Mandatory)] [string] $Cmdlet, [Parameter(Mandatory)] [scriptblock] $Removal, [Parameter(Mandatory)] [scriptblock] $Remaining)
    # "Not found" may be the answer of the one domain controller that does not know the object yet, or stand for two
    # of a name in a language that is not English. So -Remaining looks once more, by the object's mark.
    # Not named $Action: the block below would see the one of Invoke-WithRetry, which is itself.
    Invoke-WithRetry -Cmdlet $Cmdlet -NotFoundIsTransient -Action {
        try { & $Removal }
        catch { if (-not (Test-NotFoundError -ErrorRecord $_) -or @(& $Remaining).Count -gt 0) { throw } }
    }
}

function Find-Removable {
    <# .SYNOPSIS Searches for what is to be removed, for two minutes; nothing where it is not there, or where -Gone, given the seconds waited, tells that it cannot be. #>
    param([Parameter(Mandatory)] [scriptblock] $Search, [scriptblock] $Gone)
    # What was made a moment ago not every domain controller knows: taken for removed, it would be in nobody's hands.
    $waited = 0
    while ($true) {
        $found = & $Search
        if ($found -or $waited -ge 120 -or ($Gone -and (& $Gone $waited))) { return $found }
        Write-Step -Message 'waiting 15 s: Exchange Online may not show it yet'
        Start-Sleep -Seconds 15
        $waited = $waited + 15
    }
}

function Wait-Result {
    <# .SYNOPSIS Repeats a search until it yields something, five minutes at most; -Remedy says what to do where it does not. #>
    param([Parameter(Mandatory)] [string] $Subject, [Parameter(Mandatory)] [scriptblock] $Action, [string] $Remedy = "If it was created a moment ago, run the deployment again later; if it was removed by hand, set 'drift: true' in the stack's configuration, with which the deployment makes it anew.")
    $attempt = 1
    while ($attempt -le 20) {
        $result = & $Action
        if ($result) { return $result }
        Write-Step -Message "waiting 15 s, attempt $attempt of 20: Exchange Online does not show $Subject yet"
        Start-Sleep -Seconds 15
        $attempt = $attempt + 1
    }
    Stop-Convergence -Reason "Exchange Online did not show $Subject within five minutes. $Remedy"
}

Export-ModuleMember -Function @('Test-NotFoundError', 'Invoke-WithRetry', 'Invoke-Removal', 'Find-Removable', 'Wait-Result')
