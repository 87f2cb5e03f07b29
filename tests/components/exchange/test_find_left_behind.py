"""The look for what a destroyed stack left, which a workflow runs on the test tenant."""

import re
from pathlib import Path

import pytest

from tests.components.exchange.conftest import Scripts
from tests.components.exchange.desired import ENSURE_GROUP, ENSURE_MAILBOX, GROUP, MAILBOX

GITHUB = Path(__file__).resolve().parents[3] / ".github"
SCRIPT = str(GITHUB / "find-left-behind.ps1")
MARK = MAILBOX["mark"].rpartition("/")[0]


def found(scripts: Scripts, mark: str = MARK) -> tuple[int, list[str]]:
    """The exit code, and the addresses of what is left."""
    scripts.pass_time()
    run = scripts.run(SCRIPT, {"mark": mark})
    assert (run.changes, run.stdout) == ([], "")
    return run.code, re.findall(r"(\S+@\S+) \('", run.stderr)


class TestWhatAStackLeft:
    def test_a_clean_tenant_has_none(self, scripts: Scripts) -> None:
        assert found(scripts) == (0, [])

    def test_mailboxes_and_groups_are_found(self, scripts: Scripts) -> None:
        scripts.run(ENSURE_MAILBOX, MAILBOX)
        scripts.run(ENSURE_GROUP, GROUP)
        code, addresses = found(scripts)
        assert code == 1
        assert sorted(addresses) == sorted([MAILBOX["address"], GROUP["address"]])

    def test_so_is_a_mailbox_that_is_still_recoverable(self, scripts: Scripts) -> None:
        scripts.run(ENSURE_MAILBOX, MAILBOX)
        scripts.pass_time()
        scripts.cmdlet("Remove-Mailbox", Identity=MAILBOX["address"], Confirm=False)
        assert found(scripts) == (1, [MAILBOX["address"]])

    @pytest.mark.parametrize("mark", [MARK + "2", MARK[:-1], "other/stack"])
    def test_what_another_stack_has_is_not(self, scripts: Scripts, mark: str) -> None:
        scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert found(scripts, mark) == (0, [])

    def test_a_look_that_fails_finds_nothing_to_be_glad_of(self, scripts: Scripts) -> None:
        scripts.environment = {}
        run = scripts.run(SCRIPT, {"mark": MARK})
        assert (run.code, run.stdout) == (1, "")
