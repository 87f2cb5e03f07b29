"""What of a definition the simulated tenant does not run, though the service would save it."""

from collections.abc import Iterator
from typing import Any

from simulator.tenant.answers import NotSimulated
from simulator.tenant.definition import nested
from simulator.tenant.expressions import beyond, calls_in
from simulator.tenant.logic_apps.triggers import BY_TOKEN
from simulator.tenant.store import Document

SIMULATED_INPUTS = {"method", "uri", "headers", "body", "authentication", "retryPolicy"}


def check_simulated(definition: Document, trigger_name: str) -> None:
    """Refuses a definition that is beyond the closed set.

    Raises:
        NotSimulated: The message names the construct.
    """
    for construct in _constructs_beyond(definition, definition["triggers"][trigger_name]):
        raise NotSimulated(f"The simulated tenant does not run a workflow with {construct}.")


def _conditions_beyond(expression: Any) -> Iterator[str]:
    if isinstance(expression, str):
        yield from beyond(expression)
        return
    [(operator, operands)] = expression.items()
    if operator == "not":
        yield from _conditions_beyond(operands)
    elif operator in ("and", "or") and operands:
        for operand in operands:
            yield from _conditions_beyond(operand)
    elif operator == "equals":
        yield from beyond(operands)
    else:
        yield f"the condition {expression}"


def _constructs_beyond(definition: Document, trigger: Document) -> Iterator[str]:
    """Names what is there and not simulated."""
    if trigger["type"] not in ("Request", "Recurrence"):
        yield f"trigger type {trigger['type']}"
    if trigger.get("kind", "Http") != "Http":
        yield f"trigger kind {trigger['kind']}"
    if trigger.get("correlation"):
        yield "trigger correlation"
    if trigger.get("conditions") not in (None, [], BY_TOKEN):
        yield f"the trigger conditions {trigger['conditions']}"
    # Nothing of a trigger is in the history here, secured or not, and runs come one after another.
    for name in trigger.get("runtimeConfiguration", {}).keys() - {"secureData", "concurrency"}:
        yield f"trigger runtimeConfiguration {name}"
    if trigger.get("inputs", {}).get("relativePath"):
        yield "trigger relativePath"
    for name in ("parameters", "outputs", "staticResults"):
        if definition.get(name):
            yield name
    if not definition.get("actions"):
        yield "0 actions"
    for _, action in nested(definition.get("actions", {})):
        yield from _action_beyond(action)


def _action_beyond(action: Document) -> Iterator[str]:
    for name in ("limit", "trackedProperties"):
        if action.get(name):
            yield f"action {name}"
    for name in action.get("runtimeConfiguration", {}).keys() - {"secureData"}:
        yield f"action runtimeConfiguration {name}"
    match action["type"]:
        case "If":
            yield from _conditions_beyond(action["expression"])
        case "Compose":
            yield from beyond(action["inputs"])
        case "Wait":
            if action["inputs"].get("interval", {}).get("unit") != "Second":
                yield "a Wait that is not of seconds"
            yield from beyond(action["inputs"])
        case "Terminate":
            if list(calls_in(action["inputs"])):
                yield "an expression in a Terminate"
        case "Http":
            yield from _call_beyond(action["inputs"])
        case other:
            yield f"action type {other}"


def _call_beyond(inputs: Document) -> Iterator[str]:
    for name in inputs.keys() - SIMULATED_INPUTS:
        yield f"action input {name}"
    authentication = inputs.get("authentication", {"type": "None"})
    if authentication["type"] != "ManagedServiceIdentity":
        yield f"authentication {authentication['type']}"
    yield from beyond(inputs)
