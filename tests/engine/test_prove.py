"""The proof by sending, of what the engine deployed, started as a person starts it."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from operations.prove import changed_since
from simulator.commands import main
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag
from tests.engine.conftest import StackIn, succeeded
from tests.engine.test_drift import administrator
from tests.engine.test_stale_proof import remove_policies
from tests.sampling import sampled

pytestmark = pytest.mark.engine

CONTROL = "control.mailbox@contoso.com"
PROVE = ["--", sys.executable, "-m", "operations.prove", "--stack", "local", "--timeout", "0"]


def with_probe(sender: dict[str, Any]) -> None:
    sender["probe"] = True
    # A secret among the outputs, which the proof has no need to read.
    sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True}


@pytest.mark.parametrize(
    "identity", sampled(["systemAssigned", "userAssigned"], ["systemAssigned"])
)
class TestAProof:
    @pytest.fixture
    def stack(self, redeployed: StackIn, identity: str) -> SimulatedStack:
        def change(sender: dict[str, Any]) -> None:
            with_probe(sender)
            sender["identity"] = identity

        stack: SimulatedStack = redeployed(change=change)
        succeeded(stack.up())
        pass_policy_lag(stack.tenant)
        return stack

    def test_succeeds_as_long_as_the_policy_is_there(
        self, stack: SimulatedStack, identity: str, capfd: pytest.CaptureFixture[str]
    ):
        arguments = ["exec", "--directory", str(stack.directory), *PROVE, "--json"]

        assert main(arguments) == 0
        shown = capfd.readouterr()
        assert [entry["verdict"] for entry in json.loads(shown.out)["answers"]] == ["right"] * 2
        assert "sig=" not in shown.out + shown.err
        assert [mail.mailbox for mail in stack.tenant.mail()] == [
            "logicappnotifications@contoso.com"
        ]

        remove_policies(stack)
        pass_policy_lag(stack.tenant)
        assert main(arguments) == 1
        shown = json.loads(capfd.readouterr().out)
        assert [entry["verdict"] for entry in shown["answers"]] == ["right", "wrong"]
        assert [entry["verdict"] for entry in shown["exchange"]] == ["wrong"]
        assert len({mail.mailbox for mail in stack.tenant.mail()}) == 1


@pytest.mark.long
class TestAControlMailboxThatRefusesGraphByItself:
    """Its 403 has the words of a policy, whether or not there is one."""

    @pytest.fixture
    def stack(self, redeployed: StackIn) -> SimulatedStack:
        stack: SimulatedStack = redeployed(change=with_probe)
        succeeded(stack.up())
        pass_policy_lag(stack.tenant)
        administrator(stack, "Set-CASMailbox", Identity=CONTROL, EwsEnabled=False)
        return stack

    def proof(self, stack: SimulatedStack, *arguments: str) -> int:
        return main(["exec", "--directory", str(stack.directory), *PROVE, *arguments])

    def test_hides_no_missing_policy(
        self, stack: SimulatedStack, capfd: pytest.CaptureFixture[str]
    ):
        remove_policies(stack)
        pass_policy_lag(stack.tenant)

        assert self.proof(stack, "--json") == 1
        shown = json.loads(capfd.readouterr().out)
        # What the proof by sending alone would take for proven.
        assert [entry["verdict"] for entry in shown["answers"]] == ["right", "right"]
        assert "no RestrictAccess policy" in shown["exchange"][0]["text"]

        assert self.proof(stack, "--without-exchange") == 0
        assert "Not proven is what the 403 rests on" in capfd.readouterr().out

    def test_is_no_proof_of_the_policy_that_is_there(
        self, stack: SimulatedStack, capfd: pytest.CaptureFixture[str]
    ):
        assert self.proof(stack, "--json") == 2
        shown = json.loads(capfd.readouterr().out)
        assert [entry["verdict"] for entry in shown["answers"]] == ["right", "right"]
        assert shown["exchange"][0]["verdict"] == "unknown"
        assert "EwsEnabled is False in Get-CASMailbox" in shown["exchange"][0]["text"]


@pytest.mark.long
class TestASecondPolicyThatWidensTheReach:
    def test_is_not_proven(self, redeployed: StackIn, capfd: pytest.CaptureFixture[str]):
        stack: SimulatedStack = redeployed(change=with_probe)
        succeeded(stack.up())
        [group] = administrator(
            stack, "New-DistributionGroup", Name="Others", Type="Security", Members=["finance"]
        )
        stack.tenant.clock.advance(stack.tenant.lags["exchange"])
        administrator(
            stack,
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=[stack.outputs()["senders"]["notifications"]["clientId"]],
            PolicyScopeGroupId=group["Guid"],
        )
        pass_policy_lag(stack.tenant)

        arguments = ["exec", "--directory", str(stack.directory), *PROVE, "--json"]
        assert main(arguments) == 1
        shown = json.loads(capfd.readouterr().out)
        assert [entry["verdict"] for entry in shown["answers"]] == ["right", "right"]
        assert "lets the application reach" in shown["exchange"][0]["text"]


class TestOfNothing:
    def test_says_that_there_is_no_stack(self, fresh: StackIn, capfd: pytest.CaptureFixture[str]):
        assert main(["exec", "--directory", str(fresh().directory), *PROVE]) == 2
        error = capfd.readouterr().err
        assert error.splitlines()[-1].startswith(
            "prove: the outputs of the stack local cannot be read: "
        )
        assert "no stack named 'local' found" in error


class TestWhatChanged:
    """By what the engine notes in the state: nobody wants a mail for each display name."""

    def test_is_known_of_workflow_and_access_and_of_nothing_else(self, redeployed: StackIn):
        def changed_by(change: Callable[[dict[str, Any]], None]) -> set[str]:
            moment = datetime.now(UTC)
            stack: SimulatedStack = redeployed(change=change)
            succeeded(stack.up())
            return changed_since(stack.exported_state(), moment)

        def group(sender: dict[str, Any]) -> None:
            sender["group"]["displayName"] = "Another"

        def workflow(sender: dict[str, Any]) -> None:
            group(sender)
            sender["message"]["subject"] = "Another"

        def proof(sender: dict[str, Any]) -> None:
            workflow(sender)
            sender["controlMailbox"] = "finance@contoso.com"

        assert changed_by(group) == set()
        assert changed_by(workflow) == {"notifications"}
        assert changed_by(proof) == {"notifications"}
