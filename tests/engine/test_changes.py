"""What an update touches, and what a preview shows of it."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import Tenant
from simulator.tenant.faults import Fault, Kind
from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.engine.faults import Scenario, change_value, learn
from tests.sampling import sampled

pytestmark = pytest.mark.engine


def changes(result: Result) -> list[tuple[str, str]]:
    """Operation and name of each resource that changes."""
    return [(step.operation, step.name) for step in result.changes]


def calls_since(tenant: Tenant, number: int) -> list[tuple[str, str]]:
    """Service and operation of the calls after one, but for look-ups and tokens."""
    return [
        (call.service, call.operation)
        for call in tenant.calls()[number:]
        if call.operation != "GET" and call.service != "Entra"
    ]


def set_value(path: str, value: Any) -> Callable[[Configuration], None]:
    """A change of one value of the sender's configuration."""

    def change(sender: Configuration) -> None:
        *parents, last = path.split(".")
        target: Any = sender
        for key in parents:
            target = target[key]
        target[last] = value

    return change


class TestAnUnchangedStackStaysAsItIs:
    def test_a_second_up_changes_nothing(self, deployed: SimulatedStack):
        before, number = deployed.tenant.snapshot(), len(deployed.tenant.calls())

        result = succeeded(deployed.up())

        assert changes(result) == []
        assert deployed.tenant.snapshot() == before
        assert calls_since(deployed.tenant, number) == []

    def test_a_preview_starts_no_powershell_and_writes_nothing(self, deployed: SimulatedStack):
        number = len(deployed.tenant.calls())

        result = succeeded(deployed.preview())

        assert changes(result) == []
        assert calls_since(deployed.tenant, number) == []

    def test_a_refresh_finds_nothing_changed(self, redeployed: StackIn):
        stack = redeployed()
        succeeded(stack.refresh())

        assert changes(succeeded(stack.preview())) == []


class TestAFreshStack:
    def test_can_be_previewed(self, fresh: StackIn):
        stack = fresh()
        before = stack.tenant.snapshot()
        number = len(stack.tenant.calls())

        result = succeeded(stack.preview())

        names = {step.name for step in result.changes if step.operation == "create"}
        assert names >= {
            "notifications-mailbox",
            "notifications-group",
            "notifications-workflow",
            "notifications-access-policy",
            "notifications-access-proof",
            "notifications-access-mail-send",
        }
        assert stack.tenant.snapshot() == before
        assert calls_since(stack.tenant, number) == []


@pytest.mark.long
class TestAProbe:
    def test_updates_the_workflow_alone_and_goes_as_it_came(self, redeployed: StackIn):
        for probe in (True, False):
            stack = redeployed(change=set_value("probe", probe))
            number = len(stack.tenant.calls())

            assert changes(succeeded(stack.preview())) == [("update", "notifications-workflow")]
            assert changes(succeeded(stack.up())) == [("update", "notifications-workflow")]
            assert calls_since(stack.tenant, number) == [("ARM", "PUT")]
            assert changes(succeeded(stack.preview())) == []
            sender = stack.outputs()["senders"]["notifications"]
            assert sender.get("probeTrigger") == ("Probe" if probe else None)


class TestAChangeOfTheMailTouchesTheWorkflowAlone:
    ACTION = "definition.actions.Mail.inputs.message"
    RECURRENCE = "definition.triggers.Recurrence.recurrence"
    CASES: Mapping[str, tuple[str, Any, str, list[str]]] = {
        "subject": (
            "message.subject",
            "Another subject",
            f"{ACTION}.subject",
            ['~ subject: "Graph test mail" => "Another subject"'],
        ),
        "recipient": (
            "message.toRecipients",
            [{"address": "finance@contoso.com"}],
            f"{ACTION}.toRecipients[0].emailAddress.address",
            ['~ address: "reception@contoso.com" => "finance@contoso.com"'],
        ),
        "schedule": (
            "trigger.schedule.hours",
            [9],
            f"{RECURRENCE}.schedule.hours[0]",
            ["8 => 9"],
        ),
    }

    @pytest.mark.parametrize("case", sampled(CASES, ["subject"]))
    def test_in_the_preview_and_in_the_update(self, redeployed: StackIn, case: str):
        path, value, changed, shown = self.CASES[case]
        stack = redeployed(change=set_value(path, value))
        number = len(stack.tenant.calls())

        preview = succeeded(stack.preview())

        assert changes(preview) == [("update", "notifications-workflow")]
        assert preview.changes[0].differences == {changed: "update"}
        for line in shown:
            assert line in preview.output
        assert calls_since(stack.tenant, number) == []

        update = succeeded(stack.up())

        assert changes(update) == [("update", "notifications-workflow")]
        assert calls_since(stack.tenant, number) == [("ARM", "PUT")]
        assert changes(succeeded(stack.preview())) == []


class TestAChangedDisplayNameRunsOneCommand:
    @pytest.mark.parametrize(
        ("path", "command", "kind"),
        [
            ("mailbox.displayName", "notifications-mailbox-settings", "mailboxes"),
            ("group.displayName", "notifications-group", "groups"),
        ],
        ids=["mailbox", "group"],
    )
    def test_in_the_preview_and_in_the_update(
        self, redeployed: StackIn, path: str, command: str, kind: str
    ):
        stack = redeployed(change=set_value(path, "Reminders"))

        preview = succeeded(stack.preview())

        assert changes(preview) == [("update", command)]
        (step,) = preview.changes
        assert "Reminders" not in step.old_inputs["stdin"]
        assert "Reminders" in step.new_inputs["stdin"]
        assert '=> "Reminders"' in preview.output

        number = len(stack.tenant.calls())
        update = succeeded(stack.up())

        assert changes(update) == [("update", command)]
        started = [call for call in calls_since(stack.tenant, number) if call[0] == "PowerShell"]
        assert len(started) == 1
        names = {item["displayName"] for item in stack.tenant.snapshot()[kind].values()}
        assert "Reminders" in names


@pytest.mark.long
class TestAReplacementThatStopsHalfway:
    """The engine has deleted what it was about to replace, and keeps that in mind."""

    @pytest.mark.parametrize(
        ("change", "operation"),
        sampled(
            [
                (("workflow", "notifications-2"), "New-ApplicationAccessPolicy"),
                (("identity", "userAssigned"), "New-ApplicationAccessPolicy"),
                (("identity", "userAssigned"), "PUT"),
            ],
            [(("workflow", "notifications-2"), "New-ApplicationAccessPolicy")],
        ),
    )
    def test_goes_on_with_the_next_up(
        self,
        deployed: SimulatedStack,
        redeployed: StackIn,
        tmp_path: Path,
        change: tuple[str, str],
        operation: str,
    ):
        changing = Scenario("", change=partial(change_value, *change))
        clean = learn(changing, deployed.directory, tmp_path / "clean")
        step = next(step for step in clean.steps if step.operation == operation)
        stack = redeployed(change=changing.change)
        stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])

        succeeded(stack.up())

        assert len(stack.tenant.snapshot()["workflows"]) == 1
        assert stack.tenant.violations() == []
        assert changes(succeeded(stack.preview())) == []
        pass_policy_lag(stack.tenant)
        sender = stack.outputs()["senders"]["notifications"]
        assert send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted
