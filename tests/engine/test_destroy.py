"""What is left of a stack that was destroyed, and what is still there of everything else."""

import json

import pytest

from tests.engine.conftest import SNAPSHOT_BEFORE, StackIn, succeeded

pytestmark = pytest.mark.engine


GROUP_STAYS: dict[str, dict[str, object]] = {"resourceGroups": {}}
"""The resource group of the workflow stays, and is empty: see test_resource_group.py."""


class TestDestroyTakesItsOwnAndNothingElse:
    def test_the_tenant_is_as_before(self, redeployed: StackIn):
        stack = redeployed()
        before = json.loads((stack.directory / SNAPSHOT_BEFORE).read_text())

        succeeded(stack.destroy())

        left = stack.tenant.snapshot()
        # Exchange keeps a removed mailbox for thirty days.
        (removed,) = left["softDeletedMailboxes"].values()
        assert removed["addresses"][0] == "logicappnotifications@contoso.com"
        assert left | {"softDeletedMailboxes": {}} | GROUP_STAYS == before

    def test_nor_is_the_mailbox_recoverable_where_it_shall_be_purged(self, redeployed: StackIn):
        stack = redeployed(purge_mailboxes=True)
        before = json.loads((stack.directory / SNAPSHOT_BEFORE).read_text())
        succeeded(stack.up())

        succeeded(stack.destroy())

        assert stack.tenant.snapshot() | GROUP_STAYS == before

    def test_the_state_is_empty(self, redeployed: StackIn):
        stack = redeployed()

        succeeded(stack.destroy())

        assert stack.exported_state().get("resources", []) == []

    @pytest.mark.long
    def test_it_can_be_deployed_again(self, redeployed: StackIn):
        stack = redeployed()
        succeeded(stack.destroy())

        succeeded(stack.up())

        assert stack.tenant.violations() == []
