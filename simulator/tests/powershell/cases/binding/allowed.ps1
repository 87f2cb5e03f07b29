Import-Module -Name "$PSScriptRoot/../Case.psm1"
Show-Result 'empty text' {
    function Test-It {
        param([Parameter(Mandatory)] [AllowEmptyString()] [string] $X)
        'ran'
    }
    Test-It -X ''
}
Show-Result 'null' {
    function Test-It {
        param([Parameter(Mandatory)] [AllowNull()] [object] $X)
        'ran'
    }
    Test-It -X $null
}
Show-Result 'empty list' {
    function Test-It {
        param([Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $X)
        'ran'
    }
    Test-It -X @()
}
Show-Result 'empty text, not allowed' {
    function Test-It {
        param([Parameter(Mandatory)] [string] $X)
        'ran'
    }
    Test-It -X ''
}
Show-Result 'null, not allowed' {
    function Test-It {
        param([Parameter(Mandatory)] [object] $X)
        'ran'
    }
    Test-It -X $null
}
Show-Result 'empty list, not allowed' {
    function Test-It {
        param([Parameter(Mandatory)] [object[]] $X)
        'ran'
    }
    Test-It -X @()
}
