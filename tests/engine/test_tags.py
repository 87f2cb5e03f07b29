"""Tags of what a stack makes in Azure, and those that others put there."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.sampling import sampled

pytestmark = pytest.mark.engine

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
WORKFLOW = f"{GROUP}/providers/Microsoft.Logic/workflows/notifications"
OURS = {"costCenter": "4711"}


def user_assigned(sender: Configuration) -> None:
    sender["identity"] = "userAssigned"


def another_subject(sender: Configuration) -> None:
    user_assigned(sender)
    sender["message"]["subject"] = "Another subject"


def tags(stack: SimulatedStack) -> dict[str, dict[str, str]]:
    """The tags in Azure, by kind of resource."""
    snapshot = stack.tenant.snapshot()
    kinds = ("resourceGroups", "workflows", "managedIdentities")
    return {kind: dict(next(iter(snapshot[kind].values()))["tags"]) for kind in kinds}


def tag_by_hand(stack: SimulatedStack, **added: str) -> None:
    """Somebody tags group and workflow in the portal."""
    for address, version in ((GROUP, "2024-03-01"), (WORKFLOW, "2019-05-01")):
        path = f"{address}?api-version={version}"
        body = stack.tenant.arm.request("GET", path).body
        assert body is not None
        given = ("definition", "state", "accessControl")
        properties = {k: v for k, v in body["properties"].items() if k in given}
        changed = body | {"tags": body["tags"] | added, "properties": properties}
        assert stack.tenant.arm.request("PUT", path, changed).status == 200


def changes(stack: SimulatedStack, **options: Any) -> list[str]:
    return [step.name for step in succeeded(stack.preview(**options)).steps if step.differences]


class TestEverythingInAzureIsTagged:
    @pytest.mark.long
    def test_and_retagged(self, fresh: StackIn):
        stack = fresh(change=user_assigned, tags=OURS | {"env": "test"})
        succeeded(stack.up())
        assert all(found == OURS | {"env": "test"} for found in tags(stack).values())
        assert changes(stack) == []

        stack = fresh(change=user_assigned, tags={"env": "production"})
        succeeded(stack.up())

        assert all(found == {"env": "production"} for found in tags(stack).values())


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """A deployed stack where Azure Policy adds a tag; each test has a copy."""
    stack = stack_in(tmp_path_factory.mktemp("tagged"), change=user_assigned, tags=OURS)
    stack.tenant.set_tag_policies(add={"environment": "production"})
    succeeded(stack.up())
    return stack


class TestWhatOthersTagIsLeftAlone:
    @pytest.fixture
    def stack(self, tagged: SimulatedStack, fresh: StackIn, tmp_path: Path) -> SimulatedStack:
        shutil.copytree(tagged.directory, tmp_path / "stack")
        return fresh(change=user_assigned, tags=OURS)

    def test_what_azure_policy_adds_is_no_change(self, stack: SimulatedStack):
        with_policy = OURS | {"environment": "production"}
        assert all(found == with_policy for found in tags(stack).values())
        assert changes(stack) == []
        assert changes(stack, refresh=True) == []

    def test_what_a_person_adds_is_no_drift(self, stack: SimulatedStack):
        tag_by_hand(stack, owner="finance")
        assert changes(stack, refresh=True) == []

    @pytest.mark.long
    @pytest.mark.parametrize("refreshed", sampled([False, True], [True]))
    def test_an_update_does_not_lose_it(
        self, stack: SimulatedStack, fresh: StackIn, refreshed: bool
    ):
        tag_by_hand(stack, owner="finance")
        if refreshed:
            succeeded(stack.refresh())
        stack = fresh(change=another_subject, tags={"costCenter": "4712"})

        succeeded(stack.up())

        kept = {"environment": "production", "owner": "finance", "costCenter": "4712"}
        assert tags(stack)["resourceGroups"] == tags(stack)["workflows"] == kept
        assert changes(stack) == []
        assert changes(stack, refresh=True) == []

    @pytest.mark.long
    def test_what_a_person_changes_or_takes_away_stays_so(self, stack: SimulatedStack):
        tag_by_hand(stack, owner="finance")
        succeeded(stack.up())
        tag_by_hand(stack, owner="reception")
        assert changes(stack, refresh=True) == []

        succeeded(stack.up())

        assert tags(stack)["workflows"]["owner"] == "reception"


@pytest.mark.long
class TestASubscriptionThatDemandsTags:
    def test_refuses_with_the_remedy(self, fresh: StackIn):
        stack = fresh()
        stack.tenant.set_tag_policies(require=["costCenter"])

        refused = stack.up()

        assert not refused.succeeded
        assert "resource group rg-mail-sender" in refused.output
        assert "Require the tag costCenter" in refused.output
        assert "write it under `tags` in the stack's configuration" in refused.output
        assert stack.tenant.snapshot()["resourceGroups"] == {}

        succeeded(fresh(tags=OURS).up())
