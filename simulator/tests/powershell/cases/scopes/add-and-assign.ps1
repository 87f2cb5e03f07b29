# `+=` adds to the variable of its own scope only; `++` and `$x = $x + …` see those above too.
Import-Module -Name "$PSScriptRoot/add-and-assign.psm1"
Import-Module -Name "$PSScriptRoot/../Case.psm1"
$text = 'top'
$number = 5
$fromScript = 'script'
$list = @('a')
$table = @{ n = 1 }
Show-Result 'add in a block' { $text += ' more'; $text }
Show-Result 'assign the sum' { $text = $text + ' more'; $text }
Show-Result 'step in a block' { $number++; $number }
Show-Result 'add twice' { $number += 1; $number += 1; $number }
Show-Result 'append in a block' { $list += 'b'; $list }
Show-Result 'add to an entry' { $table['n'] += 1; $table.n += 1; $table['n'] }
Show-Result 'in ForEach-Object' { 1, 2 | ForEach-Object { $number += $_ }; $number }
Show-Result 'in ForEach-Object, of its own' { $own = 1; 1, 2 | ForEach-Object { $own += $_ }; $own }
Show-Result 'in foreach' { foreach ($i in 1, 2, 3) { $number += $i }; $number }
Show-Result 'in if' { $own = 1; if ($true) { $own += 1 }; $own }
Show-Result 'in try' { $own = 1; try { $own += 1; throw 'x' } catch { $own += 10 } finally { $own += 100 }; $own }
Show-Result 'parameter' {
    function Add-It {
        param([int] $Number, [string[]] $Names)
        $Number += 1
        $Names += 'z'
        "$Number $($Names -join ',')"
    }
    Add-It -Number 2 -Names 'a'
}
Show-Result 'own variable of a module' { Add-ToOwn }
Show-Result 'own variable of a module, stepped' { Step-Own }
Show-Result 'own variable of a module by $script:' { Add-ToScriptScope }
Show-Result 'variable of the script in a module' { Add-ToScripts }
Show-Result 'nothing is set' { $unknown += 1; $unknown }
"$text $number $($list.Count)"
Set-StrictMode -Version Latest
Show-Result 'strict: add in a block' { $text += ' more'; $text }
Show-Result 'strict: nothing is set' { $unset += 1; $unset }
Show-Result 'strict: nothing is stepped' { $unset++; $unset }
