"""One deployed sender whose callers supply values: what they get, and what is sent."""

import base64
from pathlib import Path
from typing import Any

import pytest

from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag
from simulator.tenant.faults import RETRY_AFTER_SECONDS, Fault, Kind, Step
from tests.engine.conftest import Configuration, StackIn, succeeded

pytestmark = [pytest.mark.engine, pytest.mark.long]

INVOICE = {"name": "7.pdf", "contentType": "application/pdf", "contentBytes": "JVBERg=="}
RIGHT = {
    "customer": "Contoso",
    "recipient": "reception@contoso.com",
    "number": 7,
    "invoice": INVOICE,
}


def called(sender: Configuration) -> None:
    sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True}
    sender["message"] = {
        "subject": "Order {{number}} of {{customer}}",
        "body": {
            "contentType": "HTML",
            "content": "<p title='{{customer}}'>Sent by us: {{comment}}</p>",
        },
        "toRecipients": [{"address": "{{recipient}}", "name": "{{customer}}"}],
        "parameters": {
            "customer": {"type": "string", "maxLength": 100},
            "recipient": {"type": "string"},
            "number": {"type": "integer"},
            "comment": {"type": "string", "default": "none"},
            "invoice": {"type": "file"},
        },
        "attachments": [{"path": "LICENSE", "contentType": "text/plain"}],
        "allowedRecipients": ["contoso.com"],
    }


def test_only_a_right_call_sends_and_what_it_supplies_stays_text(redeployed: StackIn) -> None:
    stack = redeployed(change=called)
    succeeded(stack.up())
    pass_policy_lag(stack.tenant)
    sender = stack.outputs()["senders"]["notifications"]
    logic = stack.tenant.logic

    def call(**changes: Any) -> tuple[int, str]:
        body = {name: value for name, value in (RIGHT | changes).items() if value is not None}
        answer = logic.invoke_callback(sender["callbackUrl"], body)
        return answer.status, (answer.body or {}).get("error", {}).get("message", "")

    def runs() -> list[dict[str, Any]]:
        workflow = logic.get(sender["workflowId"])
        assert workflow is not None
        return logic.runs(workflow)

    for changes, finding in (
        ({"number": "7"}, "Expected Integer but got String"),
        ({"customer": None}, "Required properties are missing from object: customer"),
        ({"bcc": "finance@contoso.com"}, "Property 'bcc' has not been defined"),
        ({"customer": "x" * 101}, "exceeds maximum length of 100"),
        ({"invoice": "JVBERg=="}, "Expected Object but got String"),
        ({"invoice": INVOICE | {"contentBytes": "A" * 4_000_000}}, "exceeds maximum length of"),
    ):
        status, message = call(**changes)
        assert status == 400
        assert finding in message
    assert logic.invoke_callback(sender["callbackUrl"]).status == 400
    assert runs() == []

    for recipient in ("finance@example.com", "a@example.com,reception@contoso.com"):
        assert call(recipient=recipient) == (202, "")
        assert runs()[0]["status"] == "Failed"
        assert runs()[0]["error"]["code"] == "RecipientNotAllowed"
    assert stack.tenant.mail() == []

    assert call() == (202, "")
    assert call(customer="A <b> & 'c'\r\nBcc: x", comment='@{utcNow()} {{customer}} "') == (202, "")
    first, second = (mail.message for mail in stack.tenant.mail())
    assert first["subject"] == "Order 7 of Contoso"
    assert first["body"]["content"] == "<p title='Contoso'>Sent by us: none</p>"
    assert first["toRecipients"] == [
        {"emailAddress": {"address": "reception@contoso.com", "name": "Contoso"}}
    ]
    own, invoice = first["attachments"]
    assert base64.b64decode(own["contentBytes"]) == Path("LICENSE").read_bytes()
    assert invoice == {"@odata.type": "#microsoft.graph.fileAttachment"} | INVOICE
    assert second["subject"] == "Order 7 of A <b> & 'c' Bcc: x"
    assert second["body"]["content"] == (
        "<p title='A &lt;b&gt; &amp; &#39;c&#39;\r\nBcc: x'>Sent by us: "
        "@{utcNow()} {{customer}} &quot;</p>"
    )
    # Nothing that was supplied is in the history of the runs.
    assert all("Contoso" not in str(run) for run in runs())
    assert succeeded(stack.preview()).changes == []


class TestGraphIsTooBusy:
    """A mail is sent once, whatever was answered before, and never where nobody can know."""

    @pytest.fixture
    def stack(self, redeployed: StackIn) -> SimulatedStack:
        def change(sender: Configuration) -> None:
            sender["trigger"] = {
                "type": "httpRequest",
                "exportCallbackUrl": True,
                "queued": True,
            }

        stack = redeployed(change=change)
        succeeded(stack.up())
        pass_policy_lag(stack.tenant)
        return stack

    def test_and_is_asked_again_but_not_after_a_lost_answer(self, stack: SimulatedStack) -> None:
        tenant = stack.tenant
        sender = stack.outputs()["senders"]["notifications"]
        target = "/v1.0/users/{id}/sendMail"
        workflow = tenant.logic.get(sender["workflowId"])
        assert workflow is not None

        def run(*kinds: Kind) -> tuple[str, str, int]:
            """Status of a run and its error, and how many mails it sent, with faults in turn."""
            before = len(tenant.mail())
            tenant.plan_faults(
                [
                    Fault(Step("", "Graph", "POST", target, number), kind)
                    for number, kind in enumerate(kinds, 1)
                ]
            )
            begun = tenant.clock.now()
            assert tenant.logic.invoke_callback(sender["callbackUrl"]).status == 202
            last = tenant.logic.runs(workflow)[0]
            waited = (tenant.clock.now() - begun).total_seconds()
            busy = sum(kind is Kind.THROTTLED for kind in kinds[:3])
            assert waited >= busy * RETRY_AFTER_SECONDS
            return (
                last["status"],
                last.get("error", {}).get("code", ""),
                len(tenant.mail()) - before,
            )

        busy = Kind.THROTTLED
        assert run() == ("Succeeded", "", 1)
        assert run(busy) == ("Succeeded", "", 1)
        assert run(busy, busy, busy) == ("Succeeded", "", 1)
        assert run(busy, busy, busy, busy) == ("Failed", "ActionFailed", 0)
        assert run(Kind.TIMEOUT_AFTER) == ("Failed", "MailNotSent", 1)
        assert run(busy, Kind.TIMEOUT_AFTER) == ("Failed", "MailNotSent", 1)
        assert run(Kind.TIMEOUT_BEFORE) == ("Failed", "MailNotSent", 0)
        assert run(busy, Kind.REFUSED) == ("Failed", "MailNotSent", 0)

    def test_less_often_with_a_queue_which_stays(
        self, stack: SimulatedStack, redeployed: StackIn
    ) -> None:
        assert succeeded(stack.preview()).changes == []

        def without(sender: Configuration) -> None:
            sender["trigger"] = {"type": "httpRequest", "exportCallbackUrl": True}

        result = redeployed(change=without).preview()

        assert not result.succeeded
        assert "Azure does not let that be undone" in result.output
