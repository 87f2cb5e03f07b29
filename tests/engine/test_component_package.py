"""The component package: programs that register ``ScopedMailSender`` and have none of its code."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_azure_native as azure_native
import pytest
import yaml
from pulumi.automation import CommandError
from pulumi.provider.experimental.component import ComponentProvider

from components.exchange.exchange_command import COPIED_SCRIPTS
from simulator.engine import SimulatedStack
from simulator.environment import ROOT
from simulator.front import served
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import ENCRYPTION_SALT, succeeded
from tests.engine.test_destroy import GROUP_STAYS
from tests.engine.test_installed_package import commands, in_project, install
from tools.pulumi_cli import find_or_install

pytestmark = pytest.mark.engine

TYPE = "scoped-mail-sender:index:ScopedMailSender"
CONTROL = "control.mailbox@contoso.com"
BY_POLICY: dict[str, Any] = {
    "mailbox": {
        "name": "Notifications",
        "displayName": "Notifications",
        "alias": "notifications",
        "address": "notifications@contoso.com",
    },
    "group": {
        "name": "Scope",
        "displayName": "Scope",
        "alias": "scope",
        "address": "scope@contoso.com",
        "policyDescription": "Restrict it",
    },
    "workflow": "mail-notifications",
    "identity": "userAssigned",
    "permissions": ["Mail.Send", "Mail.Read"],
    "settleSeconds": 60,
    "trigger": {"type": "httpRequest", "allowedCallers": []},
}
[EXAMPLE] = re.findall(
    r"^```yaml\n(.*?)^```", (ROOT / "docs" / "components.md").read_text("utf-8"), re.M | re.S
)
BY_ROLES: dict[str, Any] = yaml.safe_load(EXAMPLE)["resources"]["report"]["properties"]

NODE_MODULES = Path(os.environ.get("NODE_PATH", ""))
NODE_PACKAGES = ("@pulumi/pulumi", "@types/node", "ts-node", "typescript")
TYPESCRIPT = """
import * as pulumi from "@pulumi/pulumi";
import { ScopedMailSender } from "./sdk/nodejs";

// As @pulumi/azure-native has it, of which nothing else is used here.
class ResourceGroup extends pulumi.CustomResource {
    declare public readonly name: pulumi.Output<string>;
    constructor(name: string, args: pulumi.Inputs) {
        const type = "azure-native:resources:ResourceGroup";
        super(type, name, { ...args, name: undefined }, { retainOnDelete: true });
    }
}
const group = new ResourceGroup("group", { resourceGroupName: "rg-mail", location: "westeurope" });
export const workflow = new ScopedMailSender("report", ARGS).workflowId;
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory)


@pytest.fixture
def plugin(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What starts the provider, as the language host does that this CLI has none of."""
    shim = tmp_path / "plugins" / "pulumi-resource-scoped-mail-sender"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\nexec env "PYTHONPATH={packages}" "{sys.executable}" -u '
        f'"{ROOT / "plugin"}" "$@"\n'
    )
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    return shim


def project_in(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: mail\nruntime: nodejs\n", encoding="utf-8")
    (project / "Pulumi.dev.yaml").write_text(json.dumps({"encryptionsalt": ENCRYPTION_SALT}))
    return project


def stack_of(tmp_path: Path, **senders: dict[str, Any]) -> SimulatedStack:
    """A stack whose program knows of the components what a schema says."""

    def program() -> None:
        group = azure_native.resources.ResourceGroup(
            "group",
            resource_group_name="rg-mail",
            location="westeurope",
            opts=pulumi.ResourceOptions(retain_on_delete=True),
        )
        for name, args in senders.items():
            common = {
                "resourceGroupName": group.name,
                # Told by None, as the SDKs do, which outputs there are.
                "workflowId": None,
            }
            inputs = {**BY_ROLES, "scoping": "applicationAccessPolicy", **args, **common}
            sender: Any = pulumi.ComponentResource(TYPE, name, inputs, remote=True)
            pulumi.export(name, sender.workflowId)

    project = project_in(tmp_path)
    return SimulatedStack(
        tmp_path / "stack", work_dir=project, stack="dev", project=project, program=program
    )


@pytest.mark.long
def test_what_others_register_is_deployed_confined_and_goes(tmp_path: Path, plugin: Path) -> None:
    stack = stack_of(tmp_path, notifications=BY_POLICY, report=BY_ROLES)
    before = stack.tenant.snapshot()

    succeeded(stack.up())

    assert stack.preview().changes == []
    assert {Path(command["create"]).parent.name for command in commands(stack)} == {COPIED_SCRIPTS}
    pass_policy_lag(stack.tenant)
    for name, sender in (("notifications", BY_POLICY), ("report", BY_ROLES)):
        workflow = stack.outputs()[name]
        assert send_as(stack.tenant, workflow, sender["mailbox"]["address"]).accepted
        assert send_as(stack.tenant, workflow, CONTROL).status == 403
    assert stack.tenant.violations() == []

    # From the state and the project's folder alone.
    plugin.unlink()
    succeeded(stack.destroy())
    left = stack.tenant.snapshot() | GROUP_STAYS | {"softDeletedMailboxes": {}}
    assert left == before
    assert stack.tenant.violations() == []


@pytest.mark.long
@pytest.mark.skipif(
    not all(shutil.which(name) for name in ("node", "pulumi-language-nodejs"))
    or not all((NODE_MODULES / name).is_dir() for name in NODE_PACKAGES),
    reason="node and pulumi-language-nodejs are not both on PATH, "
    f"or NODE_PATH is not a folder with {', '.join(NODE_PACKAGES)}",
)
def test_a_program_in_typescript_is_held_to_the_types_and_deployed(
    tmp_path: Path, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_in(tmp_path)
    stack = SimulatedStack(tmp_path / "stack", work_dir=project, stack="dev", project=project)
    before = stack.tenant.snapshot()
    options = ["--language", "nodejs", "--local", "--out", str(project / "sdk")]
    subprocess.run(
        [find_or_install(), "package", "gen-sdk", plugin, *options],
        cwd=project,
        env={**os.environ, "PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        check=True,
    )
    # The compiler looks for types there, and not at NODE_PATH.
    (project / "node_modules").symlink_to(NODE_MODULES.resolve())

    def write(args: dict[str, Any]) -> None:
        # Of the group its name, which is known only once it is made.
        text = json.dumps(args).replace('"rg-mail"', "group.name")
        (project / "index.ts").write_text(TYPESCRIPT.replace("ARGS", text), encoding="utf-8")

    with served(stack.tenant) as front:
        for name, value in front.variables.items():
            monkeypatch.setenv(name, value)
        with stack.opened() as opened:
            write(BY_ROLES | {"scoping": "roles"})
            with pytest.raises(CommandError, match="'\"roles\"' is not assignable to type"):
                opened.preview()
            assert stack.tenant.snapshot() == before

            write(BY_ROLES)
            opened.up()
            assert opened.preview().change_summary.keys() == {"same"}

    assert (project / COPIED_SCRIPTS).is_dir()
    pass_policy_lag(stack.tenant)
    workflow = stack.outputs()["workflow"]
    assert send_as(stack.tenant, workflow, BY_ROLES["mailbox"]["address"]).accepted
    assert send_as(stack.tenant, workflow, CONTROL).status == 403
    succeeded(stack.destroy())
    assert stack.tenant.snapshot() | GROUP_STAYS | {"softDeletedMailboxes": {}} == before
    assert stack.tenant.violations() == []


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"type": "queue"}, "args.trigger.type is neither httpRequest nor recurrence."),
        ({"type": "recurrence", "interval": 1, "startTime": "x"}, "args.trigger lacks frequency."),
        ({"type": "httpRequest", "interval": 1}, "args.trigger.interval is of no use there."),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_a_mistake_is_named_and_makes_nothing(
    tmp_path: Path, trigger: dict[str, Any], said: str
) -> None:
    stack = stack_of(tmp_path, report=BY_ROLES | {"trigger": trigger})
    before = stack.tenant.snapshot()

    result = stack.preview()

    assert not result.succeeded
    assert said in result.output
    assert stack.tenant.snapshot() == before


def test_the_schema_asks_for_what_has_no_default(packages: Path, tmp_path: Path) -> None:
    with in_project(tmp_path, packages):
        host = runpy.run_path(str(ROOT / "plugin" / "__main__.py"))
        provider = ComponentProvider([host["ScopedMailSender"]], host["NAME"], None, "0.0.0")
    schema = json.loads(provider.schema or "")
    sender = schema["resources"][TYPE]
    assert sorted(sender["requiredInputs"]) == [
        "controlMailbox",
        "location",
        "mailbox",
        "message",
        "organization",
        "resourceGroupName",
        "trigger",
        "workflow",
    ]
    assert {"workflowId", "clientId", "mailboxAddress"} <= sender["properties"].keys()
    trigger = schema["types"]["scoped-mail-sender:index:Trigger"]
    assert trigger["required"] == ["type"]
    assert {"type", "allowedCallers", "frequency", "schedule"} <= trigger["properties"].keys()
    assert sender["inputProperties"]["permissions"]["items"]["type"] == "string"
    assert "scoped-mail-sender:index:Scoping" in schema["types"]
