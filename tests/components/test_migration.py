"""What a run has of both scopings, for what is wanted and what is there."""

from datetime import UTC, datetime, timedelta

import pytest

from components.migration import Course, Scoping, Standing, course_of

T = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch):
    def of(scoping: Scoping, standing: Standing, hours: float = 0) -> Course:
        monkeypatch.setattr("components.migration.now", lambda: T + timedelta(hours=hours))
        return course_of(scoping, standing, settle_seconds=3600)

    return of


def parts(course: Course) -> str:
    """Its parts by their initials."""
    return "".join(
        letter
        for letter, there in (
            ("p", course.policy),
            ("g", course.grants),
            ("r", course.roles),
            ("s", course.scope),
        )
        if there
    )


@pytest.mark.parametrize(
    ("scoping", "standing", "hours", "expected"),
    [
        (Scoping.POLICY, Standing(), 0, "pg"),
        (Scoping.RBAC, Standing(), 0, "rs"),
        (Scoping.BOTH, Standing(policy=True, grants=True), 0, "pgrs"),
        (Scoping.RBAC, Standing(policy=True, grants=True, roles=True, scope=True), 0, "prs"),
        (Scoping.RBAC, Standing(policy=True, roles=True, scope=True, left_at=T), 25.9, "prs"),
        (Scoping.RBAC, Standing(policy=True, roles=True, scope=True, left_at=T), 26, "rs"),
        # Nobody knows when the grant went.
        (Scoping.RBAC, Standing(policy=True, roles=True, scope=True), 99, "prs"),
        # The grant is still there: its deletion failed, or comes only now.
        (
            Scoping.RBAC,
            Standing(policy=True, grants=True, roles=True, scope=True, left_at=T),
            99,
            "prs",
        ),
        (Scoping.POLICY, Standing(policy=True, grants=True, scope=True, left_at=T), 3.9, "pgs"),
        (Scoping.POLICY, Standing(policy=True, grants=True, scope=True, left_at=T), 4, "pg"),
        (
            Scoping.POLICY,
            Standing(policy=True, grants=True, roles=True, scope=True, left_at=T),
            99,
            "pgs",
        ),
    ],
)
def test_what_confines_stays_until_nothing_can_use_what_it_confined(
    course, scoping: Scoping, standing: Standing, hours: float, expected: str
):
    found = course(scoping, standing, hours)
    assert parts(found) == expected
    stays = expected in ("prs", "pgs")
    assert found.leaving is stays
    goes_now = standing.grants if scoping is Scoping.RBAC else standing.roles
    assert found.left_at == (None if goes_now else standing.left_at)


def test_a_preview_says_what_is_due_when(course):
    waits = Standing(policy=True, roles=True, scope=True, left_at=T)
    assert "stays until 2026-11-03 14:00 UTC" in course(Scoping.RBAC, waits).says
    assert "goes in this run" in course(Scoping.RBAC, waits, 26).says
    lives_on = course_of(Scoping.RBAC, waits, settle_seconds=3600, identity_outlives=True)
    assert lives_on.says == "the policy with its group leaves the state in this run"
    amid = course(Scoping.POLICY, Standing(policy=True, grants=True, scope=True))
    assert amid.says.startswith(
        "no time is noted from when on the role is gone (where somebody took it out of the state, "
        "it is not: python -m operations.reach); the scope of the"
    )
    both = Standing(policy=True, grants=True, roles=True, since={"since": T.isoformat()})
    assert course(Scoping.BOTH, both).says == (
        "lets itself be changed to scoping: rbac from 2026-11-02 14:00 UTC on and "
        "scoping: applicationAccessPolicy from 2026-11-03 12:00 UTC on"
    )
    assert course(Scoping.POLICY, Standing(policy=True, grants=True)).says == ""
