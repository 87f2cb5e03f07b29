"""What a caller supplies, in the definition, and in what a run makes of it."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.message import (
    Attachment,
    Body,
    BodyType,
    Message,
    Parameter,
    ParameterType,
    Recipient,
)
from components.placeholders import VALUES_ACTION, Filling, body_schema, is_allowed
from components.trigger import Frequency, HttpRequestTrigger, RecurrenceTrigger, Signature
from components.workflow_definition import Probe, send_mail_definition
from simulator.tenant.definition import nested
from simulator.tenant.expressions import Scope, evaluated

MESSAGE = Message(
    subject="Order {{number}} of {{customer}}",
    body=Body(content="Dear {{customer}}, paid: {{paid}}."),
    to_recipients=[Recipient(address="{{recipient}}", name="{{customer}}")],
    reply_to=[Recipient(address="{{recipient}}")],
    parameters={
        "customer": Parameter(max_length=100, description="Who ordered."),
        "recipient": Parameter(),
        "number": Parameter(type=ParameterType.INTEGER),
        "paid": Parameter(type=ParameterType.BOOLEAN, default=False),
    },
    allowed_recipients=["contoso.com", "Finance@contoso.onmicrosoft.com"],
)
SENDING = ["Mail", "Send_mail", "If_throttled"]
CALL = {"customer": "Contoso", "recipient": "reception@contoso.com", "number": 7}


def definition(message: Message = MESSAGE, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "graph": "https://graph.microsoft.com",
        "mailbox_id": "11111111-0000-4000-8000-000000000001",
        "message": message,
        "trigger": HttpRequestTrigger(),
    }
    return send_mail_definition(**arguments | changes)


def sent(message: Message = MESSAGE, **call: Any) -> dict[str, Any]:
    """The ``message`` that a call makes of a definition."""
    actions = dict(nested(definition(message)["actions"]))
    scope = Scope("manual", CALL | call)
    scope.outputs[VALUES_ACTION] = evaluated(actions[VALUES_ACTION]["inputs"], scope)
    return evaluated(actions["Mail"]["inputs"], scope)["message"]  # type: ignore[no-any-return]


class TestTheTrigger:
    def test_takes_what_is_declared_and_nothing_else(self) -> None:
        trigger = definition()["triggers"]["manual"]
        assert trigger["operationOptions"] == "EnableSchemaValidation"
        assert trigger["inputs"]["schema"] == {
            "type": "object",
            "properties": {
                "customer": {"type": "string", "maxLength": 100, "description": "Who ordered."},
                "recipient": {"type": "string"},
                "number": {"type": "integer"},
                "paid": {"type": "boolean"},
            },
            "required": ["customer", "recipient", "number"],
            "additionalProperties": False,
        }

    def test_needs_nothing_where_all_has_a_default(self) -> None:
        message = replace(MESSAGE, parameters={"a": Parameter(default="")}, subject="{{a}}")
        message = replace(message, body=Body(content=""), to_recipients=(), reply_to=())
        schema = definition(message)["triggers"]["manual"]["inputs"]["schema"]
        assert "required" not in schema

    def test_takes_a_token_as_well(self) -> None:
        trigger = HttpRequestTrigger(signature=Signature.REFUSED)
        given = definition(trigger=trigger)["triggers"]["manual"]
        assert given["operationOptions"] == (
            "EnableSchemaValidation, IncludeAuthorizationHeadersInOutputs"
        )
        assert given["conditions"]

    def test_shows_what_it_is_given_to_nobody_who_reads_the_history(self) -> None:
        trigger = definition()["triggers"]["manual"]
        assert trigger["runtimeConfiguration"]["secureData"]["properties"] == ["outputs"]


class TestTheActions:
    def test_are_what_they_were_where_nothing_is_supplied(self) -> None:
        plain = Message(subject="s {{a}}", body=Body(content=""))
        assert list(definition(plain)["actions"]) == SENDING
        sent = definition(plain)["actions"]["Mail"]["inputs"]["message"]
        assert sent["subject"] == "s {{a}}"

    def test_compute_check_and_send(self) -> None:
        actions = definition()["actions"]
        assert list(actions) == ["Values", "If_recipients_are_allowed"]
        choice = actions["If_recipients_are_allowed"]
        assert choice["runAfter"] == {"Values": ["Succeeded"]}
        assert list(choice["actions"]) == SENDING
        [refusal] = choice["else"]["actions"].values()
        assert refusal["type"] == "Terminate"
        assert refusal["inputs"]["runError"]["code"] == "RecipientNotAllowed"

    def test_send_at_once_where_no_recipient_is_supplied(self) -> None:
        message = replace(MESSAGE, to_recipients=[Recipient(address="reception@contoso.com")])
        actions = definition(message)["actions"]
        assert list(actions) == ["Values", *SENDING]
        assert actions["Mail"]["runAfter"] == {"Values": ["Succeeded"]}
        assert actions["Send_mail"]["runAfter"] == {"Mail": ["Succeeded"]}

    def test_keep_what_is_supplied_out_of_the_history(self) -> None:
        secured = definition()["actions"]["Values"]["runtimeConfiguration"]["secureData"]
        assert secured == {"properties": ["inputs"]}

    def test_stand_behind_a_probe(self) -> None:
        probe = Probe("reports@contoso.com", "control.mailbox@contoso.com")
        [outer] = definition(probe=probe)["actions"].values()
        [inner] = outer["else"]["actions"].values()
        assert inner["else"]["actions"] == definition()["actions"]
        assert json.dumps(outer["actions"]).count("Values") == 0

    def test_check_what_is_sent(self) -> None:
        actions = dict(nested(definition()["actions"]))
        to = actions["Mail"]["inputs"]["message"]["toRecipients"][0]["emailAddress"]
        assert to["address"] == "@outputs('Values')['addresses'][0]"
        check = json.dumps(actions["If_recipients_are_allowed"]["expression"])
        assert to["address"].removeprefix("@") in check
        assert "triggerBody" not in check


class TestAValue:
    def test_stands_for_its_placeholder(self) -> None:
        message = sent()
        assert message["subject"] == "Order 7 of Contoso"
        assert message["body"]["content"] == "Dear Contoso, paid: false."
        assert message["toRecipients"] == [
            {"emailAddress": {"address": "reception@contoso.com", "name": "Contoso"}}
        ]
        assert sent(paid=True)["body"]["content"].endswith("paid: true.")

    @pytest.mark.parametrize("text", ["@{utcNow()}", "{{number}}", "it's '@@{x}", "a & <b>"])
    def test_is_never_evaluated(self, text: str) -> None:
        assert sent(customer=text)["body"]["content"] == f"Dear {text}, paid: false."

    @given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_arrives_whatever_it_is(self, text: str) -> None:
        body = Body(content="<p>{{customer}}</p>", content_type=BodyType.HTML)
        assert sent(customer=text)["body"]["content"] == f"Dear {text}, paid: false."
        content = sent(replace(MESSAGE, body=body), customer=text)["body"]["content"]
        assert html.unescape(content) == f"<p>{html.unescape(html.escape(text))}</p>"
        assert content.count("<") == 2

    @pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
    def test_of_a_subject_or_name_stays_on_one_line(self, line_end: str) -> None:
        message = sent(customer=f"Contoso{line_end}Bcc: finance@contoso.com")
        assert message["subject"] == "Order 7 of Contoso Bcc: finance@contoso.com"
        [to] = message["toRecipients"]
        assert to["emailAddress"]["name"] == "Contoso Bcc: finance@contoso.com"
        assert line_end in message["body"]["content"]

    def test_is_escaped_in_html(self) -> None:
        body = Body(content="<p title='{{customer}}'>&copy;</p>", content_type=BodyType.HTML)
        content = sent(replace(MESSAGE, body=body), customer="""<b> "&amp;" '""")["body"]["content"]
        assert content == "<p title='&lt;b&gt; &quot;&amp;amp;&quot; &#39;'>&copy;</p>"

    @pytest.mark.parametrize("at", ["@", "@@", "x@"])
    def test_follows_an_at_sign(self, at: str) -> None:
        message = replace(MESSAGE, body=Body(content=at + "{{customer}}@{{customer}}"))
        assert sent(message)["body"]["content"] == f"{at}Contoso@Contoso"

    @pytest.mark.parametrize(
        ("parameter", "written"),
        [
            (Parameter(default="it's {a} 5 > 4"), "it's {a} 5 > 4"),
            (Parameter(default=""), ""),
            (Parameter(type=ParameterType.INTEGER, default=-3), "-3"),
            (Parameter(type=ParameterType.NUMBER, default=1.5), "1.5"),
            (Parameter(type=ParameterType.BOOLEAN, default=True), "true"),
            (Parameter(type=ParameterType.BOOLEAN, default=False), "false"),
        ],
    )
    def test_that_is_left_out_is_its_default(self, parameter: Parameter, written: str) -> None:
        message = replace(
            MESSAGE,
            subject="{{left}}",
            parameters={**MESSAGE.parameters, "left": parameter},
        )
        assert sent(message)["subject"] == written
        recurrence = RecurrenceTrigger(
            frequency=Frequency.DAY, interval=1, start_time="2020-01-01T00:00:00Z"
        )
        alone = Message(subject="", body=Body(content="{{left}}"), parameters={"left": parameter})
        actions = definition(alone, trigger=recurrence)["actions"]
        assert list(actions) == SENDING
        assert actions["Mail"]["inputs"]["message"]["body"]["content"] == written

    def test_that_nobody_supplies_is_escaped_as_well(self) -> None:
        message = replace(
            MESSAGE,
            subject="",
            body=Body(content="<p>{{a}}</p>", content_type=BodyType.HTML),
            to_recipients=[Recipient(address="{{to}}")],
            reply_to=(),
            parameters={
                "a": Parameter(default="<\"&'>"),
                "to": Parameter(default="reception@CONTOSO.com"),
            },
        )
        filled = Filling(message, by_caller=False).message()
        assert filled["body"]["content"] == "<p>&lt;&quot;&amp;&#39;&gt;</p>"
        assert filled["toRecipients"][0]["emailAddress"]["address"] == "reception@CONTOSO.com"


class TestAFile:
    @pytest.fixture(autouse=True)
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "terms.pdf").write_bytes(b"%PDF")

    OWN = Attachment(path="files/terms.pdf", content_type="application/pdf")
    BOTH = replace(
        MESSAGE,
        attachments=[OWN],
        parameters={**MESSAGE.parameters, "invoice": Parameter(type=ParameterType.FILE)},
    )

    def test_beside_the_configuration_is_attached(self) -> None:
        message = Message(subject="", body=Body(content=""), attachments=[self.OWN])
        assert list(definition(message)["actions"]) == SENDING
        filled = Filling(message, by_caller=False).message()
        assert evaluated(filled, Scope("manual"))["attachments"] == [
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": "terms.pdf",
                "contentType": "application/pdf",
                "contentBytes": "JVBERg==",
            }
        ]

    def test_has_a_name_of_its_own_in_the_mail(self) -> None:
        named = replace(self.OWN, name="@Terms.pdf")
        message = Message(subject="", body=Body(content=""), attachments=[named])
        [attached] = Filling(message, by_caller=False).message()["attachments"]
        assert attached["name"] == "@@Terms.pdf"

    def test_of_a_caller_follows(self) -> None:
        file = {"name": "a\r\nb.pdf", "contentType": "text/\ncsv", "contentBytes": "@{x}"}
        own, invoice = sent(self.BOTH, invoice=file)["attachments"]
        assert own["name"] == "terms.pdf"
        assert invoice == {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": "a b.pdf",
            "contentType": "text/ csv",
            "contentBytes": "@{x}",
        }

    def test_of_a_caller_is_required_and_leaves_room_for_the_others(self) -> None:
        schema = definition(self.BOTH)["triggers"]["manual"]["inputs"]["schema"]
        assert "invoice" in schema["required"]
        file = schema["properties"]["invoice"]
        assert file["required"] == ["name", "contentType", "contentBytes"]
        assert file["additionalProperties"] is False
        assert file["properties"]["contentBytes"]["maxLength"] == 3_999_996 - 8
        another = {**self.BOTH.parameters, "other": Parameter(type=ParameterType.FILE)}
        schema = body_schema(replace(self.BOTH, parameters=another))
        lengths = [
            schema["properties"][name]["properties"]["contentBytes"]["maxLength"]
            for name in ("invoice", "other")
        ]
        assert lengths == [(3_999_996 - 8) // 2] * 2

    @pytest.mark.parametrize(
        ("changes", "by_caller", "why"),
        [
            ({"subject": "{{invoice}}"}, True, "and that is a file"),
            ({"subject": "", "body": Body(content=""), "to_recipients": ()}, False, "no call"),
            (
                {"attachments": [Attachment(path="files", content_type="a/b")]},
                True,
                "cannot be read from .*: Is a directory",
            ),
            (
                {"attachments": [Attachment(path="files/none", content_type="a/b")]},
                True,
                "cannot be read from .*: No such file or directory",
            ),
        ],
    )
    def test_is_refused(self, changes: dict[str, Any], by_caller: bool, why: str) -> None:
        message = replace(self.BOTH, reply_to=(), **changes)
        with pytest.raises(ValueError, match=why):
            Filling(message, by_caller=by_caller).message()


class TestWhatCannotBeFilled:
    @pytest.mark.parametrize(
        ("changes", "by_caller", "why"),
        [
            ({"subject": "{{other}}"}, True, "has the placeholder {{other}}, and no parameter"),
            ({"subject": "{{customer}}"}, False, "needs customer, which has no default"),
            ({"allowed_recipients": ()}, True, "nothing limits whom"),
            ({"subject": "@x {{customer}}"}, True, "Microsoft does not say"),
            ({"subject": "{{customer}} @{x}"}, True, "Microsoft does not say"),
            ({"subject": "x" * 8192 + "{{customer}}"}, True, "Logic Apps takes 8192"),
        ],
    )
    def test_is_refused(self, changes: dict[str, Any], by_caller: bool, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            Filling(replace(MESSAGE, **changes), by_caller=by_caller).message()

    def test_is_refused_of_a_default_that_is_not_allowed(self) -> None:
        message = Message(
            subject="",
            body=Body(content=""),
            to_recipients=[Recipient(address="{{to}}")],
            parameters={"to": Parameter(default="finance@example.com")},
            allowed_recipients=["contoso.com"],
        )
        with pytest.raises(ValueError, match="not among allowedRecipients"):
            Filling(message, by_caller=False).message()


class TestWhomACallerMayHaveItSentTo:
    def allowed(self, recipient: str) -> bool:
        actions = definition()["actions"]
        scope = Scope("manual", CALL | {"recipient": recipient})
        scope.outputs[VALUES_ACTION] = evaluated(actions[VALUES_ACTION]["inputs"], scope)
        [check] = actions["If_recipients_are_allowed"]["expression"]["and"]
        allowed, true = evaluated(check["equals"], scope)
        assert true is True
        return bool(allowed)

    @pytest.mark.parametrize(
        "recipient",
        [
            "reception@contoso.com",
            "Reception@CONTOSO.COM",
            "o'brien+orders@contoso.com",
            "a.b-c_d~e@contoso.com",
            "finance@contoso.onmicrosoft.com",
            "FINANCE@CONTOSO.onmicrosoft.com",
        ],
    )
    def test_is_allowed(self, recipient: str) -> None:
        assert self.allowed(recipient)
        assert is_allowed(recipient, MESSAGE.allowed_recipients)

    @given(st.text(alphabet="a@.,;<>\" '+%\n\u212aä", max_size=12), st.booleans())
    def test_is_nobody_elsewhere(self, start: str, ours: bool) -> None:
        recipient = start + ("@contoso.com" if ours else "")
        if self.allowed(recipient):
            assert re.fullmatch(r"[a.'+]+@contoso\.com", recipient)

    @pytest.mark.parametrize(
        "recipient",
        [
            "",
            "@",
            "contoso.com",
            "@contoso.com",
            "reception",
            "a@evil.com",
            "reception@contoso.onmicrosoft.com",
            "a@evil-contoso.com",
            "a@sub.contoso.com",
            "a@contoso.com.evil.com",
            "a@contoso.com.",
            "a@evil.com,b@contoso.com",
            "a@evil.com;b@contoso.com",
            "a@evil.com b@contoso.com",
            "a@evil.com\n@contoso.com",
            "a@evil.com@contoso.com",
            '"a@evil.com"@contoso.com',
            '"a b"@contoso.com',
            "a,b@contoso.com",
            "a b@contoso.com",
            "a\tb@contoso.com",
            " a@contoso.com",
            "a@contoso.com ",
            "a@contoso.com\n",
            "a@contoso.com\r\nBcc: b@evil.com",
            "A <a@contoso.com>",
            "<a@contoso.com>",
            "smtp:a@contoso.com",
            "a%evil.com@contoso.com",
            "a/b@contoso.com",
            "IMCEASMTP-a+40evil+2Ecom@contoso.com",
            "imceaex-_o=x@contoso.com",
            "ä@contoso.com",
            "a\uff20evil.com@contoso.com",
            # The sign for Kelvin, which in lower case is a k.
            "\u212a@contoso.com",
        ],
    )
    def test_is_not_allowed(self, recipient: str) -> None:
        assert not self.allowed(recipient)
