# Which texts ConvertFrom-Json takes for a time.
$text = @($input) -join "`n"
$read = ConvertFrom-Json -InputObject $text
foreach ($item in $read.items) {
    if ($item.text -is [string]) { "text: $($item.text)" } else { "time at $($item.at)" }
}
