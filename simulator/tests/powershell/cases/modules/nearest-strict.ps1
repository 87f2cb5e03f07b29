# StrictMode ends with the function that set it.
function Set-It { Set-StrictMode -Version 3.0 }
Set-It
"[$nothing]"
