"""What every component here does with its arguments and options.

Components take ``(name, args, opts)``, as Pulumi's guide for component authors has it:
https://www.pulumi.com/docs/iac/guides/building-extending/components/build-a-component/.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import pulumi


def inputs_of(args: Any) -> dict[str, Any]:
    """The arguments of a component as its inputs in the state, by their Pulumi names.

    Args:
        args: A dataclass of inputs, or of further dataclasses. What is ``None`` is left out.
    """
    return {
        _pulumi_name(field.name): _plain(value)
        for field in fields(args)
        if (value := getattr(args, field.name)) is not None
    }


def child_options(
    parent: pulumi.Resource, opts: pulumi.ResourceOptions | None, **further: Any
) -> pulumi.ResourceOptions:
    """Options of a resource within a component, which waits for what the component depends on.

    Pulumi does not hand a component's dependencies on to its children: they would be made before
    what the component is to come after, and be deleted after what it is to go before.

    Args:
        parent: The component.
        opts: The component's own options.
        further: Options of the resource besides.
    """
    before = opts.depends_on if opts is not None else None
    inherited = pulumi.ResourceOptions(parent=parent, depends_on=before)
    return pulumi.ResourceOptions.merge(inherited, pulumi.ResourceOptions(**further))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return inputs_of(value)
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _pulumi_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
