"""Invariant N holds from the first `up` to the end of `destroy`; and the tenant sees when not.

Each of these tests asks the tenant, which checks the invariant after every change of any service.
"""

import copy
from collections.abc import Callable

import pulumi
import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = pytest.mark.engine


def send_one_mail(stack: SimulatedStack) -> None:
    """Has the workflow fetch a token with its permission, which lives for a day from now on."""
    pass_policy_lag(stack.tenant)
    sender = stack.outputs()["senders"]["notifications"]
    assert send_as(stack.tenant, sender["workflowId"], sender["mailboxAddress"]).accepted


def rename_workflow(sender: Configuration) -> None:
    sender["workflow"] = "notifications-2"


def move_group(sender: Configuration) -> None:
    sender["group"]["address"] = "graphscope-notifications@contoso.com"


class TestNeverUnconfined:
    def test_while_it_is_deployed(self, deployed: SimulatedStack):
        assert deployed.tenant.violations() == []

    @pytest.mark.parametrize("change", [rename_workflow, move_group])
    def test_while_it_changes(self, redeployed: StackIn, change: Callable[[Configuration], None]):
        stack = redeployed(change=change)
        send_one_mail(stack)

        succeeded(stack.up())
        send_one_mail(stack)

        assert stack.tenant.violations() == []

    def test_while_it_is_destroyed(self, redeployed: StackIn):
        stack = redeployed()
        send_one_mail(stack)

        succeeded(stack.destroy())

        assert stack.tenant.violations() == []

    def test_a_renamed_workflow_has_a_policy_of_its_own_and_no_other(self, redeployed: StackIn):
        stack = redeployed(change=rename_workflow)
        before = stack.tenant.snapshot()["applicationAccessPolicies"]

        succeeded(stack.up())

        client_id = stack.outputs()["senders"]["notifications"]["clientId"]
        after = stack.tenant.snapshot()["applicationAccessPolicies"]
        (policy,) = (after[key] for key in after.keys() - before.keys())
        assert policy["appId"] == client_id
        assert len(after) == len(before)


def grant_without_dependencies(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Takes the grant's dependencies, and the hook that proves before it, out of the program."""
    if args.type_ != "azuread:index/appRoleAssignment:AppRoleAssignment":
        return None
    opts = copy.copy(args.opts)
    opts.depends_on, opts.hooks = [], None
    return pulumi.ResourceTransformationResult(args.props, opts)


def policy_with_removal_of_its_own(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Gives the policy's command a delete script, as commands usually have one."""
    if not args.name.endswith("-policy") or args.type_ != "command:local:Command":
        return None
    script = "tests/engine/powershell/remove-application-access-policy.ps1"
    return pulumi.ResourceTransformationResult({**args.props, "delete": script}, args.opts)


class TestABrokenOrderIsSeen:
    def test_when_the_grant_waits_for_nothing(self, fresh: StackIn):
        stack = fresh(transformations=[grant_without_dependencies])

        succeeded(stack.up())

        (violation, *_) = stack.tenant.violations()
        assert violation.permission == "Mail.Send"
        assert "there is no RestrictAccess policy" in violation.text

    def test_when_the_policy_goes_with_its_command(self, redeployed: StackIn):
        stack = redeployed(transformations=[policy_with_removal_of_its_own])
        succeeded(stack.up())
        send_one_mail(stack)
        assert stack.tenant.violations() == []

        succeeded(stack.destroy())

        (violation, *_) = stack.tenant.violations()
        assert violation.permission == "Mail.Send"
        assert "a token that lives until" in violation.text
