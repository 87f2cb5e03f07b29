"""What the state of a deployed stack holds, and what it must not hold."""

import json
import sqlite3
from contextlib import closing

import pytest
from pulumi.automation import CommandError

from simulator.engine import SimulatedStack
from simulator.environment import ROOT, tenant_file
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def state(deployed: SimulatedStack) -> str:
    exported = deployed.exported_state()
    for resource in exported["resources"]:
        # Where in the program the resource was made, down to the interpreter: Pulumi's own notes.
        resource.pop("sourcePosition", None)
        resource.pop("stackTrace", None)
    return json.dumps(exported)


class TestTheStateBelongsToNoMachineAndNoPerson:
    def test_it_has_no_absolute_path(self, state: str, deployed: SimulatedStack):
        for path in (ROOT, deployed.directory, deployed.work_dir):
            assert str(path) not in state

    def test_scripts_are_named_relative_to_the_project(self, state: str):
        resources = json.loads(state)["resources"]
        commands = [r["inputs"] for r in resources if r["type"] == "command:local:Command"]

        assert commands
        for command in commands:
            assert command["create"].startswith("components/exchange/powershell/")

    def test_it_has_no_credential(self, state: str, deployed: SimulatedStack):
        with closing(sqlite3.connect(tenant_file(deployed.directory))) as file:
            rows = file.execute("SELECT id FROM document WHERE kind = 'token'").fetchall()
        tokens = [token for (token,) in rows]

        assert tokens
        assert [token for token in tokens if token in state] == []


def export_callback_url(sender: Configuration) -> None:
    sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True}


class TestASecretStaysSecret:
    def test_a_callback_url_is_encrypted_and_not_shown(self, redeployed: StackIn):
        stack = redeployed(change=export_callback_url)

        result = succeeded(stack.up())

        signature = stack.outputs()["senders"]["notifications"]["callbackUrl"].partition("sig=")[2]
        assert signature
        assert signature not in json.dumps(stack.exported_state())
        assert signature not in result.output
        assert signature not in succeeded(stack.preview()).output


class TestAStateThatAKilledEngineHasLeftUnreadable:
    def test_is_whole_once_the_empty_file_beside_it_is_gone(self, redeployed: StackIn):
        stack = redeployed()
        (attributes,) = (stack.directory / "state").rglob(f"{stack.stack}.json.attrs")
        attributes.write_bytes(b"")
        with pytest.raises(CommandError, match="failed to load checkpoint: EOF"):
            stack.outputs()

        stack.cancel()

        assert stack.exported_state()["resources"]
        assert not succeeded(stack.preview()).changes
