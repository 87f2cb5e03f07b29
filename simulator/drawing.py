"""A drawing of a stack's resources, from the dependencies that the engine keeps of them.

It shows in which order things are made; they are removed in the opposite one. Mermaid, because
GitHub draws it where it stands.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

_COMMAND = "command:local:Command"
_STACK = "pulumi:pulumi:Stack"


def draw(resources: Iterable[Mapping[str, Any]], sender: str) -> str:
    """Draws one sender with what it depends on.

    Args:
        resources: The resources of an exported state.
        sender: The sender's name in the configuration.

    Returns:
        A flowchart, without the fence around it. What a script makes is named by the script. An
        arrow that another way between the same two makes superfluous is left out.
    """
    everything = {resource["urn"]: resource for resource in resources}
    wanted = {
        urn
        for urn, resource in everything.items()
        if resource["custom"] and _name(urn).startswith(f"{sender}-")
    }
    before = {urn: set(everything[urn].get("dependencies", ())) for urn in wanted}
    for urn in set().union(*before.values()) - wanted:
        before[urn] = set()
    numbers = {urn: f"n{number}" for number, urn in enumerate(sorted(before, key=_name))}
    lines = ["flowchart TD"]
    boxes: dict[str, list[str]] = {}
    for urn, node in numbers.items():
        resource = everything[urn]
        parent = _type(resource.get("parent", ""))
        box = "" if parent in ("", _STACK) else parent.rpartition(":")[2]
        boxes.setdefault(box, []).append(f'{node}["{_name(urn)}<br>{_kind(resource)}"]')
    for box, nodes in sorted(boxes.items()):
        if box:
            lines += [f"    subgraph {box}", *(f"        {node}" for node in nodes), "    end"]
        else:
            lines += [f"    {node}" for node in nodes]
    for urn, node in numbers.items():
        indirect = set().union(*(_all_before(other, before) for other in before[urn]))
        direct = sorted(numbers[other] for other in before[urn] - indirect)
        lines += [f"    {other} --> {node}" for other in direct]
    return "\n".join(lines)


def _all_before(urn: str, before: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = set(before[urn])
    while pending:
        other = pending.pop()
        found.add(other)
        pending |= before[other] - found
    return found


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2] if urn else ""


def _kind(resource: Mapping[str, Any]) -> str:
    if resource["type"] == _COMMAND:
        return PurePosixPath(resource["inputs"]["create"]).name
    return str(resource["type"].rpartition(":")[2])
