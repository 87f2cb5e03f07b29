"""The workflow definition against the action of the manual procedure that it replaces."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from components.expressions import literal
from components.message import Body, BodyType, Importance, Message, Recipient
from components.trigger import (
    NOT_BY_SIGNATURE,
    Frequency,
    HttpRequestTrigger,
    RecurrenceTrigger,
    Schedule,
    Signature,
    WeekDay,
)
from components.workflow_definition import Probe, send_mail_definition
from simulator.tenant.definition import nested
from simulator.tenant.expressions import Scope, evaluated

MAILBOX_ID = "11111111-0000-4000-8000-000000000001"
MESSAGE = Message(
    subject="Graph test mail",
    body=Body(content="Does this work?"),
    to_recipients=[Recipient(address="finance@contoso.com")],
    save_to_sent_items=False,
)


def definition(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "graph": "https://graph.microsoft.com",
        "mailbox_id": MAILBOX_ID,
        "message": MESSAGE,
        "trigger": HttpRequestTrigger(),
    }
    return send_mail_definition(**arguments | changes)


def mail(**changes: Any) -> dict[str, Any]:
    """What the request of sendMail holds."""
    inputs: dict[str, Any] = definition(**changes)["actions"]["Mail"]["inputs"]
    return inputs


def action(**changes: Any) -> dict[str, Any]:
    action: dict[str, Any] = definition(**changes)["actions"]["Send_mail"]
    return action


class TestActionOfTheManualProcedure:
    """Method, address, authentication and body: what the procedure has a person click together."""

    def test_posts_as_the_mailbox_by_its_object_id(self):
        assert action()["type"] == "Http"
        assert action()["inputs"]["method"] == "POST"
        assert action()["inputs"]["uri"] == (
            f"https://graph.microsoft.com/v1.0/users/{MAILBOX_ID}/sendMail"
        )

    def test_signs_in_as_the_system_assigned_identity(self):
        # No "identity": that would name a user-assigned one. No slash at the end of the audience.
        assert action()["inputs"]["authentication"] == {
            "type": "ManagedServiceIdentity",
            "audience": "https://graph.microsoft.com",
        }

    def test_sends_its_body(self):
        # The procedure writes "saveToSentItems": "false", a text; Graph documents a Boolean.
        assert action()["inputs"]["body"] == "@outputs('Mail')"
        assert mail() == {
            "message": {
                "subject": "Graph test mail",
                "body": {"contentType": "Text", "content": "Does this work?"},
                "toRecipients": [{"emailAddress": {"address": "finance@contoso.com"}}],
                "importance": "normal",
            },
            "saveToSentItems": False,
        }

    def test_says_nothing_of_sent_items_where_graph_has_the_same_default(self):
        assert "saveToSentItems" not in mail(message=replace(MESSAGE, save_to_sent_items=True))


class TestSafeByDefault:
    def test_never_repeats_a_send(self):
        assert action()["inputs"]["retryPolicy"] == {"type": "none"}

    def test_does_not_poll_after_202(self):
        assert action()["operationOptions"] == "DisableAsyncPattern"

    def test_keeps_the_mail_out_of_the_run_history_but_not_the_answer(self):
        for name in ("Mail", "Send_mail"):
            secured = definition()["actions"][name]["runtimeConfiguration"]["secureData"]
            assert secured["properties"] == ["inputs"]

    def test_is_plain_json(self):
        assert json.loads(json.dumps(definition())) == definition()


class TestProbe:
    """It tries the own mailbox and the control mailbox, and leaves what is sent as it was."""

    OWN = "reports@contoso.com"

    def definition(
        self, control: str = "control.mailbox@contoso.com", **changes: Any
    ) -> dict[str, Any]:
        return definition(probe=Probe(self.OWN, control), **changes)

    def actions(self, **changes: Any) -> dict[str, Any]:
        return dict(nested(self.definition(**changes)["actions"]))

    def test_is_not_there_unless_asked_for(self):
        assert list(definition()["triggers"]) == ["manual"]
        assert list(definition()["actions"]) == ["Mail", "Send_mail", "If_throttled"]
        assert "robe" not in json.dumps(definition())

    def test_has_no_address_that_could_be_called_and_does_not_fire_by_itself(self):
        triggers = self.definition()["triggers"]
        for name in ("Probe", "Probe_own_mailbox"):
            assert triggers.pop(name) == {
                "type": "Recurrence",
                "recurrence": {
                    "frequency": "Month",
                    "interval": 16,
                    "startTime": "2070-01-01T00:00:00Z",
                },
            }
        assert triggers == HttpRequestTrigger().definition()

    def test_runs_in_place_of_sending_and_each_action_only_for_its_own_trigger(self):
        [outer] = self.definition()["actions"].values()
        [inner] = outer["else"]["actions"].values()
        for choice, trigger, action in (
            (outer, "Probe", "Try_control_mailbox"),
            (inner, "Probe_own_mailbox", "Send_to_own_mailbox"),
        ):
            assert choice["type"] == "If"
            assert choice["expression"] == {"and": [{"equals": ["@trigger()?['name']", trigger]}]}
            assert list(choice["actions"]) == [action]
        assert inner["else"]["actions"] == definition()["actions"]

    def test_of_the_control_mailbox_has_no_recipients_and_leaves_no_copy(self):
        body = self.actions()["Try_control_mailbox"]["inputs"]["body"]
        assert body["message"]["toRecipients"] == []
        assert body["message"].keys() == {"subject", "body", "toRecipients"}
        assert body["saveToSentItems"] is False

    def test_of_the_own_mailbox_goes_to_nobody_else_and_leaves_no_copy(self):
        body = self.actions()["Send_to_own_mailbox"]["inputs"]["body"]
        assert body["message"]["toRecipients"] == [{"emailAddress": {"address": self.OWN}}]
        assert body["message"].keys() == {"subject", "body", "toRecipients", "importance"}
        assert body["saveToSentItems"] is False

    def test_has_mailboxes_that_nobody_can_choose(self):
        assert self.actions()["Try_control_mailbox"]["inputs"]["uri"] == (
            "https://graph.microsoft.com/v1.0/users/control.mailbox@contoso.com/sendMail"
        )
        # Nothing of what a caller sends is read: what is asked for is the name of the trigger.
        assert not re.search(r"trigger(Body|Outputs)", json.dumps(self.definition()))

    def test_differs_from_sending_in_mailbox_and_mail_alone(self):
        identity = "/subscriptions/s/resourceGroups/g/providers/p/userAssignedIdentities/id-x"
        actions = self.actions(identity_id=identity)
        control, own, send = (
            actions[name] for name in ("Try_control_mailbox", "Send_to_own_mailbox", "Send_mail")
        )
        assert own["inputs"]["uri"] == send["inputs"]["uri"]
        for action in (control, own, send):
            del action["inputs"]["uri"], action["inputs"]["body"], action["runAfter"]
        assert control == own == send
        assert control["inputs"]["authentication"]["identity"] == identity

    @pytest.mark.parametrize(
        ("address", "part"),
        [("a/b?c#d@contoso.com", "a%2Fb%3Fc%23d@contoso.com"), ("a{b}@contoso.com", "a%7Bb%7D@")],
    )
    def test_an_address_stays_one_part_of_the_uri(self, address, part):
        uri = self.actions(control=address)["Try_control_mailbox"]["inputs"]["uri"]
        assert f"/users/{part}" in uri
        assert uri.endswith("/sendMail")

    def test_is_plain_json(self):
        assert json.loads(json.dumps(self.definition())) == self.definition()


class TestGraphIsTooBusy:
    def test_is_asked_again_within_a_bound(self):
        actions = definition()["actions"]
        assert [name for name in dict(nested(actions)) if name.startswith("Send_mail")] == [
            "Send_mail",
            "Send_mail_2",
            "Send_mail_3",
            "Send_mail_4",
        ]
        send, *repeated = (
            action for name, action in nested(actions) if name.startswith("Send_mail")
        )
        for number, again in enumerate(repeated):
            assert again["runAfter"] == {["Wait", "Wait_2", "Wait_3"][number]: ["Succeeded"]}
            assert {**again, "runAfter": send["runAfter"]} == send

    @pytest.mark.parametrize(
        ("outputs", "again"),
        [
            ({"statusCode": 429}, True),
            ({"statusCode": 503}, True),
            ({"statusCode": 500}, False),
            ({"statusCode": 502}, False),
            ({"statusCode": 504}, False),
            ({"statusCode": 403}, False),
            (None, False),
        ],
    )
    def test_by_what_says_that_nothing_was_sent(self, outputs, again):
        choice = definition()["actions"]["If_throttled"]
        assert choice["runAfter"] == {"Send_mail": ["Failed", "TimedOut"]}
        scope = Scope("manual", outputs={"Send_mail": outputs})
        alternatives = [evaluated(each["equals"], scope) for each in choice["expression"]["or"]]
        assert any(first == second for first, second in alternatives) is again
        [otherwise] = choice["else"]["actions"].values()
        assert otherwise["inputs"]["runStatus"] == "Failed"

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After": "17"}, 17),
            ({"Retry-After": "0"}, 1),
            ({"Retry-After": "86400"}, 300),
            ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
            ({}, 30),
        ],
    )
    def test_after_as_many_seconds_as_it_says(self, headers, seconds):
        wait = definition()["actions"]["If_throttled"]["actions"]["Wait"]["inputs"]["interval"]
        answer = {"statusCode": 429, "headers": headers}
        assert evaluated(wait, Scope("manual", outputs={"Send_mail": answer})) == {
            "count": seconds,
            "unit": "Second",
        }

    def test_is_asked_once_by_a_probe(self):
        probe = Probe("reports@contoso.com", "control.mailbox@contoso.com")
        actions = dict(nested(definition(probe=probe)["actions"]))
        assert sum(action["type"] == "Http" for action in actions.values()) == 4 + 2


class TestAQueue:
    def test_is_as_wide_as_graph_is_and_as_long_as_logic_apps_takes(self):
        runtime = HttpRequestTrigger(queued=True).definition()["manual"]["runtimeConfiguration"]
        assert runtime == {"concurrency": {"runs": 4, "maximumWaitingRuns": 100}}

    def test_hides_what_is_hidden_without_it(self):
        trigger = HttpRequestTrigger(queued=True, signature=Signature.REFUSED)
        runtime = trigger.definition()["manual"]["runtimeConfiguration"]
        assert runtime["secureData"]["properties"] == ["outputs"]
        assert runtime["concurrency"]["runs"] == 4


class TestASignatureThatIsRefused:
    def test_is_nothing_of_a_trigger_that_does_not_ask_for_it(self):
        assert HttpRequestTrigger().definition()["manual"].keys() == {"type", "kind", "inputs"}

    def test_asks_for_the_header_of_a_token_and_sees_it(self):
        trigger = HttpRequestTrigger(signature=Signature.REFUSED).definition()["manual"]
        assert trigger["conditions"] == [{"expression": NOT_BY_SIGNATURE}]
        assert trigger["operationOptions"] == "IncludeAuthorizationHeadersInOutputs"
        # As Microsoft's page has it, for a call that has no such header too.
        assert NOT_BY_SIGNATURE == (
            "@startsWith(coalesce(triggerOutputs()?['headers']?['Authorization'], ''), 'Bearer ')"
        )

    def test_shows_no_token_to_who_reads_the_history(self):
        trigger = HttpRequestTrigger(signature=Signature.REFUSED).definition()["manual"]
        assert trigger["runtimeConfiguration"]["secureData"]["properties"] == ["outputs"]


class TestMessage:
    def test_carries_every_kind_of_recipient(self):
        message = Message(
            subject="s",
            body=Body(content="<b>c</b>", content_type=BodyType.HTML),
            to_recipients=[Recipient(address="to@contoso.com", name="To")],
            cc_recipients=[Recipient(address="cc@contoso.com")],
            bcc_recipients=[Recipient(address="bcc@contoso.com")],
            reply_to=[Recipient(address="answers@contoso.com")],
            importance=Importance.HIGH,
        )
        assert message.as_graph_has_it() == {
            "subject": "s",
            "body": {"contentType": "HTML", "content": "<b>c</b>"},
            "toRecipients": [{"emailAddress": {"address": "to@contoso.com", "name": "To"}}],
            "ccRecipients": [{"emailAddress": {"address": "cc@contoso.com"}}],
            "bccRecipients": [{"emailAddress": {"address": "bcc@contoso.com"}}],
            "replyTo": [{"emailAddress": {"address": "answers@contoso.com"}}],
            "importance": "high",
        }


class TestRecurrence:
    def test_always_has_a_start_time(self):
        # Without one the first run fires at deployment, before the grant.
        with pytest.raises(TypeError, match="start_time"):
            RecurrenceTrigger(frequency=Frequency.DAY, interval=1)  # type: ignore[call-arg]

    def test_carries_the_schedule(self):
        trigger = RecurrenceTrigger(
            frequency=Frequency.WEEK,
            interval=1,
            start_time="2020-01-01T00:00:00",
            time_zone="W. Europe Standard Time",
            schedule=Schedule(hours=[7], minutes=[30], week_days=[WeekDay.MONDAY]),
        )
        assert trigger.definition()["Recurrence"] == {
            "type": "Recurrence",
            "recurrence": {
                "frequency": "Week",
                "interval": 1,
                "startTime": "2020-01-01T00:00:00",
                "timeZone": "W. Europe Standard Time",
                "schedule": {"hours": [7], "minutes": [30], "weekDays": ["Monday"]},
            },
        }

    def test_leaves_out_what_is_not_given(self):
        trigger = RecurrenceTrigger(
            frequency=Frequency.HOUR, interval=6, start_time="2020-01-01T00:00:00Z"
        )
        recurrence = trigger.definition()["Recurrence"]["recurrence"]
        assert set(recurrence) == {"frequency", "interval", "startTime"}


class TestTextIsNeverAnExpression:
    """A subject from a colleague must not be evaluated: it could read the workflow's own data."""

    @pytest.mark.parametrize(
        ("text", "escaped"),
        [
            ("plain", "plain"),
            ("finance@contoso.com", "finance@contoso.com"),
            ("@utcNow()", "@@utcNow()"),
            ("@{utcNow()}", "@@{utcNow()}"),
            ("at @{utcNow()}", "at @@{utcNow()}"),
        ],
    )
    def test_escapes(self, text, escaped):
        assert literal(text) == escaped

    @pytest.mark.parametrize(
        "text", ["@@", "@@x", "a @@{x}", "@@{x}", "@{a} @{b}", "@a @{b}", "a\n@@{"]
    )
    def test_refuses_what_no_documented_escape_covers(self, text):
        with pytest.raises(ValueError, match="Microsoft does not say"):
            literal({"subject": ["plain", text]})

    def test_refuses_to_escape_a_text_longer_than_an_expression(self):
        assert len(literal("@{" + "x" * 8189)) == 8192
        with pytest.raises(ValueError, match="longer than the 8192 characters"):
            literal("@{" + "x" * 8190)

    def test_a_long_text_without_escapes_is_as_it_is(self):
        assert literal("x@y" * 50_000) == "x@y" * 50_000

    def test_escapes_every_text_of_the_mail(self):
        message = Message(
            subject="@a()",
            body=Body(content="@{b()}"),
            to_recipients=[Recipient(address="finance@contoso.com", name="@c()")],
        )
        body = mail(message=message)["message"]
        assert body["subject"] == "@@a()"
        assert body["body"]["content"] == "@@{b()}"
        assert body["toRecipients"][0]["emailAddress"]["name"] == "@@c()"
