$script:Count = 0
function Add-One {
    $script:Count = $script:Count + 1
    "count $script:Count"
}
