"""What others changed in Exchange is seen in a preview, repaired by `up`, and seen again."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator import environment
from simulator.engine import Result, SimulatedStack
from simulator.tenant import Tenant
from tests.components.exchange.conftest import READING, Scripts
from tests.engine.conftest import StackIn, stack_in, succeeded
from tests.engine.test_changes import changes, set_value
from tests.sampling import sampled

pytestmark = pytest.mark.engine

MAILBOX = "logicappnotifications@contoso.com"
GROUP = "graphscope-mailsender@contoso.com"
BYPASS = {"BypassSecurityGroupManagerCheck": True}


@pytest.fixture(scope="module")
def first_look(
    deployed: SimulatedStack, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SimulatedStack, Result]:
    """The deployed stack when it looks for drift for the first time, and what came of that."""
    directory = tmp_path_factory.mktemp("watched") / "stack"
    shutil.copytree(deployed.directory, directory)
    stack = stack_in(directory, drift=True)
    return stack, succeeded(stack.up())


@pytest.fixture
def watching(first_look: tuple[SimulatedStack, Result], tmp_path: Path) -> StackIn:
    """Makes a copy of the stack that looks for drift; takes what ``stack_in`` takes."""
    stack, _ = first_look
    shutil.copytree(stack.directory, tmp_path / "copy")
    return lambda **options: stack_in(tmp_path / "copy", **{"drift": True, **options})


@pytest.fixture
def watched(watching: StackIn) -> SimulatedStack:
    """A stack that looks for drift."""
    return watching()


def administrator(stack: SimulatedStack, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
    """What somebody does in Exchange Online by hand."""
    return Scripts(stack.tenant).cmdlet(cmdlet, **parameters)


def policy_identity(stack: SimulatedStack) -> str:
    client_id = stack.outputs()["senders"]["notifications"]["clientId"]
    [identity] = [
        policy["Identity"]
        for policy in administrator(stack, "Get-ApplicationAccessPolicy")
        if policy["AppId"] == client_id
    ]
    return str(identity)


def updated(result: Result) -> set[str]:
    """Names of the resources that are updated, all changes being updates."""
    assert {operation for operation, _ in changes(result)} <= {"update"}
    return {name.removeprefix("notifications-") for _, name in changes(result)}


def finding(result: Result, name: str) -> dict[str, Any]:
    """What the preview of one command says was found."""
    [step] = [step for step in result.changes if step.name == f"notifications-{name}"]
    assert {path.partition(".")[0] for path in step.differences} == {"environment"}
    [(observed, found)] = json.loads(
        step.new_inputs["environment"]["SCOPED_MAIL_SENDER_DRIFT"]
    ).items()
    assert observed.startswith("observed 20")
    return dict(found)


def exchange_calls(tenant: Tenant, number: int) -> tuple[list[str], list[str]]:
    """The scripts that were started after one call, and the cmdlets that changed something."""
    calls = tenant.calls()[number:]
    return (
        [call.target for call in calls if call.service == "PowerShell"],
        [
            call.operation
            for call in calls
            if call.service == "Exchange" and not READING.match(call.operation)
        ],
    )


def add_stray(stack: SimulatedStack) -> None:
    administrator(
        stack,
        "Add-DistributionGroupMember",
        Identity=GROUP,
        Member="finance@contoso.com",
        **BYPASS,
    )


def remove_member(stack: SimulatedStack) -> None:
    administrator(
        stack,
        "Remove-DistributionGroupMember",
        Identity=GROUP,
        Member=MAILBOX,
        Confirm=False,
        **BYPASS,
    )


def set_group(**values: Any) -> Callable[[SimulatedStack], None]:
    def drift(stack: SimulatedStack) -> None:
        administrator(stack, "Set-DistributionGroup", Identity=GROUP, **values, **BYPASS)

    return drift


def set_mailbox(**values: Any) -> Callable[[SimulatedStack], None]:
    def drift(stack: SimulatedStack) -> None:
        administrator(stack, "Set-Mailbox", Identity=MAILBOX, **values)

    return drift


def describe_policy(stack: SimulatedStack) -> None:
    administrator(
        stack, "Set-ApplicationAccessPolicy", Identity=policy_identity(stack), Description="Mine"
    )


def remove_policy(stack: SimulatedStack) -> None:
    administrator(
        stack, "Remove-ApplicationAccessPolicy", Identity=policy_identity(stack), Confirm=False
    )


def remove_mailbox(stack: SimulatedStack) -> None:
    administrator(stack, "Remove-Mailbox", Identity=MAILBOX, Confirm=False)


def remove_group(stack: SimulatedStack) -> None:
    administrator(stack, "Remove-DistributionGroup", Identity=GROUP, Confirm=False, **BYPASS)


# The drift; the commands that it updates, the one that it is about first; a property of its
# finding, with what is expected and what was found.
KINDS: dict[str, tuple[Callable[[SimulatedStack], None], list[str], str, object, object]] = {
    "stray member": (
        add_stray,
        ["group-members", "access-proof"],
        "StrayMembers",
        [],
        ["finance@contoso.com"],
    ),
    "missing member": (
        remove_member,
        ["group-members", "access-proof"],
        "MissingMembers",
        [MAILBOX],
        [],
    ),
    "group's display name": (
        set_group(DisplayName="Ours"),
        ["group"],
        "DisplayName",
        "DL Graph Scope Group WL Mailsender LogicApp",
        "Ours",
    ),
    "group's address": (
        set_group(PrimarySmtpAddress="ours@contoso.com"),
        ["group"],
        "PrimarySmtpAddress",
        GROUP,
        "ours@contoso.com",
    ),
    "re-enabled account": (
        set_mailbox(AccountDisabled=False),
        ["mailbox-settings"],
        "AccountDisabled",
        True,
        False,
    ),
    "visible mailbox": (
        set_mailbox(HiddenFromAddressListsEnabled=False),
        ["mailbox-settings"],
        "HiddenFromAddressListsEnabled",
        True,
        False,
    ),
    "policy's description": (
        describe_policy,
        ["access-policy"],
        "Description",
        f"Restrict this app's permissions to members of distribution group {GROUP}",
        "Mine",
    ),
    "removed policy": (
        remove_policy,
        ["access-policy", "access-proof"],
        "RestrictAccess",
        f"on {GROUP}",
        "none",
    ),
    "removed mailbox": (
        remove_mailbox,
        ["mailbox", "mailbox-settings", "group-members", "access-proof", "workflow"],
        "Mailbox",
        f"{MAILBOX} with the mark scoped-mail-sender/local/notifications-mailbox",
        "none",
    ),
}


class TestAnUnchangedTenant:
    def test_costs_one_process_and_changes_nothing(self, watched: SimulatedStack):
        for operation in (watched.preview, watched.up, watched.preview):
            before, number = watched.tenant.snapshot(), len(watched.tenant.calls())

            assert changes(succeeded(operation())) == []

            assert exchange_calls(watched.tenant, number) == (["find-drift.ps1"], [])
            assert watched.tenant.snapshot() == before

    def test_when_looking_is_switched_on_no_resource_changes(
        self, first_look: tuple[SimulatedStack, Result]
    ):
        _, result = first_look

        assert changes(result) == []

    def test_that_is_not_deployed_yet_has_no_drift(self, fresh: StackIn):
        stack = fresh(drift=True)

        succeeded(stack.preview())

        assert exchange_calls(stack.tenant, 0) == ([], [])

    def test_a_changed_configuration_is_no_drift(self, watching: StackIn):
        stack = watching(change=set_value("mailbox.displayName", "Reminders"))

        [step] = succeeded(stack.preview()).changes

        assert step.name == "notifications-mailbox-settings"
        assert step.new_inputs.get("environment") is None


class TestDriftIsSeenAndRepaired:
    @pytest.mark.parametrize(
        "kind", sampled(KINDS, ["stray member", "re-enabled account", "removed policy"])
    )
    def test_once(self, watched: SimulatedStack, kind: str):
        drift, commands, name, expected, found = KINDS[kind]
        drift(watched)
        drifted, number = watched.tenant.snapshot(), len(watched.tenant.calls())

        preview = succeeded(watched.preview())

        assert updated(preview) == set(commands)
        shown = finding(preview, commands[0])[name]
        assert shown["found"] == found
        # The description of a policy ends with its claim.
        assert re.sub(r" [0-9a-f]{8}$", "", str(shown["expected"])) == str(expected)
        assert f"{name}: {{" in " ".join(preview.output.split())
        assert exchange_calls(watched.tenant, number) == (["find-drift.ps1"], [])
        assert watched.tenant.snapshot() == drifted

        assert updated(succeeded(watched.up())) == set(commands)
        assert changes(succeeded(watched.preview())) == []

    @pytest.mark.long
    def test_of_a_mailbox_whose_object_id_the_workflow_takes(self, watched: SimulatedStack):
        set_mailbox(Alias="other")(watched)

        preview = succeeded(watched.preview())

        alias = {"expected": "LogicAppNotifications", "found": "other"}
        assert finding(preview, "mailbox") == {"Alias": alias}
        # The id is unknown until the command has run, as when the configuration changes the alias.
        assert updated(preview) == {"mailbox", "workflow"}
        assert updated(succeeded(watched.up())) == {"mailbox"}
        assert changes(succeeded(watched.preview())) == []

    @pytest.mark.long
    @pytest.mark.parametrize(
        "kind", sampled(["stray member", "removed policy"], ["removed policy"])
    )
    def test_and_once_more(self, watched: SimulatedStack, kind: str):
        drift, commands, *_ = KINDS[kind]
        for _ in range(2):
            drift(watched)
            assert updated(succeeded(watched.up())) == set(commands)
        assert changes(succeeded(watched.preview())) == []

        drift(watched)
        assert updated(succeeded(watched.preview())) == set(commands)

    def test_a_repaired_one_is_not_taken_back_where_nobody_looks_any_more(self, watching: StackIn):
        stack = watching()
        add_stray(stack)
        succeeded(stack.up())

        assert changes(succeeded(watching(drift=False).preview())) == []


class TestAnUnconfinedIdentityIsCalledThat:
    def test_in_preview_and_up_until_it_is_confined_again(self, watched: SimulatedStack):
        remove_policy(watched)
        assert len(watched.tenant.violations()) == 1

        client_id = watched.outputs()["senders"]["notifications"]["clientId"]
        warning = f"warning: UNCONFINED IDENTITY: application {client_id} is not restricted"
        assert warning in succeeded(watched.preview()).output
        repair = succeeded(watched.up())
        assert warning in repair.output
        assert f"proven: {MAILBOX} Granted, control.mailbox@contoso.com Denied" in repair.output

        assert "UNCONFINED" not in succeeded(watched.preview()).output
        assert policy_identity(watched)

    @pytest.mark.long
    def test_a_policy_with_another_scope_is_named_by_every_up(self, watched: SimulatedStack):
        client_id = watched.outputs()["senders"]["notifications"]["clientId"]
        remove_policy(watched)
        administrator(
            watched,
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=client_id,
            PolicyScopeGroupId="PayrollReportsMailboxes@contoso.com",
        )
        stray = policy_identity(watched)

        preview = succeeded(watched.preview())
        assert updated(preview) == {"access-policy", "access-proof"}
        scope = finding(preview, "access-policy")["RestrictAccess"]["found"]
        assert scope == "only on Payroll Reports Mailboxes"
        failed = watched.up()
        assert not failed.succeeded
        assert f"Remove-ApplicationAccessPolicy -Identity '{stray}'" in failed.output

        administrator(watched, "Remove-ApplicationAccessPolicy", Identity=stray, Confirm=False)
        succeeded(watched.up())
        assert changes(succeeded(watched.preview())) == []


@pytest.mark.long
class TestARemovedGroup:
    def test_is_made_anew_and_proven_once_the_policy_that_it_left_is_gone(
        self, watched: SimulatedStack
    ):
        orphan = policy_identity(watched)
        remove_group(watched)

        preview = succeeded(watched.preview())
        assert updated(preview) == {"group", "group-members", "access-policy", "access-proof"}
        assert finding(preview, "group")["Group"]["found"] == "none"
        assert "UNCONFINED IDENTITY" in preview.output

        # Exchange keeps the policy, and to the proof it is one that widens the reach.
        stopped = watched.up()
        assert not stopped.succeeded
        assert f"Remove-ApplicationAccessPolicy -Identity '{orphan}'" in stopped.output

        administrator(watched, "Remove-ApplicationAccessPolicy", Identity=orphan, Confirm=False)
        succeeded(watched.up())
        assert changes(succeeded(watched.preview())) == []


class TestWhereNobodyIsSignedIn:
    def test_it_says_what_to_do(self, watched: SimulatedStack, monkeypatch: pytest.MonkeyPatch):
        signed_in = environment._variables

        def signed_out(*arguments: Any) -> dict[str, str]:
            return {**signed_in(*arguments), "EXCHANGE_ACCESS_TOKEN": ""}

        monkeypatch.setattr(environment, "_variables", signed_out)

        result = watched.preview()

        assert not result.succeeded
        assert "Set exactly one of EXCHANGE_ACCESS_TOKEN" in result.output
        assert "drift: false" in result.output
        assert "Traceback" not in result.output
