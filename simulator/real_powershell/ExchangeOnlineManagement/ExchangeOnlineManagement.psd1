@{
    RootModule        = 'ExchangeOnlineManagement.psm1'
    ModuleVersion     = '3.9.2'
    GUID              = 'fd796c58-39ef-47ac-848d-52e2411480a5'
    Description       = 'Stands in for the module of Exchange Online in front of a simulated tenant.'
    PowerShellVersion = '7.4'
    FunctionsToExport = @(
        'Connect-ExchangeOnline', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation',
        'Invoke-RestMethod', 'Invoke-SimulatedCommand', 'Start-Sleep'
    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
