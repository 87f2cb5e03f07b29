"""A sample of the sweep of the verbs (``sweep.py``): each once, where the identity changes."""

from pathlib import Path

import pytest

from simulator.tenant.faults import Fault, Kind
from tests.engine.faults import CleanRun
from tests.engine.verbs import (
    STATES,
    STATES_BY_ROLES,
    STATES_ON_THE_WAY,
    VERBS,
    Case,
    attempt_verb,
    learn_states,
)
from tests.sampling import sampled

pytestmark = [pytest.mark.engine, pytest.mark.long]

(NEW_IDENTITY,) = (state for state in STATES if state.name == "workflow name")
RESOURCES = {
    "--target": ("notifications-workflow", "notifications-access-mail-send"),
    "--target with dependents": ("notifications-workflow",),
    "--exclude": ("notifications-access-policy", "notifications-access-proof"),
    "--replace": ("notifications-group",),
    "state taint": ("notifications-mailbox",),
    "state delete": ("notifications-workflow",),
    "no alias": ("notifications-group",),
}
"""What each verb is done with, of those that take resources."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CleanRun:
    """What a plain `up` with another workflow name ends in."""
    directory = tmp_path_factory.mktemp("verbs")
    return learn_states(directory, [NEW_IDENTITY])[NEW_IDENTITY.name]


@pytest.fixture(scope="module")
def clean_by_roles(tmp_path_factory: pytest.TempPathFactory) -> CleanRun:
    """What a plain `up` ends in that changes nothing of a sender by roles."""
    unchanged = STATES_BY_ROLES[0]
    directory = tmp_path_factory.mktemp("verbs-by-roles")
    return learn_states(directory, [unchanged])[unchanged.name]


@pytest.mark.parametrize(
    ("verb", "on"),
    [
        ("--replace", "notifications-access-mail-send"),
        ("no alias", "notifications-access-mail-send"),
        ("state taint", "notifications-scope"),
        ("--replace", "notifications-access-pointer"),
    ],
)
def test_what_is_made_anew_by_roles_is_not_removed_with_its_predecessor(
    clean_by_roles: CleanRun, tmp_path: Path, verb: str, on: str
):
    (tried,) = (each for each in VERBS if each.name == verb)
    case = Case(tried, clean_by_roles.scenario, (on,), "up")

    trial = attempt_verb(case, clean_by_roles, None, tmp_path / "stack")

    assert trial.steps
    assert trial.went_through
    assert trial.problems == []


def test_a_role_that_the_engine_died_of_making_anew_is_there_once(
    clean_by_roles: CleanRun, tmp_path: Path
):
    (tried,) = (each for each in VERBS if each.name == "state taint")
    case = Case(tried, clean_by_roles.scenario, ("notifications-access-mail-send",), "up")
    undisturbed = attempt_verb(case, clean_by_roles, None, tmp_path / "undisturbed")
    step = next(s for s in undisturbed.steps if s.caller == "ensure-role-assignment.ps1")

    fault = Fault(step, Kind.ENGINE_KILLED)
    trial = attempt_verb(case, clean_by_roles, fault, tmp_path / "stack")

    assert trial.went_through
    assert trial.problems == []


def test_a_role_of_a_lost_state_goes_after_it_is_taken_up_as_deployed(tmp_path: Path):
    (state,) = (each for each in STATES_ON_THE_WAY if each.name == "both to a policy")
    (lost,) = (each for each in VERBS if each.name == "lost state")
    clean = learn_states(tmp_path, [state])[state.name]

    trial = attempt_verb(Case(lost, state, (), "up"), clean, None, tmp_path / "stack")

    assert trial.went_through
    assert trial.problems == []


@pytest.mark.parametrize(
    ("verb", "then"),
    sampled(
        [(verb.name, then) for verb in VERBS for then in ("up", "destroy")],
        [("--target", "up"), ("lost state", "destroy")],
    ),
)
def test_it_leaves_nobody_unconfined_loses_nothing_and_grants_nothing_more(
    clean: CleanRun, tmp_path: Path, verb: str, then: str
):
    (tried,) = (each for each in VERBS if each.name == verb)
    case = Case(tried, NEW_IDENTITY, RESOURCES.get(verb, ()), then)

    trial = attempt_verb(case, clean, None, tmp_path / "stack")

    assert trial.steps
    assert [*trial.violations, *trial.lost, *trial.excess] == []
