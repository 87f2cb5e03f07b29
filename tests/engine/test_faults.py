"""A sample of ``python -m tools sweep``: every step and every kind of fault at least once."""

import shutil
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant.faults import Fault, Kind, Step
from tests.engine.conftest import succeeded
from tests.engine.faults import (
    ON_THE_WAY,
    SCENARIOS,
    CleanRun,
    attempt,
    differences,
    in_the_time_of,
    learn,
    prepare,
    violations,
)
from tests.sampling import sampled

pytestmark = pytest.mark.engine

FIRST_UP, BY_ROLES, *_, DESTROY = SCENARIOS
TRANSIENT = [Kind.THROTTLED, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER]


@pytest.fixture(scope="module")
def clean(
    first_up: CleanRun, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], CleanRun]:
    """Gives the clean run of a scenario by its name; it is learned when it is first asked for."""
    directory = tmp_path_factory.mktemp("faults")
    starts = {FIRST_UP.start: first_up.start}

    @cache
    def run_of(name: str) -> CleanRun:
        (scenario,) = (each for each in SCENARIOS if each.name == name)
        if scenario is FIRST_UP:
            return first_up
        if scenario.start not in starts:
            starts[scenario.start] = prepare(directory / f"{len(starts)}", *scenario.start)
        return learn(scenario, starts[scenario.start], directory / "clean")

    return run_of


def is_grant(step: Step) -> bool:
    """Whether the step makes the app role assignment."""
    return (step.service, step.operation) == ("Graph", "POST")


def is_absorbed(step: Step, kind: Kind) -> bool:
    """Whether a run goes on after a transient fault.

    The grant made, and the answer lost, is refused when it is asked for again. The azuread provider
    sends a DELETE without an answer once only, and no hook of the engine runs in a destroy.
    """
    if kind is Kind.TIMEOUT_AFTER and is_grant(step):
        return False
    # azure-native tries a request four times, and each further attempt is the next of these steps.
    if step.service == "ARM" and step.occurrence > 3:
        return False
    return kind is Kind.THROTTLED or (step.service, step.operation) != ("Graph", "DELETE")


def plan_everywhere(stack: SimulatedStack, run: CleanRun, kind: Kind) -> int:
    """Plans a fault at every step of a run that is to be absorbed; tells how many.

    The steps meet all of the texts in which Exchange, its module and .NET report one.
    """
    planned = [
        Fault(step, kind)
        for step in run.steps
        if kind in step.kinds
        and is_absorbed(step, kind)
        # What fails four times in a row the azure-native provider gives up.
        and step.occurrence <= 3
    ]
    stack.tenant.plan_faults(planned)
    return len(planned)


class TestATransientFaultIsAbsorbedWithinOneRun:
    @pytest.mark.parametrize(
        ("scenario", "kind"),
        sampled(
            product([each.name for each in (FIRST_UP, *ON_THE_WAY, DESTROY)], TRANSIENT),
            [(FIRST_UP.name, Kind.THROTTLED)],
        ),
    )
    def test_at_every_step_at_once(
        self, clean: Callable[[str], CleanRun], tmp_path: Path, scenario: str, kind: Kind
    ):
        run = clean(scenario)
        shutil.copytree(run.start, tmp_path / "stack")
        stack = run.scenario.stack(tmp_path / "stack")
        planned = plan_everywhere(stack, run, kind)

        with in_the_time_of(lambda: stack.tenant):
            succeeded(run.scenario.run(stack))

            assert planned > 0
            assert stack.tenant.faults_happened() == planned
            assert violations(stack) == []
            assert differences(stack, run) == []


@pytest.mark.long
class TestWhoDiesBetweenTheStepsOfRoles:
    @pytest.mark.parametrize(
        ("operation", "kind"),
        sampled(
            product(
                ["New-ManagementScope", "New-ServicePrincipal", "New-ManagementRoleAssignment"],
                [Kind.KILLED_AFTER, Kind.ENGINE_KILLED, Kind.TIMEOUT_AFTER],
            ),
            [("New-ManagementRoleAssignment", Kind.KILLED_AFTER)],
        ),
    )
    def test_leaves_what_the_next_run_takes_up(
        self, clean: Callable[[str], CleanRun], tmp_path: Path, operation: str, kind: Kind
    ):
        run = clean(BY_ROLES.name)
        step = next(step for step in run.steps if step.operation == operation)
        assert attempt(run, Fault(step, kind), tmp_path / "trial").problems == []


# Operation of the step, kind, and what the message must say. In the order of the steps, so that one
# stack gets further by each.
PERMANENT = [
    ("New-Mailbox", Kind.REFUSED, "logicappnotifications@contoso.com: New-Mailbox: Acc"),
    ("Set-Mailbox", Kind.KILLED_BEFORE, "signal: killed: running"),
    ("New-DistributionGroup", Kind.KILLED_AFTER, "signal: killed: running"),
    ("Set-DistributionGroup", Kind.ENGINE_KILLED, ""),
    ("Add-DistributionGroupMember", Kind.REFUSED, ": Add-DistributionGroupMember: Acc"),
    ("New-ApplicationAccessPolicy", Kind.KILLED_AFTER, "signal: killed: running"),
    ("Test-ApplicationAccessPolicy", Kind.REFUSED, ": Test-ApplicationAccessPolicy: "),
    ("POST", Kind.REFUSED, "Could not create app role assignment"),
]
REMEDY = "Check the Exchange roles of the deploying identity."


@pytest.mark.long
class TestAPermanentFaultStopsWithOneMessageAndTheNextRunsGoOn:
    def test_at_one_step_after_the_other_of_one_stack(
        self, clean: Callable[[str], CleanRun], tmp_path: Path
    ):
        run = clean(FIRST_UP.name)
        shutil.copytree(run.start, tmp_path / "stack")
        stack = run.scenario.stack(tmp_path / "stack")
        for operation, kind, message in PERMANENT:
            step = next(s for s in run.steps if s.operation == operation)
            stack.tenant.plan_faults([Fault(step, kind)])

            result = stack.up()

            assert stack.tenant.faults_happened() == 1, f"{kind} at {step}: {result.output}"
            assert not result.succeeded
            assert message in result.output
            if kind is Kind.REFUSED and step.service == "Exchange":
                # In the progress line, and once among the diagnostics.
                (said,) = [
                    line
                    for line in result.output.rpartition("Diagnostics:")[2].splitlines()
                    if message in line
                ]
                assert said.endswith(REMEDY)
            assert violations(stack) == []
            assert not granted(stack)
            if kind is Kind.ENGINE_KILLED:
                stack.cancel()
        stack.tenant.plan_faults([])

        succeeded(stack.up())

        assert violations(stack) == []
        assert differences(stack, run) == []


def granted(stack: SimulatedStack) -> bool:
    """Whether the workflow's identity holds an app role."""
    snapshot = stack.tenant.snapshot()
    identities = {workflow["principalId"] for workflow in snapshot["workflows"].values()}
    holders = {grant["principalId"] for grant in snapshot["appRoleAssignments"].values()}
    return bool(identities & holders)


@pytest.mark.long
class TestALostAnswerToTheGrantIsNotHidden:
    def test_the_identity_is_confined_and_the_next_up_names_what_is_left(
        self, clean: Callable[[str], CleanRun], tmp_path: Path
    ):
        run = clean(FIRST_UP.name)
        (step,) = [step for step in run.steps if is_grant(step)]

        trial = attempt(run, Fault(step, Kind.TIMEOUT_AFTER), tmp_path / "stack")

        assert not trial.absorbed
        assert trial.problems == []
        for message in (trial.message, trial.stuck):
            assert "Permission being assigned already exists on the object" in message
            assert "`python -m operations.recover --stack local` takes it up" in message


@pytest.mark.long
class TestAPlannedFault:
    def test_names_a_step_in_the_same_way_in_every_run(
        self, clean: Callable[[str], CleanRun], tmp_path: Path
    ):
        run = clean(DESTROY.name)

        again = learn(run.scenario, run.start, tmp_path / "again")

        assert set(again.steps) == set(run.steps)

    def test_of_a_kind_that_its_service_does_not_know_is_refused(
        self, clean: Callable[[str], CleanRun], tmp_path: Path
    ):
        run = clean(FIRST_UP.name)
        stack = run.scenario.stack(tmp_path / "stack")
        put = next(step for step in run.steps if step.operation == "PUT")

        with pytest.raises(ValueError, match="cannot happen"):
            stack.tenant.plan_faults([Fault(put, Kind.KILLED_AFTER)])
