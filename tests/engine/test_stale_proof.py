"""A grant that is made in a later run than the proof: it is proven again, or not made."""

import shutil
from pathlib import Path

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant.faults import Fault, Kind, Step
from tests.engine.conftest import StackIn, stack_in, succeeded
from tests.engine.test_drift import administrator
from tests.engine.test_recover import delete, one_grant

pytestmark = pytest.mark.engine


def remove_policies(stack: SimulatedStack) -> None:
    """What an administrator does who does not know what a policy is for."""
    for policy in administrator(stack, "Get-ApplicationAccessPolicy"):
        if "graphscope-mailsender" in policy["Description"]:
            administrator(
                stack,
                "Remove-ApplicationAccessPolicy",
                Identity=policy["Identity"],
                Confirm=False,
            )


@pytest.fixture(scope="module")
def refused_stack(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """A stack whose first `up` got as far as the grant, and not the grant."""
    stack = stack_in(tmp_path_factory.mktemp("refused"))
    step = Step("", "Graph", "POST", "/v1.0/servicePrincipals/{id}/appRoleAssignedTo", 1)
    stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
    assert not stack.up().succeeded
    assert stack.tenant.faults_happened() == 1
    stack.tenant.plan_faults([])
    return stack


@pytest.fixture
def refused(refused_stack: SimulatedStack, tmp_path: Path) -> SimulatedStack:
    """A copy of that stack."""
    shutil.copytree(refused_stack.directory, tmp_path / "copy")
    return stack_in(tmp_path / "copy")


@pytest.mark.long
class TestAGrantThatWasRefusedBefore:
    def test_is_made_after_another_proof(self, refused: SimulatedStack):
        before = len(refused.tenant.calls())

        succeeded(refused.up())

        names = [call.operation for call in refused.tenant.calls()[before:]]
        assert names.index("Test-ApplicationAccessPolicy") < names.index("POST")

    def test_is_not_made_where_the_policy_is_gone(self, refused: SimulatedStack):
        remove_policies(refused)

        result = refused.up()

        assert not result.succeeded
        assert "does not hold any more: this run grants nothing more, and what was granted" in (
            result.output
        )
        assert "no RestrictAccess policy of the application" in result.output
        assert "Set 'drift: true'" in result.output
        assert refused.tenant.violations() == []


class TestAGrantThatWasRemoved:
    def test_is_not_made_again_where_the_policy_is_gone(self, redeployed: StackIn):
        stack: SimulatedStack = redeployed()
        delete(stack, one_grant(stack))
        remove_policies(stack)
        succeeded(stack.refresh())

        result = stack.up()

        assert not result.succeeded
        assert "this run grants nothing more" in result.output
        assert stack.tenant.violations() == []

    def test_is_made_again_with_the_policy_where_drift_is_looked_for(self, redeployed: StackIn):
        stack: SimulatedStack = redeployed()
        delete(stack, one_grant(stack))
        remove_policies(stack)
        succeeded(stack.refresh())

        succeeded(stack_in(stack.directory, drift=True).up())

        assert stack.tenant.violations() == []


class TestAProofOfTheSameRun:
    def test_is_not_repeated(self, fresh: StackIn):
        stack: SimulatedStack = fresh()

        succeeded(stack.up())

        names = [call.operation for call in stack.tenant.calls()]
        assert names.count("Test-ApplicationAccessPolicy") == 2
