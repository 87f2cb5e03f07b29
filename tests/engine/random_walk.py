"""A random walk through valid configurations of one stack: ``python -m tools sweep --walk N``.

After the method of Acto (Gu et al., SOSP 2023): whatever way a deployment came, after each `up` the
tenant equals what a fresh deployment of the same configuration gives.

One of the dimensions is what confines the identity. A change of it goes by way of ``both``, each
step after its wait, which passes on the tenant's clock. What then stays for a day, or for hours, is
left out of the comparison until it is due, and other changes may come meanwhile.
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
from simulator.tenant import Tenant
from tests.engine.conftest import SENDER, Configuration, stack_in
from tests.engine.faults import (
    HOURS_OF_A_WAIT,
    change_value,
    comparable,
    in_the_time_of,
    unequal,
    violations,
)

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

POLICY, BOTH, ROLES = "applicationAccessPolicy", "both", "rbac"
NEXT: Mapping[str, Sequence[str]] = {POLICY: (BOTH,), BOTH: (ROLES, POLICY), ROLES: (BOTH,)}
"""What may follow on a scoping."""

CHANGES_OF_SCOPING = 0.5
"""How often a step changes the scoping, and how often another one comes after a wait."""


@dataclass(frozen=True)
class Arrival:
    """One step of the walk.

    Attributes:
        moves: What was changed on the way, path and new value.
        waited: Whether a day passed before.
        problems: What should not be; nothing where all is well.
    """

    moves: Mapping[str, Any]
    waited: bool
    problems: Sequence[str]

    def __str__(self) -> str:
        said = ", ".join(f"{path} = {json.dumps(value)}" for path, value in self.moves.items())
        return f"a day later {said}" if self.waited else said


def walk(directory: Path, seed: int, count: int) -> Iterator[Arrival]:
    """Walks from a stack by a policy, by roles or by both; each step costs about three deployments.

    Args:
        directory: Where the stack and the fresh ones are kept; it need not exist.
        seed: The same one gives the same walk.
        count: How many steps it takes.
    """
    chance = random.Random(seed)  # noqa: S311 - a walk that can be repeated, not a secret
    walked = _Walked(directory / "walked", {"scoping": chance.choice(list(NEXT))})
    with in_the_time_of(lambda: walked.tenant):
        walked.deploy()
        for number in range(count):
            moves = {
                path: chance.choice([v for v in VALUES[path] if v != walked.values.get(path)])
                for path in chance.sample(sorted(VALUES), chance.randint(1, MOST_MOVES_AT_ONCE))
            }
            scoping = walked.values["scoping"]
            if chance.random() < CHANGES_OF_SCOPING:
                moves["scoping"] = chance.choice(NEXT[scoping])
            leaves = scoping == BOTH and "scoping" in moves
            waited = leaves or chance.random() < CHANGES_OF_SCOPING
            fresh = directory / f"fresh-{number}"
            yield Arrival(moves, waited, walked.problems(moves, fresh, waited=waited))
            shutil.rmtree(fresh)


class _Walked:
    """The stack that walks, in the time of its tenant.

    Attributes:
        values: Those of its configuration that differ from the first one's.
        left: The scoping that it came from, while what confined it then is still there.
        tenant: That of its last deployment.
    """

    def __init__(self, directory: Path, values: dict[str, Any]) -> None:
        self.values = values
        self.left = ""
        self._directory = directory
        self.tenant: Tenant

    def deploy(self, *, waited: bool = False) -> tuple[SimulatedStack, list[str]]:
        """Deploys its configuration, perhaps after a wait."""
        stack = _configured(self._directory, self.values)
        self.tenant = stack.tenant
        if waited:
            stack.tenant.clock.advance(HOURS_OF_A_WAIT * 3600)
        return stack, _up(stack)

    def problems(self, moves: Mapping[str, Any], fresh: Path, *, waited: bool) -> list[str]:
        """Makes some moves, deploys, and compares with a fresh deployment."""
        before = self.values["scoping"]
        self.values |= moves
        if self.values["scoping"] == BOTH or waited:
            self.left = ""
        if before == BOTH != self.values["scoping"]:
            (self.left,) = {POLICY, ROLES} - {self.values["scoping"]}
        stack, problems = self.deploy(waited=waited)
        other = _configured(fresh, self.values)
        problems += [f"from nothing: {failure}" for failure in _up(other)]
        found = _without_what_stays(stack.tenant.snapshot(), self.left)
        problems += unequal(_as_if_fresh(found), _as_if_fresh(other.tenant.snapshot()))
        again = stack.preview()
        if not again.succeeded or again.changes:
            problems.append(f"another preview is not without changes: {again.output}")
        problems += violations(stack)
        for deployed in (stack, other):
            deployed.tenant.close()
        return problems


def _configured(directory: Path, values: Mapping[str, Any]) -> SimulatedStack:
    stack = stack_in(directory, change=partial(_configure, values))
    # This wait is in real time; its own tests are in test_lag.py.
    stack.tenant.set_lag("directory", 0)
    return stack


def _up(stack: SimulatedStack) -> list[str]:
    result = stack.up()
    return [] if result.succeeded else [f"`up` failed: {result.output}"]


def _configure(values: Mapping[str, Any], sender: Configuration) -> None:
    for path, value in values.items():
        change_value(path, copy.deepcopy(value), sender)
    if values["scoping"] == ROLES:
        del sender["group"]


def _without_what_stays(snapshot: dict[str, dict[str, Any]], left: str) -> dict[str, Any]:
    """A snapshot without what confined the identity before, where that is not due to go yet.

    After roles that is their scope. After a policy it is the group, with the policy on it. It has
    to be there: what is missing is a difference as well.
    """
    if not left:
        return snapshot
    if left == ROLES:
        (scope,) = (s for s in snapshot["managementScopes"].values() if _is_ours(s["name"]))
        gone = {scope["id"]}
    else:
        (group,) = (g for g in snapshot["groups"].values() if "/notifications-group " in str(g))
        (policy,) = (
            p for p in snapshot["applicationAccessPolicies"].values() if p["scopeId"] == group["id"]
        )
        gone = {group["id"], policy["id"]}
    return {
        kind: {key: o for key, o in objects.items() if key not in gone}
        for kind, objects in snapshot.items()
    }


def _is_ours(name: str) -> bool:
    return name.startswith("notifications ")


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
