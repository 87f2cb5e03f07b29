"""The policy pack in the real engine, on the real program and on programs that break its rules."""

import json
import os
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from simulator.engine import SimulatedStack
from simulator.environment import ROOT
from simulator.tenant.identifiers import UNCONFINABLE_APP_ROLES
from tests.components.recording import CALLBACK_URL
from tests.engine.conftest import Configuration, StackIn, stack_in, succeeded
from tests.sampling import sampled

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        os.name == "nt" and shutil.which("pulumi-language-python") is None,
        reason="pulumi-language-python is not on PATH, and what stands in for it is a shell script",
    ),
]

TOKEN = "token-of-the-person-who-deploys"


@pytest.fixture(autouse=True)
def _runs_python_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the engine run a policy pack in Python, where the CLI was built from its Go module.

    Such a CLI has no language host for Python. Without one the engine starts
    ``pulumi-analyzer-policy-<language>``, which older distributions had: with its own address and
    the pack's folder, which are what the language host passes on, and then the runtime's options.
    """
    if shutil.which("pulumi-language-python") is None:
        shim = tmp_path / "plugins" / "pulumi-analyzer-policy-python"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -u -m pulumi.policy "$1" "$2"\n')
        shim.chmod(0o755)
        monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", TOKEN)


def checked(stack: SimulatedStack) -> SimulatedStack:
    stack.policy_packs = [ROOT / "policy"]
    return stack


def http_trigger(**access: Any) -> Callable[[Configuration], None]:
    def change(sender: Configuration) -> None:
        sender["trigger"] = {"type": "httpRequest"} | access

    return change


def violations(output: str) -> set[str]:
    """The names of the policies that the engine calls mandatory and violated."""
    names = {
        "grant-after-proof",
        "identity-before-group",
        "settled-proof",
        "confinable-permission",
        "closed-trigger",
        "secret-callback-url",
        "no-credential-in-command",
        "policy-outlives-identity",
    }
    return {
        name
        for name in names
        for line in output.splitlines()
        if "[mandatory]" in line and name in line
    }


class TestTheProgramItself:
    @pytest.mark.parametrize(
        "identity", sampled(["systemAssigned", "userAssigned"], ["systemAssigned"])
    )
    def test_is_previewed_and_deployed(self, tmp_path: Path, identity: str) -> None:
        def change(sender: Configuration) -> None:
            http_trigger(allowedCallers=["203.0.113.0/24"], exportCallbackUrl=True)(sender)
            sender["identity"] = identity
            sender["alerts"] = {"addresses": ["operations@contoso.com"]}

        stack = checked(stack_in(tmp_path / "stack", change=change, settle="PT1H"))

        for result in (stack.preview(), stack.up()):
            assert violations(succeeded(result).output) == set()
            assert re.search(r"scoped-mail-sender(@v|\|local\|.* )0\.1\.0", result.output)
        assert "callbackUrl" in stack.outputs()["senders"]["notifications"]


open_to_all = http_trigger(allowedCallers=["0.0.0.0/1", "128.0.0.0/1"])


def everything_wrong(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Breaks a rule wherever there is one."""
    properties: dict[str, Any] = dict(args.props)
    if args.type_ == "azuread:index/appRoleAssignment:AppRoleAssignment":
        properties["appRoleId"] = UNCONFINABLE_APP_ROLES["MailboxFolder.Read.All"]
    elif args.type_ == "azure-native:logic:Workflow":
        # Its state is asked for after the group.
        properties["state"], args.opts.depends_on = "Enabled", []
    elif args.name == "notifications-access-proof" and "stdin" in properties:
        waits = {"settleSeconds": 0, "appId": "33333333-0000-4000-8000-000000000003"}
        properties |= {"create": "true #/prove-confinement.ps1", "stdin": json.dumps(waits)}
    elif args.name == "notifications-access-policy" and "stdin" in properties:
        properties["delete"] = "tests/engine/powershell/remove-application-access-policy.ps1"
    elif args.name == "notifications-group-members":
        properties["stdin"] = json.dumps({"signIn": TOKEN})
    else:
        return None
    return pulumi.ResourceTransformationResult(properties, args.opts)


class TestAProgramThatBreaksTheRules:
    def test_is_refused_by_name_before_anything_is_changed(self, redeployed: StackIn) -> None:
        stack = checked(
            redeployed(change=open_to_all, transformations=[everything_wrong], settle="PT1H")
        )

        def program() -> None:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
            pulumi.export("address", CALLBACK_URL)

        stack.program = program
        before = stack.tenant.snapshot()

        result = stack.preview()

        assert not result.succeeded
        assert violations(result.output) == {
            "grant-after-proof",
            "identity-before-group",
            "settled-proof",
            "confinable-permission",
            "closed-trigger",
            "secret-callback-url",
            "no-credential-in-command",
            "policy-outlives-identity",
        }, result.output
        assert "the value of AZURE_CLIENT_SECRET" in result.output
        assert stack.tenant.snapshot() == before

    @pytest.mark.parametrize("hidden", [pulumi.Output.secret, lambda _: None])
    def test_nothing_that_is_secret_or_null_stops_the_pack(
        self, redeployed: StackIn, hidden: Callable[[Any], Any]
    ) -> None:
        def hide(
            args: pulumi.ResourceTransformationArgs,
        ) -> pulumi.ResourceTransformationResult:
            named = ("definition", "accessControl", "tags", "triggers", "environment", "update")
            changed = {key: hidden(value) for key, value in args.props.items() if key in named}
            return pulumi.ResourceTransformationResult({**args.props, **changed}, args.opts)

        result = checked(redeployed(transformations=[hide])).preview()

        assert violations(succeeded(result).output) == set()

    def test_an_open_trigger_is_refused_before_its_workflow_is_made(self, tmp_path: Path) -> None:
        # What a preview cannot know, since the definition holds the id of a mailbox to be.
        stack = checked(stack_in(tmp_path / "stack", change=http_trigger()))
        result = stack.up()

        assert not result.succeeded
        assert violations(result.output) == {"closed-trigger"}, result.output
        assert stack.tenant.snapshot()["workflows"] == {}
