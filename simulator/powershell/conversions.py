"""PowerShell's conversions between types: truth, text, numbers, casts and parameters.

Facts: about_Type_Conversion, about_Booleans, and System.Management.Automation.LanguagePrimitives.
"""

from __future__ import annotations

import re
from uuid import UUID

from simulator.powershell.errors import (
    ErrorRecord,
    ScriptError,
    UnsupportedConstruct,
    runtime_error,
)
from simulator.powershell.interface import PSObject
from simulator.powershell.values import (
    CUSTOM_OBJECT,
    NOTHING,
    CommandItems,
    Hashtable,
    Int64,
    PipelineInput,
    ScriptBlock,
    StringArray,
    SwitchValue,
    elements,
    is_enumerable,
    is_null,
    type_full_name,
)

INVALID_CAST = "System.Management.Automation.PSInvalidCastException"
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
# Exponents, hexadecimal and thousands separators: PowerShell reads them, this runner does not.
_OTHER_NUMBER = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*([eE][+-]?[0-9]+)?|0[xX][0-9a-fA-F]+")


def to_bool(value: object) -> bool:
    """What a condition makes of a value."""
    if is_null(value):
        return False
    if isinstance(value, SwitchValue):
        return value.present
    if isinstance(value, bool | int | float | str):
        return bool(value)
    if isinstance(value, PipelineInput):
        raise UnsupportedConstruct("$input as a condition: write @($input)")
    if isinstance(value, list):
        if len(value) == 1 and is_enumerable(value[0]):
            raise UnsupportedConstruct("the truth of an array in an array")
        return bool(value) and (len(value) > 1 or to_bool(value[0]))
    return True


def number_text(value: float) -> str:
    """A number as the invariant culture writes it."""
    if isinstance(value, int):
        return str(int(value))
    text = repr(value)
    if "e" in text or "n" in text:
        raise UnsupportedConstruct(f"the number {text} as text")
    return text.removesuffix(".0")


def to_string(value: object) -> str:
    """What ``"$value"`` shows."""
    if is_null(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, SwitchValue):
        return to_string(value.present)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, ErrorRecord):
        return value.message
    if isinstance(value, PipelineInput):
        raise UnsupportedConstruct('$input as text: write @($input) -join "`n"')
    if isinstance(value, list):
        return " ".join(_nested_text(item) for item in value)
    if isinstance(value, Hashtable):
        return type_full_name(value)
    if isinstance(value, PSObject) and value.type_name == CUSTOM_OBJECT:
        shown = (f"{name}={_scalar_text(item)}" for name, item in value.properties.items())
        return "@{" + "; ".join(shown) + "}"
    raise UnsupportedConstruct(
        f"a {type_full_name(value)} as text: name the property that is meant"
    )


def _nested_text(value: object) -> str:
    return type_full_name(value) if isinstance(value, list) else to_string(value)


def _scalar_text(value: object) -> str:
    if isinstance(value, list | Hashtable | PSObject):
        raise UnsupportedConstruct("an object with nested values as text")
    return to_string(value)


def invalid_cast(
    value: object, type_name: str, detail: str = "", error_id: str = ""
) -> ScriptError:
    """The error of a failed conversion, with the reason that the type itself gives."""
    if detail:
        message = f'Cannot convert value "{to_string(value)}" to type "{type_name}".'
        message += f' Error: "{detail}"'
    else:
        own_type = type_full_name(value)
        text = own_type if isinstance(value, list | ScriptBlock) else to_string(value)
        message = f'Cannot convert the "{text}" value of type "{own_type}" to type "{type_name}".'
    return runtime_error(
        message,
        error_id or "ConvertToFinalInvalidCastException",
        inner=(INVALID_CAST, message),
        category="InvalidArgument",
    )


def to_number(value: object) -> int | float:
    """The number that an arithmetic operator makes of its right side.

    Raises:
        ScriptError: The text is no number.
    """
    if is_null(value):
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return 0
        if _PLAIN_NUMBER.fullmatch(text):
            return float(text) if "." in text else _sized(int(text))
        if _OTHER_NUMBER.fullmatch(text):
            raise UnsupportedConstruct(f"the text {value!r} as a number")
        raise invalid_cast(
            value,
            "System.Int32",
            f"The input string '{value}' was not in a correct format.",
            "InvalidCastFromStringToInteger",
        )
    raise UnsupportedConstruct(f"a {type_full_name(value)} as a number")


def _sized(value: int) -> int:
    return value if _INT_MIN <= value <= _INT_MAX else Int64(value)


def to_int(value: object) -> int:
    """``[int]value``: rounds half to even."""
    if isinstance(value, SwitchValue | list | Hashtable | PSObject):
        raise invalid_cast(value, "System.Int32")
    number = round(to_number(value))
    if not _INT_MIN <= number <= _INT_MAX:
        raise invalid_cast(
            value,
            "System.Int32",
            "Value was either too large or too small for an Int32.",
            "InvalidCastFromStringToInteger"
            if isinstance(value, str)
            else "InvalidCastIConvertible",
        )
    return int(number)


_GUID_ID = "InvalidCastParseTargetInvocationWithFormatProvider"


def to_guid(value: object) -> UUID:
    """``[guid]value``; takes the forms with and without braces or hyphens."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and re.fullmatch(
        r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?", value.strip()
    ):
        return UUID(value.strip())
    if not isinstance(value, str):
        raise UnsupportedConstruct("a [guid] of anything but text")
    raise invalid_cast(value, "System.Guid", "Unrecognized Guid format.", _GUID_ID)


def to_string_array(value: object) -> object:
    """``[string[]]value``; ``$null`` stays ``$null``."""
    if is_null(value):
        return None
    return StringArray(to_string(item) for item in elements(value))


def cast(value: object, type_name: str) -> object:
    """``[type]value`` for the types that the dialect casts to.

    Raises:
        ScriptError: PowerShell cannot convert the value.
    """
    match type_name:
        case "string":
            return to_string(value)
        case "int":
            return to_int(value)
        case "bool":
            return to_bool(value)
        case "guid":
            return to_guid(value)
        case "string[]":
            return to_string_array(value)
        case "void":
            return NOTHING
        case "pscustomobject":
            if not isinstance(value, Hashtable):
                raise UnsupportedConstruct("[pscustomobject] of anything but a hashtable")
            return custom_object(value.items())
        case _:
            raise UnsupportedConstruct(f"a conversion to [{type_name}]")


def custom_object(items: list[tuple[object, object]]) -> PSObject:
    return PSObject(CUSTOM_OBJECT, {to_string(key): value for key, value in items})


def is_type(value: object, type_name: str) -> bool:
    """``value -is [type]``."""
    match type_name:
        case "string":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool | Int64)
        case "bool":
            return isinstance(value, bool)
        case "hashtable":
            return isinstance(value, Hashtable) and not value.ordered
        case "scriptblock":
            return isinstance(value, ScriptBlock)
        case _:
            if isinstance(value, CommandItems):
                raise UnsupportedConstruct("-is [array] of a command's list: write @( )")
            return type(value) in {list, StringArray}


def bind_value(value: object, type_name: str, *, strict: bool = True) -> object:
    """What a parameter of a declared type gets.

    Args:
        value: What was given.
        type_name: The declared type.
        strict: Of an advanced function, whose ``[string]`` takes no array.

    Raises:
        ScriptError: The value does not fit the type.
    """
    value = None if value is NOTHING else value
    match type_name:
        case "object" | "psobject":
            return value
        case "object[]":
            return _bind_array(value)
        case "string":
            if strict and is_enumerable(value):
                raise runtime_error("Cannot convert value to type System.String.", "InvalidCast")
            return to_string(value)
        case "switch":
            return SwitchValue(_bind_switch(value))
        case "bool":
            return _bind_bool(value, "System.Boolean")
        case "scriptblock" | "ErrorRecord" | "hashtable":
            return _bind_reference(value, type_name)
        case "int":
            if value is None:
                return 0
            return to_int(value)
        case _:
            return cast(value, type_name)


def _bind_array(value: object) -> object:
    if value is None or type(value) in {list, StringArray}:
        return value
    if not is_enumerable(value):
        return list(elements(value))
    raise UnsupportedConstruct("a .NET collection for an [object[]] parameter: write @( )")


def _bind_bool(value: object, type_name: str) -> bool:
    if isinstance(value, bool | int | float | SwitchValue):
        return to_bool(value)
    shown = "" if value is None else type_full_name(value)
    raise runtime_error(
        f'Cannot convert value "{shown}" to type "{type_name}". Boolean parameters accept only '
        "Boolean values and numbers, such as $True, $False, 1 or 0.",
        "InvalidCast",
    )


def _bind_switch(value: object) -> bool:
    type_name = "System.Management.Automation.SwitchParameter"
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise invalid_cast(value, type_name)
    return _bind_bool(value, type_name)


_REFERENCES: dict[str, tuple[type, str]] = {
    "scriptblock": (ScriptBlock, "System.Management.Automation.ScriptBlock"),
    "ErrorRecord": (ErrorRecord, "System.Management.Automation.ErrorRecord"),
    "hashtable": (Hashtable, "System.Collections.Hashtable"),
}


def _bind_reference(value: object, type_name: str) -> object:
    kind, full_name = _REFERENCES[type_name]
    if value is None:
        return None
    if not isinstance(value, kind):
        if isinstance(value, PSObject):
            raise UnsupportedConstruct(f"an object for a parameter of type [{type_name}]")
        raise invalid_cast(value, full_name)
    if isinstance(value, Hashtable) and value.ordered:
        copied = Hashtable(case_sensitive=True)
        for key, item in value.items():
            copied.set(key, item)
        return copied
    return value
