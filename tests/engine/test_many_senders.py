"""Many senders in one ``up``: what they wait for, they wait for side by side."""

import copy
import json

import pytest

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


def test_they_deploy_preview_and_go_within_the_life_of_one_token(fresh: StackIn):
    stack = fresh(settle=SETTLE)
    file = stack.work_dir / "Pulumi.local.yaml"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["config"]["scoped-mail-sender:senders"] = [sender(n) for n in range(SENDERS)]
    file.write_text(json.dumps(settings), encoding="utf-8")
    before = stack.tenant.snapshot()

    succeeded(stack.up())

    assert len(stack.outputs()["senders"]) == SENDERS
    assert succeeded(stack.preview()).changes == []
    succeeded(stack.destroy())
    # What stays is in `test_destroy`.
    stay: dict[str, dict[str, object]] = {"resourceGroups": {}, "softDeletedMailboxes": {}}
    assert stack.tenant.snapshot() | stay == before | stay
    assert stack.tenant.violations() == []
