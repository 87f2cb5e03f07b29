"""Names of PowerShell 7's own commands, so that those the runner lacks are refused by name.

Source: the reference of the modules that come with PowerShell 7. The names here that the dialect
has are in ``signatures.py``.
"""

_NAMES = """
Add-Content Add-History Add-Member Add-Type
Clear-Content Clear-History Clear-Host Clear-Item Clear-ItemProperty Clear-RecycleBin Clear-Variable
Compare-Object Connect-PSSession Connect-WSMan Convert-Path ConvertFrom-CliXml ConvertFrom-Csv
ConvertFrom-Json ConvertFrom-Markdown ConvertFrom-SddlString ConvertFrom-SecureString
ConvertFrom-StringData ConvertTo-CliXml ConvertTo-Csv ConvertTo-Html ConvertTo-Json
ConvertTo-SecureString ConvertTo-Xml Copy-Item Copy-ItemProperty
Debug-Job Debug-Process Debug-Runspace Disable-ExperimentalFeature Disable-PSBreakpoint
Disable-PSRemoting Disable-PSSessionConfiguration Disable-RunspaceDebug Disconnect-PSSession
Enable-ExperimentalFeature Enable-PSBreakpoint Enable-PSRemoting Enable-PSSessionConfiguration
Enable-RunspaceDebug Enter-PSHostProcess Enter-PSSession Exit-PSHostProcess Exit-PSSession
Export-Alias Export-Clixml Export-Csv Export-FormatData Export-ModuleMember Export-PSSession
Find-Module Find-Package Find-PSResource Find-Script ForEach-Object
Format-Custom Format-Hex Format-List Format-Table Format-Wide
Get-Acl Get-Alias Get-AuthenticodeSignature Get-ChildItem Get-Clipboard Get-CmsMessage Get-Command
Get-ComputerInfo Get-Content Get-Credential Get-Culture Get-Date Get-Error Get-Event
Get-EventSubscriber Get-ExecutionPolicy Get-ExperimentalFeature Get-FileHash Get-FormatData Get-Help
Get-History Get-Host Get-HotFix Get-InstalledModule Get-InstalledPSResource Get-InstalledScript
Get-Item Get-ItemProperty Get-ItemPropertyValue Get-Job Get-Location Get-MarkdownOption Get-Member
Get-Module Get-Package Get-PackageProvider Get-PackageSource Get-PfxCertificate Get-Process
Get-PSBreakpoint Get-PSCallStack Get-PSDrive Get-PSHostProcessInfo Get-PSProvider Get-PSRepository
Get-PSResourceRepository Get-PSSession Get-PSSessionCapability Get-PSSessionConfiguration
Get-PSSubsystem Get-Random Get-Runspace Get-RunspaceDebug Get-SecureRandom Get-Service
Get-TimeZone Get-TraceSource Get-TypeData Get-UICulture Get-Unique Get-Uptime Get-Variable Get-Verb
Get-WinEvent Get-WSManInstance Group-Object
Import-Alias Import-Clixml Import-Csv Import-LocalizedData Import-Module Import-PackageProvider
Import-PowerShellDataFile Import-PSSession Install-Module Install-Package Install-PackageProvider
Install-PSResource Install-Script Invoke-Command Invoke-Expression Invoke-History Invoke-Item
Invoke-WebRequest Invoke-WSManAction
Join-Path Join-String Measure-Command Measure-Object Move-Item Move-ItemProperty
New-Alias New-CimInstance New-CimSession New-Event New-FileCatalog New-Guid New-Item
New-ItemProperty New-Module New-ModuleManifest New-Object New-PSBreakpoint New-PSDrive
New-PSRoleCapabilityFile New-PSSession New-PSSessionConfigurationFile New-PSSessionOption
New-PSTransportOption New-Service New-TemporaryFile New-TimeSpan New-Variable New-WinEvent
New-WSManInstance New-WSManSessionOption
Out-Default Out-File Out-GridView Out-Host Out-Null Out-Printer Out-String Out-Unix
Pop-Location Protect-CmsMessage Publish-Module Publish-PSResource Publish-Script Push-Location
Read-Host Receive-Job Receive-PSSession Register-ArgumentCompleter Register-CimIndicationEvent
Register-EngineEvent Register-ObjectEvent Register-PackageSource Register-PSRepository
Register-PSSessionConfiguration Remove-Alias Remove-Event Remove-Item Remove-ItemProperty Remove-Job
Remove-Module Remove-PSBreakpoint Remove-PSDrive Remove-PSSession Remove-Service Remove-TypeData
Remove-Variable Remove-WSManInstance Rename-Computer Rename-Item Rename-ItemProperty Resolve-Path
Restart-Computer Restart-Service Resume-Service
Save-Help Save-Module Save-Package Save-PSResource Save-Script Select-Object Select-String
Select-Xml Send-MailMessage Set-Acl Set-Alias Set-AuthenticodeSignature Set-Clipboard Set-Content
Set-Date Set-ExecutionPolicy Set-Item Set-ItemProperty Set-Location Set-MarkdownOption
Set-PackageSource Set-PSBreakpoint Set-PSDebug Set-PSRepository Set-PSSessionConfiguration
Set-Service Set-StrictMode Set-TimeZone Set-TraceSource Set-Variable Set-WSManInstance
Set-WSManQuickConfig Show-Command Show-Markdown Sort-Object Split-Path Start-Job Start-Process
Start-Service Start-Sleep Start-ThreadJob Start-Transcript Stop-Computer Stop-Job Stop-Process
Stop-Service Stop-Transcript Suspend-Service Switch-Process
Tee-Object Test-Connection Test-FileCatalog Test-Json Test-ModuleManifest Test-Path
Test-PSSessionConfigurationFile Test-WSMan Trace-Command
Unblock-File Uninstall-Module Uninstall-Package Uninstall-PSResource Uninstall-Script
Unprotect-CmsMessage Unregister-Event Unregister-PackageSource Unregister-PSRepository
Unregister-PSSessionConfiguration Update-FormatData Update-Help Update-List Update-Module
Update-ModuleManifest Update-PSModuleManifest Update-PSResource Update-Script Update-TypeData
Wait-Debugger Wait-Event Wait-Job Wait-Process Where-Object
Write-Debug Write-Error Write-Host Write-Information Write-Output Write-Progress Write-Verbose
Write-Warning
"""

POWERSHELL_COMMANDS = frozenset(name.lower() for name in _NAMES.split())
"""Lower-case names."""

_VERBS = """
Add Approve Assert Backup Block Build Checkpoint Clear Close Compare Complete Compress Confirm
Connect Convert ConvertFrom ConvertTo Copy Debug Deny Deploy Disable Disconnect Dismount Edit
Enable Enter Exit Expand Export Find Format Get Grant Group Hide Import Initialize Install Invoke
Join Limit Lock Measure Merge Mount Move New Open Optimize Out Ping Pop Protect Publish Push Read
Receive Redo Register Remove Rename Repair Request Reset Resize Resolve Restart Restore Resume
Revoke Save Search Select Send Set Show Skip Split Start Step Stop Submit Suspend Switch Sync Test
Trace Unblock Undo Uninstall Unlock Unprotect Unpublish Unregister Update Use Wait Watch Write
"""

APPROVED_VERBS = frozenset(verb.lower() for verb in _VERBS.split())
"""What ``Get-Verb`` lists, and therefore does not warn about; lower case."""
