"""Binds what a script wrote after a cmdlet's name to the parameters that Exchange Online has.

``exchange_cmdlets.json`` holds the cmdlets, after Microsoft's own pages (see its ``_meta``).
Stricter than PowerShell in one way: a parameter's name must be written in full, because an
abbreviation that is unique today need not be tomorrow.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simulator.powershell.interface import Arguments, CommandError, PSObject, SecureString

CATALOGUE = Path(__file__).with_name("exchange_cmdlets.json")

BINDING = "System.Management.Automation.ParameterBindingException"
VALIDATION = "System.Management.Automation.ParameterBindingValidationException"
LIST_TYPES = ("MultiValuedProperty", "ProxyAddressCollection")
# Of a list, what is added to it and taken from it: ``@{Add=…; Remove=…}`` (Set-Mailbox).
CHANGES = ("Add", "Remove")
INTEGER_TYPES = ("Int32", "UInt32")
# Types of which no script can write a value in text: whoever has one brings the object.
OBJECT_TYPES = ("PSCredential", "PSSessionOption", "X509Certificate2")
# What a mandatory parameter does not take.
EMPTY: tuple[tuple[object, str, str], ...] = (
    (None, "null", "Null"),
    ("", "an empty string", "EmptyString"),
    ([], "an empty array", "EmptyArray"),
)
# Set that PowerShell takes where several fit. The pages do not name it; Exchange's cmdlets follow
# this convention, and the connection cmdlets call theirs so.
DEFAULT_SETS = ("Identity", "DefaultParameterSet", "Default")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a cmdlet.

    Attributes:
        sets: Parameter sets that hold it.
        mandatory: Those of them in which it is mandatory.
        position: Its place among arguments without a name, or ``None``.
        values: Members of its enumeration, or empty.
    """

    name: str
    type: str
    sets: frozenset[str]
    mandatory: frozenset[str]
    position: int | None
    values: tuple[str, ...]

    @property
    def is_switch(self) -> bool:
        return self.type == "SwitchParameter"

    @property
    def is_list(self) -> bool:
        return self.type.endswith("[]") or self.type in LIST_TYPES


@dataclass(frozen=True)
class CmdletDefinition:
    """One cmdlet as Exchange Online has it.

    Attributes:
        confirms: Whether it has -Confirm and -WhatIf.
        parameters: By name in lower case.
    """

    name: str
    confirms: bool
    sets: tuple[str, ...]
    parameters: Mapping[str, Parameter]

    def bind(self, arguments: Arguments) -> dict[str, object]:
        """Binds arguments as PowerShell would.

        Returns:
            Values by the parameters' own names.

        Raises:
            CommandError: In PowerShell's words: an unknown parameter, a value of the wrong type,
                parameters of different sets, or a mandatory one that is missing.
        """
        bound: dict[str, object] = {}
        for written, value in arguments.named.items():
            parameter = self.parameters.get(written.casefold())
            if parameter is None:
                raise self._error(
                    f"A parameter cannot be found that matches parameter name '{written}'.",
                    "NamedParameterNotFound",
                )
            if parameter.name in bound:
                raise self._error(
                    f"Cannot bind parameter because parameter '{parameter.name}' is specified "
                    "more than once.",
                    "ParameterAlreadyBound",
                )
            if written in arguments.without_value and not parameter.is_switch:
                raise self._error(
                    f"Missing an argument for parameter '{parameter.name}'. Specify a parameter "
                    f"of type '{parameter.type}' and try again.",
                    "MissingArgument",
                )
            bound[parameter.name] = value
        self._bind_positional(arguments, bound)
        self._check_set(bound.keys())
        return {
            name: self._converted(self.parameters[name.casefold()], value)
            for name, value in bound.items()
        }

    def _bind_positional(self, arguments: Arguments, bound: dict[str, object]) -> None:
        free = sorted(
            (parameter.position, parameter.name)
            for parameter in self.parameters.values()
            if parameter.position is not None and parameter.name not in bound
        )
        for index, value in enumerate(arguments.positional):
            if index == len(free):
                raise self._error(
                    f"A positional parameter cannot be found that accepts argument '{value}'.",
                    "PositionalParameterNotFound",
                )
            bound[free[index][1]] = value

    def _check_set(self, bound: Collection[str]) -> None:
        candidates = [
            name
            for name in self.sets
            if all(name in self.parameters[parameter.casefold()].sets for parameter in bound)
        ]
        missing = {
            name: [
                parameter.name
                for parameter in self.parameters.values()
                if name in parameter.mandatory and parameter.name not in bound
            ]
            for name in candidates
        }
        complete = [name for name in candidates if not missing[name]]
        default = next((name for name in DEFAULT_SETS if name in (complete or candidates)), None)
        if len(complete) == 1 or (complete and default):
            return
        if not complete and (len(candidates) == 1 or default):
            names = missing[default or candidates[0]]
            raise self._error(
                "Cannot process command because of one or more missing mandatory parameters: "
                f"{' '.join(names)}.",
                "MissingMandatoryParameter",
            )
        raise self._error(
            "Parameter set cannot be resolved using the specified named parameters. One or more "
            "parameters issued cannot be used together or an insufficient number of parameters "
            "were provided.",
            "AmbiguousParameterSet",
        )

    def _converted(self, parameter: Parameter, value: object) -> object:
        if parameter.mandatory:
            for empty, what, error_id in EMPTY:
                if value == empty and type(value) is type(empty):
                    raise self._error(
                        f"Cannot bind argument to parameter '{parameter.name}' because it is "
                        f"{what}.",
                        f"ParameterArgumentValidationError{error_id}NotAllowed",
                        VALIDATION,
                    )
        if parameter.type in LIST_TYPES and isinstance(value, dict):
            return self._changes(parameter, value)
        if parameter.is_list:
            items = value if isinstance(value, list) else [] if value is None else [value]
            return [self._scalar(parameter, item) for item in items]
        return self._scalar(parameter, value)

    def _changes(self, parameter: Parameter, value: Mapping[str, object]) -> object:
        spelling = {name.casefold(): name for name in CHANGES}
        if not value or any(key.casefold() not in spelling for key in value):
            raise self._error(
                f"Cannot process argument transformation on parameter '{parameter.name}'. Cannot "
                f"convert a hashtable whose keys are not {' and '.join(CHANGES)}.",
                "ParameterArgumentTransformationError",
            )
        return {spelling[key.casefold()]: self._converted(parameter, value[key]) for key in value}

    def _scalar(self, parameter: Parameter, value: object) -> object:
        kind = parameter.type.removesuffix("[]")
        if parameter.is_switch or kind == "Boolean":
            # PowerShell takes a number for a Boolean too; no script here has a use for that.
            if isinstance(value, bool):
                return value
        elif kind in INTEGER_TYPES:
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        elif kind == "Unlimited":
            if str(value).casefold() == "unlimited" or str(value).isdecimal():
                return value
        elif kind == "SecureString":
            if isinstance(value, SecureString):
                return value
        elif kind in OBJECT_TYPES:
            if isinstance(value, PSObject):
                return value
        elif value is None or isinstance(value, str | int | float):
            text = "" if value is None else str(value)
            if not parameter.values:
                return text
            for member in parameter.values:
                if member.casefold() == text.casefold():
                    return member
            raise self._error(
                f"Cannot bind parameter '{parameter.name}'. Cannot convert value \"{text}\" to "
                f'type "{kind}". Error: "Unable to match the identifier name {text} to a valid '
                "enumerator name. Specify one of the following enumerator names and try again: "
                f'{", ".join(parameter.values)}"',
                "CannotConvertArgumentNoMessage",
            )
        hint = (
            " Boolean parameters accept only Boolean values and numbers, such as $True, $False, "
            "1 or 0."
            if kind == "Boolean"
            else ""
        )
        raise self._error(
            f"Cannot process argument transformation on parameter '{parameter.name}'. Cannot "
            f'convert value "{_shown(value)}" to type "{kind}".{hint}',
            "ParameterArgumentTransformationError",
        )

    def _error(self, message: str, error_id: str, exception_type: str = BINDING) -> CommandError:
        return CommandError(message, exception_type, f"{error_id},{self.name}")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "System.Object[]"
    if isinstance(value, dict):
        return "System.Collections.Hashtable"
    return str(value)


@cache
def catalogue() -> Mapping[str, CmdletDefinition]:
    """The cmdlets of Exchange Online that the project needs, by name in lower case."""
    content = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    definitions = {}
    for name, cmdlet in content["cmdlets"].items():
        parameters = {
            parameter.casefold(): Parameter(
                parameter,
                given["type"],
                frozenset(given.get("sets", cmdlet["sets"])),
                frozenset(given.get("mandatory", ())),
                given.get("position"),
                tuple(given.get("values", ())),
            )
            for parameter, given in cmdlet["parameters"].items()
        }
        definitions[name.casefold()] = CmdletDefinition(
            name, cmdlet["confirm"], tuple(cmdlet["sets"]), parameters
        )
    return definitions
