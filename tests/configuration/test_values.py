"""Each rule for one value has a test that fails without the rule."""

import json
from datetime import timedelta
from typing import Any

import pulumi
import pytest

from components.graph_permission import MailboxPermission
from configuration import (
    NAMESPACE,
    HttpRequestTrigger,
    load_configuration,
)
from tests.configuration.happy_path import assert_refused, only_mistake, put


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

    @pytest.mark.parametrize("path", ["mailbox.address", "group.address", "controlMailbox"])
    def test_a_wildcard_is_refused_where_exchange_looks_for_the_address(
        self, values: dict[str, Any], path: str
    ) -> None:
        path, value = f"senders[0].{path}", "re*@contoso.com"
        assert_refused(values, path, value, "stands for any characters", "one mailbox or group")

    def test_and_not_in_an_address_that_a_mail_goes_to(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].message.toRecipients[0].address", "re*@contoso.com")
        load_configuration(values)

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

    @pytest.mark.parametrize("name", ["type", "allowedCallers", "erp"])
    def test_a_policy_may_be_called_as_a_key_is(self, values: dict[str, Any], name: str) -> None:
        mistake = only_mistake(put(values, POLICIES, {name: None}))
        assert mistake.remedy.startswith("Write a name a line, and below each its claims")
        mistake = only_mistake(
            put(values, POLICIES, {name: {"iss": ISSUER, "aud": "a", "type": 1}})
        )
        assert (mistake.heading, mistake.problem) == (
            f"{NAMESPACE}:{POLICIES}.{name}.type = 1",
            "It is not text.",
        )

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


class TestNamesAreThoseOfTheirPlatform:
    @pytest.mark.parametrize("name", ["", "Notifications", "a b", "-a", "a-", "a_b", "ä"])
    def test_a_sender(self, values: dict[str, Any], name: str) -> None:
        put(values, "senders[0].workflow", "workflow")
        assert_refused(values, "senders[0].name", name, "sender's name", "lowercase letters")

    def test_a_sender_of_40_characters(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "senders[0].name", "n" * 40))
        assert_refused(values, "senders[0].name", "n" * 41, "41 characters, and 40 are", "shorter")

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

    @pytest.mark.parametrize(
        "attribute",
        ["CustomAttribute16", "CustomAttribute0", "ExtensionCustomAttribute6", "DisplayName"],
    )
    def test_an_attribute_for_marks(self, values: dict[str, Any], attribute: str) -> None:
        assert_refused(
            values, "markAttribute", attribute, "free for marks", "CustomAttribute1 to 15"
        )
        assert load_configuration(put(values, "markAttribute", "CustomAttribute15"))

    def test_a_cloud(self, values: dict[str, Any]) -> None:
        assert_refused(values, "cloud", "usGovermentL4", "not a cloud", "mean usGovernmentL4?")


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


class TestDurationsAreFixed:
    @pytest.mark.parametrize("key", ["settle", "proofTimeout"])
    @pytest.mark.parametrize(
        "duration",
        [
            "1h",
            "3600",
            3600,
            "P1M",
            "P1Y",
            "PT",
            "P",
            "P1DT",
            "-PT1H",
            "PT1.5H",
            "PT\uff11H",
            "PT1\u0660M",
            "",
        ],
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

    def test_is_one_in_the_digits_of_json_alone(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].mailbox.displayName", "\uff12\uff10\uff12\uff16-01-01T08:00:00")
        assert load_configuration(values)

    def test_is_taken_where_nothing_reads_it_as_one(self, values: dict[str, Any]) -> None:
        assert load_configuration(put(values, "senders[0].message.subject", "2026-01-01T08:00:00"))
        assert load_configuration(put(values, "senders[0].mailbox.displayName", "2026-01-01 News"))
