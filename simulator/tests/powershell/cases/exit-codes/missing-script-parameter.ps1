param([Parameter(Mandatory)] $x)
$x
