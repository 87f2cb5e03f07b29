"""Options with which a destroy would leave what the policy confines."""

from collections.abc import Callable

import pulumi
import pytest

from tests.engine.conftest import StackIn, succeeded
from tests.engine.faults import violations
from tests.engine.test_faults import granted
from tests.sampling import sampled

pytestmark = pytest.mark.engine

SENDER = "scoped-mail-sender:index:ScopedMailSender"
GRANT = "azuread:index/appRoleAssignment:AppRoleAssignment"
WORKFLOW = "azure-native:logic:Workflow"


def retained(opts: pulumi.ResourceOptions) -> None:
    opts.retain_on_delete = True


def deleted_with_another(opts: pulumi.ResourceOptions) -> None:
    opts.deleted_with = pulumi.Stash("another", input="x")


OPTIONS: dict[str, Callable[[pulumi.ResourceOptions], None]] = {
    "retain_on_delete": retained,
    "deleted_with": deleted_with_another,
}


@pytest.mark.parametrize(
    ("type_", "option"),
    sampled(
        [(type_, option) for type_ in (SENDER, GRANT, WORKFLOW) for option in OPTIONS],
        [(SENDER, "deleted_with"), (GRANT, "retain_on_delete")],
    ),
)
class TestWhatMustGoBeforeItsPolicyIsNotKept:
    def test_whoever_asks_for_it(self, redeployed: StackIn, type_: str, option: str):
        def ask(
            args: pulumi.ResourceTransformationArgs,
        ) -> pulumi.ResourceTransformationResult | None:
            if args.type_ != type_:
                return None
            OPTIONS[option](args.opts)
            return pulumi.ResourceTransformationResult(args.props, args.opts)

        stack = redeployed(transformations=[ask])

        shown = succeeded(stack.up()).output

        assert f"{option}, its own or that of a component around it, is left out" in shown
        assert "Traceback" not in shown
        succeeded(stack.destroy())
        assert not granted(stack)
        assert stack.tenant.snapshot()["workflows"] == {}
        assert violations(stack) == []
