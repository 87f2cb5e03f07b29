"""The kinds of value that scripts handle, beyond Python's own.

``$null`` is ``None``; ``[int]``, ``[double]``, ``[bool]`` and ``[string]`` are Python's; an array
is a ``list``. Everything else that PowerShell tells apart has a class here, because scripts can
tell the difference too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from simulator.powershell.errors import ErrorRecord, UnsupportedConstruct, runtime_error
from simulator.powershell.interface import PSObject, SecureString
from simulator.powershell.scopes import SessionState
from simulator.powershell.syntax.nodes import Block

CUSTOM_OBJECT = "System.Management.Automation.PSCustomObject"


class _Nothing:
    """What an empty pipeline yields (AutomationNull): ``$null`` as a value, no object in a pipe."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING = _Nothing()


def is_null(value: object) -> bool:
    return value is None or value is NOTHING


class Int64(int):
    """``[long]``: what ``ConvertFrom-Json`` makes of a number; not ``-is [int]``."""


class StringArray(list[object]):
    """``[string[]]``."""


class ReadOnlyItems(list[object]):
    """A collection from .NET that is no array: it can be enumerated, piped and counted."""


class CommandItems(list[object]):
    """A list in a property of what a module's command returned: which collection, is not known."""


@dataclass(frozen=True)
class SwitchValue:
    """A ``[switch]`` parameter's value; not a ``[bool]``, though it acts as one."""

    present: bool


def fold(text: str) -> str:
    """What two keys that differ in case only have in common: by character, not by culture."""
    return "".join(_upper(character) for character in text)


def _upper(character: str) -> str:
    upper = character.upper()
    # No letter beyond ASCII is the same as one of ASCII: not the dotless i, not the Kelvin sign.
    return upper if len(upper) == 1 and upper.isascii() == character.isascii() else character


class Hashtable:
    """``@{}``, or ``[ordered]@{}``; string keys are found without regard to case.

    A plain hashtable has no order in PowerShell; here its order is random, so that a script that
    relies on one fails. A key keeps its place as long as it stays.

    Args:
        ordered: It is an ``OrderedDictionary``.
        case_sensitive: What a ``[hashtable]`` parameter makes of an ordered one.
    """

    def __init__(self, *, ordered: bool = False, case_sensitive: bool = False) -> None:
        self.ordered = ordered
        self.version = 0
        self._case_sensitive = case_sensitive
        self._entries: dict[object, tuple[float, object, object]] = {}

    def _folded(self, key: object) -> object:
        if isinstance(key, str):
            return key if self._case_sensitive else fold(key)
        if isinstance(key, int | float | UUID) and not isinstance(key, bool):
            return (type(key), key)
        raise UnsupportedConstruct(f"a key of type {type_full_name(key)} in a hashtable")

    def __contains__(self, key: object) -> bool:
        return self._folded(key) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: object) -> object:
        entry = self._entries.get(self._folded(key))
        return entry[2] if entry else None

    def set(self, key: object, value: object) -> None:
        folded = self._folded(key)
        previous = self._entries.get(folded)
        # The order only keeps apart what a script must not rely on: nothing here is a secret.
        place, spelled = previous[:2] if previous else (random.random(), key)  # noqa: S311
        # An ordered one takes the new spelling, a plain one keeps the first.
        self._entries[folded] = (place, key if self.ordered else spelled, value)
        self.version += 1

    def items(self) -> list[tuple[object, object]]:
        entries = list(self._entries.values())
        if not self.ordered:
            entries.sort(key=lambda entry: entry[0])
        return [(key, value) for _, key, value in entries]


class HashKeys(ReadOnlyItems):
    """``.Keys`` or ``.Values``: enumerating it fails once its hashtable was changed."""

    def __init__(self, owner: Hashtable, items: list[object]) -> None:
        super().__init__(items)
        self.owner = owner
        self.version = owner.version


class PipelineInput:
    """``$input``: the lines of standard input, which can be read once."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines


@dataclass(frozen=True)
class ScriptBlock:
    """A block and the session state in which its variables and functions are looked up."""

    body: Block
    session: SessionState


@dataclass(frozen=True)
class ExceptionValue:
    """``$_.Exception``."""

    record: ErrorRecord


@dataclass(frozen=True)
class InvocationInfo:
    """``$_.InvocationInfo``."""

    record: ErrorRecord


@dataclass(frozen=True)
class DateTime:
    """What ``ConvertFrom-Json`` makes of a text that is a time: no text, and nothing else.

    How PowerShell shows one depends on the culture and the time zone.
    """

    text: str


@dataclass(frozen=True)
class TypeValue:
    """What ``.GetType()`` returns."""

    full_name: str


def is_enumerable(value: object) -> bool:
    """Whether a pipeline takes the value apart."""
    return isinstance(value, list | PipelineInput)


def elements(value: object) -> Iterator[object]:
    """What a pipeline makes of a value: the elements of a collection, or the value itself."""
    if value is NOTHING:
        return
    if isinstance(value, PipelineInput):
        yield from value.lines
    elif isinstance(value, HashKeys):
        yield from _guarded(value)
    elif isinstance(value, list):
        yield from value
    else:
        yield value


def _guarded(items: HashKeys) -> Iterator[object]:
    """Enumerates as .NET does: a change meanwhile is an error at the next step."""
    index = 0
    while True:
        if items.owner.version != items.version:
            raise runtime_error(
                "Collection was modified; enumeration operation may not execute.",
                "System.InvalidOperationException",
                "System.InvalidOperationException",
            )
        if index >= len(items):
            return
        yield items[index]
        index += 1


def collected(values: list[object]) -> object:
    """What an assignment or an argument gets of a pipeline's output."""
    if not values:
        return NOTHING
    return values[0] if len(values) == 1 else values


_TYPE_NAMES: list[tuple[type, str]] = [
    (bool, "System.Boolean"),
    (Int64, "System.Int64"),
    (int, "System.Int32"),
    (float, "System.Double"),
    (str, "System.String"),
    (StringArray, "System.String[]"),
    (ReadOnlyItems, "System.Collections.ICollection"),
    (CommandItems, "System.Collections.IList"),
    (list, "System.Object[]"),
    (SwitchValue, "System.Management.Automation.SwitchParameter"),
    (UUID, "System.Guid"),
    (ScriptBlock, "System.Management.Automation.ScriptBlock"),
    (ErrorRecord, "System.Management.Automation.ErrorRecord"),
    (SecureString, "System.Security.SecureString"),
    (TypeValue, "System.RuntimeType"),
    (DateTime, "System.DateTime"),
]


def type_full_name(value: object) -> str:
    """The .NET type's name, for messages and ``.GetType()``."""
    if isinstance(value, Hashtable):
        return (
            "System.Collections.Specialized.OrderedDictionary"
            if value.ordered
            else "System.Collections.Hashtable"
        )
    if isinstance(value, PSObject):
        return value.type_name
    if isinstance(value, ExceptionValue):
        return value.record.exception_type
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    raise UnsupportedConstruct(f"the type of {'$null' if is_null(value) else type(value).__name__}")
