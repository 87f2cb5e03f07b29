"""The proof by sending, of what the engine deployed, started as a person starts it."""

import json
import sys
from typing import Any

import pytest

from simulator.commands import main
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag
from simulator.tenant import DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE, ORGANIZATION
from tests.engine.conftest import StackIn, succeeded

pytestmark = pytest.mark.engine

PROVE = ["--", sys.executable, "-m", "operations.prove", "--stack", "local", "--timeout", "0"]


def with_probe(sender: dict[str, Any]) -> None:
    sender["probe"] = True
    # A secret among the outputs, which the proof has no need to read.
    sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True}


@pytest.mark.parametrize("identity", ["systemAssigned", "userAssigned"])
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

        self.remove_policy(stack)
        assert main(arguments) == 1
        answers = json.loads(capfd.readouterr().out)["answers"]
        assert [entry["verdict"] for entry in answers] == ["right", "wrong"]
        assert len({mail.mailbox for mail in stack.tenant.mail()}) == 1

    def remove_policy(self, stack: SimulatedStack) -> None:
        client_id = stack.outputs()["senders"]["notifications"]["clientId"]
        tenant = stack.tenant
        token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
        session = tenant.exchange.connect(token=token, organization=ORGANIZATION)
        [policy] = [
            policy
            for policy in session.invoke("Get-ApplicationAccessPolicy", {})
            if policy["AppId"] == client_id
        ]
        session.invoke("Remove-ApplicationAccessPolicy", {"Identity": policy["Identity"]})
        pass_policy_lag(tenant)


class TestOfNothing:
    def test_says_that_there_is_no_stack(self, fresh: StackIn, capfd: pytest.CaptureFixture[str]):
        assert main(["exec", "--directory", str(fresh().directory), *PROVE]) == 2
        error = capfd.readouterr().err
        assert error.startswith("prove: the outputs of the stack local cannot be read: ")
        assert "no stack named 'local' found" in error
