"""Values that follow from others."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from configuration.keys import Access, Sender, StackConfiguration
from configuration.mistakes import KeyPath
from configuration.values import Keys


@dataclass(frozen=True)
class _Default:
    """A key that follows from another of the same group, unless it is written."""

    group: tuple[str, ...]
    key: str
    source: str
    derive: Callable[[str], str]


_DEFAULTS = [
    _Default((), "workflow", "name", str),
    *(
        default
        for recipient in ("mailbox", "group")
        for default in (
            _Default((recipient,), "displayName", "name", str),
            _Default((recipient,), "alias", "name", lambda name: name.replace(" ", "")),
        )
    ),
    _Default(
        ("group",),
        "policyDescription",
        "address",
        lambda address: (
            f"Restrict this app's permissions to members of distribution group {address}"
        ),
    ),
]


def value_at(value: object, path: tuple[str, ...]) -> object:
    """What stands at a path of a configuration that may be wrong; ``None`` if nothing does."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def senders_of(values: Mapping[str, object]) -> list[tuple[KeyPath, object]]:
    return _entries_of(values, "senders")


def accesses_of(values: Mapping[str, object]) -> list[tuple[KeyPath, object]]:
    return _entries_of(values, "access")


def _entries_of(values: Mapping[str, object], key: str) -> list[tuple[KeyPath, object]]:
    entries = values.get(key)
    if not isinstance(entries, list):
        return []
    return [((key, index), entry) for index, entry in enumerate(entries)]


def _fill_in(
    keys: dict[str, object],
    path: KeyPath,
    shared: object,
    source: KeyPath,
    derived: dict[KeyPath, KeyPath],
) -> None:
    """Writes the shared keys that are missing, group by group; what a stack writes stays."""
    if not isinstance(shared, dict):
        return
    for key, value in shared.items():
        here, there = (*path, key), (*source, key)
        if key not in keys:
            keys[key] = copy.deepcopy(value)
            derived.update({(*here, *rest): (*there, *rest) for rest in _paths(value)})
        elif isinstance(own := keys[key], dict):
            _fill_in(own, here, value, there, derived)


def _paths(value: object) -> Iterator[KeyPath]:
    """The path of a value below itself, and of all that it holds."""
    yield ()
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for step, entry in entries:
            yield from ((step, *rest) for rest in _paths(entry))


def _set_defaults(values: dict[str, object], group: type[Keys]) -> None:
    for key, field in group.by_key().items():
        if not field.is_required():
            values.setdefault(key, field.default)


def _derive(
    entry: object,
    path: KeyPath,
    defaults: Iterable[_Default],
    derived: dict[KeyPath, KeyPath],
) -> None:
    """Writes what follows from other keys of a sender or an access."""
    for default in defaults:
        keys = value_at(entry, default.group)
        if isinstance(keys, dict) and default.key not in keys:
            group = (*path, *default.group)
            derived[(*group, default.key)] = (*group, default.source)
            if isinstance(source := keys.get(default.source), str):
                keys[default.key] = default.derive(source)


def fill_in_defaults(values: dict[str, object]) -> dict[KeyPath, KeyPath]:
    """Writes into ``values`` what is not written, for the rules that look at several keys.

    Returns:
        The path of each value that was not given, with the path of the one that it follows from.
    """
    derived: dict[KeyPath, KeyPath] = {}
    _set_defaults(values, StackConfiguration)
    for path, sender in senders_of(values):
        if isinstance(sender, dict):
            if isinstance(name := sender.get("name"), str):
                shared = value_at(values, ("senderDefaults", name))
                _fill_in(sender, path, shared, ("senderDefaults", name), derived)
            _set_defaults(sender, Sender)
        _derive(sender, path, _DEFAULTS, derived)
        trigger = value_at(sender, ("trigger",))
        if isinstance(trigger, dict) and trigger.get("type") == "recurrence":
            # In the past, because without a start time the first run fires at deployment, before
            # the grant, and the platform then keeps a token without the role for a day.
            zone = "Z" if trigger.get("timeZone") is None else ""
            trigger.setdefault("startTime", f"2020-01-01T00:00:00{zone}")
    for path, access in accesses_of(values):
        if isinstance(access, dict):
            _set_defaults(access, Access)
            _derive(access, path, [each for each in _DEFAULTS if each.group], derived)
    return derived
