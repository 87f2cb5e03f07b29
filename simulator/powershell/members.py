"""Properties, methods, static methods and elements; each is on a list, or is the script's own data.

Facts: about_Properties, about_Methods, about_Arrays, about_Hash_Tables; Set-StrictMode.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import PurePath
from uuid import uuid4

from simulator.powershell.conversions import to_int, to_number, to_string
from simulator.powershell.errors import (
    ErrorRecord,
    ScriptError,
    UnsupportedConstruct,
    runtime_error,
)
from simulator.powershell.interface import PSObject
from simulator.powershell.text import units, whole
from simulator.powershell.values import (
    CUSTOM_OBJECT,
    CommandItems,
    ExceptionValue,
    HashKeys,
    Hashtable,
    Int64,
    InvocationInfo,
    SwitchValue,
    TypeValue,
    collected,
    elements,
    is_enumerable,
    is_null,
    type_full_name,
)

_MISSING = object()

# --- properties ----------------------------------------------------------------------------------


def get_property(value: object, name: str, *, strict: bool) -> object:
    """``value.name``.

    Raises:
        ScriptError: Under StrictMode, there is no such property.
        UnsupportedConstruct: A .NET property that is not on the list.
    """
    found = _own_property(value, name)
    if found is not _MISSING:
        return found
    if isinstance(value, list):
        return _enumerated_property(value, name, strict=strict)
    is_custom = isinstance(value, PSObject) and value.type_name == CUSTOM_OBJECT
    if name.lower() in {"count", "length"} and (is_custom or not strict):
        return 0 if is_null(value) else 1
    if not strict:
        return None
    raise _property_not_found(name)


def _property_not_found(name: str) -> ScriptError:
    return runtime_error(
        f"The property '{name}' cannot be found on this object. Verify that the property exists.",
        "PropertyNotFoundStrict",
        "System.Management.Automation.PropertyNotFoundException",
    )


def _own_property(value: object, name: str) -> object:
    lowered = name.lower()
    if is_null(value):
        return _MISSING
    if isinstance(value, Hashtable):
        return _hashtable_property(value, name)
    if isinstance(value, PSObject):
        key = value.key(name)
        return _MISSING if key is None else value.properties[key]
    if isinstance(value, list):
        if lowered == "length" and isinstance(value, HashKeys):
            raise UnsupportedConstruct(f".Length of a {type_full_name(value)}: write .Count")
        return len(value) if lowered in {"count", "length"} else _MISSING
    if isinstance(value, ErrorRecord):
        listed: dict[str, object] = {
            "exception": ExceptionValue(value),
            "fullyqualifiederrorid": value.error_id,
            "invocationinfo": InvocationInfo(value),
        }
    elif isinstance(value, ExceptionValue):
        listed = {"message": value.record.message}
    elif isinstance(value, InvocationInfo):
        listed = {"scriptlinenumber": value.record.position.line if value.record.position else 0}
    elif isinstance(value, TypeValue):
        listed = {
            "fullname": value.full_name,
            "name": value.full_name.rsplit(".", 1)[-1],
        }
    elif isinstance(value, SwitchValue):
        listed = {"ispresent": value.present}
    elif isinstance(value, str):
        listed = {"length": len(units(value))}
    else:
        listed = {}
    if lowered in listed:
        return listed[lowered]
    if lowered in {"count", "length"}:
        return _MISSING
    raise UnsupportedConstruct(f"the property .{name} of a {type_full_name(value)}")


def _hashtable_property(value: Hashtable, name: str) -> object:
    """A key beats a property of the hashtable itself."""
    if name in value:
        return value.get(name)
    match name.lower():
        case "count":
            return len(value)
        case "keys":
            return HashKeys(value, [key for key, _ in value.items()])
        case "values":
            return HashKeys(value, [item for _, item in value.items()])
        case _:
            return _MISSING


def _enumerated_property(values: list[object], name: str, *, strict: bool) -> object:
    """``@(a, b).Name``: the property of each element that has it."""
    if isinstance(values, HashKeys):
        raise UnsupportedConstruct(f"the property .{name} of a hashtable's keys or values")
    results: list[object] = []
    found = False
    for item in values:
        if isinstance(item, list) or is_null(item):
            raise UnsupportedConstruct(f".{name} of an array that holds arrays or $null")
        result = _own_property(item, name)
        if result is not _MISSING:
            found = True
            results.extend(elements(result))
    if not found and strict:
        raise _property_not_found(name)
    return collected(results) if results else None


def set_property(value: object, name: str, new: object) -> None:
    """``value.name = new``: a key of a hashtable, or an existing property of a custom object."""
    if isinstance(value, Hashtable):
        value.set(name, new)
        return
    if is_null(value):
        raise runtime_error(_CANNOT_SET.format(name), "PropertyNotFound")
    if not isinstance(value, PSObject):
        raise UnsupportedConstruct(f"setting .{name} of a {type_full_name(value)}")
    if value.type_name != CUSTOM_OBJECT:
        raise UnsupportedConstruct(f"setting .{name} of an object that a command returned")
    key = value.key(name)
    if key is None:
        raise runtime_error(
            f'Exception setting "{name}": "{_CANNOT_SET.format(name)}"',
            "ExceptionWhenSetting",
            "System.Management.Automation.SetValueInvocationException",
            category="SetValueInvocationException",
        )
    value.properties[key] = new


_CANNOT_SET = (
    "The property '{}' cannot be found on this object. "
    "Verify that the property exists and can be set."
)


# --- elements ------------------------------------------------------------------------------------


def get_element(value: object, index: object, *, strict: bool) -> object:
    """``value[index]``."""
    if is_null(value):
        raise runtime_error("Cannot index into a null array.", "NullArray")
    if isinstance(value, Hashtable):
        if value.ordered and not isinstance(index, str):
            raise UnsupportedConstruct("[ordered]@{}[…] by anything but text: it counts positions")
        return value.get(index)
    if not _is_indexable(value):
        raise UnsupportedConstruct(f"[…] of a {type_full_name(value)}")
    position = _position(index)
    items = value if isinstance(value, list) else []
    if -len(items) <= position < len(items):
        return items[position]
    if strict:
        raise runtime_error(
            "Index was outside the bounds of the array.",
            "System.IndexOutOfRangeException",
            "System.IndexOutOfRangeException",
        )
    return None


def _is_indexable(value: object) -> bool:
    return isinstance(value, list) and (
        type(value) is list or isinstance(value, CommandItems) or _is_strings(value)
    )


def _is_strings(value: object) -> bool:
    return type_full_name(value) == "System.String[]"


def _position(index: object) -> int:
    if is_null(index) or is_enumerable(index):
        raise UnsupportedConstruct("[…] with anything but one number")
    return to_int(index)


def set_element(value: object, index: object, new: object) -> None:
    """``value[index] = new``."""
    if isinstance(value, Hashtable):
        if value.ordered and not isinstance(index, str):
            raise UnsupportedConstruct("[ordered]@{}[…] by anything but text: it counts positions")
        value.set(index, new)
        return
    if type(value) is not list:
        raise UnsupportedConstruct("an assignment to an element of anything but @() or @{}")
    position = _position(index)
    if not -len(value) <= position < len(value):
        raise runtime_error(
            "Index was outside the bounds of the array.",
            "System.IndexOutOfRangeException",
            "System.IndexOutOfRangeException",
        )
    value[position] = new


# --- methods -------------------------------------------------------------------------------------


def call_method(value: object, name: str, arguments: list[object]) -> object:
    """``value.name(arguments)``."""
    if is_null(value):
        raise runtime_error(
            "You cannot call a method on a null-valued expression.", "InvokeMethodOnNull"
        )
    lowered = name.lower()
    if isinstance(value, str) and lowered in _STRING_METHODS:
        return _string_method(value, name, arguments)
    if isinstance(value, Hashtable) and lowered == "containskey":
        if value.ordered:
            raise runtime_error(
                "Method invocation failed because [System.Collections.Specialized."
                "OrderedDictionary] does not contain a method named 'ContainsKey'.",
                "MethodNotFound",
            )
        return _text_argument(arguments[0], name) in value
    if isinstance(value, ExceptionValue) and lowered == "gettype":
        return TypeValue(value.record.exception_type)
    raise UnsupportedConstruct(f"the method .{name}() of a {type_full_name(value)}")


def _text_argument(value: object, method: str) -> str:
    if not isinstance(value, str):
        raise UnsupportedConstruct(f".{method}() with anything but text")
    return value


def _string_method(text: str, name: str, arguments: list[object]) -> object:
    return _STRING_METHODS[name.lower()](text, name, arguments)


def _substring(text: str, name: str, arguments: list[object]) -> object:
    characters = units(text)
    start, *length = [to_int(argument) for argument in arguments]
    count = length[0] if length else len(characters) - start
    problem = _range_problem(len(characters), start, count)
    if problem:
        raise runtime_error(
            f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{problem}"',
            "ArgumentOutOfRangeException",
            "System.Management.Automation.MethodInvocationException",
            inner=("System.ArgumentOutOfRangeException", problem),
            category="MethodInvocationException",
        )
    return whole(characters[start : start + count])


def _range_problem(size: int, start: int, count: int) -> str:
    """What .NET says of a range that is not within the text; empty where it is."""
    negative = "{0} ('{1}') must be a non-negative value. (Parameter '{0}')\nActual value was {1}."
    if start < 0:
        return negative.format("startIndex", start)
    if start > size:
        return "startIndex cannot be larger than length of string. (Parameter 'startIndex')"
    if count < 0:
        return negative.format("length", count)
    if start + count > size:
        return "Index and length must refer to a location within the string. (Parameter 'length')"
    return ""


def _replace(text: str, name: str, arguments: list[object]) -> object:
    old, new = (_text_argument(argument, name) for argument in arguments)
    if not old:
        raise UnsupportedConstruct(".Replace('', …)")
    return text.replace(old, new)


# Characters that String.Trim() removes: those of the Unicode category White_Space.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501

_STRING_METHODS: Mapping[str, Callable[[str, str, list[object]], object]] = {
    "replace": _replace,
    "substring": _substring,
    "trim": lambda text, _name, _items: text.strip(_WHITE_SPACE),
}

# --- static methods ------------------------------------------------------------------------------


def temporary_folder(environment: Mapping[str, str]) -> PurePath:
    """Where ``[System.IO.Path]::GetTempPath()`` points."""
    for name in ("TMPDIR", "TMP", "TEMP"):
        if environment.get(name):
            return PurePath(environment[name])
    return PurePath(tempfile.gettempdir())


def call_static(
    type_name: str, name: str, arguments: list[object], environment: Mapping[str, str]
) -> object:
    """``[type]::name(arguments)``."""
    match (type_name, name):
        case ("string", "isnullorempty"):
            return _text_or_null(arguments[0]) == ""
        case ("string", "isnullorwhitespace"):
            return _text_or_null(arguments[0]).strip(_WHITE_SPACE) == ""
        case ("math", "min"):
            return _least([to_number(argument) for argument in arguments])
        case ("system.io.path", "gettemppath"):
            folder = temporary_folder(environment)
            return str(folder / "x")[:-1]
        case _:
            return uuid4()


def _text_or_null(value: object) -> str:
    if is_enumerable(value):
        raise UnsupportedConstruct("[string]::IsNullOr…() of a list")
    return to_string(value)


def _least(numbers: list[int | float]) -> int | float:
    if any(math.isnan(number) for number in numbers):
        raise UnsupportedConstruct("NaN")
    result = min(numbers)
    if any(isinstance(number, float) for number in numbers):
        return float(result)
    return Int64(result) if any(isinstance(number, Int64) for number in numbers) else result
