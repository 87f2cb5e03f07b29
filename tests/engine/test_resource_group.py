"""The resource group is made where there is none, and never deleted."""

from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.sampling import sampled

pytestmark = pytest.mark.engine

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
STRANGER = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/theirs"


def put_group(stack: SimulatedStack, **further: object) -> None:
    body = {"location": "northeurope"} | further
    assert stack.tenant.arm.request("PUT", f"{GROUP}?api-version=2024-03-01", body).status == 201


def put_stranger(stack: SimulatedStack) -> None:
    """Somebody makes an identity of his own in the group."""
    made = stack.tenant.arm.request(
        "PUT", f"{STRANGER}?api-version=2023-01-31", {"location": "westeurope"}
    )
    assert made.status == 201


def groups(stack: SimulatedStack) -> list[str]:
    return sorted(group["name"] for group in stack.tenant.snapshot()["resourceGroups"].values())


def identities(stack: SimulatedStack) -> list[str]:
    return [identity["id"] for identity in stack.tenant.snapshot()["managedIdentities"].values()]


def types_in_state(stack: SimulatedStack) -> set[str]:
    return {resource["type"] for resource in stack.exported_state().get("resources", [])}


@pytest.mark.long
class TestAGroupThatTheStackMade:
    @pytest.mark.parametrize(
        "options", sampled([{}, {"exclude_protected": True, "deletion": "retain"}], [{}])
    )
    def test_stays_with_what_others_put_into_it(self, redeployed: StackIn, options: dict[str, str]):
        deletion = options.get("deletion", "delete")
        stack = redeployed(deletion=deletion)
        succeeded(stack.up())
        put_stranger(stack)

        succeeded(stack.destroy(exclude_protected="exclude_protected" in options))

        assert groups(stack) == ["rg-mail-sender"]
        assert identities(stack) == [STRANGER]
        assert stack.tenant.snapshot()["workflows"] == {}

    def test_stays_where_the_configuration_names_another(self, redeployed: StackIn):
        stack = redeployed(resource_group="rg-other")
        put_stranger(stack)

        succeeded(stack.up())

        assert groups(stack) == ["rg-mail-sender", "rg-other"]
        assert identities(stack) == [STRANGER]
        (workflow,) = stack.tenant.snapshot()["workflows"].values()
        assert "/resourceGroups/rg-other/" in workflow["id"]
        assert stack.tenant.violations() == []

        stack = redeployed(resource_group="rg-mail-sender")
        succeeded(stack.up())

        assert groups(stack) == ["rg-mail-sender", "rg-other"]
        assert identities(stack) == [STRANGER]
        assert "azure-native:resources:ResourceGroup" not in types_in_state(stack)
        assert stack.tenant.violations() == []

    def test_is_used_again(self, redeployed: StackIn):
        stack = redeployed()
        succeeded(stack.destroy())

        succeeded(stack.up())

        assert groups(stack) == ["rg-mail-sender"]
        assert [s.name for s in succeeded(stack.preview()).steps if s.differences] == []


def policies(snapshot: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str, str]]:
    """What restricts whom, by the policy's id; what it says of itself is left out."""
    return {
        key: (policy["appId"], policy["accessRight"], policy["scopeId"])
        for key, policy in snapshot["applicationAccessPolicies"].items()
    }


class TestALock:
    """Nobody is left unconfined by it, and what it says is what to do."""

    def test_against_deletion_stops_the_teardown_before_the_policy(self, redeployed: StackIn):
        stack = redeployed()
        before = stack.tenant.snapshot()
        stack.tenant.set_locks(**{"rg-mail-sender": "CanNotDelete"})

        result = stack.destroy()

        assert not result.succeeded
        assert "ScopeLocked" in result.output
        assert "cannot perform delete operation because" in result.output
        left = stack.tenant.snapshot()
        for kept in ("workflows", "groups"):
            assert left[kept] == before[kept]
        # Released for the group's removal to take along, and as strict as before.
        assert policies(left) == policies(before)
        assert len(left["appRoleAssignments"]) == len(before["appRoleAssignments"]) - 1
        assert stack.tenant.violations() == []

        stack.tenant.set_locks()
        succeeded(stack.destroy())
        assert stack.tenant.snapshot()["workflows"] == {}

    def test_against_writing_is_explained(self, redeployed: StackIn):
        def subject(sender: Configuration) -> None:
            sender["message"]["subject"] = "Another"

        stack = redeployed(change=subject)
        stack.tenant.set_locks(**{"rg-mail-sender": "ReadOnly"})

        result = stack.up()

        assert not result.succeeded
        assert "Ask who did, and run this again without the lock" in " ".join(result.output.split())


class TestAGroupThatExists:
    @pytest.mark.long
    def test_needs_no_rights_on_the_subscription(self, tmp_path: Path):
        def user_assigned(sender: Configuration) -> None:
            sender["identity"] = "userAssigned"

        stack = stack_in(tmp_path / "stack", change=user_assigned)
        put_group(stack)
        stack.tenant.set_only_resource_group("rg-mail-sender")

        succeeded(stack.up())
        assert succeeded(stack.preview()).changes == []
        succeeded(stack.destroy())

    def test_is_neither_made_nor_changed(self, tmp_path: Path):
        stack = stack_in(tmp_path / "stack", tags={"costCenter": "4711"})
        put_group(stack, tags={"owner": "finance"})
        before = stack.tenant.snapshot()["resourceGroups"]

        succeeded(stack.up())

        assert stack.tenant.snapshot()["resourceGroups"] == before
        assert "azure-native:resources:ResourceGroup" not in types_in_state(stack)
        assert [s.name for s in succeeded(stack.preview()).steps if s.differences] == []

        succeeded(stack.destroy())

        assert stack.tenant.snapshot()["resourceGroups"] == before
