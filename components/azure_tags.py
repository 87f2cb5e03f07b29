"""Tags of a resource in Azure: ours, and those that others put on it, which are left alone.

Azure Policy, and people, tag what is not theirs. An update of a resource writes all of its tags, so
that those of others have to be among its inputs, or they are lost. Yet they are not to show up as
changes where nothing else changes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.provider_errors import find


@dataclass(frozen=True)
class AzureTags:
    """The tags of one resource.

    Attributes:
        own: Ours.
        further: Others' that the state does not know as they are: they become inputs.
        known: Names of others' that the state knows. Whether they are among the inputs is for the
            state to say. Those that Azure Policy added to our own request are not, and it adds them
            to each.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[str, str] = field(default_factory=dict)
    known: Collection[str] = ()

    @property
    def inputs(self) -> dict[str, str]:
        """The resource's ``tags``."""
        return {**self.further, **self.own}

    @property
    def ignored(self) -> list[str]:
        """The resource's ``ignore_changes``."""
        quoted = [name.replace('"', '\\"') for name in self.known]
        return [f'tags["{name}"]' for name in sorted(quoted)]


def tags_beside_others(
    own: Mapping[str, str],
    *,
    formerly_own: Collection[str],
    deployed: Mapping[str, Any] | None,
    function: str,
    **names: str,
) -> AzureTags:
    """Our tags, and those that others put on a resource.

    Args:
        own: Ours.
        formerly_own: Names of ours in former runs: they go where ``own`` does not have them.
        deployed: The resource's outputs in the state; ``None`` where it has not been made.
        function: The function of azure-native that reads it.
        names: Its arguments.

    Raises:
        pulumi.RunError: Azure does not say.
    """
    now = find(function, **names) if deployed is not None else None
    if deployed is None or now is None:
        return AzureTags(own)
    ours = {name.casefold() for name in (*own, *formerly_own)}
    others = {k: v for k, v in (now.get("tags") or {}).items() if k.casefold() not in ours}
    state = deployed.get("tags") or {}
    return AzureTags(
        own,
        further={name: value for name, value in others.items() if state.get(name) != value},
        known=[name for name, value in others.items() if state.get(name) == value],
    )
