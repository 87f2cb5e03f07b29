"""A deployed sender goes from a policy to roles and back, and can send at every moment."""

from typing import Any

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = [pytest.mark.engine, pytest.mark.long]

MAILBOX, CONTROL = "logicappnotifications@contoso.com", "control.mailbox@contoso.com"


def by_both(sender: Configuration) -> None:
    sender["scoping"] = "both"


def by_roles(sender: Configuration) -> None:
    del sender["group"]
    sender["scoping"] = "rbac"


class Sender:
    """One deployed sender, in the time of its tenant."""

    def __init__(self, stack_in: StackIn, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stack_in = stack_in
        self.stack = self.told()
        for module in (
            "components.migration",
            "components.scoped_mail_sender",
            "configuration.loading",
        ):
            monkeypatch.setattr(f"{module}.now", lambda: self.stack.tenant.clock.now())

    def told(self, change: Any = None) -> SimulatedStack:
        """The stack with another configuration of the sender."""
        self.stack = self._stack_in(change=change, deletion="retain", settle="PT1H")
        self.stack.tenant.set_sending_is_tried(True)
        return self.stack

    def up(self, change: Any = None) -> Result:
        """Deploys, has the sender send at once, and finds nothing more to do."""
        succeeded(self.told(change).up())
        self.sends()
        preview = succeeded(self.stack.preview())
        assert preview.changes == []
        return preview

    def refused(self, change: Any = None) -> str:
        before = self.has()
        result = self.told(change).up()
        assert not result.succeeded
        assert self.has() == before
        return result.output

    def sends(self) -> None:
        """As its mailbox, and not as the control mailbox."""
        workflow = self.stack.outputs()["senders"]["notifications"]["workflowId"]
        assert send_as(self.stack.tenant, workflow, MAILBOX).accepted
        assert send_as(self.stack.tenant, workflow, CONTROL).status == 403

    def later(self, hours: float) -> None:
        """Lets time pass, in which the sender sends."""
        for _ in range(4):
            self.stack.tenant.clock.advance(hours * 3600 / 4)
            self.sends()

    def has(self) -> dict[str, int]:
        """How many there are of what lets it send, and of what confines it."""
        snapshot, outputs = self.stack.tenant.snapshot(), self.stack.outputs()["senders"]
        principal = outputs["notifications"]["principalId"]
        client = outputs["notifications"]["clientId"]
        return {
            "grants": sum(
                grant["principalId"] == principal
                for grant in snapshot["appRoleAssignments"].values()
            ),
            "policies": sum(
                client in str(policy) for policy in snapshot["applicationAccessPolicies"].values()
            ),
            "groups": sum(
                "graphscope-mailsender" in str(group) for group in snapshot["groups"].values()
            ),
            "roles": len(snapshot["managementRoleAssignments"]),
            "scopes": len(snapshot["managementScopes"]),
        }


POLICY = {"grants": 1, "policies": 1, "groups": 1, "roles": 0, "scopes": 0}
BOTH = {"grants": 1, "policies": 1, "groups": 1, "roles": 1, "scopes": 1}
ROLES = {"grants": 0, "policies": 0, "groups": 0, "roles": 1, "scopes": 1}


@pytest.fixture
def sender(fresh: StackIn, monkeypatch: pytest.MonkeyPatch) -> Sender:
    sender = Sender(fresh, monkeypatch)
    succeeded(sender.stack.up())
    pass_policy_lag(sender.stack.tenant)
    sender.sends()
    assert sender.has() == POLICY
    return sender


def test_there_and_back(sender: Sender) -> None:
    assert "Write both, with a group" in sender.refused(by_roles)

    sender.up(by_both)
    assert sender.has() == BOTH
    assert "comes before" in sender.refused(by_roles)
    sender.later(2)
    assert "to scoping: rbac from" in succeeded(sender.told(by_both).preview()).output
    preview = succeeded(sender.told(by_roles).preview())
    assert "the grant goes in this run" in preview.output
    assert {
        (step.operation, step.type) for step in preview.changes if step.operation == "delete"
    } == {
        ("delete", "azuread:index/appRoleAssignment:AppRoleAssignment"),
        ("delete", "pulumi:index:Stash"),
    }

    waiting = sender.up(by_roles)
    assert sender.has() == BOTH | {"grants": 0}
    assert "the policy with its group stays until" in waiting.output
    sender.later(24)
    assert sender.has() == BOTH | {"grants": 0}
    succeeded(sender.told(by_roles).up())
    assert sender.has() == BOTH | {"grants": 0}
    sender.later(2)
    assert "goes in this run" in succeeded(sender.told(by_roles).preview()).output
    sender.up(by_roles)
    assert sender.has() == ROLES
    sender.later(2)
    assert sender.stack.tenant.violations() == []

    assert "Write both, with a group" in sender.refused()
    sender.up(by_both)
    assert sender.has() == BOTH
    sender.later(20)
    assert "comes before" in sender.refused()
    sender.later(4)
    waiting = sender.up()
    assert sender.has() == POLICY | {"scopes": 1}
    assert "the scope of the former roles stays until" in waiting.output
    sender.later(4)
    sender.up()
    assert sender.has() == POLICY
    sender.later(2)
    assert sender.stack.tenant.violations() == []
