"""Runs the engine with a fault at one step, and again without: for the sweep and the sample.

After the method of Sieve (Sun et al., OSDI 2022): the calls of a clean run are learned first, and a
fault is planned at each of them.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from operations.recover import Recovery, recover
from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import SUBSCRIPTION_ID, Tenant
from simulator.tenant.faults import Fault, Kind, Step, steps
from tests.engine.conftest import SNAPSHOT_BEFORE, Configuration, stack_in
from tests.engine.signed_in import signed_in_to

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# The claim at the end of a mark, of a policy's description or of a role assignment's name, random
# by design; and what tells the name of a role assignment from that of another identity.
CLAIM = re.compile(r"( [0-9a-f]{12})?( [0-9a-f]{8})?$")
# What says when something happened, or stands for an id.
VOLATILE = {
    "assignableAt",
    "changed",
    "created",
    "createdDateTime",
    "effectiveAt",
    "endpointId",
    "key",
    "next",
    "userVisibleAt",
    "version",
    "visibleAt",
}
NOT_COMPARED = {"softDeletedMailboxes"}

HOURS_OF_A_WAIT = 26
"""Long enough for ``scoping: both`` to be left, and for what then stays to be due."""

TOLD_THE_TIME = ("components.migration", "configuration.loading")
"""The modules that ask what time it is, to know what is due."""

Change = Callable[[Configuration], None]


@contextmanager
def in_the_time_of(tenant: Callable[[], Tenant]) -> Iterator[None]:
    """Has the program go by the tenant's clock."""
    with ExitStack() as patches:
        for module in TOLD_THE_TIME:
            patches.enter_context(patch(f"{module}.now", lambda: tenant().clock.now()))
        yield


@dataclass(frozen=True)
class Scenario:
    """An operation of the engine that faults are planned in.

    Attributes:
        change: What it changes in the sender's configuration.
        destroy: Whether it is ``destroy`` in place of ``up``.
        start: What the configuration of the deployed stack has otherwise than usual: each was
            deployed, and the next one not before what the former one made due was due. Nothing
            for an empty stack.
    """

    name: str
    change: Change | None = None
    destroy: bool = False
    start: Sequence[Change | None] = (None,)

    def stack(self, directory: Path, *, resource_group: str = "rg-mail-sender") -> SimulatedStack:
        """The stack in a directory, with this scenario's configuration."""
        return stack_in(directory, change=self.change, resource_group=resource_group)

    def run(self, stack: SimulatedStack, **options: Any) -> Result:
        """Runs the operation, perhaps with options of ``up`` or ``destroy``."""
        return stack.destroy(**options) if self.destroy else stack.up(**options)


def change_value(path: str, value: Any, sender: Configuration) -> None:
    """Changes one value of a sender's configuration; a part of it is picklable, for the sweep."""
    *parents, last = path.split(".")
    for key in parents:
        sender = sender[key]
    sender[last] = value


def _changing(name: str, path: str, value: str) -> Scenario:
    return Scenario(name, change=partial(change_value, path, value))


def by_roles(sender: Configuration) -> None:
    """Roles in Exchange in place of group, policy and grant."""
    del sender["group"]
    sender["scoping"] = "rbac"


def by_both(sender: Configuration) -> None:
    """Both, on the way from one to the other."""
    sender["scoping"] = "both"


ON_THE_WAY = [
    Scenario("to both scopings", change=by_both),
    Scenario("both to roles", start=(by_both,), change=by_roles),
    Scenario("policy due", start=(by_both, by_roles), change=by_roles),
    Scenario("roles to both", start=(by_roles,), change=by_both),
    Scenario("both to a policy", start=(by_both,)),
    Scenario("scope due", start=(by_both, None)),
]
"""Each run of the way from a policy to roles, and of the way back."""

SCENARIOS = [
    Scenario("first up", start=()),
    Scenario("first up by roles", start=(), change=by_roles),
    *ON_THE_WAY,
    _changing("group address", "group.address", "graphscope-new@contoso.com"),
    _changing("mailbox address", "mailbox.address", "notifications-new@contoso.com"),
    _changing("control mailbox", "controlMailbox", "finance@contoso.com"),
    _changing("workflow name", "workflow", "notifications-2"),
    Scenario("destroy by roles", start=(by_roles,), change=by_roles, destroy=True),
    Scenario("destroy of both", start=(by_both,), change=by_both, destroy=True),
    Scenario("destroy", destroy=True),
]


@dataclass(frozen=True)
class CleanRun:
    """What a scenario does and leaves where nothing goes wrong."""

    scenario: Scenario
    start: Path
    steps: Sequence[Step]
    tenant: Any


@dataclass(frozen=True)
class Trial:
    """What came of one fault.

    Attributes:
        absorbed: The run with the fault succeeded.
        stuck: What the engine says when the run is repeated and the providers refuse to create what
            a lost answer has left behind, so that ``operations.recover`` has to be run in between;
            empty where repeating the run is enough.
        problems: What should not be; nothing where all is well.
        message: What the engine printed when it met the fault.
    """

    fault: Fault
    absorbed: bool
    stuck: str
    problems: Sequence[str]
    message: str


def prepare(start: Path, *changes: Change | None) -> Path:
    """Makes what scenarios start from: an empty stack, or a deployed one that has sent.

    Args:
        start: Where it is kept; it must not exist.
        changes: See :attr:`Scenario.start`; without any the stack is empty.
    """
    stack = stack_in(start)
    (start / SNAPSHOT_BEFORE).write_text(json.dumps(stack.tenant.snapshot()), encoding="utf-8")
    # This wait is in real time; its own tests are in test_lag.py.
    stack.tenant.set_lag("directory", 0)
    with in_the_time_of(lambda: stack.tenant):
        for change in changes:
            stack.tenant.close()
            stack = stack_in(start, change=change)
            result = stack.up()
            assert result.succeeded, result.output
            pass_policy_lag(stack.tenant)
            stack.tenant.clock.advance(HOURS_OF_A_WAIT * 3600)
    if changes:
        sender = stack.outputs()["senders"]["notifications"]
        # A token with the permission, which lives for a day from now on.
        assert send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted
    else:
        with stack.opened():
            pass  # Makes the stack: a start of the CLI less for each run that begins here.
    stack.tenant.close()
    return start


def learn(scenario: Scenario, start: Path, directory: Path) -> CleanRun:
    """Runs a scenario without a fault and learns its steps."""
    shutil.copytree(start, directory)
    stack = scenario.stack(directory)
    before = len(stack.tenant.calls())
    with in_the_time_of(lambda: stack.tenant):
        result = scenario.run(stack)
    assert result.succeeded, result.output
    found = steps(stack.tenant.calls()[before:])
    assert len(set(found)) == len(found)
    clean = CleanRun(scenario, start, found, comparable(stack.tenant.snapshot()))
    stack.tenant.close()
    shutil.rmtree(directory)
    return clean


def attempt(clean: CleanRun, fault: Fault, directory: Path) -> Trial:
    """Runs a scenario with a fault, again without, and once more to see that nothing is left.

    Where the second run does not succeed it is repeated after ``operations.recover``.
    """
    shutil.copytree(clean.start, directory)
    stack = clean.scenario.stack(directory)
    with in_the_time_of(lambda: stack.tenant):
        stack.tenant.plan_faults([fault])
        first = clean.scenario.run(stack)
        problems = [] if stack.tenant.faults_happened() else ["the fault did not happen"]
        stack.tenant.plan_faults([])
        stuck = ""
        if not first.succeeded:
            if fault.kind is Kind.ENGINE_KILLED:
                stack.cancel()
            second = clean.scenario.run(stack)
            if not second.succeeded:
                stuck = second.output
                problems += taken_through_recover(stack, clean.scenario)
        problems += violations(stack)
        problems += differences(stack, clean)
    stack.tenant.close()
    shutil.rmtree(directory)
    return Trial(fault, first.succeeded, stuck, problems, first.output)


def taken_through_recover(stack: SimulatedStack, scenario: Scenario) -> list[str]:
    """Recovers a stack and runs the scenario again; tells what does not work."""
    shown = StringIO()
    with stack.opened() as opened:
        recovery = Recovery(
            opened,
            signed_in_to(stack.tenant),
            subscription=SUBSCRIPTION_ID,
            program=stack.run_program,
        )
        code = recover(recovery, Console(file=shown, width=200), ask=None)
    problems = [] if code == 0 else [f"recover ends with {code}: {shown.getvalue()}"]
    again = scenario.run(stack)
    return problems if again.succeeded else [*problems, f"stuck after recover: {again.output}"]


def violations(stack: SimulatedStack) -> list[str]:
    """Every moment at which invariant N was broken."""
    return [f"violation: {violation.text}" for violation in stack.tenant.violations()]


def differences(stack: SimulatedStack, clean: CleanRun) -> list[str]:
    """How a stack whose scenario is done differs from one that never met a fault."""
    problems = unequal(comparable(stack.tenant.snapshot()), clean.tenant)
    third = clean.scenario.run(stack)
    if not third.succeeded or third.changes:
        problems.append(f"another run is not without changes: {third.output}")
    if not clean.scenario.destroy:
        return problems
    if stack.exported_state().get("resources"):
        problems.append("something is left in the state")
    return problems


def unequal(found: Any, expected: Any) -> list[str]:
    """How a comparable snapshot differs from the one that is expected."""
    return [
        f"{kind}: {sorted(Counter(found[kind]) - Counter(expected[kind]))} "
        f"instead of {sorted(Counter(expected[kind]) - Counter(found[kind]))}"
        for kind in found
        if found[kind] != expected[kind]
    ]


def comparable(snapshot: dict[str, dict[str, Any]]) -> Any:
    """A snapshot in which two deployments of one configuration are equal.

    Ids become the names of what they are the ids of; times, and ids of nothing that has a name, go.
    """
    names: dict[str, str] = {}
    for kind, objects in snapshot.items():
        for identifier, document in objects.items():
            name = document.get("displayName") or document.get("description") or kind
            name = CLAIM.sub("", name)
            names[identifier] = f"{kind} {name}"
            if kind == "servicePrincipals":
                names[document["appId"]] = f"client {name}"

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: cleaned(v) for k, v in value.items() if k not in VOLATILE}
        if isinstance(value, list):
            return [cleaned(item) for item in value]
        if isinstance(value, str):
            text = GUID.sub(lambda found: names.get(found.group(), "{id}"), value)
            return re.sub(r"S-1-5-[\d-]+", "{sid}", CLAIM.sub("", names.get(value, text)))
        return value

    return {
        kind: sorted(json.dumps(cleaned(o), sort_keys=True) for o in objects.values())
        for kind, objects in snapshot.items()
        if kind not in NOT_COMPARED
    }
