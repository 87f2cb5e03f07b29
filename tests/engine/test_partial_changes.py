"""A part of a change that the engine cannot save, and the way out that the documents name."""

import pytest

from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.engine.faults import violations
from tests.engine.test_faults import granted
from tests.engine.verbs import name_of, urns_of

pytestmark = [pytest.mark.engine, pytest.mark.long]


def of_its_own(sender: Configuration) -> None:
    sender["identity"] = "userAssigned"


class TestAPolicyThatIsExcludedWhileTheKindOfIdentityChanges:
    def test_leaves_a_state_that_a_repair_makes_readable(self, redeployed: StackIn):
        stack = redeployed(change=of_its_own)
        excluded = [u for u in urns_of(stack) if name_of(u) == "notifications-access-policy"]

        assert not stack.up(exclude=excluded).succeeded
        refused = stack.up()
        assert not refused.succeeded
        assert "snapshot integrity failure; refusing to use it" in refused.output
        assert not granted(stack)

        stack.edit_state("repair")

        succeeded(stack.up())
        assert stack.up().changes == []
        assert violations(stack) == []
