"""Many senders in one ``up``: what they wait for, they wait for side by side."""

import copy
import json

import pytest

from simulator.engine import SimulatedStack
from tests.engine.conftest import SENDER, Configuration, StackIn, succeeded

pytestmark = [pytest.mark.engine, pytest.mark.long]

# One after the other they would settle for longer than a token for Exchange lives.
SENDERS, SETTLE = 8, "PT10M"


def sender(number: int) -> Configuration:
    """The sender of the other tests, with names and addresses of its own."""
    changed = copy.deepcopy(SENDER)
    changed["name"] = f"sender-{number}"
    for key in ("mailbox", "group"):
        changed[key] |= {"name": f"{key} {number}", "displayName": f"{key} {number}"}
        changed[key]["address"] = f"{key}-{number}@contoso.com"
    return changed


def with_senders(stack: SimulatedStack) -> SimulatedStack:
    """The stack with all of them in its configuration."""
    file = stack.work_dir / "Pulumi.local.yaml"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["config"]["scoped-mail-sender:senders"] = [sender(n) for n in range(SENDERS)]
    file.write_text(json.dumps(settings), encoding="utf-8")
    return stack


def test_they_deploy_preview_and_go_within_the_life_of_one_token(fresh: StackIn):
    stack = with_senders(fresh(settle=SETTLE))
    before = stack.tenant.snapshot()

    succeeded(stack.up())

    assert len(stack.outputs()["senders"]) == SENDERS
    assert succeeded(stack.preview()).changes == []
    succeeded(stack.destroy())
    # What stays is in `test_destroy`.
    stay: dict[str, dict[str, object]] = {"resourceGroups": {}, "softDeletedMailboxes": {}}
    assert stack.tenant.snapshot() | stay == before | stay
    assert stack.tenant.violations() == []


def test_they_deploy_one_after_the_other(fresh: StackIn):
    """With ``--parallel 1`` the program has four threads: it once waited for one for ever."""
    stack = with_senders(fresh())

    succeeded(stack.up(parallel=1))

    assert len(stack.outputs()["senders"]) == SENDERS
    assert stack.tenant.violations() == []
