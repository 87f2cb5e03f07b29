"""The engine's other verbs at each state of a change: ``python -m tests.engine.sweep --verbs``.

A person changes the configuration, and then does not run a plain ``up``: only a part of it, or one
after the state was changed or lost. What follows is what people do next: ``up`` until it is done,
with ``operations.recover`` where the engine is stuck; or ``destroy``. Whatever came before,
invariant N holds at every moment, what people keep in Exchange is still there, and no identity
holds more than the stack knows.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from simulator.engine import Result, SimulatedStack
from simulator.tenant.faults import Fault, Kind, Step, steps
from tests.engine.conftest import SNAPSHOT_BEFORE, Configuration, stack_in
from tests.engine.faults import (
    HOURS_OF_A_WAIT,
    ON_THE_WAY,
    SCENARIOS,
    CleanRun,
    Scenario,
    by_roles,
    change_value,
    comparable,
    in_the_time_of,
    learn,
    prepare,
    taken_through_recover,
    unequal,
    violations,
)

GRANT = "azuread:index/appRoleAssignment:AppRoleAssignment"
KEPT = ("mailboxes", "groups")
"""What people keep something in: it is to be the same object afterwards, and not one made anew."""

Act = Callable[[SimulatedStack, Scenario, list[str]], Result]


@dataclass(frozen=True)
class _WithOption:
    """Runs the operation with an option that names resources; picklable, as a closure is not."""

    option: str
    further: Mapping[str, bool] = field(default_factory=dict)

    def __call__(self, stack: SimulatedStack, scenario: Scenario, urns: list[str]) -> Result:
        return scenario.run(stack, **{self.option: urns}, **self.further)


@dataclass(frozen=True)
class _AfterEdit:
    """Changes the state by hand, and runs the operation."""

    command: str
    options: tuple[str, ...] = ()

    def __call__(self, stack: SimulatedStack, scenario: Scenario, urns: list[str]) -> Result:
        stack.edit_state(self.command, *urns, *self.options)
        return scenario.run(stack)


def _after_rename(stack: SimulatedStack, scenario: Scenario, urns: list[str]) -> Result:
    """As where a program gives resources other names, without aliases."""
    for urn in urns:
        stack.edit_state("rename", urn, f"{name_of(urn)}-former")
    return scenario.run(stack)


def _after_loss(stack: SimulatedStack, scenario: Scenario, _: list[str]) -> Result:
    stack.lose_state()
    return scenario.run(stack)


def _after_loss_elsewhere(stack: SimulatedStack, scenario: Scenario, _: list[str]) -> Result:
    """As the refusal advises: "otherwise choose another name"."""
    stack.lose_state()
    return scenario.run(scenario.stack(stack.directory, resource_group="rg-second"))


def _continuing(stack: SimulatedStack, scenario: Scenario, _: list[str]) -> Result:
    return scenario.run(stack, continue_on_error=True)


def _after_refresh(stack: SimulatedStack, scenario: Scenario, _: list[str]) -> Result:
    refreshed = stack.refresh(run_program=True)
    return scenario.run(stack) if refreshed.succeeded else refreshed


@dataclass(frozen=True)
class Verb:
    """Something that is done in place of a plain ``up`` or ``destroy``.

    Attributes:
        names_resources: Whether it is done with resources, each by itself and :data:`TOGETHER`.
        of_destroy: Whether it can be done with ``destroy`` too.
        forgets: Whether the state no longer knows what stands in the clouds.
        moves: Whether the stack is somewhere else afterwards.
    """

    name: str
    act: Act
    names_resources: bool = True
    of_destroy: bool = True
    forgets: bool = False
    moves: bool = False


VERBS = [
    Verb("--target", _WithOption("target")),
    Verb("--target with dependents", _WithOption("target", {"target_dependents": True})),
    # The Automation API has none of these for `destroy`.
    Verb("--exclude", _WithOption("exclude"), of_destroy=False),
    Verb("--replace", _WithOption("replace"), of_destroy=False),
    Verb("state taint", _AfterEdit("taint")),
    Verb(
        "state delete",
        _AfterEdit("delete", ("--target-dependents", "--force")),
        forgets=True,
    ),
    Verb("no alias", _after_rename, of_destroy=False),
    Verb("lost state", _after_loss, names_resources=False, of_destroy=False, forgets=True),
    Verb(
        "lost state, other group",
        _after_loss_elsewhere,
        names_resources=False,
        of_destroy=False,
        forgets=True,
        moves=True,
    ),
    Verb("--continue-on-error", _continuing, names_resources=False),
    Verb("refresh --run-program", _after_refresh, names_resources=False),
]

TOGETHER = [
    # The hour of the proof is skipped.
    ("notifications-access-policy", "notifications-access-proof"),
    ("notifications-workflow", "notifications-access-mail-send"),
    ("notifications-scope", "notifications-access-mail-send"),
    ("notifications-access-pointer", "notifications-access-mail-send"),
]
"""Resources that people name in one call, where there are both."""


def _nothing(sender: Configuration) -> None:
    """Changes nothing."""


NO_CHANGE = Scenario("no change", change=_nothing)

STATES = [
    NO_CHANGE,
    *[each for each in SCENARIOS if each.start == NO_CHANGE.start],
    Scenario("kind of identity", change=partial(change_value, "identity", "userAssigned")),
    Scenario(
        "a permission more", change=partial(change_value, "permissions", ["Mail.Send", "Mail.Read"])
    ),
]
"""From where the verbs are tried: what is deployed, and what the configuration says now."""


def _by_roles(path: str, value: Any, sender: Configuration) -> None:
    by_roles(sender)
    change_value(path, value, sender)


STATES_BY_ROLES = [
    replace(scenario, name=f"by roles: {scenario.name}", start=(by_roles,))
    for scenario in (
        Scenario("no change", change=by_roles),
        Scenario("workflow name", change=partial(_by_roles, "workflow", "notifications-2")),
        Scenario(
            "a permission more",
            change=partial(_by_roles, "permissions", ["Mail.Send", "Mail.Read"]),
        ),
        Scenario("destroy", change=by_roles, destroy=True),
    )
]
"""The same, where roles in Exchange stand for group, policy and grant."""

STATES_ON_THE_WAY = [each for each in ON_THE_WAY if each.start != NO_CHANGE.start]
"""Its first run is one of STATES."""

ALL_STATES = [*STATES, *STATES_BY_ROLES, *STATES_ON_THE_WAY]

OF_ANOTHER_IDENTITY = frozenset({"workflow name", "kind of identity", "by roles: workflow name"})
"""The states in which the configuration no longer names the deployed identity."""


@dataclass(frozen=True)
class Case:
    """One verb, at one state, with some resources, and what is done next.

    Attributes:
        on: Names of the resources.
        then: ``up`` or ``destroy``.
    """

    verb: Verb
    state: Scenario
    on: tuple[str, ...]
    then: str

    def __str__(self) -> str:
        return f"{self.state.name}: {self.verb.name} {' '.join(self.on)}, then {self.then}"


@dataclass(frozen=True)
class VerbTrial:
    """What came of one case.

    Attributes:
        case: What was done.
        fault: What went wrong meanwhile.
        went_through: What was done next succeeded, perhaps after ``operations.recover``.
        refusal: What was printed where it did not.
        violations: Each moment at which invariant N was broken.
        lost: What is gone, or was made anew, though it should be there.
        excess: What identities hold and no state knows.
        differences: How else the stack differs from one that was changed by a plain ``up``.
        steps: The calls of the verb's own run.
    """

    case: Case
    fault: Fault | None
    went_through: bool
    refusal: str
    violations: Sequence[str]
    lost: Sequence[str]
    excess: Sequence[str]
    differences: Sequence[str]
    steps: Sequence[Step]

    def __str__(self) -> str:
        return (
            f"{self.case}, {self.fault.kind} at {self.fault.step}" if self.fault else f"{self.case}"
        )

    @property
    def problems(self) -> list[str]:
        """All that should not be."""
        return [
            *self.violations,
            *(f"lost: {each}" for each in self.lost),
            *(f"excess: {each}" for each in self.excess),
            *(f"differs: {each}" for each in self.differences),
        ]


def learn_states(
    directory: Path, states: Sequence[Scenario] = tuple(ALL_STATES)
) -> dict[str, CleanRun]:
    """Deploys what the verbs start from, and learns how a plain run ends at each of the states.

    Args:
        directory: Where the start is kept; it must exist.
        states: Those that are learned.

    Returns:
        The clean runs by the names of the states.
    """
    starts = {
        start: prepare(directory / f"start-{number}", *start)
        for number, start in enumerate(dict.fromkeys(state.start for state in states))
    }
    return {state.name: learn(state, starts[state.start], directory / "clean") for state in states}


def cases(clean: Mapping[str, CleanRun], seed: int) -> list[Case]:
    """All cases of the learned states, those of one start after those of another.

    Those of a start are in an order of which any beginning is a fair sample: each verb comes once
    before one comes again, with states, resources and what is done next drawn by the seed.

    Args:
        clean: What :func:`learn_states` returns.
        seed: The same one gives the same order.
    """
    found = []
    for start in dict.fromkeys(run.scenario.start for run in clean.values()):
        learned = [run for run in clean.values() if run.scenario.start == start]
        urns = urns_of(stack_in(learned[0].start))
        # Beside a grant stands a role of the same name: they are named together.
        names = dict.fromkeys(map(name_of, urns))
        named: list[tuple[str, ...]] = [(name,) for name in names]
        named += [each for each in TOGETHER if names.keys() >= set(each)]
        found += _cases([run.scenario for run in learned], named, seed)
    return found


def _cases(states: Sequence[Scenario], named: Sequence[tuple[str, ...]], seed: int) -> list[Case]:
    chance = random.Random(seed)  # noqa: S311 - an order that can be repeated, not a secret
    queues = []
    for verb in VERBS:
        queue = [
            Case(verb, state, on, then)
            for state in states
            if verb.of_destroy or not state.destroy
            for on, then in product(
                named if verb.names_resources else [()],
                ["destroy"] if state.destroy else ["up", "destroy"],
            )
        ]
        chance.shuffle(queue)
        queues.append(queue)
    longest = max(map(len, queues))
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def attempt_with_faults(
    case: Case, clean: CleanRun, faults: int, seed: int, directory: Path
) -> list[VerbTrial]:
    """Tries a case without a fault, and then with some.

    Args:
        case: What is done.
        clean: The same state, changed by a plain run.
        faults: How many faults are tried, each by itself, of all that can happen to the calls of
            the verb's run.
        seed: Draws them.
        directory: Where it is tried; it must not exist.
    """
    undisturbed = attempt_verb(case, clean, None, directory)
    possible = [Fault(step, kind) for step in undisturbed.steps for kind in step.kinds]
    chance = random.Random(f"{seed} {case}")  # noqa: S311 - as above
    drawn = chance.sample(possible, min(faults, len(possible)))
    return [undisturbed, *(attempt_verb(case, clean, fault, directory) for fault in drawn)]


def name_of(urn: str) -> str:
    """The resource's name in the program."""
    return urn.rpartition("::")[2]


def urns_of(stack: SimulatedStack) -> list[str]:
    """URNs of the resources of a stack that stand for something outside of it."""
    return [
        resource["urn"]
        for resource in stack.exported_state().get("resources", [])
        if resource.get("custom") and not resource["type"].startswith("pulumi:")
    ]


def attempt_verb(case: Case, clean: CleanRun, fault: Fault | None, directory: Path) -> VerbTrial:
    """Does what a case says, and what people do next, and looks at what came of it.

    Args:
        case: What is done.
        clean: The same state, changed by a plain ``up`` or ``destroy``.
        fault: What goes wrong during the verb.
        directory: Where it is tried; it must not exist.
    """
    shutil.copytree(clean.start, directory)
    stack = case.state.stack(directory)
    start = stack.tenant.snapshot()
    urns = [urn for urn in urns_of(stack) if name_of(urn) in case.on]
    with in_the_time_of(lambda: stack.tenant):
        stack.tenant.plan_faults([fault] if fault else [])
        before = len(stack.tenant.calls())
        try:
            case.verb.act(stack, case.state, urns)
        except CommandError as error:
            return _refused(case, fault, str(error), stack)
        found = steps(stack.tenant.calls()[before:])
        stack.tenant.plan_faults([])
        if fault and fault.kind is Kind.ENGINE_KILLED:
            stack.cancel()
        if case.verb.moves:
            stack = case.state.stack(directory, resource_group="rg-second")

        next_step = replace(case.state, destroy=case.then == "destroy")
        problems: list[str] = []
        result = next_step.run(stack)
        if "snapshot integrity failure" in result.output:
            # As docs/operations.md says.
            stack.edit_state("repair")
            result = next_step.run(stack)
        if not result.succeeded:
            try:
                if case.verb.forgets and case.state in STATES_ON_THE_WAY:
                    stack = _taken_up_as_deployed(stack, case.state)
                problems = taken_through_recover(stack, next_step)
            except CommandError as error:
                # What its command line prints in one line.
                problems = [f"recover is refused: {error}"]
        trial = VerbTrial(
            case,
            fault,
            went_through=not problems,
            refusal="\n".join(problems),
            violations=violations(stack),
            lost=[*_lost(stack, start, clean, case), *([] if problems else _lost_roles(stack))],
            excess=[] if problems else list(_excess(stack, case)),
            differences=[] if problems else list(_differences(stack, clean, case)),
            steps=found,
        )
    stack.tenant.close()
    shutil.rmtree(directory)
    return trial


def _taken_up_as_deployed(stack: SimulatedStack, state: Scenario) -> SimulatedStack:
    """Recovers what the state forgot with the configuration of the last deployment.

    As docs/operations.md says, since the present one may not name it any more. What was due then
    becomes due anew.
    """
    stack.tenant.close()
    deployed = replace(state, change=state.start[-1])
    stack = deployed.stack(stack.directory)
    # What does not work shows when it is run with the present one.
    # What does not work shows when it is run with the present one.
    with in_the_time_of(lambda: stack.tenant):
        taken_through_recover(stack, deployed)
    stack.tenant.clock.advance(HOURS_OF_A_WAIT * 3600)
    stack.tenant.close()
    return state.stack(stack.directory)


def _refused(case: Case, fault: Fault | None, message: str, stack: SimulatedStack) -> VerbTrial:
    """The engine does not do it at all."""
    stack.tenant.close()
    shutil.rmtree(stack.directory)
    return VerbTrial(case, fault, False, message, (), (), (), (), ())


def _of_others(stack: SimulatedStack) -> dict[str, dict[str, Any]]:
    """What was in the tenant before the stack was first deployed."""
    found: dict[str, dict[str, Any]] = json.loads((stack.directory / SNAPSHOT_BEFORE).read_text())
    return found


def _lost(
    stack: SimulatedStack, start: dict[str, Any], clean: CleanRun, case: Case
) -> Iterator[str]:
    """What others had before; and its own mailboxes and groups that a plain run keeps."""
    now, others = stack.tenant.snapshot(), _of_others(stack)
    for kind, objects in others.items():
        for identifier in objects.keys() - now[kind].keys():
            yield f"{kind} of others: {objects[identifier]}"
    if case.then == "destroy":
        return
    for kind in KEPT:
        kept = {json.loads(each)["displayName"] for each in clean.tenant[kind]}
        for identifier in start[kind].keys() - others[kind].keys() - now[kind].keys():
            if (name := start[kind][identifier]["displayName"]) in kept:
                yield f"{kind}: {name}"


def _known_roles(stack: SimulatedStack) -> set[str]:
    """Names of the role assignments that the state holds."""
    return {
        json.loads(resource["outputs"]["stdout"])["name"]
        for resource in stack.exported_state().get("resources", [])
        if str(resource.get("inputs", {}).get("delete")).endswith("remove-role-assignment.ps1")
    }


def _lost_roles(stack: SimulatedStack) -> Iterator[str]:
    """What the state holds, so that nothing makes it again, and Exchange does not."""
    assigned = stack.tenant.snapshot()["managementRoleAssignments"].values()
    for name in sorted(_known_roles(stack) - {each["name"] for each in assigned}):
        yield f"role assignment: {name}"


def _excess(stack: SimulatedStack, case: Case) -> Iterator[str]:
    """App roles, and roles in Exchange, that identities hold and the state does not know.

    What a stack was told to forget, and then was destroyed, went elsewhere or was given another
    identity, it cannot take away; that it stays confined is what the invariant says.
    """
    elsewhere = case.verb.moves or case.state.name in OF_ANOTHER_IDENTITY
    if case.verb.forgets and (elsewhere or case.then == "destroy"):
        return
    resources = stack.exported_state().get("resources", [])
    known = {r["id"].rpartition("/")[2] for r in resources if r["type"] == GRANT}
    snapshot, others = stack.tenant.snapshot(), _of_others(stack)
    kind = "managementRoleAssignments"
    roles = {k: v for k, v in snapshot[kind].items() if v["name"] not in _known_roles(stack)}
    grants = {k: v for k, v in snapshot["appRoleAssignments"].items() if k not in known}
    for identifier in roles.keys() - others[kind].keys():
        yield str(roles[identifier])
    for identifier in grants.keys() - others["appRoleAssignments"].keys():
        yield str(grants[identifier])


def _differences(stack: SimulatedStack, clean: CleanRun, case: Case) -> Iterator[str]:
    if case.then == "destroy":
        if stack.exported_state().get("resources"):
            yield "something is left in the state"
        return
    # What it was told to forget of another identity stands where it was.
    forgotten = case.verb.forgets and case.state.name in OF_ANOTHER_IDENTITY
    if not case.verb.moves and not forgotten:
        yield from unequal(comparable(stack.tenant.snapshot()), clean.tenant)
    again = case.state.run(stack)
    if not again.succeeded or again.changes:
        yield f"another run is not without changes: {again.output}"
