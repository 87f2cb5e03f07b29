"""A stack that retains its mailboxes and groups: refused, taken down on purpose, taken up again."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.commands import main
from simulator.engine import SimulatedStack
from simulator.environment import simulated_environment
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import SNAPSHOT_BEFORE, Configuration, stack_in, succeeded
from tools.pulumi_cli import find_or_install

pytestmark = pytest.mark.engine

CLAIM = re.compile(r"( created) [0-9a-f]{8}")

POLICIES = "applicationAccessPolicies"
KEPT = ("mailboxes", "groups", POLICIES)
GONE = ("workflows", "servicePrincipals", "appRoleAssignments")


def without_claims(recipients: dict[str, Any]) -> dict[str, Any]:
    """Mailboxes or groups, whichever resource has taken them up since."""
    return json.loads(CLAIM.sub(r"\1", json.dumps(recipients)))  # type: ignore[no-any-return]


def unchanged(sender: Configuration) -> None:
    """Leaves the sender as it is."""


def retaining(
    directory: Path, change: Callable[[Configuration], None] = unchanged, **options: Any
) -> SimulatedStack:
    def change_both(sender: Configuration) -> None:
        # By the clock it would fire, at one hour of the day, before Graph knows of the policy.
        sender["trigger"] = {"type": "httpRequest"}
        change(sender)

    return stack_in(directory, change=change_both, **{"deletion": "retain"} | options)


def pulumi(stack: SimulatedStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a person runs: the command line itself, which previews first."""
    cli = find_or_install()
    with simulated_environment(stack.directory, cli) as environment:
        return subprocess.run(
            [cli, *arguments, "--stack", stack.stack, "--yes", "--non-interactive"],
            cwd=stack.work_dir,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


def send_one_mail(stack: SimulatedStack) -> None:
    pass_policy_lag(stack.tenant)
    sender = stack.outputs()["senders"]["notifications"]
    assert send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted


@pytest.fixture(scope="module")
def retained(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """A deployed stack that retains, and has sent a mail."""
    stack = retaining(tmp_path_factory.mktemp("retained"))
    (stack.directory / SNAPSHOT_BEFORE).write_text(json.dumps(stack.tenant.snapshot()))
    succeeded(stack.up())
    send_one_mail(stack)
    return stack


@pytest.fixture(scope="module")
def taken_down(
    retained: SimulatedStack, tmp_path_factory: pytest.TempPathFactory
) -> SimulatedStack:
    """The same, taken down on purpose as the README says."""
    directory = tmp_path_factory.mktemp("taken-down") / "stack"
    shutil.copytree(retained.directory, directory)
    assert main(["destroy", "--exclude-protected", "--directory", str(directory)]) == 0
    return retaining(directory)


def copied(stack: SimulatedStack, directory: Path, **options: Any) -> SimulatedStack:
    shutil.copytree(stack.directory, directory / "copy")
    return retaining(directory / "copy", **options)


class TestDestroyByAccident:
    def test_is_refused_before_anything_is_removed(self, retained: SimulatedStack):
        before = retained.tenant.snapshot()

        result = pulumi(retained, "destroy")

        assert result.returncode != 0
        assert 'notifications-group" cannot be deleted' in result.stdout
        assert "because it is protected" in result.stdout
        assert retained.tenant.snapshot() == before

    def test_is_refused_by_the_simulators_command_too(
        self, retained: SimulatedStack, capfd: pytest.CaptureFixture[str]
    ):
        before = retained.tenant.snapshot()

        code = main(["destroy", "--directory", str(retained.directory)])

        assert code == 1
        assert 'notifications-group" cannot be deleted' in capfd.readouterr().out
        assert retained.tenant.snapshot() == before


@pytest.mark.long
class TestTakenDownOnPurpose:
    def test_grant_workflow_and_identity_are_gone_and_the_rest_is_kept(
        self, retained: SimulatedStack, taken_down: SimulatedStack
    ):
        deployed, left = retained.tenant.snapshot(), taken_down.tenant.snapshot()
        before = json.loads((taken_down.directory / SNAPSHOT_BEFORE).read_text())

        kept, was = [{kind: snapshot[kind] for kind in KEPT} for snapshot in (left, deployed)]
        (released,) = [p for p in left[POLICIES].values() if p["description"] == "released"]
        released["description"] = was[POLICIES][released["id"]]["description"]
        assert kept == was
        assert {kind: left[kind] for kind in GONE} == {kind: before[kind] for kind in GONE}
        assert left["softDeletedMailboxes"] == {}
        assert taken_down.tenant.violations() == []

    @pytest.mark.parametrize("state_is_lost", [False, True])
    def test_the_next_up_takes_the_rest_up_again(
        self, taken_down: SimulatedStack, tmp_path: Path, state_is_lost: bool
    ):
        stack = copied(taken_down, tmp_path)
        if state_is_lost:
            assert pulumi(stack, "stack", "rm", "--force").returncode == 0
            stack = retaining(stack.directory)
        before = stack.tenant.snapshot()

        succeeded(stack.up())

        after = stack.tenant.snapshot()
        for kind in ("mailboxes", "groups"):
            assert without_claims(after[kind]) == without_claims(before[kind])
        # That of the former identity stays: no state knows any more whose it was.
        client_id = stack.outputs()["senders"]["notifications"]["clientId"]
        policies = after[POLICIES]
        (new,) = policies.keys() - before[POLICIES].keys()
        assert policies[new]["appId"] == client_id
        assert before[POLICIES].items() <= policies.items()
        send_one_mail(stack)
        assert stack.tenant.violations() == []


@pytest.mark.long
class TestASecondStackOfTheSameName:
    def test_leaves_the_identity_of_the_first_confined(
        self, retained: SimulatedStack, tmp_path: Path
    ):
        # As after a lost state, or in a clone of the project that somebody else deploys.
        stack = copied(retained, tmp_path)
        assert pulumi(stack, "stack", "rm", "--force").returncode == 0
        stack = retaining(stack.directory)
        settings = stack.work_dir / "Pulumi.local.yaml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace('"rg-mail-sender"', '"rg-other"'), encoding="utf-8")

        succeeded(stack.up())

        assert len(stack.tenant.snapshot()["workflows"]) == 2
        assert stack.tenant.violations() == []


class TestEverythingIsRemoved:
    def test_when_the_configuration_says_delete_and_up_has_run(
        self, retained: SimulatedStack, tmp_path: Path
    ):
        stack = copied(retained, tmp_path, deletion="delete", purge_mailboxes=True)
        before = json.loads((stack.directory / SNAPSHOT_BEFORE).read_text())

        assert pulumi(stack, "destroy").returncode != 0  # The state says what destroy does.
        succeeded(stack.up())
        result = pulumi(stack, "destroy")

        assert result.returncode == 0, result.stdout + result.stderr
        assert stack.tenant.snapshot() | {"resourceGroups": {}} == before
        assert stack.tenant.violations() == []


def another_sender(sender: Configuration) -> None:
    sender["name"] = "notices"
    sender["mailbox"] |= {"name": "Notices", "address": "notices@contoso.com"}
    sender["group"] |= {"name": "Notices Scope", "address": "notices-scope@contoso.com"}


@pytest.mark.long
class TestASenderThatIsTakenOutOfTheConfiguration:
    def test_is_refused_and_once_unprotected_its_mailbox_and_group_stay(
        self,
        retained: SimulatedStack,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        stack = copied(retained, tmp_path, change=another_sender)
        before = stack.tenant.snapshot()
        own = partial(SimulatedStack, work_dir=stack.work_dir)
        monkeypatch.setattr("simulator.commands.SimulatedStack", own)

        # As pulumi up does, which previews first.
        assert main(["up", "--directory", str(stack.directory)]) == 1

        said = capsys.readouterr().out
        # The engine names one of them, whichever it comes to first.
        assert re.search(r"pulumi state unprotect '\S+::notifications-(mailbox|group)'", said)
        assert stack.tenant.snapshot() == before

        assert pulumi(stack, "state", "unprotect", "--all").returncode == 0
        succeeded(stack.up())

        after = stack.tenant.snapshot()
        released = [p for p in after[POLICIES].values() if p["description"] == "released"]
        assert [policy["id"] for policy in released] == [
            policy["id"] for policy in before[POLICIES].values() if "graphscope" in str(policy)
        ]
        for kind in KEPT:
            was = {i: d for i, d in before[kind].items() if i not in str(released)}
            assert was.items() <= after[kind].items()
            assert len(after[kind]) == len(before[kind]) + 1
        assert len(after["workflows"]) == 1
        assert after["softDeletedMailboxes"] == {}
        assert stack.tenant.violations() == []
        # Whoever stays is protected again.
        state = stack.exported_state()["resources"]
        protected = {entry["urn"].rpartition("::")[2] for entry in state if entry.get("protect")}
        assert protected == {"notices-mailbox", "notices-group"}
