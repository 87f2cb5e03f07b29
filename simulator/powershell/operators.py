"""The operators. The left side decides: an array is filtered, otherwise its type is compared in.

Facts: about_Operators and its companions; System.Management.Automation.LanguagePrimitives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from uuid import UUID

from simulator.powershell import conversions, text
from simulator.powershell.conversions import to_bool, to_number, to_string
from simulator.powershell.errors import ScriptError, UnsupportedConstruct, runtime_error
from simulator.powershell.interface import PSObject
from simulator.powershell.values import (
    Hashtable,
    Int64,
    PipelineInput,
    StringArray,
    SwitchValue,
    elements,
    is_enumerable,
    is_null,
    type_full_name,
)

_INT_LIMIT = 2**31
_LONG_LIMIT = 2**63


def binary(operator: str, left: object, right: object) -> object:
    """Applies an operator whose two sides have been evaluated.

    Raises:
        ScriptError: PowerShell reports an error.
        UnsupportedConstruct: The operands are of kinds that the dialect does not combine.
    """
    if operator in _ARITHMETIC:
        return _arithmetic(operator, left, right)
    if operator in _COMPARISONS:
        test = _COMPARISONS[operator]
        if is_enumerable(left):
            return [item for item in elements(left) if test(item, right)]
        return test(left, right)
    return _OTHERS[operator](left, right)


# --- arithmetic ----------------------------------------------------------------------------------


def _arithmetic(operator: str, left: object, right: object) -> object:
    if operator == "+":
        return add(left, right)
    if operator == "*" and isinstance(left, str):
        return left * conversions.to_int(right)
    if not isinstance(left, int | float) or isinstance(left, bool):
        raise UnsupportedConstruct(f"`{operator}` with a {_kind(left)} on its left")
    return _calculate(operator, left, _right_number(right))


def _kind(value: object) -> str:
    return "$null" if is_null(value) else type_full_name(value)


def _right_number(value: object) -> int | float:
    if is_enumerable(value) or isinstance(value, Hashtable | PSObject | SwitchValue):
        raise UnsupportedConstruct(f"a {_kind(value)} in arithmetic")
    return to_number(value)


def add(left: object, right: object) -> object:
    """``left + right``: concatenation for text and arrays."""
    if isinstance(left, PipelineInput):
        raise UnsupportedConstruct("`+` with $input: write @($input)")
    if is_enumerable(left):
        return [*elements(left), *(elements(right) if is_enumerable(right) else [_plain(right)])]
    if is_null(left):
        return _plain(right)
    if isinstance(left, str):
        return left + to_string(right)
    if isinstance(left, int | float) and not isinstance(left, bool):
        return _calculate("+", left, _right_number(right))
    raise UnsupportedConstruct(f"`+` with a {_kind(left)} on its left")


def _plain(value: object) -> object:
    return None if is_null(value) else value


def _calculate(operator: str, left: int | float, right: int | float) -> int | float:
    if operator in {"/", "%"} and right == 0:
        if isinstance(left, float) or isinstance(right, float):
            raise UnsupportedConstruct("a division by zero of [double]")
        message = "Attempted to divide by zero."
        raise runtime_error(
            message,
            "RuntimeException",
            inner=("System.DivideByZeroException", message),
            category="RuntimeException",
        )
    result: int | float
    match operator:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "/":
            result = _divide(left, right)
        case _:
            result = _remainder(left, right)
    if isinstance(result, float):
        return result
    long = isinstance(left, Int64) or isinstance(right, Int64)
    limit = _LONG_LIMIT if long else _INT_LIMIT
    if not -limit <= result < limit:
        raise UnsupportedConstruct(f"the overflow of {left} {operator} {right}")
    return Int64(result) if long else result


def _divide(left: int | float, right: int | float) -> int | float:
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def _remainder(left: int | float, right: int | float) -> int | float:
    """Takes the sign of the left side, as in C#."""
    if isinstance(left, int) and isinstance(right, int):
        return int(math.copysign(abs(left) % abs(right), left))
    return math.fmod(left, right)


# --- comparison ----------------------------------------------------------------------------------


def equals(left: object, right: object, *, case_sensitive: bool = False) -> bool:
    """``left -eq right`` for a left side that is no array."""
    if is_null(left) or is_null(right):
        return is_null(left) and is_null(right)
    if isinstance(left, SwitchValue):
        left = left.present
    if isinstance(right, SwitchValue):
        right = right.present
    if isinstance(left, str):
        return text.equal(left, to_string(right), case_sensitive=case_sensitive)
    if isinstance(left, bool):
        return left == to_bool(right)
    if isinstance(left, int | float):
        if is_enumerable(right) or isinstance(right, Hashtable | PSObject):
            return False
        try:
            return left == to_number(right)
        except ScriptError:
            return False
    if isinstance(left, UUID):
        try:
            return left == conversions.to_guid(right)
        except ScriptError:
            return False
    if isinstance(left, Hashtable | PSObject) and isinstance(right, Hashtable | PSObject):
        return left is right
    raise UnsupportedConstruct(f"a comparison of a {_kind(left)} with a {_kind(right)}")


def _order(left: object, right: object) -> int:
    """Negative, zero or positive, as the left side comes before, with or after the right."""
    if isinstance(left, str):
        ours, theirs = text.collation_key(left), text.collation_key(to_string(right))
        return (ours > theirs) - (ours < theirs)
    if isinstance(left, int | float) and not isinstance(left, bool) and not is_null(right):
        number = _right_number(right)
        return (left > number) - (left < number)
    raise UnsupportedConstruct(f"the order of a {_kind(left)} and a {_kind(right)}")


def _like(left: object, right: object) -> bool:
    return text.like(to_string(left), to_string(right))


def _match(left: object, right: object) -> bool:
    return text.matches(to_string(left), to_string(right))


_COMPARISONS: dict[str, Callable[[object, object], bool]] = {
    "-eq": equals,
    "-ne": lambda left, right: not equals(left, right),
    "-ceq": lambda left, right: equals(left, right, case_sensitive=True),
    "-cne": lambda left, right: not equals(left, right, case_sensitive=True),
    "-lt": lambda left, right: _order(left, right) < 0,
    "-le": lambda left, right: _order(left, right) <= 0,
    "-gt": lambda left, right: _order(left, right) > 0,
    "-ge": lambda left, right: _order(left, right) >= 0,
    "-like": _like,
    "-notlike": lambda left, right: not _like(left, right),
    "-match": _match,
    "-notmatch": lambda left, right: not _match(left, right),
}

# --- the others ----------------------------------------------------------------------------------


def _contains(collection: object, item: object) -> bool:
    """``-contains``: the element is the left side of ``-eq``."""
    for element in elements(collection):
        if is_enumerable(element):
            raise UnsupportedConstruct("-contains or -in with an array in the array")
        if equals(element, item):
            return True
    return False


def _replace(left: object, right: object) -> object:
    arguments = (
        [to_string(item) for item in elements(right)]
        if is_enumerable(right)
        else [to_string(right)]
    )
    if len(arguments) > 2:
        raise UnsupportedConstruct("-replace with more than a pattern and a replacement")
    pattern, replacement = (*arguments, "")[:2]
    if is_enumerable(left):
        return [text.replace(to_string(item), pattern, replacement) for item in elements(left)]
    return text.replace(to_string(left), pattern, replacement)


def _split(left: object, right: object) -> object:
    arguments = list(elements(right)) if is_enumerable(right) else [right]
    if len(arguments) > 2:
        raise UnsupportedConstruct("-split with more than a pattern and a limit")
    limit = conversions.to_int(arguments[1]) if len(arguments) > 1 else 0
    pattern = to_string(arguments[0])
    parts = [
        part
        for item in (elements(left) if is_enumerable(left) else [left])
        for part in text.split(to_string(item), pattern, limit)
    ]
    return StringArray(parts)


def join(left: object, separator: str) -> str:
    """``left -join separator``."""
    items = list(elements(left)) if is_enumerable(left) else [left]
    return separator.join(
        type_full_name(item) if isinstance(item, list) else to_string(item) for item in items
    )


def negate(value: object) -> object:
    """``-value``."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise UnsupportedConstruct(f"`-` before a {_kind(value)}")
    return _calculate("-", 0, value)


_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_OTHERS: dict[str, Callable[[object, object], object]] = {
    "-contains": _contains,
    "-notcontains": lambda left, right: not _contains(left, right),
    "-in": lambda left, right: _contains(right, left),
    "-notin": lambda left, right: not _contains(right, left),
    "-replace": _replace,
    "-split": _split,
    "-join": lambda left, right: join(left, to_string(right)),
}
