function f { exit 4 }
f
'not reached'
