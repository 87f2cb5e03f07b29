"""Each example is deployed, sends as its mailbox alone, and goes."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from simulator.engine import SimulatedStack
from simulator.environment import ROOT
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import succeeded
from tests.engine.test_drift import administrator
from tests.sampling import sampled

pytestmark = pytest.mark.engine

EXAMPLES = ROOT / "examples"
FILES = sorted(EXAMPLES.glob("*/Pulumi.*.yaml"))
IN_PRODUCTION = EXAMPLES / "environments" / "Pulumi.prod.yaml"


def test_each_is_in_the_list_and_says_what_it_is() -> None:
    folders = sorted({file.parent.name for file in FILES})
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert [name for name in folders if f"| [{name}]({name}) |" in listed] == folders
    for name in folders:
        assert (EXAMPLES / name / "README.md").read_text("utf-8").startswith("# ")


def test_what_environments_share_is_for_this_program() -> None:
    ours, example = (
        yaml.safe_load((folder / "Pulumi.yaml").read_text("utf-8"))
        for folder in (ROOT, EXAMPLES / "environments")
    )
    assert {**ours, "config": None} == {**example, "config": None}


@pytest.mark.parametrize(
    "file", sampled(FILES, FILES[-1:]), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_is_deployed_sends_and_goes(file: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    # As it is used: over the files of the project.
    shutil.copy(ROOT / "Pulumi.yaml", project)
    shutil.copytree(file.parent, project, dirs_exist_ok=True)
    # The scripts' paths begin where the program is.
    with (project / "Pulumi.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"main: {ROOT}\n")
    stack = SimulatedStack(tmp_path, work_dir=project, stack=file.stem.removeprefix("Pulumi."))
    values = yaml.safe_load(file.read_text("utf-8"))["config"]
    [sender] = values["scoped-mail-sender:senders"]
    address = sender["mailbox"]["address"]
    if sender["mailbox"].get("adopt"):
        made = {"Name": sender["mailbox"]["name"], "PrimarySmtpAddress": address}
        administrator(stack, "New-Mailbox", Shared=True, **made)
        stack.tenant.clock.advance(stack.tenant.lags["exchange"])
    reader = ""
    for access in values.get("scoped-mail-sender:access", []):
        identity = stack.tenant.entra.add_service_principal("func", kind="ManagedIdentity")
        stack.tenant.clock.advance(stack.tenant.lags["directory"])
        written = project / file.name
        own = written.read_text("utf-8").replace(access["clientId"], identity["appId"])
        written.write_text(own, encoding="utf-8")
        reader = identity["id"]
    # No trigger falls due in the hours that follow, whatever the time of day: a call that comes
    # before Graph knows of the role has it go by that for hours.
    now = stack.tenant.clock.now()
    evening = (now + timedelta(days=1)).replace(hour=20, minute=0)
    stack.tenant.clock.advance((evening - now).total_seconds())
    before = stack.tenant.snapshot()

    succeeded(stack.up())

    assert stack.preview().changes == []
    pass_policy_lag(stack.tenant)
    [outputs] = stack.outputs()["senders"].values()
    assert send_as(stack.tenant, outputs["workflowId"], address).accepted
    assert not send_as(stack.tenant, outputs["workflowId"], "control.mailbox@contoso.com").accepted
    assert stack.tenant.violations() == []
    roles = stack.tenant.snapshot()["managementRoleAssignments"].values()
    held = [role["role"] for role in roles if role["principalId"] == reader]
    assert held == (["Application Mail.Read"] if reader else [])
    result = stack.destroy(preview_first=True)
    if file == IN_PRODUCTION:
        assert not result.succeeded
        assert "protected" in result.output
        return
    succeeded(result)
    left = stack.tenant.snapshot()
    assert left["mailboxes"].keys() == before["mailboxes"].keys()
    assert left["workflows"] == {}
