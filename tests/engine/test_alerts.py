"""A mail that was not sent is noticed: alerts on failed runs, and where their history goes."""

from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.engine.test_destroy import GROUP_STAYS
from tests.engine.test_lost_state import lose
from tests.engine.test_recover import recovered
from tests.engine.test_tags import changes

pytestmark = pytest.mark.engine

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
EXISTING = f"{GROUP}/providers/Microsoft.Insights/actionGroups/operations"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-mail"
SHARED, STRANGER = "logicappnotifications@contoso.com", "finance@contoso.com"


def alerted(**alerts: Any) -> Any:
    def change(sender: Configuration) -> None:
        sender |= {"alerts": alerts, "diagnostics": WORKSPACE}

    return change


def watching(stack: SimulatedStack) -> dict[str, dict[str, Any]]:
    """What watches the workflow, by the last two parts of its id."""
    found = stack.tenant.snapshot()["monitoring"]
    return {"/".join(each["id"].rsplit("/", 2)[1:]): each["properties"] for each in found.values()}


def test_a_failed_run_is_told_to_the_addresses_and_all_of_it_goes_with_the_stack(
    tmp_path: Path,
) -> None:
    def stack_with(**alerts: Any) -> SimulatedStack:
        return stack_in(tmp_path / "stack", change=alerted(**alerts), tags={"env": "test"})

    stack = stack_with(addresses=["operations@contoso.com", "owner@contoso.com"])
    before = stack.tenant.snapshot()
    stack.tenant.set_workspaces(WORKSPACE)
    succeeded(stack.up())
    assert changes(stack) == []
    assert sorted(watching(stack)) == [
        "actionGroups/notifications-alerts",
        "diagnosticSettings/notifications",
        "metricAlerts/notifications-failed",
    ]
    setting = watching(stack)["diagnosticSettings/notifications"]
    assert setting["workspaceId"] == WORKSPACE
    assert [log["category"] for log in setting["logs"]] == ["WorkflowRuntime"]

    pass_policy_lag(stack.tenant)
    workflow = stack.outputs()["senders"]["notifications"]["workflowId"]
    assert send_as(stack.tenant, workflow, SHARED).accepted
    assert stack.tenant.notifications() == []
    assert not send_as(stack.tenant, workflow, STRANGER).accepted
    [notified] = stack.tenant.notifications()
    assert notified.workflow == workflow
    assert notified.addresses == ("operations@contoso.com", "owner@contoso.com")

    # An action group that exists already, in place of one of our own.
    made = stack.tenant.arm.request(
        "PUT",
        f"{EXISTING}?api-version=2023-01-01",
        {"location": "Global", "properties": {"groupShortName": "ops", "enabled": True}},
    )
    assert made.status == 201
    stack = stack_with(actionGroup=EXISTING)
    succeeded(stack.up())
    rule = watching(stack)["metricAlerts/notifications-failed"]
    assert rule["actions"] == [{"actionGroupId": EXISTING}]
    assert "actionGroups/notifications-alerts" not in watching(stack)

    succeeded(stack.destroy())
    assert [*watching(stack)] == ["actionGroups/operations"]
    left = stack.tenant.snapshot() | GROUP_STAYS | {"softDeletedMailboxes": {}, "monitoring": {}}
    assert left == before
    assert stack.tenant.violations() == []


@pytest.mark.long
def test_what_watches_is_taken_up_again_with_the_rest_of_a_lost_state(fresh: StackIn) -> None:
    stack = fresh(change=alerted(addresses=["operations@contoso.com"]), tags={"env": "test"})
    stack.tenant.set_workspaces(WORKSPACE)
    succeeded(stack.up())
    before = watching(stack)
    lose(stack)

    assert recovered(stack)[0] == 0

    succeeded(stack.up())
    assert changes(stack) == []
    assert watching(stack) == before


@pytest.mark.long
def test_an_alert_that_azure_refuses_leaves_the_sender_sending(fresh: StackIn) -> None:
    # Nobody has made the workspace.
    stack = fresh(change=alerted(addresses=["operations@contoso.com"]))
    result = stack.up()
    assert not result.succeeded
    assert "workspaces/log-mail' under resource group 'rg-mail-sender' was not" in result.output
    assert "Write a Log Analytics workspace that exists under `diagnostics`" in result.output
    pass_policy_lag(stack.tenant)
    stack.tenant.set_workspaces(WORKSPACE)
    succeeded(stack.up())
    workflow = stack.outputs()["senders"]["notifications"]["workflowId"]
    assert send_as(stack.tenant, workflow, SHARED).accepted


@pytest.mark.long
@pytest.mark.parametrize(
    "changed",
    [{"workflow": "another"}, {"identity": "userAssigned"}],
    ids=["of another name", "with another identity"],
)
def test_a_workflow_that_is_made_anew_is_watched(tmp_path: Path, changed: Configuration) -> None:
    watched = alerted(addresses=["operations@contoso.com"])
    stack = stack_in(tmp_path / "stack", change=watched)
    stack.tenant.set_workspaces(WORKSPACE)
    succeeded(stack.up())

    def change(sender: Configuration) -> None:
        watched(sender)
        sender |= changed

    stack = stack_in(tmp_path / "stack", change=change)
    succeeded(stack.up())

    assert changes(stack) == []
    name = changed.get("workflow", "notifications")
    assert sorted(watching(stack)) == [
        f"actionGroups/{name}-alerts",
        f"diagnosticSettings/{name}",
        f"metricAlerts/{name}-failed",
    ]
    [rule] = [p for key, p in watching(stack).items() if key.startswith("metricAlerts")]
    assert rule["scopes"] == [stack.outputs()["senders"]["notifications"]["workflowId"]]
    assert stack.tenant.violations() == []
    succeeded(stack.destroy())
    assert watching(stack) == {}
