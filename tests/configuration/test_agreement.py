"""Rules between keys."""

from typing import Any, ClassVar

import pytest

from configuration import (
    NAMESPACE,
    ConfigurationError,
    HttpRequestTrigger,
    load_configuration,
)
from tests.configuration.happy_path import assert_refused, drop, only_mistake, put


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


CLOUDS = {
    "public": ("contoso.onmicrosoft.com", "westeurope", "public", "global"),
    "usGovernmentL4": ("contoso.onmicrosoft.us", "usgovvirginia", "usgovernment", "usgovernmentl4"),
    "usGovernmentL5": ("contoso.onmicrosoft.us", "usdodeast", "usgovernment", "usgovernmentl5"),
    "china": ("contoso.partner.onmschina.cn", "chinanorth3", "china", "china"),
}
OF_A_CLOUD = ("organization", "location", "azure-native:environment", "azuread:environment")


class TestARefusedSignature:
    TRIGGER = "senders[0].trigger"
    POLICIES: ClassVar = {
        "erp": {"iss": "https://sts.windows.net/00000000-0000-4000-8000-000000000001/", "aud": "x"}
    }

    def refusing(self, values: dict[str, Any], **further: Any) -> dict[str, Any]:
        trigger = {"type": "httpRequest", "signature": "refused", "entraPolicies": self.POLICIES}
        # None is for what is left out.
        written = {key: value for key, value in (trigger | further).items() if value is not None}
        return put(values, self.TRIGGER, written)

    def signature(self, values: dict[str, Any]) -> str:
        trigger = load_configuration(values).senders[0].trigger
        assert isinstance(trigger, HttpRequestTrigger)
        return trigger.signature

    def test_is_there_where_it_is_asked_for_and_nowhere_else(self, values: dict[str, Any]) -> None:
        assert self.signature(self.refusing(values)) == "refused"
        plain = put(values, self.TRIGGER, {"type": "httpRequest"})
        assert self.signature(plain) == "accepted"

    @pytest.mark.parametrize(
        ("further", "key", "problem", "remedy"),
        [
            ({"entraPolicies": None}, "signature", "no other way to call", "Write entraPolicies"),
            (
                {"exportCallbackUrl": True},
                "exportCallbackUrl",
                "a URL whose signature is refused",
                "Write false",
            ),
            ({"signature": "no"}, "signature", "says nothing about", "Write accepted or refused"),
        ],
    )
    def test_locks_nobody_out_and_exports_nothing_useless(
        self, values: dict[str, Any], further: dict[str, Any], key: str, problem: str, remedy: str
    ) -> None:
        with pytest.raises(ConfigurationError) as refused:
            load_configuration(self.refusing(values, **further))
        assert "one mistake" in str(refused.value)
        assert f"{self.TRIGGER}.{key}" in str(refused.value)
        assert problem in str(refused.value)
        assert remedy in str(refused.value)


def in_cloud(values: dict[str, Any], cloud: str) -> dict[str, Any]:
    given = {"cloud": cloud, "allowUndocumented": True}
    return values | given | dict(zip(OF_A_CLOUD, CLOUDS[cloud], strict=True))


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


class TestWhatIsNotKnownToExistInACloud:
    @pytest.fixture(params=["usGovernmentL4", "usGovernmentL5", "china"])
    def there(self, request: pytest.FixtureRequest, values: dict[str, Any]) -> dict[str, Any]:
        one_sender = put(values, "senders", values["senders"][:1])
        return in_cloud(one_sender, request.param) | {"allowUndocumented": False}

    def test_a_policy_is_refused_unless_the_stack_allows_it(self, there: dict[str, Any]) -> None:
        mistake = only_mistake(there)
        assert mistake.heading.endswith('senders[0].scoping = "applicationAccessPolicy"')
        assert f"is not known to exist in {there['cloud']}" in mistake.problem
        assert "allowUndocumented: true" in mistake.remedy
        assert ("Write rbac" in mistake.remedy) == (there["cloud"] != "china")
        assert load_configuration(there | {"allowUndocumented": True})

    def test_a_role_is_taken_where_it_is(self, there: dict[str, Any]) -> None:
        put(drop(there, "senders[0].group"), "senders[0].scoping", "rbac")
        if there["cloud"] == "china":
            assert "is not known to exist in china" in only_mistake(there).problem
        else:
            assert load_configuration(there)

    def test_in_the_public_cloud_both_are_known(self, values: dict[str, Any]) -> None:
        given = in_cloud(values, "public") | {"allowUndocumented": False}
        assert load_configuration(given).senders[0].scoping == "applicationAccessPolicy"
