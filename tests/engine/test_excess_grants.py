"""What an identity of the stack holds and no state knows is found, and taken out."""

from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant.faults import Fault, Kind, steps
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, DIRECTORY_APP_ROLES
from tests.engine.conftest import StackIn, succeeded
from tests.engine.faults import comparable, unequal, violations
from tests.engine.signed_in import signed_in_to
from tests.engine.test_recover import recovered

pytestmark = pytest.mark.engine


def permits(*permissions: str) -> Any:
    def change(sender: dict[str, Any]) -> None:
        sender["permissions"] = list(permissions)

    return change


def held(stack: SimulatedStack) -> list[str]:
    """The permissions of the workflow's identity, by their names."""
    snapshot = stack.tenant.snapshot()
    (identity,) = [workflow["principalId"] for workflow in snapshot["workflows"].values()]
    names = {role: name for name, role in CONFINABLE_APP_ROLES.items()}
    return sorted(
        names[grant["appRoleId"]]
        for grant in snapshot["appRoleAssignments"].values()
        if grant["principalId"] == identity
    )


@pytest.mark.long
class TestAPermissionWhoseAnswerWasLostAndThatWasTakenOutAgain:
    def test_is_taken_out_by_the_up_after_recover(self, redeployed: StackIn):
        stack = redeployed()
        before = comparable(stack.tenant.snapshot())
        (step,) = [
            step
            for step in steps(stack.tenant.calls())
            if step.operation == "POST" and "/appRoleAssignedTo" in step.target
        ]
        stack = redeployed(change=permits("Mail.Send", "Mail.Read"))
        stack.tenant.plan_faults([Fault(step, Kind.TIMEOUT_AFTER)])
        assert not stack.up().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])
        stack = redeployed()
        succeeded(stack.up())
        assert stack.up().changes == []
        assert held(stack) == ["Mail.Read", "Mail.Send"]
        tenant = stack.tenant.snapshot()

        code, shown = recovered(stack)

        assert code == 0, shown
        assert "Mail.Read of notifications-workflow" in shown
        assert "granted, and in no state" in shown
        assert stack.tenant.snapshot() == tenant
        deleted = [step for step in stack.preview().changes if step.operation == "delete"]
        assert {step.name for step in deleted} == {"notifications-access-mail-read"}
        succeeded(stack.up())
        assert held(stack) == ["Mail.Send"]
        assert unequal(comparable(stack.tenant.snapshot()), before) == []
        assert stack.up().changes == []
        assert violations(stack) == []


class TestAPermissionThatThisProgramDoesNotGrant:
    def test_is_named_with_what_takes_it_out_and_left_alone(self, redeployed: StackIn):
        stack = redeployed()
        snapshot = stack.tenant.snapshot()
        (workflow,) = snapshot["workflows"].values()
        principal = workflow["principalId"]
        (own,) = [
            grant
            for grant in snapshot["appRoleAssignments"].values()
            if grant["principalId"] == principal
        ]
        token = signed_in_to(stack.tenant)._token("", "https://graph.microsoft.com")
        granted = stack.tenant.graph.request(
            "POST",
            f"/v1.0/servicePrincipals/{principal}/appRoleAssignments",
            {
                "principalId": principal,
                "resourceId": own["resourceId"],
                "appRoleId": DIRECTORY_APP_ROLES["User.Read.All"],
            },
            token=token,
            headers={"Content-Type": "application/json"},
        )
        assert granted.status == 201, granted.body
        assert granted.body
        state = stack.exported_state()["resources"]

        code, shown = recovered(stack)

        assert code == 3
        assert "User.Read.All of notifications-workflow" in shown
        assert "it was not granted by this program" in shown
        assert stack.exported_state()["resources"] == state
        path = f"/v1.0/servicePrincipals/{principal}/appRoleAssignments/{granted.body['id']}"
        assert f"DELETE {path}" in shown
        assert stack.tenant.graph.request("DELETE", path, token=token).status == 204
        assert recovered(stack)[0] == 0
