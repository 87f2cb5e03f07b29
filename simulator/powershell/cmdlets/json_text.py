"""``ConvertTo-Json`` and ``ConvertFrom-Json``.

Facts: their reference, Newtonsoft.Json's writer, PowerShell/PowerShell#8393 (depth).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from simulator.powershell.cmdlets.base import Call, Cmdlet, CollectingCmdlet, Runtime, Sink
from simulator.powershell.conversions import to_string
from simulator.powershell.errors import UnsupportedConstruct, runtime_error
from simulator.powershell.interface import PSObject
from simulator.powershell.values import (
    CUSTOM_OBJECT,
    DateTime,
    Hashtable,
    Int64,
    elements,
    is_enumerable,
    is_null,
    type_full_name,
)

_DEFAULT_DEPTH = 2
_LARGEST_DEPTH = 100
_LONG_LIMIT = 2**63

# What becomes a DateTime on reading (7.5 has -DateKind to prevent it).
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,7})?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII
)
_TICKS = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/", re.ASCII)


class ConvertToJson(CollectingCmdlet):
    def end(self) -> None:
        if self.piped:
            value: object = self._items[0] if len(self._items) == 1 else self._items
            if not self._items:
                return
        else:
            value = self.arguments.get("InputObject")
        given = self.arguments.get("Depth")
        depth = given if isinstance(given, int) else _DEFAULT_DEPTH
        if not 0 <= depth <= _LARGEST_DEPTH:
            raise UnsupportedConstruct(f"ConvertTo-Json -Depth {depth}")
        writer = _Writer(
            depth,
            compress=self.switch("Compress"),
            ascii_only=self.arguments.given("EscapeHandling"),
        )
        result = writer.write(value, 0)
        if writer.truncated:
            self.runtime.write_warning(
                "Resulting JSON is truncated as serialization has exceeded the set depth of "
                f"{depth}."
            )
        self.out(result)


class _Writer:
    def __init__(self, depth: int, *, compress: bool, ascii_only: bool) -> None:
        self._depth = depth
        self._compress = compress
        self._ascii_only = ascii_only
        self.truncated = False

    def write(self, value: object, level: int) -> str:
        """The JSON of a value that is ``level`` objects or arrays deep."""
        if is_null(value):
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, float):
            if not math.isfinite(value):
                raise UnsupportedConstruct(f"{value} as JSON")
            return repr(value)
        if isinstance(value, str | UUID):
            return self._text(str(value))
        if is_enumerable(value):
            if level > self._depth:
                return self._flat(value)
            return self._group("[", "]", [self.write(v, level + 1) for v in elements(value)], level)
        if isinstance(value, Hashtable):
            entries = [(to_string(key), item) for key, item in value.items()]
        elif isinstance(value, PSObject) and value.type_name == CUSTOM_OBJECT:
            entries = list(value.properties.items())
        else:
            raise UnsupportedConstruct(
                f"a {type_full_name(value)} as JSON: name the properties that are meant"
            )
        if level > self._depth:
            return self._flat(value)
        colon = ":" if self._compress else ": "
        return self._group(
            "{",
            "}",
            [f"{self._text(key)}{colon}{self.write(item, level + 1)}" for key, item in entries],
            level,
        )

    def _flat(self, value: object) -> str:
        self.truncated = True
        return self._text(to_string(value))

    def _group(self, opening: str, closing: str, parts: Sequence[str], level: int) -> str:
        if self._compress or not parts:
            return opening + ",".join(parts) + closing
        indent = "\n" + "  " * level
        return f"{opening}{indent}  " + f",{indent}  ".join(parts) + f"{indent}{closing}"

    def _text(self, text: str) -> str:
        written = json.dumps(text, ensure_ascii=self._ascii_only)
        for separator in "\x85\u2028\u2029":
            written = written.replace(separator, f"\\u{ord(separator):04x}")
        return written


class ConvertFromJson(Cmdlet):
    def __init__(self, runtime: Runtime, call: Call, out: Sink, *, piped: bool) -> None:
        super().__init__(runtime, call, out, piped=piped)
        self._lines: list[str] = []

    def process(self, item: object) -> None:
        if not isinstance(item, str):
            raise UnsupportedConstruct("ConvertFrom-Json of anything but text")
        self._lines.append(item)

    def end(self) -> None:
        if self.arguments.given("InputObject"):
            self._lines.append(self.text("InputObject"))
        text = "\n".join(self._lines)
        if not text.strip():
            raise UnsupportedConstruct("ConvertFrom-Json of empty text")
        try:
            # Stricter than PowerShell, which also reads comments, single quotes and NaN.
            data = json.loads(
                text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant
            )
        except json.JSONDecodeError as error:
            raise runtime_error(
                f"Conversion from JSON failed with error: {_problem(text)}",
                "System.ArgumentException",
                "System.ArgumentException",
            ) from error
        for item in elements(_checked(data)):
            self.out(item)


def _problem(text: str) -> str:
    """What PowerShell says of broken JSON: text that is none at all, and one that ends too early.

    Raises:
        UnsupportedConstruct: It is broken in another way; PowerShell reads some of these.
    """
    if text == "{":
        return "Unexpected end when reading JSON. Path '', line 1, position 1."
    before = text[: len(text) - len(text.lstrip())]
    first = text[len(before)]
    # `nu` begins null and `ne` a constructor.
    begins_nothing = first == "n" and text[len(before) + 1 :][:1] not in {"", "u", "e"}
    if begins_nothing or first not in "{[\"'-.0123456789/tfnNIu":
        line = before.count("\n") + 1 if before else 0
        column = len(before) - before.rfind("\n") - 1
        return (
            f"Unexpected character encountered while parsing value: {first}. Path '', "
            f"line {line}, position {column}."
        )
    raise UnsupportedConstruct(f"broken JSON: {text[:60]!r}")


def _integer(text: str) -> int:
    number = int(text)
    if not -_LONG_LIMIT <= number < _LONG_LIMIT:
        raise UnsupportedConstruct(f"the JSON number {text}: no [long]")
    return Int64(number)


def _constant(text: str) -> object:
    raise UnsupportedConstruct(f"the JSON value {text}")


def _object(pairs: list[tuple[str, object]]) -> PSObject:
    folded: dict[str, str] = {}
    for name, _ in pairs:
        previous = folded.setdefault(name.lower(), name)
        if not name:
            raise runtime_error(
                "The provided JSON includes a property whose name is an empty string, this is only "
                "supported using the -AsHashTable switch.",
                "EmptyKeyInJsonString",
                "System.InvalidOperationException",
            )
        if previous != name:
            raise runtime_error(
                f"Cannot convert the JSON string because it contains keys with different casing. "
                f"Please use the -AsHashTable switch instead. The key that was attempted to be "
                f"added to the existing key '{previous}' was '{name}'.",
                "KeysWithDifferentCasingInJsonString",
                "System.InvalidOperationException",
            )
    return PSObject(CUSTOM_OBJECT, {name: _checked(value) for name, value in pairs})


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return _TICKS.fullmatch(text) is not None
    day, *clock = found.group(1, 2, 3, 4)
    hour, minute, second = map(int, clock)
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return max(minute, second) < 60 and (hour < 24 or (hour == 24 and minute == second == 0))


def _checked(value: object) -> object:
    if isinstance(value, str) and _is_time(value):
        return DateTime(value)
    if isinstance(value, list):
        return [_checked(item) for item in value]
    return value
