"""What callers supply: parameters, placeholders, and whom a mail may be sent to."""

from pathlib import Path
from typing import Any

import pytest

from configuration import (
    ConfigurationError,
    HttpRequestTrigger,
    load_configuration,
    refuse_removed_queues,
    warn_of_expressions,
)
from tests.configuration.happy_path import assert_refused, drop, only_mistake, put

MESSAGE = "senders[0].message"
SUBJECT = f"{MESSAGE}.subject"
CONTENT = f"{MESSAGE}.body.content"
ADDRESS = f"{MESSAGE}.toRecipients[0].address"
CUSTOMER = f"{MESSAGE}.parameters.customer"


@pytest.fixture
def values(values: dict[str, Any]) -> dict[str, Any]:
    message = values["senders"][0]["message"]
    message["subject"] = "For {{customer}}"
    message["parameters"] = {
        "customer": {"type": "string", "maxLength": 100},
        "recipient": {"type": "string"},
        "amount": {"type": "number", "default": 1.5},
        "paid": {"type": "boolean", "default": False},
    }
    message["toRecipients"] = [{"address": "{{recipient}}", "name": "{{customer}}"}]
    message["allowedRecipients"] = ["contoso.com", "finance@contoso.onmicrosoft.com"]
    message["replyTo"] = [{"address": "{{recipient}}"}]
    return values


def test_are_read(values: dict[str, Any]) -> None:
    message = load_configuration(values).senders[0].message
    assert message.parameters["customer"].max_length == 100
    assert message.parameters["amount"].default == 1.5
    assert message.allowed_recipients[0] == "contoso.com"


class TestAParameter:
    @pytest.mark.parametrize("name", ["1st", "a-b", "a b", "", "ä", "x" * 81])
    def test_has_a_name_that_an_expression_can_hold(
        self, values: dict[str, Any], name: str
    ) -> None:
        values["senders"][0]["message"]["parameters"][name] = {"type": "string"}
        assert "no name for one" in only_mistake(values).problem

    @pytest.mark.parametrize(
        ("path", "value", "problem", "remedy"),
        [
            ("type", "date", "not a type of value", "string, integer, number, boolean or file"),
            ("type", None, "has no value", "string, integer, number, boolean or file"),
            ("maxLength", 0, "out of range", "number of characters"),
            ("maxlength", 5, "does not exist", "Did you mean maxLength?"),
            ("default", 1, "not a value of the type string", "another default"),
            ("default", ["a"], "not a value of the type string", "another default"),
            ("maxLength", "5", "not a whole number", "without quotes"),
            ("default", "a @{b}", "has @{ in it", "another default"),
            ("description", "@@x", "Microsoft does not say", "another character"),
        ],
    )
    def test_has_keys_of_its_own(
        self, values: dict[str, Any], path: str, value: object, problem: str, remedy: str
    ) -> None:
        assert_refused(values, f"{CUSTOMER}.{path}", value, problem, remedy)

    def test_has_a_default_within_its_length(self, values: dict[str, Any]) -> None:
        load_configuration(put(values, f"{CUSTOMER}.default", "x" * 100))
        mistake = only_mistake(put(values, f"{CUSTOMER}.default", "x" * 101))
        assert "has 101 characters, and its maxLength is 100" in mistake.problem

    def test_is_a_group_of_keys(self, values: dict[str, Any]) -> None:
        assert_refused(values, CUSTOMER, "string", "not a group of keys", "type, default")

    @pytest.mark.parametrize(
        ("kind", "default", "right"),
        [
            ("integer", 1, True),
            ("integer", 1.5, False),
            ("integer", True, False),
            ("number", 1, True),
            ("number", "1", False),
            ("boolean", 0, False),
            ("boolean", True, True),
        ],
    )
    def test_has_a_default_of_its_type(
        self, values: dict[str, Any], kind: str, default: object, right: bool
    ) -> None:
        put(values, f"{MESSAGE}.parameters.other", {"type": kind, "default": default})
        if right:
            load_configuration(values)
        else:
            assert f"not a value of the type {kind}" in only_mistake(values).problem

    def test_other_than_a_string_has_no_length(self, values: dict[str, Any]) -> None:
        path = f"{MESSAGE}.parameters.amount.maxLength"
        assert_refused(values, path, 5, "of the type number", "Leave it out")

    def test_of_a_recurrence_has_a_default(self, values: dict[str, Any]) -> None:
        values["senders"][0]["trigger"] = {"type": "recurrence", "frequency": "Day", "interval": 1}
        parameters = values["senders"][0]["message"]["parameters"]
        parameters["customer"]["default"] = "Customer"
        mistake = only_mistake(values)
        assert "message.parameters.recipient" in mistake.heading
        assert "nobody supplies a value to a recurrence" in mistake.problem
        parameters["recipient"]["default"] = "reception@contoso.com"
        load_configuration(values)


class TestAPlaceholder:
    @pytest.mark.parametrize("path", [SUBJECT, CONTENT, f"{MESSAGE}.toRecipients[0].name"])
    def test_is_declared(self, values: dict[str, Any], path: str) -> None:
        assert_refused(
            values,
            path,
            "Dear {{ custmer }}",
            "has {{custmer}}, which message.parameters does not declare",
            "Did you mean customer?",
        )

    @pytest.mark.parametrize("text", ["{{1}}", "{customer}", "{{a-b}}", "{{}}", "{ {customer} }"])
    def test_is_nothing_else(self, values: dict[str, Any], text: str) -> None:
        load_configuration(put(values, CONTENT, text))

    def test_is_text_where_no_parameter_is_declared(self, values: dict[str, Any]) -> None:
        message = values["senders"][0]["message"]
        del message["parameters"], message["allowedRecipients"], message["replyTo"]
        message["toRecipients"] = [{"address": "reception@contoso.com"}]
        load_configuration(values)
        assert_refused(values, ADDRESS, "{{a}}@contoso.com", "declares none", "Declare it")

    @pytest.mark.parametrize("text", ["@you {{customer}}", "{{customer}} @{utcNow()}"])
    def test_does_not_stand_beside_what_needs_an_escape(
        self, values: dict[str, Any], text: str
    ) -> None:
        assert_refused(values, CONTENT, text, "Microsoft does not say", "&#64;")

    @pytest.mark.parametrize("text", ["@{{customer}}", "{{customer}}@{{customer}} @x"])
    def test_may_follow_an_at_sign(self, values: dict[str, Any], text: str) -> None:
        load_configuration(put(values, CONTENT, text))

    def test_has_a_text_no_longer_than_an_expression(self, values: dict[str, Any]) -> None:
        load_configuration(put(values, CONTENT, "x" * 8192))
        load_configuration(put(values, CONTENT, "x" * 8152 + "{{customer}}"))
        mistake = only_mistake(put(values, CONTENT, "x" * 8153 + "{{customer}}"))
        assert "8193 characters, and Logic Apps takes 8192" in mistake.problem

    def test_of_a_subject_leaves_room(self, values: dict[str, Any]) -> None:
        load_configuration(put(values, SUBJECT, "x" * 155 + "{{customer}}"))
        load_configuration(put(values, SUBJECT, "{{amount}} {{paid}}"))
        mistake = only_mistake(put(values, SUBJECT, "x" * 156 + "{{customer}}"))
        assert "may come to 256 characters" in mistake.problem
        assert "lower the maxLength" in mistake.remedy
        put(values, SUBJECT, "{{customer}}")
        mistake = only_mistake(drop(values, f"{CUSTOMER}.maxLength"))
        assert "whose length nothing limits" in mistake.problem
        assert mistake.remedy == "Write maxLength below message.parameters.customer."


class TestARecipientOfACaller:
    def test_is_limited(self, values: dict[str, Any]) -> None:
        mistake = only_mistake(drop(values, f"{MESSAGE}.allowedRecipients"))
        assert "toRecipients[0].address" in mistake.heading
        assert "nothing limits whom" in mistake.problem
        assert "message.allowedRecipients" in mistake.remedy

    def test_is_not_where_only_answers_go(self, values: dict[str, Any]) -> None:
        drop(values, f"{MESSAGE}.allowedRecipients")
        load_configuration(put(values, ADDRESS, "reception@contoso.com"))

    @pytest.mark.parametrize("text", ["{{a}}, {{b}}", "to {{recipient}}", "{{recipient}} <x>"])
    def test_is_one_address(self, values: dict[str, Any], text: str) -> None:
        text = text.replace("{{a}}", "{{recipient}}").replace("{{b}}", "{{customer}}")
        assert_refused(values, ADDRESS, text, "whatever its placeholders are", "'{{recipient}}'")

    @pytest.mark.parametrize("text", ["{{recipient}}@contoso.com", "{{recipient}}@{{customer}}"])
    def test_may_be_made_of_parts(self, values: dict[str, Any], text: str) -> None:
        load_configuration(put(values, ADDRESS, text))

    @pytest.mark.parametrize(
        "entry",
        ["*", "@contoso.com", "contoso", "*.contoso.com", "a b@contoso.com", "a&b@contoso.com"],
    )
    def test_is_among_addresses_and_domains(self, values: dict[str, Any], entry: str) -> None:
        path = f"{MESSAGE}.allowedRecipients[0]"
        assert_refused(values, path, entry, "", "contoso.com")

    def test_is_allowed_by_default(self, values: dict[str, Any]) -> None:
        path = f"{MESSAGE}.parameters.recipient.default"
        load_configuration(put(values, path, "anybody@CONTOSO.com"))
        mistake = only_mistake(put(values, path, "finance@example.com"))
        assert "finance@example.com by default, which is not among" in mistake.problem

    def test_is_compared_with_a_list_no_longer_than_an_expression(
        self, values: dict[str, Any]
    ) -> None:
        domains = [f"department-{number}.contoso.com" for number in range(300)]
        mistake = only_mistake(put(values, f"{MESSAGE}.allowedRecipients", domains))
        assert "Logic Apps takes 8192" in mistake.problem


class TestAFile:
    PATH = f"{MESSAGE}.attachments[0].path"

    @pytest.fixture(autouse=True)
    def project(
        self, values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "terms.pdf").write_bytes(bytes(350_000))
        (tmp_path / "prices.csv").write_bytes(bytes(350_001))
        values["senders"][0]["message"]["attachments"] = [
            {"path": "terms.pdf", "contentType": "application/pdf", "name": "Terms.pdf"}
        ]

    def test_is_read(self, values: dict[str, Any]) -> None:
        (attachment,) = load_configuration(values).senders[0].message.attachments
        assert (attachment.path, attachment.name) == ("terms.pdf", "Terms.pdf")

    def test_is_there(self, values: dict[str, Any]) -> None:
        assert_refused(values, self.PATH, "term.pdf", "No such file", "from its folder")
        assert_refused(values, self.PATH, ".", "cannot be read from", "from its folder")

    @pytest.mark.parametrize("path", ["/etc/terms.pdf", "C:/terms.pdf", "a\\b", "~/terms.pdf", ""])
    def test_is_of_the_project(self, values: dict[str, Any], path: str) -> None:
        assert_refused(values, self.PATH, path, "no path from", "attachments/terms.pdf")

    @pytest.mark.parametrize("kind", ["pdf", "application/", "a/b; c=d", "a/b\nc"])
    def test_has_a_type(self, values: dict[str, Any], kind: str) -> None:
        path = f"{MESSAGE}.attachments[0].contentType"
        assert_refused(values, path, kind, "not the type of a file's content", "application/pdf")

    def test_is_no_larger_than_a_workflow_takes(self, values: dict[str, Any]) -> None:
        attachments = values["senders"][0]["message"]["attachments"]
        attachments.append({"path": "terms.pdf", "contentType": "application/pdf"})
        load_configuration(values)
        attachments[1] = {"path": "prices.csv", "contentType": "text/csv"}
        mistake = only_mistake(values)
        assert "attachments[1].path" in mistake.heading
        assert "350,001 of the mail's 700,001 bytes" in mistake.problem
        assert "a parameter of type file" in mistake.remedy

    def test_of_a_caller_stands_in_no_text_and_has_no_default(self, values: dict[str, Any]) -> None:
        put(values, f"{MESSAGE}.parameters.invoice", {"type": "file"})
        load_configuration(values)
        assert_refused(values, CONTENT, "see {{invoice}}", "which is a file", "Leave it out")
        put(values, CONTENT, "see")
        default = f"{MESSAGE}.parameters.invoice.default"
        assert_refused(values, default, "x", "which has no default", "Leave it out")

    def test_is_supplied_by_nobody_to_a_recurrence(self, values: dict[str, Any]) -> None:
        values["senders"][0]["trigger"] = {"type": "recurrence", "frequency": "Day", "interval": 1}
        values["senders"][0]["message"] |= {
            "subject": "",
            "parameters": {"invoice": {"type": "file"}},
            "toRecipients": [{"address": "reception@contoso.com"}],
            "replyTo": [],
        }
        assert only_mistake(values).remedy == "Use a trigger of type httpRequest."


class TestAQueue:
    def test_is_read(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].trigger.queued", True)
        trigger = load_configuration(values).senders[0].trigger
        assert isinstance(trigger, HttpRequestTrigger)
        assert trigger.queued

    def test_does_not_go_with_a_probe(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].trigger.queued", True)
        mistake = only_mistake(put(values, "senders[0].probe", True))
        assert "trigger.queued" in mistake.heading
        assert "no other trigger" in mistake.problem

    @pytest.mark.parametrize(
        ("queued", "workflow", "refused"),
        [(False, "mail", True), (True, "mail", False), (False, "other", False)],
    )
    def test_stays_once_it_is_there(
        self, values: dict[str, Any], queued: bool, workflow: str, refused: bool
    ) -> None:
        put(values, "senders[0].trigger.queued", queued)
        configuration = load_configuration(put(values, "senders[0].workflow", workflow))
        deployed = {"notifications": "mail"}
        if refused:
            with pytest.raises(ConfigurationError, match="Azure does not let that be undone"):
                refuse_removed_queues(configuration, deployed)
        else:
            refuse_removed_queues(configuration, deployed)


class TestWhatLooksLikeAnExpression:
    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        said: list[str] = []
        monkeypatch.setattr("pulumi.log.warn", said.append)
        return said

    def test_is_warned_of_once(self, values: dict[str, Any], said: list[str]) -> None:
        put(values, SUBJECT, "At @{utcNow()}")
        put(values, CONTENT, "@utcNow()")
        warn_of_expressions(load_configuration(values))
        (warning,) = said
        assert f"{SUBJECT}, {CONTENT}." in warning
        assert "write {{customer}}" in warning

    @pytest.mark.parametrize("text", ["@all", "a@b", "@ {x}", "@{{customer}}"])
    def test_is_nothing_else(self, values: dict[str, Any], said: list[str], text: str) -> None:
        warn_of_expressions(load_configuration(put(values, CONTENT, text)))
        assert said == []
