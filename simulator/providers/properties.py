"""Property bags as they travel between engine and provider, and how two of them differ.

Inside the providers a bag is plain data: dictionaries, lists, strings, numbers, booleans. A value
that is not known yet (in previews) is the string ``UNKNOWN``. Secrets never arrive: the providers
tell the engine that they do not accept them, so that the engine takes the marks off before a call
and puts them back on the outputs of the same names.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]
from pulumi.runtime.rpc import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Change",
    "Properties",
    "differences",
    "from_wire",
    "to_wire",
]

Properties = dict[str, Any]


class Change(Enum):
    """What became of one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


def from_wire(bag: Struct) -> Properties:
    """The bag that a protobuf message carries; properties without a value are left out."""
    return {
        key: _plain(value)
        for key, value in bag.fields.items()
        if value.WhichOneof("kind") != "null_value"
    }


def _plain(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return from_wire(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return getattr(value, kind) if kind in {"string_value", "bool_value"} else None


def to_wire(bag: Mapping[str, Any]) -> Struct:
    """The protobuf message for a bag; properties that are ``None`` are left out."""
    message = Struct()
    message.update({key: value for key, value in bag.items() if value is not None})
    return message


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Change]]:
    """Yields path and kind of each smallest part in which two values differ.

    Paths are the engine's: ``definition.actions["a.b"].inputs.to[0]``.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _member(old, new, key, _joined(path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _member(
                dict(enumerate(old)), dict(enumerate(new)), index, f"{path}[{index}]"
            )
    elif type(old) is not type(new) or old != new:
        yield path, Change.UPDATE


def _member(
    old: Mapping[Any, Any], new: Mapping[Any, Any], key: Any, path: str
) -> Iterator[tuple[str, Change]]:
    if key not in new:
        yield path, Change.DELETE
    elif key not in old:
        yield path, Change.ADD
    else:
        yield from differences(old[key], new[key], path)


def _joined(path: str, key: str) -> str:
    if any(character in key for character in '."[] '):
        escaped = key.replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key
