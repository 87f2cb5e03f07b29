"""Writes the cmdlets of the catalogue as PowerShell functions, so that PowerShell binds them.

Exchange Online gives its module the functions in the same way: connecting fetches those that the
caller may run.
"""

from collections.abc import Iterable

from simulator.catalogue import DEFAULT_SETS, CmdletDefinition, Parameter
from simulator.exchange_online import ASKS

# Everything else takes any object, and the catalogue judges it: `[string]` would turn an object
# into a text without a word.
TYPES = {
    "SwitchParameter": "switch",
    "Boolean": "bool",
    "String": "string",
    "String[]": "string[]",
    "Int32": "int",
    "UInt32": "uint32",
    "SecureString": "securestring",
}
# PowerShell adds these two itself where a function supports them.
ADDED = ("Confirm", "WhatIf")


def functions(definitions: Iterable[CmdletDefinition]) -> str:
    """PowerShell source that defines one function for each cmdlet."""
    return "\n".join(_function(definition) for definition in definitions)


def _function(definition: CmdletDefinition) -> str:
    binding = ["PositionalBinding = $false"]
    default = next((name for name in DEFAULT_SETS if name in definition.sets), None)
    if default is not None:
        binding.append(f"DefaultParameterSetName = '{default}'")
    body = [
        f"Invoke-SimulatedCommand -Command '{definition.name}' -Bound $PSBoundParameters "
        "-ErrorAction $ErrorActionPreference"
    ]
    if definition.confirms:
        binding.append("SupportsShouldProcess = $true")
        binding.append(f"ConfirmImpact = '{'High' if definition.name in ASKS else 'Medium'}'")
        # PowerShell asks; the tenant, which would refuse to, is told that the answer was yes. It
        # does hear of -WhatIf, which it does not know.
        body[:0] = [
            "if ($WhatIfPreference) {",
            "    $PSBoundParameters['WhatIf'] = $true",
            "}",
            f"elseif (-not $PSCmdlet.ShouldProcess('{definition.name}')) {{",
            "    return",
            "}",
            "$PSBoundParameters['Confirm'] = $false",
        ]
    parameters = ",\n".join(
        _parameter(parameter, definition.sets)
        for parameter in definition.parameters.values()
        if not (definition.confirms and parameter.name in ADDED)
    )
    return "\n".join(
        [
            f"function {definition.name} {{",
            f"    [CmdletBinding({', '.join(binding)})]",
            "    param(",
            parameters,
            "    )",
            *(f"    {line}" for line in body),
            "}",
        ]
    )


def _parameter(parameter: Parameter, sets: Iterable[str]) -> str:
    lines = []
    for name in sets:
        if name in parameter.sets:
            options = [f"ParameterSetName = '{name}'"]
            if name in parameter.mandatory:
                options.append("Mandatory = $true")
            if parameter.position is not None:
                options.append(f"Position = {parameter.position}")
            lines.append(f"        [Parameter({', '.join(options)})]")
    lines.append(f"        [{TYPES.get(parameter.type, 'object')}] ${parameter.name}")
    return "\n".join(lines)
