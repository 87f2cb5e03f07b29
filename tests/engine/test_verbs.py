"""The engine's verbs beside ``up`` and ``destroy``: what a person does, and what still holds.

Nothing is lost, and no identity that can send is without its policy. What a removal removes it
tells by its claim, and a group stays while a policy on it is not released.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation

from components import service_principal
from components.exchange.application_access_policy import (
    ApplicationAccessPolicy,
    ApplicationAccessPolicyArgs,
)
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant.faults import Fault, Kind
from tests.engine.conftest import StackIn, succeeded
from tests.engine.faults import Scenario, learn, violations
from tests.engine.test_deletion import pulumi as pulumi_command
from tests.sampling import sampled

pytestmark = pytest.mark.engine

COMMANDS = ("notifications-mailbox", "notifications-group", "notifications-access-policy")
GROUP = "graphscope-mailsender@contoso.com"
# What the engine calls a resource that it makes anew.
ANEW = "create-replacement"
WORKFLOW = "azure-native:logic:Workflow"
POLICY = "the component of the policy"
TYPES = ("SharedMailbox", "MailEnabledSecurityGroup", POLICY)
RECIPIENTS = ("mailboxes", "groups", "softDeletedMailboxes")


def urn_of(stack: SimulatedStack, name: str, kind: str = "command:local:Command") -> str:
    (urn,) = (
        resource["urn"]
        for resource in stack.exported_state()["resources"]
        if resource["type"] == kind and resource["urn"].endswith(f"::{name}")
    )
    return str(urn)


def up(stack: SimulatedStack, **options: Any) -> str:
    """``pulumi up`` with further options; why it failed, or an empty text."""
    lines: list[str] = []
    with stack.opened() as opened:
        try:
            opened.up(program=stack.run_program, on_output=lines.append, **options)
        except automation.CommandError:
            return "\n".join(lines)
    return ""


def identifiers(stack: SimulatedStack) -> Mapping[str, Any]:
    """The ids of all mailboxes, groups, identities, policies and grants: none came or went."""
    kinds = (*RECIPIENTS, "servicePrincipals", "applicationAccessPolicies", "appRoleAssignments")
    snapshot = stack.tenant.snapshot()
    return {kind: sorted(snapshot[kind]) for kind in kinds}


def sends(stack: SimulatedStack) -> bool:
    pass_policy_lag(stack.tenant)
    sender = stack.outputs()["senders"]["notifications"]
    return send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted


def assert_unharmed(stack: SimulatedStack, before: Mapping[str, Any]) -> None:
    """Everything is there, can send, and goes without a trace when it is destroyed."""
    assert identifiers(stack) == before
    assert stack.up().changes == []
    assert sends(stack)
    succeeded(stack.destroy())
    snapshot = stack.tenant.snapshot()
    assert GROUP not in str(snapshot["groups"])
    assert "logicappnotifications@contoso.com" not in str(snapshot["mailboxes"])
    assert violations(stack) == []


class TestAResourceIsMadeAnew:
    """The engine creates first, and then deletes the old one, which means the same object."""

    @pytest.mark.parametrize("name", sampled(COMMANDS, ["notifications-group"]))
    def test_by_up_replace(self, redeployed: StackIn, name: str):
        stack = redeployed()
        before = identifiers(stack)

        assert up(stack, replace=[urn_of(stack, name)]) == ""

        assert_unharmed(stack, before)

    @pytest.mark.parametrize("name", sampled(COMMANDS, ["notifications-mailbox"]))
    def test_after_state_taint(self, redeployed: StackIn, name: str):
        stack = redeployed()
        before = identifiers(stack)
        done = pulumi_command(stack, "state", "taint", urn_of(stack, name))
        assert done.returncode == 0, done.stderr

        result = succeeded(stack.up())

        assert (ANEW, name) in [(step.operation, step.name) for step in result.changes]
        assert_unharmed(stack, before)

    @pytest.mark.long
    def test_by_up_replace_where_a_removed_mailbox_is_purged(self, redeployed: StackIn):
        stack = redeployed(purge_mailboxes=True)
        succeeded(stack.up())
        before = identifiers(stack)

        assert up(stack, replace=[urn_of(stack, COMMANDS[0])]) == ""

        assert_unharmed(stack, before)

    @pytest.mark.parametrize("renamed", sampled([*TYPES, "all of them"], ["all of them"]))
    def test_because_a_component_class_has_another_name(
        self,
        redeployed: StackIn,
        monkeypatch: pytest.MonkeyPatch,
        renamed: str,
    ):
        stack = redeployed()
        before = identifiers(stack)
        construct = pulumi.ComponentResource.__init__
        construct_policy = ApplicationAccessPolicy.__init__

        def construct_renamed(
            self: pulumi.ComponentResource, t: str, *arguments: Any, **options: Any
        ) -> None:
            package, _, name = t.rpartition(":")
            if name == renamed or (renamed == "all of them" and name in TYPES):
                t = f"{package}:Renamed{name}"
            construct(self, t, *arguments, **options)

        def construct_elsewhere(
            self: ApplicationAccessPolicy,
            name: str,
            args: ApplicationAccessPolicyArgs,
            opts: pulumi.ResourceOptions,
        ) -> None:
            opts.parent = None
            construct_policy(self, name, args, opts)

        monkeypatch.setattr(pulumi.ComponentResource, "__init__", construct_renamed)
        if renamed in (POLICY, "all of them"):
            monkeypatch.setattr(ApplicationAccessPolicy, "__init__", construct_elsewhere)

        result = succeeded(stack.up())

        assert {"create", "delete"} <= {step.operation for step in result.changes}
        assert_unharmed(stack, before)


@pytest.mark.long
class TestAWorkflowHasAnotherNameInTheProgramAndInAzure:
    """Its former identity goes at the end of the run, with what it was granted."""

    def test_which_leaves_the_policy_of_that_until_it_is_gone(
        self, redeployed: StackIn, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(service_principal, "REPLICA_DELAYS", [])
        stack = redeployed(change=lambda sender: sender.update(workflow="wf2"))
        former = urn_of(stack, "notifications-workflow", WORKFLOW)
        stack.edit_state("rename", former, "former")

        result = stack.up()

        assert not result.succeeded
        assert "is still there, so the policy that confines it stays" in result.output
        assert violations(stack) == []

        # As the message says.
        urn = urn_of(stack, "former", WORKFLOW)
        succeeded(stack.destroy(target=[urn], target_dependents=True))
        succeeded(stack.up())

        assert sends(stack)
        assert stack.up().changes == []
        assert violations(stack) == []


def assert_kept_confined(stack: SimulatedStack, client_id: str, said: str) -> None:
    """The removal of the group was refused, with the application that it still confines."""
    assert f"the application {client_id} on it was not released" in said
    snapshot = stack.tenant.snapshot()
    assert GROUP in str(snapshot["groups"])
    policies = snapshot["applicationAccessPolicies"].values()
    (policy,) = (policy for policy in policies if policy["appId"] == client_id)
    assert policy["accessRight"] == "RestrictAccess"
    assert violations(stack) == []


def lose_state(stack: SimulatedStack, keep: Callable[[str], bool] = lambda _: False) -> str:
    """Loses the state, but for resources of some types; the client id of the identity in it."""
    client_id = stack.outputs()["senders"]["notifications"]["clientId"]
    with stack.opened() as opened:
        exported = opened.export_stack()
        assert exported.deployment is not None
        resources = exported.deployment["resources"]
        left = [resource for resource in resources if keep(resource["type"])]
        known = {resource["urn"] for resource in left}
        for resource in left:
            if resource.get("parent") not in known:
                resource.pop("parent", None)
            resource["dependencies"] = [
                urn for urn in resource.get("dependencies", []) if urn in known
            ]
        lost = {**exported.deployment, "resources": left}
        opened.import_stack(automation.Deployment(version=exported.version, deployment=lost))
    return str(client_id)


def is_resource_group(kind: str) -> bool:
    return kind in ("pulumi:pulumi:Stack", "azure-native:resources:ResourceGroup") or (
        kind == "pulumi:providers:azure-native"
    )


class TestAStateIsLost:
    """The first identity keeps its grant, and nothing of the new state removes its policy."""

    def test_another_resource_group_is_chosen_and_that_stack_is_destroyed(
        self, redeployed: StackIn
    ):
        stack = redeployed()
        client_id = lose_state(stack)
        stack = redeployed(resource_group="rg-second")
        succeeded(stack.up())
        assert sends(stack)

        result = stack.destroy()

        assert not result.succeeded
        assert_kept_confined(stack, client_id, result.output)

    @pytest.mark.long
    @pytest.mark.parametrize("continue_on_error", [False, True])
    def test_the_resource_group_is_imported_and_what_failed_is_destroyed(
        self, redeployed: StackIn, continue_on_error: bool
    ):
        stack = redeployed()
        client_id = lose_state(stack, keep=is_resource_group)
        assert "already existing resource" in up(stack, continue_on_error=continue_on_error)

        result = stack.destroy()

        assert not result.succeeded
        assert_kept_confined(stack, client_id, result.output)

    def test_the_workflow_is_taken_out_of_it_and_the_stack_is_destroyed(self, redeployed: StackIn):
        stack = redeployed()
        client_id = stack.outputs()["senders"]["notifications"]["clientId"]
        urn = urn_of(stack, "notifications-workflow", "azure-native:logic:Workflow")
        done = pulumi_command(stack, "state", "delete", urn, "--target-dependents")
        assert done.returncode == 0, done.stderr

        result = stack.destroy()

        assert not result.succeeded
        assert_kept_confined(stack, client_id, result.output)


@pytest.mark.long
class TestADestroyThatWentNoFurther:
    def test_is_taken_back_by_up(
        self, deployed: SimulatedStack, redeployed: StackIn, tmp_path: Path
    ):
        clean = learn(Scenario("", destroy=True), deployed.directory, tmp_path / "clean")
        stack = redeployed()
        # Released is the policy then, and the workflow stays.
        (step,) = (s for s in clean.steps if s.operation == "DELETE" and "/workflows/" in s.target)
        stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        assert not stack.destroy().succeeded
        assert stack.tenant.faults_happened() == 1
        stack.tenant.plan_faults([])
        assert "'released'" in str(stack.tenant.snapshot()["applicationAccessPolicies"])

        succeeded(stack.up())

        assert "'released'" not in str(stack.tenant.snapshot()["applicationAccessPolicies"])
        assert sends(stack)
        assert stack.up().changes == []
        assert violations(stack) == []


@pytest.mark.long
class TestAnotherAttributeForMarks:
    def test_is_the_configuration_s_to_choose(self, fresh: StackIn):
        stack = fresh()
        settings = stack.work_dir / "Pulumi.local.yaml"
        text = settings.read_text(encoding="utf-8")
        key = '"scoped-mail-sender:markAttribute": "CustomAttribute3", '
        place = '"scoped-mail-sender:settle"'
        settings.write_text(text.replace(place, key + place), encoding="utf-8")

        succeeded(stack.up())

        (mailbox,) = (
            found["customAttributes"]["CustomAttribute3"]
            for found in stack.tenant.snapshot()["mailboxes"].values()
            if found["customAttributes"]
        )
        assert mailbox.startswith("scoped-mail-sender/local/notifications-mailbox created ")
        succeeded(stack.destroy())
        assert violations(stack) == []
