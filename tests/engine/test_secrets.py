"""Recognisable credentials are planted, and then searched for wherever they could stay."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from simulator import environment
from simulator.engine import Result, SimulatedStack
from simulator.environment import tenant_file
from simulator.sending import pass_policy_lag, send_as
from tests.engine.conftest import Configuration, StackIn

pytestmark = pytest.mark.engine

PLANTED = "planted-credential"
FOR_AZURE = {
    name: f"{PLANTED}-{name}"
    for name in (
        "ARM_CLIENT_SECRET",
        "ARM_CLIENT_CERTIFICATE_PASSWORD",
        "ARM_OIDC_TOKEN",
        "ARM_OIDC_REQUEST_TOKEN",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_PASSWORD",
        "PULUMI_ACCESS_TOKEN",
    )
}
WITH_A_TOKEN = {"EXCHANGE_ACCESS_TOKEN": f"eyJ0.{PLANTED}.c2ln"}
WITH_A_CERTIFICATE = {
    "EXCHANGE_ACCESS_TOKEN": "",
    "EXCHANGE_CERTIFICATE_PATH": "deployment.pfx",
    "EXCHANGE_CERTIFICATE_PASSWORD": PLANTED,
    "EXCHANGE_APP_ID": "99999999-0000-4000-8000-000000000009",
}


@pytest.fixture(autouse=True)
def _for_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOR_AZURE.items():
        monkeypatch.setenv(name, value)


def plant(monkeypatch: pytest.MonkeyPatch, credentials: Mapping[str, str]) -> None:
    """Has the engine, and what it starts, find these instead of the tenant's own token."""
    own = environment._variables
    monkeypatch.setattr(environment, "_variables", lambda *given: {**own(*given), **credentials})


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield str(key)
            yield from strings(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from strings(entry)
    else:
        yield str(value)


def shown_by(result: Result) -> Iterator[str]:
    yield result.output
    for step in result.steps:
        yield from strings([step.old_inputs, step.new_inputs])


def kept_by(stack: SimulatedStack) -> Iterator[str]:
    """State with its secrets in clear, its files, and all that the clouds would show later."""
    yield from strings(stack.exported_state())
    yield from strings(stack.outputs())
    for file in (stack.directory / "state").rglob("*"):
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace")
    tenant = stack.tenant
    yield from (f"{call.service} {call.operation} {call.target}" for call in tenant.calls())
    yield from strings(tenant.snapshot())
    yield from run_history(stack)


def run_history(stack: SimulatedStack) -> Iterator[str]:
    """Every run of every workflow, with what its actions' links lead to."""
    tenant = stack.tenant
    for workflow in tenant.snapshot()["workflows"].values():
        runs = tenant.arm.request("GET", f"{workflow['id']}/runs?api-version=2019-05-01").body
        yield from strings(runs)
        for run in (runs or {})["value"]:
            actions = tenant.arm.request("GET", f"{run['id']}/actions?api-version=2019-05-01").body
            yield from strings(actions)
            for action in (actions or {})["value"]:
                for link in ("inputsLink", "outputsLink"):
                    if link in action["properties"]:
                        yield from strings(
                            tenant.logic.content(action["properties"][link]["uri"]).body
                        )


def tokens_of(stack: SimulatedStack) -> list[str]:
    """Every token that the tenant has issued, those of the deploying identity among them."""
    with closing(sqlite3.connect(tenant_file(stack.directory))) as file:
        rows = file.execute("SELECT id FROM document WHERE kind = 'token'").fetchall()
    return [token for (token,) in rows]


def assert_nowhere(credentials: list[str], texts: list[str]) -> None:
    assert credentials
    everything = "\n".join(texts)
    assert [credential for credential in credentials if credential in everything] == []


def change_subject(sender: Configuration) -> None:
    sender["message"]["subject"] = "Another subject"


def miss_control_mailbox(sender: Configuration) -> None:
    sender["controlMailbox"] = "nobody@contoso.com"


class TestACredentialIsNowhereToBeFound:
    def test_after_a_deployment_with_everything_logged(self, fresh: StackIn):
        texts: list[str] = []

        def operate(operation: str, **options: Any) -> SimulatedStack:
            stack = fresh(**options)
            stack.verbosity = 9
            texts.extend(shown_by(getattr(stack, operation)()))
            texts.extend(kept_by(stack))
            return stack

        operate("preview")
        stack = operate("up")
        pass_policy_lag(stack.tenant)
        sender = stack.outputs()["senders"]["notifications"]
        for mailbox in (sender["mailboxAddress"], "finance@contoso.com"):
            texts.append(str(send_as(stack.tenant, sender["workflowId"], mailbox)))
        operate("preview", change=change_subject)
        operate("up", change=change_subject)
        operate("up", change=miss_control_mailbox)
        stack = operate("destroy")

        assert any("the control mailbox nobody@contoso.com cannot be read" in t for t in texts)
        assert any("ErrorAccessDenied" in text for text in texts)
        assert stack.tenant.snapshot()["workflows"] == {}
        assert_nowhere([*FOR_AZURE.values(), *tokens_of(stack)], texts)

    @pytest.mark.parametrize("credentials", [WITH_A_TOKEN, WITH_A_CERTIFICATE])
    def test_after_a_sign_in_that_failed(
        self,
        fresh: StackIn,
        monkeypatch: pytest.MonkeyPatch,
        credentials: dict[str, str],
    ):
        plant(monkeypatch, credentials)
        stack = fresh()
        stack.verbosity = 9

        result = stack.up()

        assert not result.succeeded
        assert "error: shared mailbox" in result.output or "not with" in result.output
        assert_nowhere([PLANTED], [*shown_by(result), *kept_by(stack)])
