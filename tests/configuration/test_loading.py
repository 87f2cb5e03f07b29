"""What Pulumi hands on, and what it does not."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime.config import CONFIG

from configuration import (
    NAMESPACE,
    ConfigurationError,
    load_configuration,
    refuse_renamed_senders,
    refuse_taken_workflows,
)
from tests.configuration.happy_path import (
    HAPPY_PATH,
    assert_refused,
    drop,
    mistakes,
    only_mistake,
)


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


class TestAWorkflowsNameIsOfOneSender:
    GROUP = "RG-Mail-Sender-Test"

    @pytest.mark.parametrize("owner", ["report", "of a sender that was taken out"])
    def test_one_that_another_has_is_refused(self, values: dict[str, Any], owner: str) -> None:
        with pytest.raises(ConfigurationError) as refused:
            refuse_taken_workflows(load_configuration(values), {"Notifications": owner}, self.GROUP)
        assert f'{NAMESPACE}:senders[0].workflow = "notifications"' in str(refused.value)
        assert f"that the sender {owner} has until this run" in str(refused.value)
        assert f"with another name for {owner}, or without it." in str(refused.value)

    @pytest.mark.parametrize(
        ("deployed", "group"),
        [
            ({"notifications": "notifications", "former": "report"}, GROUP),
            ({"notifications": "report"}, "rg-former"),
        ],
    )
    def test_ones_own_is_not_nor_one_elsewhere(
        self, values: dict[str, Any], deployed: dict[str, str], group: str
    ) -> None:
        refuse_taken_workflows(load_configuration(values), deployed, group)


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


class TestWhatATerminalWouldObey:
    """A key may hold any character; its message shows it, and does not send it to the terminal."""

    @pytest.mark.parametrize("key", ["a\x1b[31mb", "two\nlines", "\u202eright to left", "\x07"])
    @pytest.mark.parametrize("path", [(), ("tags",), ("senders", 0), ("senderDefaults",)])
    def test_is_escaped_in_a_key(
        self, values: dict[str, Any], key: str, path: tuple[Any, ...]
    ) -> None:
        target: Any = values | {"tags": {}, "senderDefaults": {}}
        values = target
        for step in path:
            target = target[step]
        target[key] = 1
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(values)
        assert all(line.isprintable() for line in str(refused.value).splitlines())
        assert f"\\u{ord(next(c for c in key if not c.isprintable())):04x}" in str(refused.value)

    def test_is_escaped_in_a_key_of_a_misspelt_namespace(self) -> None:
        pulumi.runtime.set_all_config({"mail-sender:a\x1b[31mb": "true"})
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(pulumi.Config(NAMESPACE))
        assert f"Write {NAMESPACE}:a\\u001b[31mb instead." in str(refused.value)


def nested(levels: int, kind: type) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


class TestNestingWithoutAnEnd:
    @pytest.mark.parametrize("key", ["senders", "senderDefaults", "tags"])
    @pytest.mark.parametrize("kind", [list, dict])
    @pytest.mark.parametrize("levels", [21, 330, 5000])
    def test_is_refused(self, values: dict[str, Any], key: str, kind: type, levels: int) -> None:
        mistake = only_mistake(values | {key: nested(levels, kind)})
        assert mistake.heading == f"{NAMESPACE}:{key}"
        assert "more than 20 lists and groups of keys within each other" in mistake.problem
        assert "no key needs more than five" in mistake.remedy

    def test_is_refused_below_a_sender(self, values: dict[str, Any]) -> None:
        values["senderDefaults"] = {"report": {"message": nested(330, dict)}}
        assert only_mistake(values).heading == f"{NAMESPACE}:senderDefaults"

    @pytest.mark.parametrize("levels", [330, 100_000])
    def test_is_refused_as_pulumi_hands_it_on(self, values: dict[str, Any], levels: int) -> None:
        texts = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
        deep = {f"{NAMESPACE}:senderDefaults": '{"a":' * levels + "1" + "}" * levels}
        pulumi.runtime.set_all_config(texts | deep)
        mistake = only_mistake(pulumi.Config(NAMESPACE))
        assert mistake.heading == f"{NAMESPACE}:senderDefaults"

    @pytest.mark.parametrize("kind", [list, dict])
    def test_of_twenty_levels_has_its_own_mistakes(
        self, values: dict[str, Any], kind: type
    ) -> None:
        value = nested(20, kind)
        mistake = only_mistake(values | {"tags": value})
        assert mistake.heading.startswith(f"{NAMESPACE}:tags")
        assert "within each other" not in mistake.problem


class TestAMisspeltNamespace:
    @pytest.mark.parametrize(
        "namespace",
        [
            "scoped-mailsender",
            "scoped-mail-sender-",
            "scopedMailSender",
            "scoped-mail-sendr",
            "mail-sender",
            "mailsender",
            "scoped-mail",
            "scoped-sender",
            "SCOPED_MAIL_SENDER",
        ],
    )
    def test_is_refused_with_the_key_to_write(self, namespace: str) -> None:
        pulumi.runtime.set_all_config({f"{namespace}:drift": "true"})
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(pulumi.Config(NAMESPACE))
        assert f"nothing reads them: {namespace}:drift." in str(refused.value)
        assert f"Write {NAMESPACE}:drift instead." in str(refused.value)

    @pytest.mark.parametrize("project", ["azure-mail", "azuread-mail", "commands", "pulumi-mail"])
    def test_a_provider_s_is_none_however_the_project_is_called(self, project: str) -> None:
        others = ("azure-native", "azuread", "command", "pulumi")
        senders = {f"{project}:senders": "[]"}
        pulumi.runtime.set_all_config(senders | {f"{other}:x": "y" for other in others})
        with pytest.raises(ConfigurationError, match="has 2 mistakes"):
            load_configuration(pulumi.Config(project))

    @pytest.mark.parametrize(
        "namespace", ["azure-native", "azuread", "pulumi", "contoso", "sendgrid", "mailgun"]
    )
    def test_any_other_is_somebody_else_s(self, namespace: str, values: dict[str, Any]) -> None:
        texts = {
            f"{NAMESPACE}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
        pulumi.runtime.set_all_config(texts | {f"{namespace}:drift": "true"})
        assert not load_configuration(pulumi.Config(NAMESPACE)).drift
