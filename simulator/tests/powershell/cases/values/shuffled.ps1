# Keys and values of a plain hashtable come in the same order, whichever it is.
$h = @{ a = 'a'; b = 'b'; c = 'c'; d = 'd'; e = 'e' }
(@($h.Keys) -join '') -eq (@($h.Values) -join '')
try { foreach ($k in $h.Keys) { $h[$k] = 3 } } catch { $_.FullyQualifiedErrorId }
