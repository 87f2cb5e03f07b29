"""Checks inputs against the argument types of the installed Pulumi SDK packages.

The SDK packages are generated from the real providers' schemas, so their type hints say which
properties exist, which are required, of which type they are and which values an enumeration has.
"""

import inspect
import types
import typing
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import pulumi
from pulumi._types import (
    input_type_py_to_pulumi_names,
    input_type_types,
    is_input_type,
    is_output_type,
    output_type_types,
    resource_types,
)

from simulator.providers.properties import UNKNOWN, Properties

_SCALARS: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True)
class Failure:
    """An input that a provider refuses: the property's name (or none) and the reason."""

    property: str
    reason: str


@cache
def fields(described: type) -> Mapping[str, Any]:
    """The properties of an input type, an output type or a resource: name and type hint."""
    if is_input_type(described):
        return input_type_types(described)
    if is_output_type(described):
        return output_type_types(described)
    return resource_types(described)


@cache
def required(arguments: type) -> frozenset[str]:
    """Names of the properties that an input type cannot do without."""
    names = input_type_py_to_pulumi_names(arguments)
    signature = inspect.signature(arguments)
    return frozenset(
        names[name]
        for name, parameter in signature.parameters.items()
        if parameter.default is inspect.Parameter.empty
    )


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The types that a hint stands for, without the wrappers of programs.

    ``Input[Optional[Union[str, State]]]`` gives ``(str, State)``.
    """
    members = (
        typing.get_args(hint)
        if typing.get_origin(hint) in {typing.Union, types.UnionType}
        else (hint,)
    )
    return tuple(
        member
        for member in members
        if member is not types.NoneType
        and typing.get_origin(member) not in {Awaitable, pulumi.Output}
    )


def check(arguments: type, inputs: Properties, path: str = "") -> Iterator[Failure]:
    """Yields what is wrong with the inputs of a resource, a function or a nested object.

    The words are those of ``pulumi-azure-native``. An unknown property is always refused: the
    real azure-native drops it silently, which only hides a mistake.
    """
    known = fields(arguments)
    for name in sorted(required(arguments) - inputs.keys()):
        yield Failure(path or name, f"missing required property '{_under(path, name)}'")
    for name, value in inputs.items():
        if name not in known:
            yield Failure(
                path or name,
                f"unknown property '{_under(path, name)}'; known are: {', '.join(sorted(known))}",
            )
            continue
        yield from _check_value(known[name], value, _under(path, name))


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _check_value(hint: Any, value: Any, path: str) -> Iterator[Failure]:
    accepted = alternatives(hint)
    if Any in accepted or value == UNKNOWN:
        return
    # A union of string and enumeration is how the SDKs write an enumeration that may grow: the
    # service refuses what is not in it today, so it is checked as the enumeration.
    enumerations = [kind for kind in accepted if isinstance(kind, type) and issubclass(kind, Enum)]
    if enumerations:
        values = [member.value for kind in enumerations for member in kind]
        if value not in values:
            allowed = ", ".join(f"'{item}'" for item in values)
            yield Failure(path, f"'{path}' is '{value}', which is not one of {allowed}")
        return
    failures: list[Failure] = []
    for kind in accepted:
        failures = list(_check_kind(kind, value, path))
        if not failures:
            return
    yield from failures


def _check_kind(kind: Any, value: Any, path: str) -> Iterator[Failure]:
    origin = typing.get_origin(kind)
    if origin in {Mapping, dict}:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from _check_value(typing.get_args(kind)[1], item, f"{path}.{key}")
            return
    elif origin in {Sequence, list}:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _check_value(typing.get_args(kind)[0], item, f"{path}[{index}]")
            return
    elif kind in _SCALARS:
        if type(value) is kind or (kind is float and type(value) is int):
            return
    elif isinstance(value, Mapping):
        yield from check(kind, dict(value), path)
        return
    yield Failure(
        path, f"'{path}' should be of type '{_name(kind)}' but got {_article(_name_of(value))}"
    )


def _name(kind: Any) -> str:
    origin = typing.get_origin(kind)
    if origin in {Sequence, list}:
        return "array"
    return _SCALARS.get(kind, "object")


def _name_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"
