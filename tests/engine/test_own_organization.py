"""A reader's own stack is rehearsed in a tenant that is made for it."""

from pathlib import Path

import pytest

from simulator import SimulatorError
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import Configuration, stack_in, succeeded

pytestmark = pytest.mark.engine

INITIAL = "contoso-trial.onmicrosoft.com"


def of_another_organization(sender: Configuration) -> None:
    # Whoever is sent a mail by the clock would get it before Graph knows of the policy.
    sender["trigger"] = {"type": "httpRequest"}
    sender["mailbox"]["address"] = "notifications@trial.contoso.com"
    sender["group"] |= {
        "address": f"graphscope@{INITIAL}",
        "managedBy": ["owner@trial.contoso.com"],
    }
    sender["controlMailbox"] = "control@mail.contoso.com"


def own_stack(directory: Path) -> SimulatedStack:
    return stack_in(directory, change=of_another_organization, organization=INITIAL)


@pytest.mark.long
def test_with_its_domains_and_its_control_mailbox(tmp_path: Path) -> None:
    stack = own_stack(tmp_path / "stack")

    given = stack.prepare_tenant()

    assert given == [
        "trial.contoso.com",
        "mail.contoso.com",
        "control@mail.contoso.com",
        "owner@trial.contoso.com",
    ]
    assert stack.tenant.organization.accepted == (
        "trial.contoso.com",
        "mail.contoso.com",
        INITIAL,
    )
    succeeded(stack.up())
    pass_policy_lag(stack.tenant)
    workflow = stack.outputs()["senders"]["notifications"]["workflowId"]
    assert send_as(stack.tenant, workflow, "notifications@trial.contoso.com").accepted
    assert send_as(stack.tenant, workflow, "control@mail.contoso.com").denied_by_policy
    assert stack.tenant.violations() == []
    assert stack.prepare_tenant() == []
    succeeded(stack.destroy())


def test_not_in_the_tenant_of_another_organization(tmp_path: Path) -> None:
    stack = stack_in(tmp_path / "stack")
    assert stack.prepare_tenant() == []
    succeeded(stack.preview())
    before = stack.tenant.snapshot()
    own = own_stack(tmp_path / "stack")

    with pytest.raises(SimulatorError) as refused:
        own.prepare_tenant()

    assert "is that of contoso.onmicrosoft.com, and the stack local is for" in str(refused.value)
    assert "--directory .simulator-local" in str(refused.value)
    assert stack.tenant.snapshot() == before
