Set-StrictMode -Version Latest

function Select-It {
    param([object[]] $Policy)
    $count = 100
    $Policy | Where-Object { $_ -ne 'z' }
    "count of Select-It $count"
}
function Get-It {
    Select-It -Policy @('a', 'b', 'z')
}
function Find-It {
    param([object] $Policy)
    $count = 0
    Get-It | Where-Object { $_ -eq $Policy } | ForEach-Object { "found $_ of $Policy" }
    Get-It | ForEach-Object {
        $count = $count + 1
        if ($_ -like 'count*') { $_ }
    }
    "count of Find-It $count"
}
Find-It -Policy 'a'
