"""`pulumi up` of a part of the stack, which leaves the rest as the state has it."""

import copy
import json

import pytest

from components import service_principal
from simulator.engine import SimulatedStack
from simulator.tenant import SUBSCRIPTION_ID
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = pytest.mark.engine


def urn_of(stack: SimulatedStack, name: str) -> str:
    """The URN of a resource, which no component has the name of."""
    (found,) = [
        resource["urn"]
        for resource in stack.exported_state()["resources"]
        if resource["custom"] and resource["urn"].endswith(f"::{name}")
    ]
    return str(found)


def renamed(sender: Configuration) -> None:
    sender["workflow"] = "wf2"


class TestAWorkflowThatIsRenamed:
    """Its new identity has no policy yet; that of the former one stands."""

    def test_is_not_granted_anything_where_policy_and_proof_are_not_among_the_targets(
        self, redeployed: StackIn
    ):
        stack = redeployed(change=renamed)
        parts = ("workflow", "access-mail-send")
        targets = [urn_of(stack, f"notifications-{part}") for part in parts]

        result = stack.up(target=targets)

        assert not result.succeeded
        assert "The confinement of application" in result.output
        assert "--target or --exclude" in result.output
        assert not stack.tenant.violations()

    @pytest.mark.long
    def test_is_waited_for_no_longer_than_replicas_take_where_it_is_the_target_alone(
        self, redeployed: StackIn, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(service_principal, "REPLICA_DELAYS", [])
        stack = redeployed(change=renamed)

        # The engine replaces the workflow, and its grant by one for the identity that it knows.
        result = stack.up(target=[urn_of(stack, "notifications-workflow")])

        assert not result.succeeded
        assert "It was there before, and has gone since: with --target" in result.output
        succeeded(stack.up())
        assert not stack.tenant.violations()

    @pytest.mark.long
    def test_is_not_granted_anything_where_policy_and_proof_are_excluded(self, redeployed: StackIn):
        stack = redeployed(change=renamed)
        parts = ("access-policy", "access-proof")
        excluded = [urn_of(stack, f"notifications-{part}") for part in parts]

        result = stack.up(exclude=excluded)

        assert not result.succeeded
        assert "The confinement of application" in result.output
        assert not stack.tenant.violations()


class TestAWorkflowThatTakesTheNameOfAnother:
    """One that somebody made, and whose identity is to be none of ours."""

    def test_keeps_its_policy_where_only_that_is_a_target(self, redeployed: StackIn):
        stack = redeployed(change=renamed)
        body = stack.tenant.arm.request("GET", workflow("notifications")).body
        assert body is not None
        body["properties"] = {"definition": body["properties"]["definition"]}
        assert stack.tenant.arm.request("PUT", workflow("wf2"), body).status == 201
        before = stack.tenant.snapshot()["applicationAccessPolicies"]

        stack.up(target=[urn_of(stack, "notifications-access-policy")])

        assert stack.tenant.snapshot()["applicationAccessPolicies"] == before
        assert not stack.tenant.violations()


class TestTwoSendersThatSwapTheirWorkflowsNames:
    def test_are_refused_before_anything_changes(self, redeployed: StackIn):
        stack = both(redeployed())
        succeeded(stack.up())
        before = stack.tenant.snapshot()
        both(stack, swapped=True)

        result = stack.up()

        assert not result.succeeded
        assert "the workflow that the sender reports has until this run" in result.output
        assert "the workflow that the sender notifications has until this run" in result.output
        assert stack.tenant.snapshot() == before


def workflow(name: str) -> str:
    return (
        f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
        f"/providers/Microsoft.Logic/workflows/{name}?api-version=2019-05-01"
    )


def both(stack: SimulatedStack, *, swapped: bool = False) -> SimulatedStack:
    """The stack with a second sender, each with the other's workflow name where they swapped."""
    file = stack.work_dir / "Pulumi.local.yaml"
    settings = json.loads(file.read_text(encoding="utf-8"))
    first = settings["config"]["scoped-mail-sender:senders"][0]
    second = copy.deepcopy(first) | {"name": "reports", "workflow": "reports"}
    second["mailbox"] |= {"name": "Reports", "address": "reports@contoso.com"}
    second["group"] |= {"name": "Reports Scope", "address": "reports-scope@contoso.com"}
    for group in (second["mailbox"], second["group"]):
        for derived in ("alias", "displayName", "policyDescription"):
            group.pop(derived, None)
    if swapped:
        first["workflow"], second["workflow"] = "reports", "notifications"
    settings["config"]["scoped-mail-sender:senders"] = [first, second]
    file.write_text(json.dumps(settings), encoding="utf-8")
    return stack
