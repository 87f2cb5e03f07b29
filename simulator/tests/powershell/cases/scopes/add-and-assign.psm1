$counter = 5
function Add-ToOwn {
    $counter += 1
    $counter
}
function Step-Own {
    $counter++
    $counter
}
function Add-ToScripts { $fromScript += ' more'; $fromScript }
function Add-ToScriptScope { $script:counter += 1; $script:counter }
