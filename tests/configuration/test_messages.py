"""The mail: what is sent as it was written, and to whom."""

import json
from typing import Any

import pytest

from configuration import (
    NAMESPACE,
    load_configuration,
)
from tests.configuration.happy_path import assert_refused, drop, only_mistake, put

SENT = [
    "senders[0].message.subject",
    "senders[0].message.body.content",
    "senders[1].message.bccRecipients[0].name",
]


class TestTextThatWouldNotArriveAsWrittenIsRefused:
    @pytest.mark.parametrize("path", SENT)
    @pytest.mark.parametrize("text", ["@@all", "see @@{x}", "@{a} and @{b}", "@team: @{b}"])
    def test_where_no_documented_escape_covers_it(
        self, values: dict[str, Any], path: str, text: str
    ) -> None:
        assert_refused(values, path, text, "Microsoft does not say", "&#64;")

    @pytest.mark.parametrize("path", SENT)
    @pytest.mark.parametrize("text", ["@all", "see @{x}", "a@@b", "$(whoami) `whoami`; 'x' \"y\""])
    def test_and_no_other(self, values: dict[str, Any], path: str, text: str) -> None:
        load_configuration(put(values, path, text))

    def test_where_it_is_escaped_and_longer_than_an_expression(
        self, values: dict[str, Any]
    ) -> None:
        path = "senders[0].message.body.content"
        mistake = only_mistake(put(values, path, "@{" + "x" * 8192))
        assert "longer than the 8192 characters" in mistake.problem

    @pytest.mark.parametrize(
        "path", [*SENT, "senders[0].mailbox.displayName", "senders[0].group.policyDescription"]
    )
    def test_where_it_is_half_a_character(self, values: dict[str, Any], path: str) -> None:
        mistake = only_mistake(put(values, path, "a\ud83d"))
        assert mistake.heading.endswith(r'= "a\ud83d"')
        assert "half of a character" in mistake.problem


class TestTextsOfOneLineStayOnOneLine:
    @pytest.mark.parametrize(
        "path",
        [
            "senders[0].message.subject",
            "senders[0].group.policyDescription",
            "senders[1].message.bccRecipients[0].name",
        ],
    )
    @pytest.mark.parametrize("text", ["two\nlines", "a\ttab"])
    def test_control_characters_are_refused(
        self, values: dict[str, Any], path: str, text: str
    ) -> None:
        assert_refused(values, path, text, "control character", "on one line")

    def test_a_separator_that_is_not_seen_is_refused_and_shown(
        self, values: dict[str, Any]
    ) -> None:
        mistake = only_mistake(put(values, "senders[0].message.subject", "two\u2028lines"))
        assert mistake.heading.endswith(r'= "two\u2028lines"')

    def test_a_subject_is_no_longer_than_exchange_keeps(self, values: dict[str, Any]) -> None:
        subject = "senders[0].message.subject"
        assert load_configuration(put(values, subject, "x" * 255))
        mistake = only_mistake(put(values, subject, "x" * 256))
        assert "256 characters" in mistake.problem
        assert "Shorten it" in mistake.remedy

    def test_the_text_of_a_mail_has_no_other_control_characters(
        self, values: dict[str, Any]
    ) -> None:
        assert_refused(
            values, "senders[0].message.body.content", "bell\a", "control character", "Leave it out"
        )

    def test_the_text_of_a_mail_may_have_lines(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "senders[0].message.body.content", "a\n\tb\n"))

    def test_an_empty_policy_description_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[0].group.policyDescription"
        assert_refused(values, path, "", "a text of its own", "leave the key out")


class TestAMailHasRecipients:
    def test_a_mail_to_nobody_is_refused(self, values: dict[str, Any]) -> None:
        mistake = only_mistake(drop(values, "senders[0].message.toRecipients"))
        assert mistake.heading == f"{NAMESPACE}:senders[0].message.toRecipients"
        assert "Graph refuses" in mistake.problem
        assert "finance@contoso.com" in mistake.remedy

    def test_empty_lists_are_nobody(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].message.ccRecipients", [])
        path = "senders[0].message.toRecipients"
        assert_refused(values, path, [], "names nobody", "at least one")

    @pytest.mark.parametrize("key", ["toRecipients", "ccRecipients", "bccRecipients"])
    def test_one_list_is_enough(self, values: dict[str, Any], key: str) -> None:
        drop(values, "senders[0].message.toRecipients")
        put(values, f"senders[0].message.{key}", [{"address": "finance@contoso.com"}])
        assert load_configuration(values)

    def test_exchange_takes_500_in_all(self, values: dict[str, Any]) -> None:
        many = [{"address": f"a{number}@contoso.com"} for number in range(300)]
        put(values, "senders[0].message.ccRecipients", many)
        put(values, "senders[0].message.bccRecipients", many[:199])
        put(values, "senders[0].message.replyTo", many)
        assert load_configuration(values)
        put(values, "senders[0].message.bccRecipients", many[:200])
        mistake = only_mistake(values)
        assert mistake.heading == f"{NAMESPACE}:senders[0].message.ccRecipients"
        assert "300 of the mail's 501 recipients, and Exchange Online takes 500" in mistake.problem
        assert "distribution group" in mistake.remedy

    @pytest.mark.parametrize(("character", "bytes_of_it"), [("a", 1), ("é", 6)])
    def test_graph_takes_4_mb_a_request(
        self, values: dict[str, Any], character: str, bytes_of_it: int
    ) -> None:
        message = load_configuration(values).senders[0].message.as_graph_has_it()
        rest = len(json.dumps({"message": message, "saveToSentItems": False}))
        most = (4 * 1024 * 1024 - rest) // bytes_of_it
        path, text = "senders[0].message.body.content", message["body"]["content"]
        assert load_configuration(put(values, path, text + character * most))
        mistake = only_mistake(put(values, path, text + character * (most + 1)))
        assert mistake.heading.startswith(f"{NAMESPACE}:senders[0].message = ")
        assert "and Graph takes 4,194,304 (4 MB)" in mistake.problem
        assert "Shorten body.content" in mistake.remedy

    def test_reply_to_is_not_a_recipient(self, values: dict[str, Any]) -> None:
        drop(values, "senders[0].message.toRecipients")
        put(values, "senders[0].message.replyTo", [{"address": "finance@contoso.com"}])
        assert "names nobody" in only_mistake(values).problem

    @pytest.mark.parametrize(
        ("path", "value", "remedy"),
        [
            ("senders[0].message.importance", "urgent", "low, normal or high"),
            ("senders[0].message.body.contentType", "html", "Did you mean HTML?"),
        ],
    )
    def test_what_graph_does_not_know_is_refused(
        self, values: dict[str, Any], path: str, value: str, remedy: str
    ) -> None:
        assert_refused(values, path, value, "Graph knows", remedy)
