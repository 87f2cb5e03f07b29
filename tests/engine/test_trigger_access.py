"""Who may call a deployed HTTP trigger."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = pytest.mark.engine

CLAIMS = {
    "iss": "https://sts.windows.net/00000000-0000-4000-8000-000000000001/",
    "aud": "api://mail",
}


def called_by(**access: Any) -> Callable[[Configuration], None]:
    def change(sender: Configuration) -> None:
        sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True} | access

    return change


def call(stack: SimulatedStack, address: str) -> int:
    """The status that a caller with the callback URL gets."""
    url = stack.outputs()["senders"]["notifications"]["callbackUrl"]
    return stack.tenant.logic.invoke_callback(url, address=address).status


class TestAccessControlIsDeployed:
    def test_and_its_change_updates_the_workflow_and_nothing_else(self, redeployed: StackIn):
        office = {"allowedCallers": ["203.0.113.0/24"], "entraPolicies": {"erp": CLAIMS}}
        stack = redeployed(change=called_by(**office))
        # The deployed workflow has no HTTP trigger yet, whose callback URL could be asked for.
        succeeded(stack.preview())
        succeeded(stack.up())
        assert (call(stack, "203.0.113.9"), call(stack, "198.51.100.7")) == (202, 401)

        stack = redeployed(change=called_by(allowedCallers="otherLogicApps"))
        result = succeeded(stack.up())
        assert [(step.operation, step.name) for step in result.changes] == [
            ("update", "notifications-workflow")
        ]
        assert (call(stack, "203.0.113.9"), call(stack, "198.51.100.7")) == (401, 401)
        assert succeeded(stack.preview()).changes == []


class TestASignatureThatIsRefused:
    def test_sends_nothing_for_who_has_only_the_url(self, redeployed: StackIn):
        def refused(sender: Configuration) -> None:
            sender["trigger"] = {
                "type": "httpRequest",
                "entraPolicies": {"erp": CLAIMS},
                "signature": "refused",
            }

        stack = redeployed(change=refused)
        succeeded(stack.up())
        pass_policy_lag(stack.tenant)
        logic = stack.tenant.logic
        workflow = logic.get(stack.outputs()["senders"]["notifications"]["workflowId"])
        assert workflow is not None
        url = logic.callback_url(workflow, "manual")

        assert logic.invoke_callback(url).status == 202
        assert stack.tenant.mail() == []
        assert logic.invoke_callback(url.partition("&sp=")[0], claims=CLAIMS).status == 202
        assert len(stack.tenant.mail()) == 1
        assert succeeded(stack.preview()).changes == []
