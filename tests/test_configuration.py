"""A happy path, and one mutation of it a test: each rule has a test that fails without the rule."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.config import CONFIG

from components.clouds import Cloud
from components.graph_permission import MailboxPermission
from configuration import (
    NAMESPACE,
    ConfigurationError,
    Deletion,
    HttpRequestTrigger,
    IdentityKind,
    RecurrenceTrigger,
    environments,
    load_configuration,
    refuse_renamed_senders,
    require_environment,
)

ROOT = Path(__file__).parents[1]
STACKS = environments()

HAPPY_PATH: dict[str, Any] = {
    "resourceGroup": "rg-mail-sender-test",
    "location": "westeurope",
    "organization": "contoso.onmicrosoft.com",
    "senders": [
        {
            "name": "notifications",
            "mailbox": {
                "name": "Logic App Notifications",
                "address": "logicappnotifications@contoso.com",
            },
            "group": {
                "name": "DL Graph Scope Group",
                "address": "graphscope@contoso.com",
            },
            "controlMailbox": "control.mailbox@contoso.com",
            "trigger": {"type": "httpRequest"},
            "message": {
                "subject": "Graph test mail",
                "body": {"contentType": "Text", "content": "Does this work?"},
                "toRecipients": [{"address": "reception@contoso.com"}],
            },
        },
        {
            "name": "report",
            "mailbox": {"name": "Report", "address": "report@contoso.com"},
            "group": {
                "name": "Report Scope",
                "address": "report-scope@contoso.onmicrosoft.com",
            },
            "controlMailbox": "control.mailbox@contoso.com",
            "trigger": {
                "type": "recurrence",
                "frequency": "Week",
                "interval": 1,
                "timeZone": "W. Europe Standard Time",
                "schedule": {"weekDays": ["Monday"], "hours": [8], "minutes": [30]},
            },
            "message": {
                "subject": "Report",
                "body": {"contentType": "HTML", "content": "<p>Ready.</p>"},
                "bccRecipients": [{"address": "finance@contoso.com", "name": "Finance"}],
            },
        },
    ],
}


@pytest.fixture
def values() -> dict[str, Any]:
    return copy.deepcopy(HAPPY_PATH)


def steps(path: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def put(values: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    *parents, last = steps(path)
    target: Any = values
    for step in parents:
        target = target[step]
    target[last] = value
    return values


def drop(values: dict[str, Any], path: str) -> dict[str, Any]:
    *parents, last = steps(path)
    target: Any = values
    for step in parents:
        target = target[step]
    del target[last]
    return values


@dataclass(frozen=True)
class Reported:
    heading: str
    problem: str
    remedy: str


def mistakes(config: pulumi.Config | dict[str, Any]) -> list[Reported]:
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(config)
    return [
        Reported(*(line.strip() for line in block.splitlines()))
        for block in str(refused.value).split("\n\n")[1:]
    ]


def only_mistake(config: pulumi.Config | dict[str, Any]) -> Reported:
    (mistake,) = mistakes(config)
    return mistake


def assert_refused(
    values: dict[str, Any], path: str, value: object, problem: str, remedy: str
) -> None:
    """The value is the only mistake, and the message names key, value, and what to write."""
    mistake = only_mistake(put(values, path, value))
    assert mistake.heading == f"{NAMESPACE}:{path} = {json.dumps(value, ensure_ascii=False)}"
    assert problem in mistake.problem
    assert remedy in mistake.remedy


class TestTheHappyPathIsAccepted:
    def test_keys_arrive_under_their_python_names(self, values: dict[str, Any]) -> None:
        configuration = load_configuration(values)
        assert configuration.resource_group == "rg-mail-sender-test"
        assert configuration.location == "westeurope"
        assert configuration.organization == "contoso.onmicrosoft.com"
        assert [sender.name for sender in configuration.senders] == ["notifications", "report"]
        http, recurrence = configuration.senders
        assert isinstance(http.trigger, HttpRequestTrigger)
        assert not http.trigger.export_callback_url
        assert isinstance(recurrence.trigger, RecurrenceTrigger)
        assert recurrence.trigger.schedule is not None
        assert recurrence.trigger.schedule.hours == (8,)
        assert recurrence.trigger.schedule.week_days == ("Monday",)
        assert recurrence.message.bcc_recipients[0].name == "Finance"

    def test_what_is_not_written_has_a_default(self, values: dict[str, Any]) -> None:
        configuration = load_configuration(values)
        assert configuration.cloud is Cloud.PUBLIC
        assert configuration.settle == timedelta(hours=1)
        assert configuration.proof_timeout == timedelta(minutes=10)
        sender = configuration.senders[0]
        assert sender.workflow == "notifications"
        assert sender.permissions == (MailboxPermission.MAIL_SEND,)
        assert sender.mailbox.name == "Logic App Notifications"
        assert sender.mailbox.alias == "LogicAppNotifications"
        assert sender.mailbox.hidden_from_address_lists
        assert sender.mailbox.sign_in_blocked
        assert not sender.mailbox.adopt
        assert sender.group.name == "DL Graph Scope Group"
        assert sender.group.alias == "DLGraphScopeGroup"
        assert sender.group.managed_by == ()
        assert not sender.group.adopt
        assert sender.group.policy_description == (
            "Restrict this app's permissions to members of distribution group "
            "graphscope@contoso.com"
        )
        assert sender.message.importance == "normal"
        assert sender.message.save_to_sent_items
        assert not sender.probe
        assert sender.enabled

    def test_an_alias_follows_a_name_that_is_written(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].mailbox.name", "Mail Notifications")
        assert load_configuration(values).senders[0].mailbox.alias == "MailNotifications"

    def test_what_is_written_beats_the_default(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].workflow", "mail-notifications")
        put(values, "senders[0].group.policyDescription", " ")
        sender = load_configuration(values).senders[0]
        assert sender.workflow == "mail-notifications"
        assert sender.group.policy_description == " "

    @pytest.mark.parametrize(
        ("zone", "start"),
        [(None, "2020-01-01T00:00:00Z"), ("W. Europe Standard Time", "2020-01-01T00:00:00")],
    )
    def test_a_recurrence_starts_in_the_past(
        self, values: dict[str, Any], zone: str | None, start: str
    ) -> None:
        drop(values, "senders[1].trigger.timeZone")
        if zone:
            put(values, "senders[1].trigger.timeZone", zone)
        trigger = load_configuration(values).senders[1].trigger
        assert isinstance(trigger, RecurrenceTrigger)
        assert trigger.start_time == start

    def test_the_values_that_are_given_stay_as_they_are(self, values: dict[str, Any]) -> None:
        load_configuration(values)
        assert values == HAPPY_PATH


class TestNoKeyIsIgnored:
    @pytest.mark.parametrize(
        ("path", "meant"),
        [
            ("proofTimout", "proofTimeout"),
            ("senders[0].controlmailbox", "controlMailbox"),
            ("senders[0].mailbox.displayname", "displayName"),
            ("senders[0].mailbox.hidden_from_address_lists", "hiddenFromAddressLists"),
            ("senders[0].group.manageBy", "managedBy"),
            ("senders[0].message.reply", "replyTo"),
            ("senders[0].message.body.contenttype", "contentType"),
            ("senders[0].message.toRecipients[0].adress", "address"),
            ("senders[0].trigger.allowedcallers", "allowedCallers"),
            ("senders[1].trigger.intervall", "interval"),
            ("senders[1].trigger.schedule.weekdays", "weekDays"),
        ],
    )
    def test_an_unknown_key_is_refused_with_the_one_that_was_meant(
        self, values: dict[str, Any], path: str, meant: str
    ) -> None:
        assert_refused(values, path, 1, "is a key that does not exist", f"Did you mean {meant}?")

    def test_a_key_of_the_other_trigger_is_refused(self, values: dict[str, Any]) -> None:
        assert_refused(
            values,
            "senders[0].trigger.frequency",
            "Day",
            "does not exist here",
            "Write type, allow",
        )

    @pytest.mark.parametrize(
        ("path", "remedy"),
        [
            ("resourceGroup", "the name of the resource group"),
            ("location", "the Azure region"),
            ("organization", "the tenant's initial domain"),
            ("senders", "a list of senders"),
            ("senders[0].name", "a name for the sender"),
            ("senders[0].mailbox", "the shared mailbox"),
            ("senders[0].mailbox.name", "the mailbox's Name in Exchange"),
            ("senders[0].mailbox.address", "the primary address"),
            ("senders[0].group", "the policy's scope"),
            ("senders[0].group.name", "the group's Name in Exchange"),
            ("senders[0].group.address", "the primary address"),
            ("senders[0].controlMailbox", "an existing mailbox"),
            ("senders[0].trigger", "httpRequest or recurrence"),
            ("senders[0].message", "subject, body and recipients"),
            ("senders[0].message.subject", "the mail's subject"),
            ("senders[0].message.body", "contentType"),
            ("senders[0].message.body.contentType", "Text or HTML"),
            ("senders[0].message.body.content", "the mail's text"),
            ("senders[0].message.toRecipients[0].address", "a mail address"),
            ("senders[1].trigger.frequency", "Second, Minute, Hour, Day, Week or Month"),
            ("senders[1].trigger.interval", "a whole number"),
        ],
    )
    def test_a_missing_key_is_named_with_what_belongs_there(
        self, values: dict[str, Any], path: str, remedy: str
    ) -> None:
        mistake = only_mistake(drop(values, path))
        assert mistake.heading == f"{NAMESPACE}:{path}"
        assert mistake.problem == "It is missing."
        assert remedy in mistake.remedy


class TestTypesAreNotGuessed:
    @pytest.mark.parametrize(
        ("path", "value", "problem", "remedy"),
        [
            ("resourceGroup", 7, "is not text", "Write text"),
            ("senders[0].mailbox.adopt", "false", "neither true nor false", "without quotes"),
            ("senders[0].mailbox.signInBlocked", 1, "neither true nor false", "true or false"),
            ("senders[0].mailbox.hiddenFromAddressLists", 0, "neither true", "true or false"),
            ("senders[0].trigger.exportCallbackUrl", "yes", "neither true", "true or false"),
            ("senders[0].group.adopt", "no", "neither true nor false", "true or false"),
            ("senders[0].probe", "true", "neither true nor false", "without quotes"),
            ("senders[0].enabled", "false", "neither true nor false", "without quotes"),
            ("senders[0].message.saveToSentItems", "false", "neither true", "true or false"),
            ("senders[0].message.body.content", 42, "is not text", "in quotes"),
            ("senders[0].message.subject", None, "has no value", "the mail's subject"),
            ("senders[1].trigger.interval", "1", "not a whole number", "without quotes"),
            ("senders[1].trigger.interval", True, "not a whole number", "whole number"),
            ("senders[1].trigger.interval", 1.5, "not a whole number", "whole number"),
            ("senders[1].trigger.schedule.hours", 8, "is not a list", "'- '"),
            ("senders[1].trigger.schedule.hours[0]", "8", "not a whole number", "without quotes"),
            ("senders[1].trigger.schedule.minutes[0]", "0", "not a whole", "without quotes"),
            ("senders[0].group.managedBy", "finance@contoso.com", "is not a list", "'- '"),
            ("senders[0].mailbox", "Notifications", "is not a group of keys", "name, displayName"),
            ("senders[0]", "notifications", "is not a group of keys", "name, mailbox, group"),
            ("senders", "notifications", "is not a list", "'- '"),
        ],
    )
    def test_a_value_of_another_type_is_refused(
        self, values: dict[str, Any], path: str, value: object, problem: str, remedy: str
    ) -> None:
        assert_refused(values, path, value, problem, remedy)

    def test_a_stack_without_senders_is_refused(self, values: dict[str, Any]) -> None:
        assert_refused(values, "senders", [], "is an empty list", "at least one sender")


class TestAddressesAreAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "senders[0].mailbox.address",
            "senders[0].group.address",
            "senders[0].controlMailbox",
            "senders[0].message.toRecipients[0].address",
            "senders[1].message.bccRecipients[0].address",
        ],
    )
    @pytest.mark.parametrize(
        "value", ["finance", "finance@contoso", "fi nance@contoso.com", "finanzbüro@contoso.com"]
    )
    def test_anything_else_is_refused(self, values: dict[str, Any], path: str, value: str) -> None:
        assert_refused(values, path, value, "is not a mail address", "finance@contoso.com")

    def test_a_domain_that_is_not_ascii_is_refused(self, values: dict[str, Any]) -> None:
        path, value = "senders[0].controlMailbox", "finance@contosö.com"
        assert_refused(values, path, value, "not ASCII", "finance@contoso.com")

    @pytest.mark.parametrize("key", ["ccRecipients", "replyTo"])
    def test_further_recipients_are_checked_too(self, values: dict[str, Any], key: str) -> None:
        put(values, f"senders[0].message.{key}", [{"address": "nobody"}])
        heading = only_mistake(values).heading
        assert heading == f'{NAMESPACE}:senders[0].message.{key}[0].address = "nobody"'

    def test_owners_are_checked_too(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].group.managedBy", ["finance@contoso.com", "nobody"])
        heading = only_mistake(values).heading
        assert heading == f'{NAMESPACE}:senders[0].group.managedBy[1] = "nobody"'


@pytest.mark.parametrize("recipient", ["senders[0].mailbox", "senders[0].group"])
class TestExchangeTakesTheNames:
    @pytest.mark.parametrize(
        "alias",
        ["", "logic app", "bücher", ".start", "end.", "two..dots", "at@sign", "a" * 65, "quote'"],
    )
    def test_an_alias_that_exchange_refuses_or_changes(
        self, values: dict[str, Any], recipient: str, alias: str
    ) -> None:
        assert_refused(values, f"{recipient}.alias", alias, "not an alias", "LogicAppNotif")

    @pytest.mark.parametrize("alias", ["a", "a" * 64, "logic.app_1-x"])
    def test_an_alias_that_exchange_keeps(
        self, values: dict[str, Any], recipient: str, alias: str
    ) -> None:
        assert load_configuration(put(values, f"{recipient}.alias", alias))

    @pytest.mark.parametrize("name", ["Bücher", "a\tb", "<tag>", "", " space", "a@b", "50%"])
    def test_a_name_with_characters_that_exchange_online_refuses(
        self, values: dict[str, Any], recipient: str, name: str
    ) -> None:
        assert_refused(values, f"{recipient}.name", name, "Exchange Online", "displayName may be")

    def test_a_name_of_64_characters_is_the_longest(
        self, values: dict[str, Any], recipient: str
    ) -> None:
        assert load_configuration(put(values, f"{recipient}.name", "n" * 64))
        assert_refused(values, f"{recipient}.name", "n" * 65, "has 65 characters", "shorter name")

    def test_a_display_name_of_256_characters_is_the_longest(
        self, values: dict[str, Any], recipient: str
    ) -> None:
        assert load_configuration(put(values, f"{recipient}.displayName", "n" * 256))
        mistake = only_mistake(put(values, f"{recipient}.displayName", "n" * 257))
        assert "has 257 characters" in mistake.problem
        assert "shorter" in mistake.remedy

    @pytest.mark.parametrize("name", ["", " ", " Notifications", "Notifications "])
    def test_a_display_name_without_edges(
        self, values: dict[str, Any], recipient: str, name: str
    ) -> None:
        assert_refused(values, f"{recipient}.displayName", name, "space", "without spaces around")

    def test_a_display_name_may_have_what_a_name_may_not(
        self, values: dict[str, Any], recipient: str
    ) -> None:
        assert load_configuration(put(values, f"{recipient}.displayName", "Bücher (Archiv) & Co"))

    def test_an_alias_taken_from_the_name_is_the_one_mistake(
        self, values: dict[str, Any], recipient: str
    ) -> None:
        # An apostrophe is right in a name, and wrong in an alias.
        mistake = only_mistake(put(values, f"{recipient}.name", "Reader's"))
        assert mistake.heading == (f'{NAMESPACE}:{recipient}.alias = "Reader\'s" (taken from name)')

    def test_a_display_name_changes_neither_name_nor_alias(
        self, values: dict[str, Any], recipient: str
    ) -> None:
        # Else a changed display name would change the mailbox's identity, and with it the workflow.
        kind = recipient.partition(".")[2]
        before = load_configuration(values).senders[0].model_dump()[kind]
        put(values, f"{recipient}.displayName", "New")
        after = load_configuration(values).senders[0].model_dump()[kind]
        assert after == before | {"display_name": "New"}

    def test_control_characters_are_refused(self, values: dict[str, Any], recipient: str) -> None:
        path = f"{recipient}.displayName"
        assert_refused(values, path, "Logic\x00App", "control character", "on one line")


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


class TestPermissionsAreThoseThatAPolicyConfines:
    @pytest.mark.parametrize("permission", ["MailboxItem.Read.All", "SMTP.SendAsApp", "Mail.All"])
    def test_any_other_is_refused_with_the_reason(
        self, values: dict[str, Any], permission: str
    ) -> None:
        put(values, "senders[0].permissions", ["Mail.Send", ""])
        assert_refused(
            values,
            "senders[0].permissions[1]",
            permission,
            "it would reach every mailbox of the organisation",
            "Calendars.ReadWrite, Contacts.Read or Contacts.ReadWrite",
        )

    def test_another_spelling_is_refused_with_the_right_one(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].permissions", ["Mail.Send", ""])
        path = "senders[0].permissions[1]"
        assert_refused(values, path, "mail.readwrite", "eleven", "Did you mean Mail.ReadWrite?")

    def test_all_eleven_are_accepted(self, values: dict[str, Any]) -> None:
        eleven = [str(permission) for permission in MailboxPermission]
        put(values, "senders[0].permissions", eleven)
        assert load_configuration(values).senders[0].permissions == tuple(MailboxPermission)

    @pytest.mark.parametrize("permissions", [[], ["Mail.Read"]])
    def test_a_sender_must_be_able_to_send(
        self, values: dict[str, Any], permissions: list[str]
    ) -> None:
        path = "senders[0].permissions"
        assert_refused(values, path, permissions, "lacks Mail.Send", "Add Mail.Send")

    def test_a_permission_is_granted_only_once(self, values: dict[str, Any]) -> None:
        path, twice = "senders[0].permissions", ["Mail.Send", "Mail.Send"]
        assert_refused(values, path, twice, "has Mail.Send more than once", "only once")


class TestTheControlMailboxIsOutside:
    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("LogicAppNotifications@Contoso.com", "is the sender's own mailbox"),
            ("GraphScope@contoso.com", "is a group (senders[0].group)"),
            ("report@CONTOSO.com", "is another sender's mailbox (senders[1].mailbox)"),
        ],
    )
    def test_a_mailbox_or_group_of_the_stack_proves_nothing(
        self, values: dict[str, Any], value: str, problem: str
    ) -> None:
        assert_refused(
            values, "senders[0].controlMailbox", value, problem, "that this stack does not manage"
        )

    def test_the_case_of_the_mailbox_does_not_matter_either(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].mailbox.address", "Shared@contoso.com")
        path = "senders[0].controlMailbox"
        assert_refused(values, path, "shared@contoso.com", "own mailbox", "does not manage")


class TestNothingIsSharedBetweenSenders:
    @pytest.mark.parametrize(
        ("path", "value", "first"),
        [
            ("senders[1].workflow", "Notifications", "senders[0].workflow"),
            (
                "senders[1].mailbox.address",
                "LogicAppNotifications@contoso.com",
                "senders[0].mailbox.address",
            ),
            ("senders[1].group.address", "GRAPHSCOPE@contoso.com", "senders[0].group.address"),
            ("senders[1].mailbox.address", "graphscope@contoso.com", "senders[0].group.address"),
            ("senders[0].group.address", "logicappnotifications@contoso.com", "mailbox.address"),
            ("senders[1].mailbox.alias", "logicappnotifications", "senders[0].mailbox.alias"),
            ("senders[1].group.alias", "dlgraphscopegroup", "senders[0].group.alias"),
            ("senders[1].mailbox.alias", "DLGraphScopeGroup", "senders[0].group.alias"),
            ("senders[0].group.alias", "LogicAppNotifications", "senders[0].mailbox.alias"),
            ("senders[1].mailbox.name", "logic app notifications", "senders[0].mailbox.name"),
            ("senders[1].group.name", "dl graph scope group", "senders[0].group.name"),
            ("senders[0].group.name", "Logic App Notifications", "senders[0].mailbox.name"),
        ],
    )
    def test_the_second_use_is_refused_whatever_its_case(
        self, values: dict[str, Any], path: str, value: str, first: str
    ) -> None:
        assert_refused(values, path, value, first, "of its own")

    def test_a_sender_needs_a_name_of_its_own(self, values: dict[str, Any]) -> None:
        path = "senders[1].name"
        assert_refused(values, path, "notifications", "senders[0].name", "a name of its own")

    def test_a_control_mailbox_may_serve_several(self, values: dict[str, Any]) -> None:
        first, second = load_configuration(values).senders
        assert first.control_mailbox == second.control_mailbox


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


HOURLY = {"type": "recurrence", "frequency": "Hour", "interval": 1}


class TestARecurrenceThatMayFireBeforeTheGrant:
    """It would leave a system-assigned identity a token without the permission, for a day."""

    @pytest.mark.parametrize(
        "trigger",
        [
            {"frequency": "Second", "interval": 5322},
            {"frequency": "Minute", "interval": 88},
            {"frequency": "Hour", "interval": 1},
            {"frequency": "Day", "interval": 1, "schedule": {"hours": [8, 9]}},
            {"frequency": "Day", "interval": 1, "schedule": {"hours": [0, 23]}},
            {"frequency": "Day", "interval": 5, "schedule": {"minutes": [0, 30]}},
            {
                "frequency": "Week",
                "interval": 1,
                "schedule": {"weekDays": ["Monday", "Sunday"], "hours": [0, 23]},
            },
        ],
    )
    def test_is_refused_and_the_remedy_works(
        self, values: dict[str, Any], trigger: dict[str, Any]
    ) -> None:
        put(values, "senders[1].trigger", {"type": "recurrence"} | trigger)
        assert_refused(
            values,
            "senders[1].identity",
            "systemAssigned",
            "may fire within the 89 minutes",
            "Write userAssigned",
        )
        assert load_configuration(put(values, "senders[1].identity", "userAssigned"))

    @pytest.mark.parametrize(
        "trigger",
        [
            {"frequency": "Second", "interval": 5402},
            {"frequency": "Minute", "interval": 89},
            {"frequency": "Day", "interval": 1, "schedule": {"hours": [8, 10]}},
            {"frequency": "Day", "interval": 2, "schedule": {"hours": [0, 23]}},
            {
                "frequency": "Week",
                "interval": 1,
                "schedule": {"weekDays": ["Monday"], "hours": [0, 23]},
            },
            {"frequency": "Week", "interval": 1, "schedule": {"weekDays": ["Monday", "Tuesday"]}},
            {"frequency": "Month", "interval": 1},
        ],
    )
    def test_is_not_one_that_fires_less_often(
        self, values: dict[str, Any], trigger: dict[str, Any]
    ) -> None:
        put(values, "senders[1].trigger", {"type": "recurrence"} | trigger)
        assert load_configuration(values)

    @pytest.mark.parametrize(("key", "shorter"), [("settle", "PT20M"), ("proofTimeout", "PT0S")])
    def test_depends_on_the_waits_of_the_stack(
        self, values: dict[str, Any], key: str, shorter: str
    ) -> None:
        put(values, "settle", "PT30M")
        put(values, "proofTimeout", "PT15M")
        put(values, "senders[1].trigger", dict(HOURLY))
        assert_refused(
            values, "senders[1].identity", "systemAssigned", "within the 64 minutes", "Write user"
        )
        assert load_configuration(put(values, key, shorter))

    def test_says_nothing_of_waits_that_are_wrong_themselves(self, values: dict[str, Any]) -> None:
        put(values, "senders[1].trigger", dict(HOURLY))
        with pytest.raises(ConfigurationError, match="one mistake"):
            load_configuration(put(values, "settle", "an hour"))


class TestIdentity:
    def test_of_another_kind_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[0].identity"
        assert_refused(values, path, "UserAssigned", "not a kind", "Did you mean userAssigned?")

    def test_is_system_assigned_unless_told(self, values: dict[str, Any]) -> None:
        assert load_configuration(values).senders[0].identity is IdentityKind.SYSTEM


ISSUER = "https://sts.windows.net/00000000-0000-4000-8000-000000000001/"
ALLOWED = "senders[0].trigger.allowedCallers"
POLICIES = "senders[0].trigger.entraPolicies"


class TestWhoMayCallATrigger:
    def trigger(self, values: dict[str, Any]) -> HttpRequestTrigger:
        trigger = load_configuration(values).senders[0].trigger
        assert isinstance(trigger, HttpRequestTrigger)
        return trigger

    def test_without_a_word_about_it_everybody_may_and_the_stack_does_not_allow_it(
        self, values: dict[str, Any]
    ) -> None:
        trigger = self.trigger(values)
        assert (trigger.allowed_callers, trigger.entra_policies) == (None, {})
        assert not load_configuration(values).allow_open_triggers
        assert load_configuration(values | {"allowOpenTriggers": "true"}).allow_open_triggers

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (["203.0.113.0/24", "198.51.100.7/32"], ("203.0.113.0/24", "198.51.100.7/32")),
            ("otherLogicApps", ()),
        ],
    )
    def test_addresses_are_ranges_or_other_logic_apps(
        self, values: dict[str, Any], written: object, meant: object
    ) -> None:
        assert self.trigger(put(values, ALLOWED, written)).allowed_callers == meant

    @pytest.mark.parametrize(
        ("value", "problem", "remedy"),
        [
            ([], "an empty list, which would mean: only other", "Write otherLogicApps"),
            ("anyone", "neither a list of address ranges nor", "Write a list such as [203.0"),
            (7, "is not a list", "'- '"),
            (["203.0.113.0/24", "203.0.113.0/24"], "more than once", "only once"),
        ],
    )
    def test_nothing_else_is(
        self, values: dict[str, Any], value: object, problem: str, remedy: str
    ) -> None:
        assert_refused(values, ALLOWED, value, problem, remedy)

    @pytest.mark.parametrize(
        ("value", "problem", "remedy"),
        [
            ("contoso.com", "is not a range of IPv4", "203.0.113.7/32 for one address"),
            ("203.0.113.0/33", "is not a range of IPv4", "203.0.113.0/24"),
            ("2001:db8::/32", "is not a range of IPv4", "203.0.113.0/24"),
            ("0.0.0.0/0", "every address", "set allowOpenTriggers"),
            ("203.0.113.7/24", "first address", "Write 203.0.113.0/24, or 203.0.113.7/32"),
            ("203.0.113.7", "first address", "Write 203.0.113.7/32."),
            (7, "is not text", "Write text"),
        ],
    )
    def test_a_wrong_range_is_refused(
        self, values: dict[str, Any], value: object, problem: str, remedy: str
    ) -> None:
        put(values, ALLOWED, ["203.0.113.0/24", "198.51.100.0/24"])
        assert_refused(values, f"{ALLOWED}[1]", value, problem, remedy)

    def test_a_policy_has_the_claims_of_a_token(self, values: dict[str, Any]) -> None:
        policies = {"erp": {"iss": ISSUER, "aud": "https://management.azure.com", "tid": "1"}}
        assert self.trigger(put(values, POLICIES, policies)).entra_policies == policies

    @pytest.mark.parametrize(
        ("claims", "problem", "remedy"),
        [
            ({"aud": "api"}, "has no claim iss", "https://sts.windows.net/<tenant id>/"),
            ({"iss": ISSUER}, "for any other application", "and aud"),
            ({"iss": "https://contoso.com/", "aud": "api"}, "has an iss that", "Write the iss"),
            ({"iss": "https://sts.windows.net/", "aud": "api"}, "has an iss", "Write the iss"),
            (
                {"iss": ISSUER, "aud": "api"} | {f"claim{n}": "x" for n in range(9)},
                "more than 10 claims",
                "at most 10",
            ),
            ("iss", "is not a group of keys", "a key a line"),
        ],
    )
    def test_a_policy_that_the_platform_refuses_or_that_lets_anyone_in_is_refused(
        self, values: dict[str, Any], claims: object, problem: str, remedy: str
    ) -> None:
        mistake = only_mistake(put(values, POLICIES, {"erp": claims}))
        assert mistake.heading.startswith(f"{NAMESPACE}:{POLICIES}.erp = ")
        assert problem in mistake.problem
        assert remedy in mistake.remedy

    @pytest.mark.parametrize(
        ("value", "problem"),
        [(7, "is not text"), (None, "has no value"), ("", "1 to 150"), ("a" * 151, "1 to 150")],
    )
    def test_a_claim_is_a_text(self, values: dict[str, Any], value: object, problem: str) -> None:
        put(values, POLICIES, {"erp": {"iss": ISSUER, "aud": value}})
        mistake = only_mistake(values)
        assert mistake.heading.startswith(f"{NAMESPACE}:{POLICIES}.erp.aud = ")
        assert problem in mistake.problem

    @pytest.mark.parametrize(
        ("policies", "problem"),
        [
            ({}, "has 0 policies"),
            ({f"p{n}": {"iss": ISSUER, "aud": "api"} for n in range(6)}, "has 6 policies"),
            ({"erp/1": {"iss": ISSUER, "aud": "api"}}, 'has a policy "erp/1", which is no name'),
            ("erp", "is not a group of keys"),
        ],
    )
    def test_policies_are_few_and_have_names(
        self, values: dict[str, Any], policies: object, problem: str
    ) -> None:
        assert problem in only_mistake(put(values, POLICIES, policies)).problem

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("allowedCallers", ["203.0.113.0/24"]),
            ("entraPolicies", {"erp": {"iss": ISSUER, "aud": "api"}}),
        ],
    )
    def test_nobody_calls_a_recurrence(
        self, values: dict[str, Any], key: str, value: object
    ) -> None:
        path = f"senders[1].trigger.{key}"
        assert_refused(values, path, value, "does not exist here", "Write type, frequency")


class TestMailboxesAreKeptUnlessDeletionIsAskedFor:
    def test_without_a_word_about_it(self, values: dict[str, Any]) -> None:
        configuration = load_configuration(values)
        assert configuration.deletion is Deletion.RETAIN
        assert not configuration.purge_mailboxes

    @pytest.mark.parametrize("value", ["keep", "Delete", True])
    def test_another_word_is_refused(self, values: dict[str, Any], value: object) -> None:
        problem = "says nothing about mailboxes and groups"
        assert_refused(values, "deletion", value, problem, "Write retain or delete.")

    @pytest.mark.parametrize("deletion", [{}, {"deletion": "retain"}])
    @pytest.mark.parametrize("purge", [True, "true"])
    def test_what_is_kept_is_not_purged(
        self, values: dict[str, Any], deletion: dict[str, str], purge: object
    ) -> None:
        problem = "removes mailboxes for good, while deletion keeps them"
        remedy = "or set deletion to delete if this is a test tenant"
        assert_refused(values | deletion, "purgeMailboxes", purge, problem, remedy)

    def test_what_is_deleted_may_be_purged(self, values: dict[str, Any]) -> None:
        given = {"deletion": "delete", "purgeMailboxes": "true"}
        assert load_configuration(values | given).purge_mailboxes

    def test_local_leaves_nothing_behind(self) -> None:
        configuration = load_configuration(stack_file("local"))
        assert configuration.deletion is Deletion.DELETE
        assert configuration.purge_mailboxes


class TestRecurrencesAreThoseOfLogicApps:
    @pytest.mark.parametrize(
        ("frequency", "longest"),
        [
            ("Second", 9_999_999),
            ("Minute", 72_000),
            ("Hour", 12_000),
            ("Day", 500),
            ("Week", 71),
            ("Month", 16),
        ],
    )
    def test_each_frequency_has_its_longest_interval(
        self, values: dict[str, Any], frequency: str, longest: int
    ) -> None:
        drop(values, "senders[1].trigger.schedule")
        put(values, "senders[1].trigger.frequency", frequency)
        put(values, "senders[1].identity", "userAssigned")
        path, remedy = "senders[1].trigger.interval", f"from 1 to {longest}."
        assert load_configuration(put(values, path, longest))
        assert load_configuration(put(values, path, 1))
        assert_refused(values, path, longest + 1, f"the frequency {frequency}", remedy)
        assert_refused(values, path, 0, f"the frequency {frequency}", remedy)

    def test_an_unknown_frequency_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[1].trigger.frequency"
        assert_refused(values, path, "Weekly", "not a frequency", "Did you mean Week?")

    @pytest.mark.parametrize("frequency", ["Second", "Minute", "Hour", "Month"])
    @pytest.mark.parametrize("key", ["hours", "minutes"])
    def test_hours_and_minutes_are_for_days_and_weeks(
        self, values: dict[str, Any], frequency: str, key: str
    ) -> None:
        put(values, "senders[1].trigger.frequency", frequency)
        put(values, "senders[1].identity", "userAssigned")
        put(values, "senders[1].trigger.schedule", {})
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, [8], f"for the frequency {frequency}", "to Day or Week")

    def test_days_of_the_week_are_for_weeks(self, values: dict[str, Any]) -> None:
        put(values, "senders[1].trigger.frequency", "Day")
        path = "senders[1].trigger.schedule.weekDays"
        assert_refused(values, path, ["Monday"], "for the frequency Day", "set frequency to Week.")

    @pytest.mark.parametrize(("key", "lowest", "highest"), [("hours", 0, 23), ("minutes", 0, 59)])
    def test_hours_and_minutes_are_those_of_a_clock(
        self, values: dict[str, Any], key: str, lowest: int, highest: int
    ) -> None:
        put(values, "senders[1].identity", "userAssigned")
        path = f"senders[1].trigger.schedule.{key}"
        assert load_configuration(put(values, path, [lowest, highest]))
        for wrong in (lowest - 1, highest + 1):
            assert_refused(values, f"{path}[0]", wrong, "out of range", f"{lowest} to {highest}")

    def test_a_day_that_is_none_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[1].trigger.schedule.weekDays[0]"
        assert_refused(values, path, "Mon", "is not a day", "Did you mean Monday?")

    @pytest.mark.parametrize(
        ("key", "twice"),
        [("hours", [8, 8]), ("minutes", [0, 0]), ("weekDays", ["Monday", "Monday"])],
    )
    def test_a_schedule_says_each_time_once(
        self, values: dict[str, Any], key: str, twice: list[object]
    ) -> None:
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, twice, f"has {twice[0]} more than once", "only once")

    @pytest.mark.parametrize("key", ["hours", "minutes", "weekDays"])
    def test_a_schedule_without_times_is_refused(self, values: dict[str, Any], key: str) -> None:
        path = f"senders[1].trigger.schedule.{key}"
        assert_refused(values, path, [], "is an empty list", "leave the key out")

    @pytest.mark.parametrize(
        ("zone", "meant"),
        [
            ("Europe/Berlin", "W. Europe Standard Time"),
            ("w. europe standard time", "W. Europe Standard Time"),
            ("Central Europe Time", "Central Europe Standard Time"),
        ],
    )
    def test_a_time_zone_that_logic_apps_does_not_know(
        self, values: dict[str, Any], zone: str, meant: str
    ) -> None:
        path = "senders[1].trigger.timeZone"
        assert_refused(values, path, zone, "names of Windows", meant)

    @pytest.mark.parametrize("start", ["2020-01-01T08:00:00+01:00", "@utcNow()", "tomorrow"])
    def test_a_start_time_of_another_form_is_refused(
        self, values: dict[str, Any], start: str
    ) -> None:
        path = "senders[1].trigger.startTime"
        assert_refused(values, path, start, "YYYY-MM-DDThh:mm:ss", "Write a fixed time")

    @pytest.mark.parametrize("zone", ["W. Europe Standard Time", None])
    @pytest.mark.parametrize("last", ["", "Z"])
    @pytest.mark.parametrize(
        ("start", "meant"),
        [
            ("2020-01-01T08:30", "2020-01-01T08:30:00"),
            ("2020-01-01 08:30:15", "2020-01-01T08:30:15"),
            ("2020-01-01", "2020-01-01T00:00:00"),
        ],
    )
    def test_a_start_time_that_lacks_something_has_one_remedy_that_works(
        self, values: dict[str, Any], start: str, meant: str, last: str, zone: str | None
    ) -> None:
        path, written = "senders[1].trigger.startTime", meant if zone else f"{meant}Z"
        put(values, "senders[1].trigger.timeZone", zone)
        assert_refused(values, path, f"{start}{last}", "YYYY-MM-DDThh:mm:ss", f"Write {written}.")
        assert load_configuration(put(values, path, written))

    @pytest.mark.parametrize("start", ["2023-02-29T08:00:00", "2023-01-01T24:00:01"])
    def test_a_start_time_that_does_not_exist_is_refused(
        self, values: dict[str, Any], start: str
    ) -> None:
        path = "senders[1].trigger.startTime"
        assert_refused(values, path, start, "does not have", "Write a fixed time")

    def test_a_start_time_lies_at_most_49_years_ahead(self, values: dict[str, Any]) -> None:
        path, year = "senders[1].trigger.startTime", datetime.now(UTC).year
        assert load_configuration(put(values, path, f"{year + 48}-01-01T00:00:00"))
        assert_refused(values, path, f"{year + 50}-12-31T00:00:00", "49 years", "Write a fixed")

    def test_a_start_time_is_read_in_the_time_zone(self, values: dict[str, Any]) -> None:
        path, start = "senders[1].trigger.startTime", "2020-01-01T08:00:00"
        assert_refused(values, path, f"{start}Z", "ends with Z", f"Write {start}.")

    def test_a_start_time_without_a_time_zone_is_utc(self, values: dict[str, Any]) -> None:
        drop(values, "senders[1].trigger.timeZone")
        path, start = "senders[1].trigger.startTime", "2020-01-01T08:00:00"
        assert_refused(values, path, start, "has neither Z", f"Write {start}Z")
        assert load_configuration(put(values, path, f"{start}Z"))

    @pytest.mark.parametrize("kind", ["http", "Recurrence", 5])
    def test_an_unknown_trigger_is_refused(self, values: dict[str, Any], kind: object) -> None:
        path = "senders[1].trigger.type"
        assert_refused(values, path, kind, "no kind of trigger", "httpRequest or recurrence")

    @pytest.mark.parametrize("trigger", [{}, "recurrence"])
    def test_a_trigger_without_a_type_is_refused(
        self, values: dict[str, Any], trigger: object
    ) -> None:
        mistake = only_mistake(put(values, "senders[0].trigger", trigger))
        assert mistake.heading == f"{NAMESPACE}:senders[0].trigger.type"
        assert "httpRequest or recurrence" in mistake.remedy


class TestNamesAreThoseOfTheirPlatform:
    @pytest.mark.parametrize("name", ["", "Notifications", "a b", "-a", "a-", "a_b", "ä"])
    def test_a_sender(self, values: dict[str, Any], name: str) -> None:
        put(values, "senders[0].workflow", "workflow")
        assert_refused(values, "senders[0].name", name, "sender's name", "lowercase letters")

    @pytest.mark.parametrize("name", ["", "a b", "a/b", "w" * 81, "ä"])
    def test_a_workflow(self, values: dict[str, Any], name: str) -> None:
        assert_refused(values, "senders[0].workflow", name, "a workflow can have", "1 to 80")

    def test_a_workflow_of_80_characters(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "senders[0].workflow", "Mail_(1).-" * 8))

    @pytest.mark.parametrize("name", ["", "rg mail", "rg/mail", "ends.", "r" * 91])
    def test_a_resource_group(self, values: dict[str, Any], name: str) -> None:
        assert_refused(values, "resourceGroup", name, "a resource group can have", "1 to 90")

    def test_a_resource_group_of_90_characters(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "resourceGroup", "rg_(1).ä-x" * 9))

    def test_a_region_goes_by_its_short_name(self, values: dict[str, Any]) -> None:
        assert_refused(values, "location", "West Europe", "short name", "Write westeurope:")

    @pytest.mark.parametrize(
        "domain", ["contoso.com", "contoso", "onmicrosoft.com", "a.contoso.onmicrosoft.com"]
    )
    def test_an_organization_goes_by_its_initial_domain(
        self, values: dict[str, Any], domain: str
    ) -> None:
        assert_refused(values, "organization", domain, "initial domain", ".onmicrosoft.com")

    def test_a_cloud(self, values: dict[str, Any]) -> None:
        assert_refused(values, "cloud", "usGovermentL4", "not a cloud", "mean usGovernmentL4?")


CLOUDS = {
    "public": ("contoso.onmicrosoft.com", "westeurope", "public", "global"),
    "usGovernmentL4": ("contoso.onmicrosoft.us", "usgovvirginia", "usgovernment", "usgovernmentl4"),
    "usGovernmentL5": ("contoso.onmicrosoft.us", "usdodeast", "usgovernment", "usgovernmentl5"),
    "china": ("contoso.partner.onmschina.cn", "chinanorth3", "china", "china"),
}
OF_A_CLOUD = ("organization", "location", "azure-native:environment", "azuread:environment")


def in_cloud(values: dict[str, Any], cloud: str) -> dict[str, Any]:
    return values | {"cloud": cloud} | dict(zip(OF_A_CLOUD, CLOUDS[cloud], strict=True))


class TestNoTwoCloudsAreMixed:
    @pytest.mark.parametrize("cloud", CLOUDS)
    def test_what_belongs_together_is_accepted(self, values: dict[str, Any], cloud: str) -> None:
        assert load_configuration(in_cloud(values, cloud)).cloud == cloud

    @pytest.mark.parametrize(
        ("domain", "cloud", "clouds"),
        [
            ("contoso.onmicrosoft.com", "china", "public"),
            ("contoso.onmicrosoft.com", "usGovernmentL4", "public"),
            ("contoso.onmicrosoft.us", "public", "usGovernmentL4 or usGovernmentL5"),
            ("contoso.onmschina.cn", "usGovernmentL5", "china"),
            ("contoso.partner.onmschina.cn", "public", "china"),
        ],
    )
    def test_the_domain_tells_the_cloud(
        self, values: dict[str, Any], domain: str, cloud: str, clouds: str
    ) -> None:
        values = in_cloud(values, cloud) | {"organization": domain}
        assert_refused(values, "cloud", cloud, f"of the organization {domain}", f"Write {clouds}.")

    def test_the_domain_tells_the_cloud_that_nobody_wrote(self, values: dict[str, Any]) -> None:
        mistake = only_mistake(values | {"organization": "contoso.onmicrosoft.us"})
        assert mistake.heading == f'{NAMESPACE}:cloud = "public"'

    @pytest.mark.parametrize(
        ("cloud", "region", "remedy"),
        [
            ("public", "usgovarizona", "e.g. westeurope"),
            ("public", "chinaeast2", "e.g. westeurope"),
            ("usGovernmentL4", "eastus", "e.g. usgovvirginia"),
            ("china", "westeurope", "e.g. chinanorth3"),
        ],
    )
    def test_the_region_is_one_of_the_cloud(
        self, values: dict[str, Any], cloud: str, region: str, remedy: str
    ) -> None:
        assert_refused(
            in_cloud(values, cloud), "location", region, f"another cloud than {cloud}", remedy
        )

    @pytest.mark.parametrize("key", ["azure-native:environment", "azuread:environment"])
    @pytest.mark.parametrize("cloud", CLOUDS)
    @pytest.mark.parametrize("other", CLOUDS)
    def test_the_providers_work_in_it(
        self, values: dict[str, Any], key: str, cloud: str, other: str
    ) -> None:
        right, wrong = in_cloud(values, cloud)[key], in_cloud(values, other)[key]
        given = in_cloud(values, cloud) | {key: wrong}
        if right == wrong:
            assert load_configuration(given)
            return
        mistake = only_mistake(given)
        assert mistake.heading == f'{key} = "{wrong}"'
        assert mistake.remedy == f"Write {right}."

    @pytest.mark.parametrize("key", ["azure-native:environment", "azuread:environment"])
    def test_the_providers_are_told_of_it(self, values: dict[str, Any], key: str) -> None:
        given = in_cloud(values, "china")
        del given[key]
        mistake = only_mistake(given)
        assert (mistake.heading, mistake.remedy) == (key, "Write china.")

    @pytest.mark.parametrize(
        ("cloud", "key", "word"),
        [
            ("public", "azuread:environment", "public"),
            ("usGovernmentL4", "azuread:environment", "usgovernment"),
            ("usGovernmentL5", "azuread:environment", "dod"),
        ],
    )
    def test_a_provider_s_other_words_are_taken(
        self, values: dict[str, Any], cloud: str, key: str, word: str
    ) -> None:
        assert load_configuration(in_cloud(values, cloud) | {key: word})


class TestTags:
    def test_are_handed_on(self, values: dict[str, Any]) -> None:
        tags = {"costCenter": "4711", "cost center (new)": "é"}
        assert load_configuration(values | {"tags": tags}).tags == tags
        assert load_configuration(values).tags == {}

    def test_may_be_48(self, values: dict[str, Any]) -> None:
        tags = {f"t{number}": "" for number in range(48)}
        assert load_configuration(values | {"tags": tags})
        mistake = only_mistake(values | {"tags": tags | {"one": "more"}})
        assert mistake.heading.startswith(f"{NAMESPACE}:tags = ")
        assert "49 tags, and Azure takes 50 with openTrigger or switchedOff" in mistake.problem
        assert mistake.remedy == "Write at most 48."

    @pytest.mark.parametrize(
        ("tags", "problem"),
        [
            *(({f"a{character}b": ""}, "no name for one") for character in "<>%&\\?/\n"),
            ({"": ""}, "no name for one"),
            ({"n" * 513: ""}, "no name for one"),
            ({"name": "v" * 257}, "a value of 257 characters"),
            ({"Microsoft.owner": ""}, "is Azure's"),
            ({"azure": ""}, "is Azure's"),
            ({"OpenTrigger": "allowed"}, "writes by itself"),
            ({"switchedOff": "no"}, "writes by itself"),
            ({"owner": "", "Owner": ""}, "takes for one tag"),
        ],
    )
    def test_that_azure_does_not_take_are_refused(
        self, values: dict[str, Any], tags: dict[str, str], problem: str
    ) -> None:
        assert problem in only_mistake(values | {"tags": tags}).problem

    def test_are_text(self, values: dict[str, Any]) -> None:
        mistake = only_mistake(values | {"tags": {"costCenter": 4711}})
        assert mistake.heading == f"{NAMESPACE}:tags.costCenter = 4711"
        assert "in quotes" in mistake.remedy

    def test_come_from_pulumi_as_json(self, values: dict[str, Any]) -> None:
        texts = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in (values | {"tags": {"costCenter": "4711"}}).items()
        }
        pulumi.runtime.set_all_config(texts)
        assert load_configuration(pulumi.Config(NAMESPACE)).tags == {"costCenter": "4711"}


class TestASenderKeepsItsName:
    def test_a_renamed_one_is_refused(self, values: dict[str, Any]) -> None:
        deployed = dict.fromkeys(
            ["LogicAppNotifications@contoso.com", "graphscope@contoso.com"], "notices"
        )
        with pytest.raises(ConfigurationError) as refused:
            refuse_renamed_senders(load_configuration(values), deployed)
        assert str(refused.value) == (
            "The configuration of this stack has one mistake; nothing has been deployed.\n\n"
            f'  {NAMESPACE}:senders[0].name = "notifications"\n'
            "    It is a new name, while logicappnotifications@contoso.com is of the sender "
            "notices, which is deployed and not in the configuration any more: what it has in "
            "Exchange is marked with its name, and is not given to another.\n"
            "    Write notices; displayName and workflow may be changed freely."
        )

    def test_so_is_one_whose_group_alone_is_the_same(self, values: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=r"graphscope@contoso\.com is of the sender"):
            refuse_renamed_senders(
                load_configuration(values), {"graphscope@contoso.com": "notices"}
            )

    @pytest.mark.parametrize(
        "deployed",
        [
            {},
            {"logicappnotifications@contoso.com": "notifications"},
            # Somebody else's to say: the scripts refuse an address that another has.
            {"logicappnotifications@contoso.com": "report"},
            {"former@contoso.com": "former"},
        ],
    )
    def test_any_other_is_not(self, values: dict[str, Any], deployed: dict[str, str]) -> None:
        refuse_renamed_senders(load_configuration(values), deployed)


class TestDurationsAreFixed:
    @pytest.mark.parametrize("key", ["settle", "proofTimeout"])
    @pytest.mark.parametrize(
        "duration", ["1h", "3600", 3600, "P1M", "P1Y", "PT", "P", "P1DT", "-PT1H", "PT1.5H", ""]
    )
    def test_anything_but_days_to_seconds_is_refused(
        self, values: dict[str, Any], key: str, duration: object
    ) -> None:
        assert_refused(values, key, duration, "is not a duration", "PT1H")

    @pytest.mark.parametrize(
        ("duration", "seconds"),
        [("PT0S", 0), ("PT90S", 90), ("PT1H30M", 5400), ("P1D", 86400), ("P1DT1S", 86401)],
    )
    def test_days_to_seconds_are_accepted(
        self, values: dict[str, Any], duration: str, seconds: int
    ) -> None:
        put(values, "settle", duration)
        assert load_configuration(values).settle == timedelta(seconds=seconds)


class TestAllMistakesAreNamedAtOnce:
    def test_rules_of_every_kind_are_reported_together(self, values: dict[str, Any]) -> None:
        expected = {
            "settle": "1h",
            "unknown": 1,
            "senders[0].mailbox.alias": "logic app",
            "senders[0].mailbox.adopt": "false",
            "senders[0].message.importance": "urgent",
            "senders[0].message.toRecipients": [],
            "senders[1].mailbox.address": "graphscope@contoso.com",
            "senders[1].controlMailbox": "graphscope@contoso.com",
            "senders[1].trigger.interval": 72,
            "senders[1].trigger.startTime": "2020-01-01T08:00:00Z",
            "senders[1].trigger.schedule.hours[0]": 24,
        }
        for path, value in expected.items():
            put(values, path, value)
        assert {mistake.heading for mistake in mistakes(values)} == {
            f"{NAMESPACE}:{path} = {json.dumps(value)}" for path, value in expected.items()
        }

    def test_mistakes_stand_by_sender(self, values: dict[str, Any]) -> None:
        for path in ("senders[1].workflow", "senders[0].mailbox.alias", "cloud"):
            put(values, path, "?")
        put(values, "senders[1].mailbox.address", "graphscope@contoso.com")
        keys = [mistake.heading.split(":")[1].split(" ")[0] for mistake in mistakes(values)]
        assert keys == [
            "cloud",
            "senders[0].mailbox.alias",
            "senders[1].mailbox.address",
            "senders[1].workflow",
        ]

    def test_the_first_line_says_how_many_and_that_nothing_happened(
        self, values: dict[str, Any]
    ) -> None:
        put(values, "senders[0].mailbox.alias", "?")
        with pytest.raises(ConfigurationError, match="has one mistake; nothing has been deployed"):
            load_configuration(values)
        put(values, "senders[1].group.alias", "!")
        with pytest.raises(ConfigurationError, match="has 3 mistakes; nothing has been deployed"):
            load_configuration(put(values, "cloud", "?"))

    def test_a_long_value_is_shortened(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].mailbox.alias", "a" * 500)
        assert only_mistake(values).heading.endswith(f"{'a' * 96}...")

    def test_a_consequence_of_a_mistake_is_not_a_second_one(self, values: dict[str, Any]) -> None:
        # The same name gives the same alias.
        put(values, "senders[1].mailbox.name", "Logic App Notifications")
        assert only_mistake(values).heading == (
            f'{NAMESPACE}:senders[1].mailbox.name = "Logic App Notifications"'
        )


class TestPulumiHandsTheConfigurationOn:
    @pytest.fixture
    def stack(self) -> Iterator[dict[str, str]]:
        """The stack's configuration as the engine hands it to a program: text, lists as JSON."""
        config = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in HAPPY_PATH.items()
        }
        token = CONFIG.set(config)
        yield config
        CONFIG.reset(token)

    def test_it_is_the_same_as_from_a_mapping(self, stack: dict[str, str]) -> None:
        assert load_configuration(pulumi.Config(NAMESPACE)) == load_configuration(HAPPY_PATH)

    def test_it_may_come_from_the_environment(
        self, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(stack | {f"{NAMESPACE}:unknown": "1"}))
        stack.clear()
        heading = only_mistake(pulumi.Config(NAMESPACE)).heading
        assert heading == f'{NAMESPACE}:unknown = "1"'

    def test_an_unknown_key_of_our_namespace_is_refused(self, stack: dict[str, str]) -> None:
        stack[f"{NAMESPACE}:sender"] = "notifications"
        assert "Did you mean senders?" in only_mistake(pulumi.Config(NAMESPACE)).remedy

    def test_keys_of_other_namespaces_are_left_alone(self, stack: dict[str, str]) -> None:
        stack["azure-native:tenantId"] = "unknown"
        assert load_configuration(pulumi.Config(NAMESPACE))

    def test_senders_that_are_no_list_are_named_as_written(self, stack: dict[str, str]) -> None:
        stack[f"{NAMESPACE}:senders"] = "notifications"
        heading = only_mistake(pulumi.Config(NAMESPACE)).heading
        assert heading == f'{NAMESPACE}:senders = "notifications"'

    def test_the_location_of_the_provider_is_the_default(self, stack: dict[str, str]) -> None:
        stack["azure-native:location"] = "northeurope"
        assert load_configuration(pulumi.Config(NAMESPACE)).location == "westeurope"
        del stack[f"{NAMESPACE}:location"]
        assert load_configuration(pulumi.Config(NAMESPACE)).location == "northeurope"

    def test_the_environment_of_the_providers_is_theirs(
        self, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stack["azuread:environment"] = "china"
        assert only_mistake(pulumi.Config(NAMESPACE)).heading == 'azuread:environment = "china"'
        del stack["azuread:environment"]
        monkeypatch.setenv("ARM_ENVIRONMENT", "china")
        assert [mistake.heading for mistake in mistakes(pulumi.Config(NAMESPACE))] == [
            'azure-native:environment = "china"',
            'azuread:environment = "china"',
        ]

    def test_a_renamed_project_is_named_in_the_message(self, stack: dict[str, str]) -> None:
        stack |= {"renamed:settle": "1h", "renamed:senders": "[]"}
        headings = [mistake.heading for mistake in mistakes(pulumi.Config("renamed"))]
        assert 'renamed:settle = "1h"' in headings


def stack_file(stack: str) -> dict[str, Any]:
    """A stack's own values, and what its project has for all of them."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))["config"]
    shared = {key: declared["value"] for key, declared in project.items() if "value" in declared}
    return shared | {key.partition(":")[2]: value for key, value in config.items()}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))
    else:
        yield path, value


class TestWhatEnvironmentsShare:
    def test_fills_in_what_is_missing_group_by_group(self, values: dict[str, Any]) -> None:
        alone = load_configuration(values)
        sender = values["senders"][1]
        shared = {
            "mailbox": {"name": sender["mailbox"].pop("name"), "address": "no@contoso.com"},
            "trigger": {"interval": sender["trigger"].pop("interval"), "timeZone": "UTC"},
            "message": sender.pop("message"),
            "group": sender.pop("group"),
        }
        values["senderDefaults"] = {"report": shared, "absent": {"nonsense": 1}}
        before = copy.deepcopy(values)
        loaded = load_configuration(values)
        assert loaded.senders == alone.senders
        assert loaded.sender_defaults == values["senderDefaults"]
        assert values == before

    def test_a_list_is_taken_whole(self, values: dict[str, Any]) -> None:
        recipients = [{"address": "a@contoso.com"}, {"address": "b@contoso.com"}]
        values["senderDefaults"] = {"notifications": {"message": {"toRecipients": recipients}}}
        (recipient,) = load_configuration(values).senders[0].message.to_recipients
        assert recipient.address == "reception@contoso.com"

    def test_a_mistake_in_it_says_where_it_stands(self, values: dict[str, Any]) -> None:
        drop(values, "senders[0].message.body")
        body = {"contentType": "RTF", "content": "x"}
        values["senderDefaults"] = {"notifications": {"message": {"body": body}}}
        assert only_mistake(values).heading == (
            f'{NAMESPACE}:senders[0].message.body.contentType = "RTF" '
            "(taken from senderDefaults.notifications.message.body.contentType)"
        )

    @pytest.mark.parametrize(("path", "value"), [("", []), (".notifications", "x")])
    def test_anything_but_groups_of_keys_is_refused(
        self, values: dict[str, Any], path: str, value: object
    ) -> None:
        values["senderDefaults"] = {}
        assert_refused(
            values, f"senderDefaults{path}", value, "not a group of keys", "a key a line"
        )

    def test_pulumi_hands_it_on_as_json(self, values: dict[str, Any]) -> None:
        message = values["senders"][0].pop("message")
        values["senderDefaults"] = {"notifications": {"message": message}}
        texts = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
        pulumi.runtime.set_all_config(texts)
        loaded = load_configuration(pulumi.Config(NAMESPACE))
        assert loaded.senders[0].message.subject == "Graph test mail"


class TestATextThatLooksLikeATime:
    @pytest.mark.parametrize(
        "path",
        [
            "senders[0].mailbox.displayName",
            "senders[0].group.displayName",
            "senders[0].group.policyDescription",
        ],
    )
    @pytest.mark.parametrize("text", ["2026-01-01T08:00:00", "2026-01-01T08:00Z", "/Date(0)/"])
    def test_is_refused_where_a_script_reads_it(
        self, values: dict[str, Any], path: str, text: str
    ) -> None:
        assert_refused(values, path, text, "PowerShell would read it as one", "in place of T")

    def test_is_taken_where_nothing_reads_it_as_one(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "senders[0].message.subject", "2026-01-01T08:00:00"))
        assert load_configuration(put(values, "senders[0].mailbox.displayName", "2026-01-01 News"))


class TestATimeZoneThatIsNone:
    def test_is_one_that_is_not_given(self, values: dict[str, Any]) -> None:
        values["senders"][1]["trigger"].pop("startTime", None)
        loaded = load_configuration(put(values, "senders[1].trigger.timeZone", None))
        trigger = loaded.senders[1].trigger
        assert isinstance(trigger, RecurrenceTrigger)
        assert trigger.start_time.endswith("Z")


class TestAMisspeltNamespace:
    @pytest.mark.parametrize(
        "namespace", ["scoped-mailsender", "scoped-mail-sender-", "scopedMailSender"]
    )
    def test_is_refused_with_the_key_to_write(self, namespace: str) -> None:
        pulumi.runtime.set_all_config({f"{namespace}:drift": "true"})
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(pulumi.Config(NAMESPACE))
        assert f"nothing reads them: {namespace}:drift." in str(refused.value)
        assert f"Write {NAMESPACE}:drift instead." in str(refused.value)

    @pytest.mark.parametrize("namespace", ["azure-native", "azuread", "pulumi", "contoso"])
    def test_any_other_is_somebody_else_s(self, namespace: str, values: dict[str, Any]) -> None:
        texts = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
        pulumi.runtime.set_all_config(texts | {f"{namespace}:drift": "true"})
        assert not load_configuration(pulumi.Config(NAMESPACE)).drift


class TestAnEnvironmentThatDoesNotExist:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("dev", "prod"):
            (tmp_path / f"Pulumi.{name}.yaml").write_text(f"config:\n  {NAMESPACE}:cloud: public\n")
        (tmp_path / "Pulumi.yaml").write_text("name: scoped-mail-sender\nconfig: {cloud: public}\n")
        return tmp_path

    def test_is_refused_with_those_that_do(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError) as refused:
            require_environment("prd", folder)
        assert str(refused.value) == (
            "There is no environment prd: the file Pulumi.prd.yaml is missing. "
            "There are: dev, prod. Did you mean prod?\n"
            "Nothing has been done. For a new environment, write what stands under config: in the "
            "file of the one that is most like it into Pulumi.prd.yaml, and change what differs."
        )

    @pytest.mark.parametrize(
        "left", ["encryptionsalt: v1:abc=:v1:def\n", "config: {}\n", "config:\n  # none\n", ""]
    )
    def test_is_not_there_because_pulumi_left_a_file_of_its_name(
        self, folder: Path, left: str
    ) -> None:
        (folder / "Pulumi.prd.yaml").write_text(left)
        with pytest.raises(ConfigurationError) as refused:
            require_environment("contoso/scoped-mail-sender/prd", folder)
        assert str(refused.value).startswith(
            "There is no environment prd: the file Pulumi.prd.yaml configures nothing. "
            "There are: dev, prod. Did you mean prod?\n"
        )
        assert str(refused.value).endswith(" If the name is misspelt, pulumi stack rm prd.")

    def test_a_file_that_is_no_yaml_is_left_to_pulumi(self, folder: Path) -> None:
        (folder / "Pulumi.prod.yaml").write_text("config: [\n")
        require_environment("prod", folder)

    @pytest.mark.parametrize("stack", [*STACKS, "contoso/scoped-mail-sender/prod"])
    def test_any_other_is_not(self, stack: str) -> None:
        require_environment(stack)

    def test_where_there_is_none_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="There is none yet"):
            require_environment("dev", tmp_path)

    def test_the_program_names_it_before_the_keys_that_it_lacks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulumi, "get_stack", lambda: "stagin")
        pulumi.runtime.set_all_config({f"{NAMESPACE}:cloud": "public"})
        with pytest.raises(ConfigurationError, match="There is no environment stagin"):
            load_configuration(pulumi.Config(NAMESPACE))


class TestTheFilesAgreeWithTheRules:
    @pytest.mark.parametrize("stack", STACKS)
    def test_each_environment_is_accepted(self, stack: str) -> None:
        load_configuration(stack_file(stack))

    @pytest.mark.parametrize("stack", ["dev", "local", "prod", "test"])
    def test_the_examples_show_both_triggers(self, stack: str) -> None:
        triggers = {sender.trigger.type for sender in load_configuration(stack_file(stack)).senders}
        assert triggers == {"httpRequest", "recurrence"}

    @pytest.mark.parametrize("stack", ["dev", "prod", "test"])
    def test_an_environment_writes_nothing_that_is_shared(self, stack: str) -> None:
        values = stack_file(stack)
        for sender in values["senders"]:
            shared = dict(leaves(values["senderDefaults"][sender["name"]]))
            same = {path for path, value in leaves(sender) if shared.get(path) == value}
            assert same == set()

    def test_production_is_kept_and_watched(self) -> None:
        prod = load_configuration(stack_file("prod"))
        assert (prod.deletion, prod.drift) == (Deletion.RETAIN, True)
        assert prod.settle == timedelta(hours=1)
        assert not prod.allow_open_triggers

    def test_the_test_tenant_keeps_nothing(self) -> None:
        test = load_configuration(stack_file("test"))
        assert (test.deletion, test.purge_mailboxes) == (Deletion.DELETE, True)
        assert test.settle == timedelta(hours=1)

    @pytest.mark.parametrize("stack", STACKS)
    def test_an_open_trigger_is_meant_to_be(self, stack: str) -> None:
        configuration = load_configuration(stack_file(stack))
        assert configuration.allow_open_triggers or all(
            sender.trigger.allowed_callers is not None
            for sender in configuration.senders
            if isinstance(sender.trigger, HttpRequestTrigger)
        )

    def test_no_two_environments_share_an_object_of_exchange(self) -> None:
        addresses = [
            recipient.address
            for stack in STACKS
            if stack != "local"
            for sender in load_configuration(stack_file(stack)).senders
            for recipient in (sender.mailbox, sender.group)
        ]
        assert len(addresses) == len(set(addresses)) >= 12

    @pytest.mark.parametrize("stack", STACKS)
    def test_no_file_holds_a_secret(self, stack: str) -> None:
        assert "secure:" not in (ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8")

    def test_dev_is_the_example_of_the_manual_procedure(self) -> None:
        configuration = load_configuration(stack_file("dev"))
        sender = configuration.senders[0]
        assert sender.mailbox.name == sender.mailbox.display_name == "Logic App Notifications"
        assert sender.mailbox.alias == "LogicAppNotifications"
        assert sender.group.name == "DL Graph Scope Group WL Mailsender LogicApp"
        assert sender.group.alias == "DLGraphScopeGroupWLMailsenderLogicApp"
        assert sender.group.policy_description == (
            "Restrict this app's permissions to members of distribution group "
            f"{sender.group.address}"
        )
        assert sender.message.subject == "Graph test mail"
        assert sender.message.body.content_type == "Text"
        assert sender.message.body.content == "Does this work?"
        assert not sender.message.save_to_sent_items
        assert configuration.settle == timedelta(hours=1)

    def test_local_does_not_wait(self) -> None:
        assert load_configuration(stack_file("local")).settle == timedelta(0)

    def test_the_project_states_the_defaults_that_the_program_has(
        self, values: dict[str, Any]
    ) -> None:
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
        stated = {
            key: declared["default"]
            for key, declared in project["config"].items()
            if "default" in declared
        }
        assert stated.keys() == {
            "cloud",
            "settle",
            "proofTimeout",
            "drift",
            "deletion",
            "purgeMailboxes",
            "allowOpenTriggers",
        }
        assert load_configuration(values | stated) == load_configuration(values)

    def test_the_project_has_the_namespace(self) -> None:
        assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))["name"] == NAMESPACE
