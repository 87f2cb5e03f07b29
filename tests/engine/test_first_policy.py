"""The first ``up`` and the last ``destroy`` of a tenant in which nobody has made a policy."""

import pytest

from simulator.tenant.seed import Seed
from tests.engine.conftest import StackIn, succeeded

pytestmark = pytest.mark.engine


@pytest.mark.long
class TestATenantWithoutAnyPolicy:
    def test_gets_its_first_one_and_loses_its_last_one(self, fresh: StackIn) -> None:
        stack = fresh(seed=Seed.NO_POLICIES)
        up = succeeded(stack.up())
        # Get-ApplicationAccessPolicy throws there, which is no reason to wait.
        assert "ManagementObjectNotFoundException" not in up.output
        assert len(stack.tenant.exchange.policies.present()) == 1
        destroy = succeeded(stack.destroy())
        assert "waiting 15 s" not in destroy.output
        assert not stack.tenant.exchange.policies.present()
        assert not stack.tenant.violations()
