"""Values on their way to a module's command and back."""

from __future__ import annotations

from uuid import UUID

from simulator.powershell.errors import UnsupportedConstruct
from simulator.powershell.interface import PSObject, SecureString
from simulator.powershell.values import (
    CommandItems,
    Hashtable,
    PipelineInput,
    SwitchValue,
    elements,
    is_null,
    type_full_name,
)


def to_command(value: object) -> object:
    """A script's value as ``Arguments`` describes it.

    Raises:
        UnsupportedConstruct: No command of a module takes such a value here.
    """
    if is_null(value):
        return None
    if isinstance(value, SwitchValue):
        return value.present
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bool | str | float | PSObject | SecureString):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Hashtable):
        return {str(key): to_command(item) for key, item in value.items()}
    if isinstance(value, list) and not isinstance(value, PipelineInput):
        return [to_command(item) for item in elements(value)]
    raise UnsupportedConstruct(f"a {type_full_name(value)} as an argument of a module's command")


def from_command(value: object) -> object:
    """A command's result as the script sees it: a copy, so that no script changes the original."""
    if isinstance(value, PSObject):
        return PSObject(
            value.type_name, {name: _property(item) for name, item in value.properties.items()}
        )
    return _property(value)


def _property(value: object) -> object:
    if isinstance(value, list | tuple):
        return CommandItems(from_command(item) for item in value)
    if isinstance(value, PSObject):
        return from_command(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a command returned a {type(value).__name__}")
