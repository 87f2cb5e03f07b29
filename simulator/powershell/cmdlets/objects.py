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
        if self.arguments.given("Property") and self.arguments.given("ExpandProperty"):
            raise UnsupportedConstruct("Select-Object with -Property and -ExpandProperty")
        self._left = first if isinstance(first, int) else None
        self._seen: list[object] = []

    def process(self, item: object) -> None:
        for selected in self._select(item):
            if self.switch("Unique") and self._is_repeated(selected):
                continue
            self.out(selected)
        if self._left is not None:
            if self.switch("Unique"):
                raise UnsupportedConstruct("Select-Object with -First and -Unique")
            self._left -= 1
            if self._left == 0:
                raise StopUpstream(self)

    def _select(self, item: object) -> list[object]:
        if self.arguments.given("ExpandProperty"):
            return self._expanded(item, self.text("ExpandProperty"))
        names = self.arguments.get("Property")
        if not isinstance(names, list):
            return [item]
        source = _custom(item)
        properties: dict[str, object] = {}
        for name in names:
            key = source.key(_plain_name(name))
            properties[key or str(name)] = source.properties[key] if key else None
        return [PSObject(CUSTOM_OBJECT, properties)]

    def _expanded(self, item: object, name: str) -> list[object]:
        source = _custom(item)
        key = source.key(_plain_name(name))
        if key is None:
            self.fail(
                f'Property "{name}" cannot be found.',
                "System.Management.Automation.PSArgumentException",
                "ExpandPropertyNotFound",
            )
            return []
        if is_null(source.properties[key]):
            raise UnsupportedConstruct("Select-Object -ExpandProperty of a property that is $null")
        return list(elements(source.properties[key]))

    def _is_repeated(self, item: object) -> bool:
        """``-Unique`` tells upper from lower case."""
        if not isinstance(item, str | int):
            raise UnsupportedConstruct(f"Select-Object -Unique of a {type_full_name(item)}")
        if any(type(item) is type(seen) and _is_same(item, seen) for seen in self._seen):
            return True
        self._seen.append(item)
        return False


def _is_same(item: str | int, seen: object) -> bool:
    if isinstance(item, str):
        return text.equal(item, str(seen), case_sensitive=True)
    return item == seen


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
        previous: object = None
        for key, item in keyed:
            if self.switch("Unique") and key == previous:
                continue
            previous = key
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
