# What cases of many small expressions share.

function Show-Result {
    # Runs a block and writes what came out of it: as JSON, which tells a text from a number and one
    # object from an array of one, or the error with its type and id.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Name,
        [Parameter(Mandatory)] [scriptblock] $Block
    )
    try {
        $output = @(& $Block)
        "${Name}: $(ConvertTo-Json -InputObject $output -Depth 5 -Compress)"
    }
    catch {
        "${Name}: $($_.Exception.GetType().FullName) [$($_.FullyQualifiedErrorId)] $($_.Exception.Message)"
    }
}
