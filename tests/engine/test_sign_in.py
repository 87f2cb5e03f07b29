"""Whoever signs in to Exchange after the wait for Graph needs a token that still lives."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.engine import SimulatedStack
from simulator.tenant import DEPLOYMENT_CLIENT_ID
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = pytest.mark.engine


def another(sender: Configuration) -> None:
    """A sender in place of the one that is deployed."""
    sender["name"] = "reminders"
    sender["mailbox"] = {"name": "Reminders", "address": "reminders@contoso.com"}
    sender["group"] = {"name": "Graph Reminders", "address": "graph-reminders@contoso.com"}


def signed_in_by_the_token_of_a_pipeline(stack: SimulatedStack, folder: Path) -> SimulatedStack:
    # It stands for a file that is renewed for as long as the pipeline runs.
    token = stack.tenant.entra.issue_federated_token(DEPLOYMENT_CLIENT_ID, timedelta(days=1))
    file = folder / "federated-token"
    file.write_text(token, encoding="utf-8")
    variables = {
        "EXCHANGE_ACCESS_TOKEN": "",
        "EXCHANGE_FEDERATED_TOKEN_FILE": str(file),
        "EXCHANGE_APP_ID": DEPLOYMENT_CLIENT_ID,
    }
    return replace(stack, variables=variables)


class TestOneSenderAddedAndOneTakenOut:
    """The removal comes after the added one's hour of waiting."""

    @pytest.mark.long
    def test_with_an_access_token_stops_at_the_removal(self, redeployed: StackIn) -> None:
        result = redeployed(change=another, settle="PT1H").up()
        assert not result.succeeded
        assert "the token is expired" in result.output
        assert "EXCHANGE_FEDERATED_TOKEN_FILE" in result.output

    def test_with_the_token_of_a_pipeline_goes_through(
        self, redeployed: StackIn, tmp_path: Path
    ) -> None:
        stack = redeployed(change=another, settle="PT1H")
        before = stack.tenant.clock.now()
        stack = signed_in_by_the_token_of_a_pipeline(stack, tmp_path)
        succeeded(stack.up())
        assert stack.tenant.clock.now() - before >= timedelta(hours=1)
        addresses = {m["addresses"][0] for m in stack.tenant.snapshot()["mailboxes"].values()}
        assert "reminders@contoso.com" in addresses
        assert "logicappnotifications@contoso.com" not in addresses
        assert not stack.tenant.violations()
