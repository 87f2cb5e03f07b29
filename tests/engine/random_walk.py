"""A random walk through valid configurations of one stack: ``python -m tools sweep --walk N``.

After the method of Acto (Gu et al., SOSP 2023): whatever way a deployment came, after each `up` the
tenant equals what a fresh deployment of the same configuration gives.
"""

import copy
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from simulator.engine import SimulatedStack
from tests.engine.conftest import SENDER, Configuration, stack_in
from tests.engine.faults import change_value, comparable, unequal, violations

VALUES: Mapping[str, Sequence[Any]] = {
    "mailbox.displayName": ("Logic App Notifications", "Benachrichtigungen", "O'Brien & Söhne"),
    "mailbox.address": (
        "logicappnotifications@contoso.com",
        "notifications@contoso.com",
        "no-reply@contoso.com",
    ),
    "mailbox.hiddenFromAddressLists": (True, False),
    "mailbox.signInBlocked": (True, False),
    "group.displayName": ("DL Graph Scope Group WL Mailsender LogicApp", "Scope of a sender"),
    "group.address": ("graphscope-mailsender@contoso.com", "scope@contoso.com"),
    "group.policyDescription": ("Confines a sender", "Beschränkt einen Absender"),
    "controlMailbox": ("control.mailbox@contoso.com", "finance@contoso.com"),
    "workflow": ("notifications", "notifications-2", "reminders"),
    "identity": ("systemAssigned", "userAssigned"),
    "probe": (False, True),
    "trigger": (SENDER["trigger"], {"type": "httpRequest"}),
    "permissions": (["Mail.Send"], ["Mail.Send", "Mail.Read"], ["Calendars.Read", "Mail.Send"]),
    "message.subject": ("Graph test mail", "@not an expression", 'A "quoted" subject'),
    "message.body.content": ("Does this work?", "Ja.\nUnd jetzt?", "$(Get-Date) `n; exit"),
    "message.importance": ("low", "normal", "high"),
}
"""Every key that may change in the life of a sender, with values that it moves between."""

MOST_MOVES_AT_ONCE = 3


@dataclass(frozen=True)
class Arrival:
    """One step of the walk.

    Attributes:
        moves: What was changed on the way, path and new value.
        problems: What should not be; nothing where all is well.
    """

    moves: Mapping[str, Any]
    problems: Sequence[str]

    def __str__(self) -> str:
        return ", ".join(f"{path} = {json.dumps(value)}" for path, value in self.moves.items())


def walk(directory: Path, seed: int, count: int) -> Iterator[Arrival]:
    """Walks from the stack's first configuration; each step costs about three deployments.

    Args:
        directory: Where the stack and the fresh ones are kept; it need not exist.
        seed: The same one gives the same walk.
        count: How many steps it takes.
    """
    chance = random.Random(seed)  # noqa: S311 - a walk that can be repeated, not a secret
    current: dict[str, Any] = {}
    _deploy(directory / "walked", current)
    for number in range(count):
        moves = {
            path: chance.choice([v for v in VALUES[path] if v != current.get(path)])
            for path in chance.sample(sorted(VALUES), chance.randint(1, MOST_MOVES_AT_ONCE))
        }
        current |= moves
        fresh = directory / f"fresh-{number}"
        yield Arrival(moves, _problems(directory / "walked", fresh, current))
        shutil.rmtree(fresh)


def _deploy(directory: Path, values: Mapping[str, Any]) -> tuple[SimulatedStack, list[str]]:
    stack = stack_in(directory, change=partial(_configure, values))
    # This wait is in real time; its own tests are in test_lag.py.
    stack.tenant.set_lag("directory", 0)
    result = stack.up()
    return stack, [] if result.succeeded else [f"`up` failed: {result.output}"]


def _configure(values: Mapping[str, Any], sender: Configuration) -> None:
    for path, value in values.items():
        change_value(path, copy.deepcopy(value), sender)


def _problems(walked: Path, fresh: Path, values: Mapping[str, Any]) -> list[str]:
    stack, problems = _deploy(walked, values)
    other, failures = _deploy(fresh, values)
    problems += [f"from nothing: {failure}" for failure in failures]
    problems += unequal(*(_as_if_fresh(s.tenant.snapshot()) for s in (stack, other)))
    again = stack.preview()
    if not again.succeeded or again.changes:
        problems.append(f"another preview is not without changes: {again.output}")
    problems += violations(stack)
    for deployed in (stack, other):
        deployed.tenant.close()
    return problems


def _as_if_fresh(snapshot: dict[str, dict[str, Any]]) -> Any:
    """What is compared: all but what Exchange itself keeps of the past.

    That is a recipient's former primary addresses, which become secondary ones, and the user
    principal name, which is made of the first address: mail to a former address is to arrive. And
    the name that a policy's scope had when the policy was made, which is shown and never read.
    """
    snapshot = copy.deepcopy(snapshot)
    for kind in ("mailboxes", "groups"):
        for recipient in snapshot[kind].values():
            recipient["addresses"] = recipient["addresses"][:1]
            recipient.pop("upn", None)
    for policy in snapshot["applicationAccessPolicies"].values():
        del policy["scopeName"]
    return comparable(snapshot)
