"""Commands that select, sort, filter and pass on objects."""

from __future__ import annotations

import random

from simulator.powershell import text
from simulator.powershell.cmdlets.base import Call, Cmdlet, CollectingCmdlet, Runtime, Sink
from simulator.powershell.conversions import to_bool
from simulator.powershell.errors import StopUpstream, UnsupportedConstruct
from simulator.powershell.interface import PSObject
from simulator.powershell.values import (
    CUSTOM_OBJECT,
    ScriptBlock,
    elements,
    is_null,
    type_full_name,
)


class WhereObject(Cmdlet):
    def process(self, item: object) -> None:
        block = _item_block(self.arguments.get("FilterScript"))
        results: list[object] = []
        self.runtime.run_for_item(block, item, results.append)
        if to_bool(results[0] if len(results) == 1 else results):
            self.out(item)


class ForEachObject(Cmdlet):
    def process(self, item: object) -> None:
        self.runtime.run_for_item(_item_block(self.arguments.get("Process")), item, self.out)


def _item_block(value: object) -> ScriptBlock:
    if not isinstance(value, ScriptBlock) or value.body.parameters:
        raise UnsupportedConstruct("Where-Object or ForEach-Object without a plain block")
    return value


class OutNull(Cmdlet):
    def process(self, item: object) -> None:
        """Drops it."""


class WriteOutput(Cmdlet):
    def process(self, item: object) -> None:
        self.out(item)

    def end(self) -> None:
        if self.arguments.given("InputObject"):
            for item in elements(self.arguments.get("InputObject")):
                self.out(item)


class SelectObject(Cmdlet):
    def __init__(self, runtime: Runtime, call: Call, out: Sink, *, piped: bool) -> None:
        super().__init__(runtime, call, out, piped=piped)
        first = self.arguments.get("First")
        if first is not None and (not isinstance(first, int) or first < 1):
            raise UnsupportedConstruct(f"Select-Object -First {first}")
        self._left = first if isinstance(first, int) else None

    def process(self, item: object) -> None:
        self.out(self._select(item))
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise StopUpstream(self)

    def _select(self, item: object) -> object:
        names = self.arguments.get("Property")
        if not isinstance(names, list):
            return item
        source = _custom(item)
        properties: dict[str, object] = {}
        for name in names:
            key = source.key(_plain_name(name))
            properties[key or str(name)] = source.properties[key] if key else None
        return PSObject(CUSTOM_OBJECT, properties)


def _custom(item: object) -> PSObject:
    if not isinstance(item, PSObject):
        kind = "$null" if is_null(item) else type_full_name(item)
        raise UnsupportedConstruct(f"Select-Object of a property of {kind}")
    return item


def _plain_name(name: object) -> str:
    if not isinstance(name, str) or any(character in name for character in "*?["):
        raise UnsupportedConstruct(f"{name!r} as a property's name")
    return name


class SortObject(CollectingCmdlet):
    """Equal items come in random order: PowerShell promises none without ``-Stable``."""

    def end(self) -> None:
        keyed = [(self._key(item), item) for item in self._items]
        if len({tuple(type(part) for part in key) for key, _ in keyed}) > 1:
            raise UnsupportedConstruct("Sort-Object of values of several types")
        random.shuffle(keyed)
        keyed.sort(key=lambda pair: pair[0])
        for _, item in keyed:
            self.out(item)

    def _key(self, item: object) -> tuple[tuple[int, ...] | int | float, ...]:
        names = self.arguments.get("Property")
        if not isinstance(names, list):
            return (_sort_key(item),)
        source = _custom(item)
        keys: list[tuple[int, ...] | int | float] = []
        for name in names:
            key = source.key(_plain_name(name))
            keys.append(_sort_key(source.properties[key] if key else None))
        return tuple(keys)


def _sort_key(value: object) -> tuple[int, ...] | int | float:
    if isinstance(value, str):
        return text.collation_key(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    kind = "$null" if is_null(value) else type_full_name(value)
    raise UnsupportedConstruct(f"Sort-Object of {kind}")
