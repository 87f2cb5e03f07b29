"""Which keys there are, of which type, and what they mean where they are left out."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from components.clouds import Cloud
from components.graph_permission import MailboxPermission
from components.scoped_mail_sender import IdentityKind
from configuration import (
    NAMESPACE,
    ConfigurationError,
    Deletion,
    HttpRequestTrigger,
    RecurrenceTrigger,
    load_configuration,
)
from tests.configuration.happy_path import (
    HAPPY_PATH,
    assert_refused,
    drop,
    mistakes,
    only_mistake,
    put,
    stack_file,
)


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
        assert configuration.mark_attribute == "ExtensionCustomAttribute5"
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
        assert sender.group is not None
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
        assert sender.group is not None
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


class TestIdentity:
    def test_of_another_kind_is_refused(self, values: dict[str, Any]) -> None:
        path = "senders[0].identity"
        assert_refused(values, path, "UserAssigned", "not a kind", "Did you mean userAssigned?")

    def test_is_system_assigned_unless_told(self, values: dict[str, Any]) -> None:
        assert load_configuration(values).senders[0].identity is IdentityKind.SYSTEM


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
    def test_what_is_kept_is_not_purged(
        self, values: dict[str, Any], deletion: dict[str, str]
    ) -> None:
        problem = "removes mailboxes for good, while deletion keeps them"
        remedy = "or set deletion to delete if this is a test tenant"
        assert_refused(values | deletion, "purgeMailboxes", True, problem, remedy)

    def test_what_is_deleted_may_be_purged(self, values: dict[str, Any]) -> None:
        given = {"deletion": "delete", "purgeMailboxes": "true"}
        assert load_configuration(values | given).purge_mailboxes

    def test_local_leaves_nothing_behind(self) -> None:
        configuration = load_configuration(stack_file("local"))
        assert configuration.deletion is Deletion.DELETE
        assert configuration.purge_mailboxes


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


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for step, entry in entries:
        yield (*path, step)
        if isinstance(entry, dict | list):
            yield from paths(entry, (*path, step))


class TestAnythingElseAtAnyPlace:
    EVERY_KEY = HAPPY_PATH | {
        "cloud": "public",
        "settle": "PT0S",
        "deletion": "retain",
        "drift": "false",
        "purgeMailboxes": "false",
        "tags": {"owner": "me"},
        "senderDefaults": {"notifications": {"probe": True}},
    }

    @pytest.mark.parametrize(
        "anything",
        [
            *(None, True, 0, -1, 1.5, 10**30, float("inf"), float("nan")),
            *("", "x", "\ud83d", "\0", [], [None], [[]], [{}], ["a", 1], [1, 1]),
            *({}, {"a": 1}, {"": ""}, {"a": {"a": "b"}}, {"\ud83d": 1}, {"name": None}),
            *({"type": []}, {"type": {}}, {"type": None}),
            *({"type": "recurrence"}, {"type": "httpRequest"}),
            *({"notifications": {"trigger": [1]}}, {"notifications": []}),
        ],
    )
    def test_is_taken_or_refused_in_words(self, anything: object) -> None:
        for path in paths(self.EVERY_KEY):
            values = copy.deepcopy(self.EVERY_KEY)
            target: Any = values
            for step in path[:-1]:
                target = target[step]
            target[path[-1]] = anything
            with suppress(ConfigurationError):
                load_configuration(values)
