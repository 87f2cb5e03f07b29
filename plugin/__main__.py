"""Offers ``ScopedMailSender`` to programs in TypeScript, Go, C#, Java and YAML.

``pulumi package add`` starts it, and makes a package of the schema that Pulumi derives from the
types here. What it gives a component is not what those say, but dictionaries; and it takes whatever
may not be ``None`` for required, default or not. So the types are made from the component's own,
with what has a default optional, and the dictionaries are made into the component's own again.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from importlib.metadata import version
from typing import Any

import pulumi
from pulumi.provider.experimental import component_provider_host
from pulumi.provider.experimental.util import camel_case
from scoped_mail_sender import scoped_mail_sender
from scoped_mail_sender.trigger import HttpRequestTrigger, RecurrenceTrigger, Trigger

NAME = "scoped-mail-sender"
TRIGGERS = (HttpRequestTrigger, RecurrenceTrigger)
_made: dict[type, type] = {}


def described(kind: type) -> type:
    """The type of a dataclass's dictionaries, under its name and with its documentation."""
    if kind not in _made:
        kinds = TRIGGERS if kind is Trigger else (kind,)
        annotations: dict[str, Any] = {}
        for each in kinds:
            for field in fields(each):
                hint = str if (kind, field.name) == (Trigger, "type") else _described(field.type)
                annotations[field.name] = hint if _is_required(kind, field) else hint | None
        members = {"__annotations__": annotations, "__module__": kind.__module__}
        _made[kind] = type(kind.__name__, (), {**members, "__doc__": kind.__doc__})
    return _made[kind]


def _is_required(kind: type, field: "Field[Any]") -> bool:
    if kind is Trigger:
        return field.name == "type"
    return field.default is MISSING and field.default_factory is MISSING


def _described(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return described(typing.cast(type, hint))
    if origin is types.UnionType and types.NoneType in arguments:
        [inner] = [each for each in arguments if each is not types.NoneType]
        return _described(inner) | None
    if origin is Sequence and _is_enumeration(arguments[0]):
        # Pulumi 3.272 hands on an empty dictionary for each entry of such a list.
        return Sequence[str]
    if origin is Sequence:
        return Sequence[_described(arguments[0])]  # type: ignore[misc]
    if origin is Mapping:
        return Mapping[str, _described(arguments[1])]  # type: ignore[misc]
    return hint


def restored(hint: Any, value: Any, path: str = "args") -> Any:
    """What a component takes, of what Pulumi hands on.

    Args:
        hint: The type that it takes.
        value: What was handed on.
        path: Where that stands, for an error.

    Raises:
        ValueError: Something is missing, or of no use.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Trigger:
        hint = next((each for each in TRIGGERS if each.type == value["type"]), None)
        if hint is None:
            raise ValueError(f"{path}.type is neither {' nor '.join(t.type for t in TRIGGERS)}.")
    if is_dataclass(hint):
        known = {field.name: field for field in fields(hint)}
        required = {name for name, field in known.items() if _is_required(hint, field)}
        for name in sorted(required - value.keys()):
            raise ValueError(f"{path} lacks {camel_case(name)}.")
        for name in sorted(value.keys() - known.keys()):
            raise ValueError(f"{path}.{camel_case(name)} is of no use there.")
        return hint(
            **{
                name: restored(known[name].type, entry, f"{path}.{camel_case(name)}")
                for name, entry in value.items()
            }
        )
    if origin is types.UnionType and types.NoneType in arguments:
        [inner] = [each for each in arguments if each is not types.NoneType]
        return restored(inner, value, path)
    if origin is Sequence:
        return [restored(arguments[0], entry, path) for entry in value]
    if origin is Mapping:
        return {key: restored(arguments[1], entry, path) for key, entry in value.items()}
    # Whole numbers arrive as others, too.
    return hint(value) if hint is int or _is_enumeration(hint) else value


def _is_enumeration(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


class ScopedMailSender(scoped_mail_sender.ScopedMailSender):
    """Shared mailbox, group, workflow and confined access of one sender."""

    def __init__(
        self,
        name: str,
        args: described(scoped_mail_sender.ScopedMailSenderArgs),  # type: ignore[valid-type]
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, restored(scoped_mail_sender.ScopedMailSenderArgs, args), opts)


if __name__ == "__main__":
    component_provider_host(name=NAME, components=[ScopedMailSender], version=version(NAME))
