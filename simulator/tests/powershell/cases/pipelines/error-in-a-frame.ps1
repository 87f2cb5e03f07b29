# Why nothing may be piped out of a function that tries again.
Import-Module -Name "$PSScriptRoot/error-in-a-frame.psm1"
try {
    Invoke-WithRetry -Action { 'got' } | ForEach-Object {
        "saw $_"
        throw 'later'
    }
}
catch { "outside: $_" }
$got = Invoke-WithRetry -Action { 'got' }
try { $got | ForEach-Object { throw 'later' } } catch { "outside: $_" }
