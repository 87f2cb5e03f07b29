"""Deploys stacks by the project's program and by a flat one, side by side, and compares the cost.

    python -m benchmarks [--senders N …] [--rounds N]

Both run with the real engine against simulated tenants of their own, in turns, so that what else
the machine does meets both. Figures are processor time, of this process with program, providers and
tenant, and of the engine and the scripts; and, in brackets, what a person waits.
"""

import argparse
import gc
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks import flat
from simulator.engine import Result, SimulatedStack
from simulator.environment import ROOT

PROGRAMS: Mapping[str, Callable[[], None] | None] = {"program": None, "flat": flat.run}


@dataclass(frozen=True)
class Cost:
    """What one operation took, in seconds."""

    processor: float
    waited: float


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns the exit code of the process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--rounds", type=int, default=3, help="of unchanged preview and up")
    options = parser.parse_args(arguments)
    console = Console(width=120)
    table = Table(title="Processor time in seconds, and in brackets what a person waits")
    for column in ("senders", "operation", *PROGRAMS, "ratio", "a sender"):
        table.add_column(column, justify="left" if column == "operation" else "right")
    for senders in options.senders:
        with tempfile.TemporaryDirectory() as directory:
            costs = measure(Path(directory), senders, options.rounds)
        for operation, of_program in costs.items():
            ours, theirs = (of_program[name] for name in PROGRAMS)
            table.add_row(
                str(senders),
                operation,
                *(f"{cost.processor:.2f} ({cost.waited:.2f})" for cost in (ours, theirs)),
                f"{ours.processor / theirs.processor:.2f} ({ours.waited / theirs.waited:.2f})",
                f"{ours.processor / senders:.3f}",
            )
    console.print(table)
    return 0


def measure(directory: Path, senders: int, rounds: int) -> dict[str, dict[str, Cost]]:
    """What each operation costs each program: medians, of the first ``up`` the only one."""
    stacks = {
        name: SimulatedStack(
            directory / name, work_dir=_project(directory / name, senders), program=program
        )
        for name, program in PROGRAMS.items()
    }
    for stack in stacks.values():
        # Waiting for Entra to show a new identity is not what is compared, and flat.py does not.
        stack.tenant.set_lag("directory", 0)
    first = {name: _cost(stack.up, unchanged=False) for name, stack in stacks.items()}
    _require_same({name: stack.exported_state() for name, stack in stacks.items()})
    taken: dict[str, dict[str, list[Cost]]] = {
        operation: {name: [] for name in stacks} for operation in ("preview", "up")
    }
    for _ in range(rounds):
        for operation, costs in taken.items():
            for name, stack in stacks.items():
                costs[name].append(_cost(getattr(stack, operation), unchanged=True))
    return {
        **{
            f"{operation} unchanged": {name: _median(each) for name, each in costs.items()}
            for operation, costs in taken.items()
        },
        "first up": first,
    }


def _cost(operation: Callable[[], Result], *, unchanged: bool) -> Cost:
    gc.collect()
    before, start = sum(os.times()[:4]), time.monotonic()
    result = operation()
    cost = Cost(sum(os.times()[:4]) - before, time.monotonic() - start)
    if not result.succeeded or (unchanged and result.changes):
        sys.exit(f"This was to succeed, and to change nothing that is deployed:\n{result.output}")
    return cost


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.processor for cost in costs),
        statistics.median(cost.waited for cost in costs),
    )


def _project(directory: Path, senders: int) -> Path:
    """A folder with a project like this one, whose stack ``local`` has so many senders."""
    folder = directory / "project"
    folder.mkdir(parents=True)
    settings = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    settings["config"] |= {
        "scoped-mail-sender:location": "westeurope",
        "scoped-mail-sender:purgeMailboxes": False,
        "scoped-mail-sender:senders": [_sender(f"sender-{n:03}") for n in range(senders)],
    }
    # JSON is YAML too.
    (folder / "Pulumi.local.yaml").write_text(json.dumps(settings), encoding="utf-8")
    project = {"name": "scoped-mail-sender", "runtime": "python", "main": str(ROOT)}
    (folder / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")
    return folder


def _sender(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "mailbox": {
            "displayName": name,
            "name": name,
            "alias": name,
            "address": f"{name}@contoso.com",
        },
        "group": {
            "displayName": f"scope-{name}",
            "name": f"scope-{name}",
            "alias": f"scope-{name}",
            "address": f"scope-{name}@contoso.com",
            "policyDescription": f"Restricts {name}",
        },
        "controlMailbox": "control.mailbox@contoso.com",
        "trigger": {
            "type": "recurrence",
            # So seldom that none comes due meanwhile.
            "frequency": "Week",
            "interval": 71,
            "startTime": "2020-01-01T00:00:00Z",
        },
        "message": {
            "subject": "Graph test mail",
            "body": {"contentType": "Text", "content": "Does this work?"},
            "toRecipients": [{"address": "reception@contoso.com"}],
            "saveToSentItems": False,
        },
    }


def _require_same(states: Mapping[str, dict[str, Any]]) -> None:
    """Ends the run where the programs have not deployed the same commands, workflows and grants."""
    ours, theirs = (_inputs(states[name]) for name in PROGRAMS)
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            sys.exit(
                f"The two programs deploy different things, so comparing them says nothing: {key}\n"
                f"program: {ours.get(key)}\nflat:    {theirs.get(key)}\nMend benchmarks/flat.py."
            )


def _inputs(state: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """What each tenant is told, without what each makes up itself: ids of objects."""
    return {
        (resource["type"], resource["urn"].rpartition("::")[2]): _without_ids(resource["inputs"])
        for resource in state["resources"]
        if resource["type"].startswith(("command:", "azure-native:", "azuread:"))
    }


def _without_ids(inputs: dict[str, Any]) -> Any:
    return re.sub(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", json.dumps(inputs, sort_keys=True)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
