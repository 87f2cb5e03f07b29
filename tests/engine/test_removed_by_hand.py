"""What somebody deletes in the portal: every verb names the command that takes note of it."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import StackIn, stack_in, succeeded
from tests.engine.faults import violations
from tests.engine.test_faults import granted
from tests.engine.test_ownership import by_hand
from tests.engine.test_rbac import by_roles, objects
from tests.engine.test_recover import recovered
from tests.sampling import sampled

pytestmark = pytest.mark.engine

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
WORKFLOW = f"{GROUP}/providers/Microsoft.Logic/workflows/notifications"
ADDRESSES = {
    "the workflow": f"{WORKFLOW}?api-version=2019-05-01",
    "the resource group": f"{GROUP}?api-version=2024-03-01",
}
IDENTITY = (
    f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-notifications"
    "?api-version=2023-01-31"
)
SCOPE = "graphscope-mailsender@contoso.com"
COMMAND = (
    "`python -m operations.recover --stack local` takes note of what is gone, and so does "
    "`pulumi refresh --stack local`"
)


def remove(stack: SimulatedStack, what: str) -> None:
    """Deletes it as a person does in the portal; the identity and its grants go with it."""
    assert granted(stack)
    assert stack.tenant.arm.request("DELETE", ADDRESSES[what]).status in {200, 202}
    assert not granted(stack)


def assert_named(stack: SimulatedStack, look_up: str) -> None:
    """A preview and `up` are refused, with what was looked up and the command that mends it."""
    for run in (stack.preview, stack.up):
        result = run()

        assert not result.succeeded
        assert f"{look_up} of resourceGroupName rg-mail-sender" in result.output
        assert COMMAND in result.output


def resubject(sender: dict[str, Any]) -> None:
    sender["message"]["subject"] = "Another subject"


@pytest.mark.parametrize("what", sampled(ADDRESSES, ["the workflow"]))
class TestTheStackIsPutRightByOneCommand:
    def test_that_preview_and_up_name_and_then_it_is_made_anew(
        self, redeployed: StackIn, what: str
    ):
        stack = redeployed()
        remove(stack, what)
        before = stack.tenant.snapshot()
        assert_named(stack, "getWorkflow")
        assert stack.tenant.snapshot() == before

        code, shown = recovered(stack)

        assert code == 0, shown
        succeeded(stack.up())
        assert granted(stack)
        assert stack.up().changes == []
        assert violations(stack) == []

    @pytest.mark.long
    def test_after_which_destroy_removes_what_is_left(self, redeployed: StackIn, what: str):
        stack = redeployed()
        remove(stack, what)
        # In the provider's words: destroy does not run the program. docs/messages.md has them.
        refused = stack.destroy()
        assert not refused.succeeded
        assert "Deleting Service Principal Id App Role Assigned To" in refused.output
        assert "Request_ResourceNotFound" in refused.output

        code, shown = recovered(stack)

        assert code == 0, shown
        succeeded(stack.destroy())
        assert not stack.exported_state().get("resources")
        assert violations(stack) == []

    def test_or_by_a_refresh(self, redeployed: StackIn, what: str):
        stack = redeployed()
        remove(stack, what)

        succeeded(stack.refresh())

        succeeded(stack.destroy())
        assert not stack.exported_state().get("resources")
        assert violations(stack) == []


@pytest.mark.long
class TestAChangeOfWhatIsGone:
    def test_makes_it_anew_and_names_the_command_for_the_grant_that_went_with_it(
        self, redeployed: StackIn
    ):
        """The provider's update of a workflow is a PUT, which creates what is not there."""
        stack = redeployed(change=resubject)
        remove(stack, "the workflow")

        result = stack.up()

        assert not result.succeeded
        assert "notifications-access-mail-send: delete was refused: Deleting" in result.output
        assert COMMAND in result.output
        assert not granted(stack)

        code, shown = recovered(stack)

        assert code == 0, shown
        succeeded(stack.up())
        assert granted(stack)
        assert violations(stack) == []


@pytest.mark.long
class TestAUserAssignedIdentityThatIsGone:
    def test_is_named_with_the_command_and_then_made_anew(self, fresh: StackIn):
        stack = fresh(change=of_its_own)
        succeeded(stack.up())
        assert stack.tenant.arm.request("DELETE", IDENTITY).status == 200
        assert_named(stack, "getUserAssignedIdentity")

        succeeded(stack.refresh())

        succeeded(stack.up())
        assert stack.up().changes == []
        assert violations(stack) == []


@pytest.mark.long
class TestAWorkflowThatSendsByARole:
    """Exchange takes its pointer and its assignment away with the principal; the scope stays."""

    def test_is_named_with_the_command_and_made_anew_with_a_role_of_its_own(self, fresh: StackIn):
        def told(*changes: Callable[[dict[str, Any]], None]) -> SimulatedStack:
            return fresh(change=lambda sender: [each(sender) for each in changes], drift=True)

        stack = told(by_roles)
        succeeded(stack.up())
        [scope] = objects(stack)["managementScopes"]
        first = self.only_role(stack, scope)
        self.remove_workflow(stack)
        gone = stack.tenant.snapshot()
        assert not gone["servicePrincipalPointers"]
        assert not gone["managementRoleAssignments"]
        assert_named(stack, "getWorkflow")
        assert stack.tenant.snapshot() == gone

        code, shown = recovered(stack)

        assert code == 0, shown
        succeeded(stack.up())
        second = self.only_role(stack, scope)
        assert second != first
        assert stack.up().changes == []

        # A change of it makes it anew by itself.
        self.remove_workflow(stack)
        stack = told(by_roles, resubject)
        succeeded(stack.up())
        assert self.only_role(stack, scope) not in {first, second}
        assert stack.up().changes == []

        # And what is gone has nothing left when the stack goes.
        self.remove_workflow(stack)
        code, shown = recovered(stack)
        assert code == 0, shown
        succeeded(stack.destroy())
        assert objects(stack) == {kind: {} for kind in objects(stack)}
        assert violations(stack) == []

    def remove_workflow(self, stack: SimulatedStack) -> None:
        assert stack.tenant.arm.request("DELETE", ADDRESSES["the workflow"]).status == 200
        stack.tenant.clock.advance(max(stack.tenant.lags.values()))

    def only_role(self, stack: SimulatedStack, scope: str) -> str:
        """Whose the one role assignment is, which has the scope and the one pointer."""
        principal = stack.outputs()["senders"]["notifications"]["principalId"]
        found = objects(stack)
        assert [*found["servicePrincipalPointers"]] == [principal]
        assert [
            (each["principalId"], each["scopeId"], each["role"])
            for each in found["managementRoleAssignments"].values()
        ] == [(principal, scope, "Application Mail.Send")]
        return str(principal)


def of_its_own(sender: dict[str, Any]) -> None:
    sender["identity"] = "userAssigned"


def rename_workflow(sender: dict[str, Any]) -> None:
    sender["workflow"] = "notifications-2"


@pytest.mark.long
class TestTheGroupOfThePolicyThatIsGone:
    def test_is_named_with_the_setting_that_makes_it_anew(self, redeployed: StackIn):
        stack = redeployed(change=rename_workflow)
        parameters = {"Identity": SCOPE, "BypassSecurityGroupManagerCheck": True}
        by_hand(stack.tenant, "Remove-DistributionGroup", **parameters)

        result = stack.up()

        assert not result.succeeded
        assert f"object '{SCOPE}' couldn't be found" in result.output
        assert "removed by hand, set 'drift: true' in the stack's configuration" in result.output
        assert not granted(stack)

        mended = stack_in(stack.directory, change=rename_workflow, drift=True)
        succeeded(mended.up())
        assert granted(mended)
        assert mended.up().changes == []
