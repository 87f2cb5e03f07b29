"""The parameters of the built-in commands that the dialect has; no other is accepted.

Positions and types: the reference of the modules Microsoft.PowerShell.Core, .Utility, .Management
and .Security.
"""

from dataclasses import replace

from simulator.powershell.binding import Parameter, Signature

_ALL = (
    Signature(
        "ConvertFrom-Json",
        (Parameter("InputObject", "string", 0),),
        takes_pipeline=True,
    ),
    Signature(
        "ConvertTo-Json",
        (
            Parameter("InputObject", "object", 0),
            Parameter("Depth", "int"),
            Parameter("Compress", "switch"),
            Parameter("EscapeHandling", "string", valid_values=("EscapeNonAscii",)),
        ),
        takes_pipeline=True,
    ),
    Signature(
        "ConvertTo-SecureString",
        (
            Parameter("String", "string", 0, mandatory=True),
            Parameter("AsPlainText", "switch"),
            Parameter("Force", "switch"),
        ),
    ),
    Signature("Export-ModuleMember", (Parameter("Function", "string[]", 0),)),
    Signature(
        "ForEach-Object",
        (Parameter("Process", "scriptblock", 0, mandatory=True),),
        takes_pipeline=True,
    ),
    Signature("Get-Command", (Parameter("Name", "string[]", 0, mandatory=True),)),
    Signature(
        "Get-Content",
        (Parameter("LiteralPath", "string", mandatory=True), Parameter("Raw", "switch")),
    ),
    Signature(
        "Get-Module",
        (
            Parameter("Name", "string[]", 0, mandatory=True),
            Parameter("ListAvailable", "switch", mandatory=True),
        ),
    ),
    Signature(
        "Import-Module",
        (
            Parameter("Name", "string", 0, mandatory=True),
            Parameter("Force", "switch"),
            Parameter("Global", "switch"),
        ),
    ),
    Signature(
        "Join-Path",
        (
            Parameter("Path", "string", 0, mandatory=True),
            Parameter("ChildPath", "string", 1, mandatory=True, allow_empty_string=True),
        ),
    ),
    Signature(
        "New-Item",
        (
            Parameter("Path", "string", 0, mandatory=True),
            Parameter("ItemType", "string", valid_values=("Directory",), mandatory=True),
            Parameter("Force", "switch"),
        ),
    ),
    Signature("Out-Null", takes_pipeline=True),
    Signature(
        "Remove-Item",
        (
            Parameter("Path", "string", 0),
            Parameter("LiteralPath", "string"),
            Parameter("Recurse", "switch"),
            Parameter("Force", "switch"),
        ),
    ),
    Signature(
        "Select-Object",
        (
            Parameter("Property", "string[]", 0),
            Parameter("First", "int"),
        ),
        takes_pipeline=True,
    ),
    Signature("Set-StrictMode", (Parameter("Version", "object", mandatory=True),)),
    Signature("Sort-Object", (Parameter("Property", "string[]", 0),), takes_pipeline=True),
    Signature("Start-Sleep", (Parameter("Seconds", "object", 0, mandatory=True),)),
    Signature(
        "Where-Object",
        (Parameter("FilterScript", "scriptblock", 0, mandatory=True),),
        takes_pipeline=True,
    ),
    Signature(
        "Write-Error",
        (Parameter("Message", "string", 0, mandatory=True), Parameter("ErrorId", "string")),
    ),
    Signature("Write-Output", (Parameter("InputObject", "object", 0),), takes_pipeline=True),
)


def implementing_type(name: str) -> str:
    """The .NET type of a built-in command, with which the ids of its errors end."""
    return f"Microsoft.PowerShell.Commands.{name.replace('-', '')}Command"


SIGNATURES = {
    signature.name.lower(): replace(signature, id_suffix=implementing_type(signature.name))
    for signature in _ALL
}
