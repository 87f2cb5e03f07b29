"""What a stack is told of identities that others made."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.graph_permission import MailboxPermission
from components.migration import Scoping, Standing
from configuration import (
    NAMESPACE,
    ConfigurationError,
    load_configuration,
    refuse_changed_scopings,
    refuse_renamed_senders,
)
from tests.configuration.happy_path import assert_refused, drop, mistakes, only_mistake, put

CLIENT_ID = "11111111-2222-4333-8444-555555555555"
PRINCIPAL_ID = "66666666-7777-4888-8999-000000000000"


@pytest.fixture
def access(values: dict[str, Any]) -> dict[str, Any]:
    values["access"] = [
        {
            "name": "reporting",
            "clientId": CLIENT_ID,
            "mailboxes": ["finance@contoso.com", "report@contoso.com"],
            "permissions": ["Mail.Read"],
            "group": {"name": "Reporting Scope", "address": "reporting-scope@contoso.com"},
            "controlMailbox": "control.mailbox@contoso.com",
        },
        {
            "name": "archive",
            "principalId": PRINCIPAL_ID,
            "scoping": "rbac",
            "mailboxes": ["finance@contoso.com"],
            "permissions": ["Mail.Read", "Calendars.Read"],
            "controlMailbox": "control.mailbox@contoso.com",
        },
    ]
    return values


class TestAnAccess:
    def test_arrives_with_its_defaults(self, access: dict[str, Any]) -> None:
        reporting, archive = load_configuration(access).access
        assert reporting.identity == {"clientId": CLIENT_ID}
        assert reporting.scoping is Scoping.POLICY
        assert reporting.group is not None
        assert reporting.group.alias == "ReportingScope"
        assert "reporting-scope@contoso.com" in reporting.group.policy_description
        assert archive.identity == {"objectId": PRINCIPAL_ID}
        assert archive.group is None
        assert archive.permissions == (
            MailboxPermission.MAIL_READ,
            MailboxPermission.CALENDARS_READ,
        )

    def test_is_not_needed(self, values: dict[str, Any]) -> None:
        assert load_configuration(values).access == ()

    def test_is_enough_for_a_stack(self, access: dict[str, Any]) -> None:
        assert load_configuration(drop(access, "senders")).senders == ()
        assert len(load_configuration(put(access, "senders", [])).access) == 2
        mistake = only_mistake(put(drop(access, "senders"), "access", []))
        assert mistake.heading == f"{NAMESPACE}:senders"
        assert mistake.problem == "It is missing."
        assert "or access, for identities that others made" in mistake.remedy

    def test_makes_nothing_in_azure(self, access: dict[str, Any]) -> None:
        nowhere = drop(drop(access, "resourceGroup"), "location")
        found = mistakes(nowhere)
        assert {each.problem for each in found} == {"It is missing."}
        assert [each.heading for each in found] == [
            f"{NAMESPACE}:{key}" for key in ("resourceGroup", "location")
        ]
        alone = load_configuration(drop(nowhere, "senders"))
        assert (alone.resource_group, alone.location) == (None, None)
        # What is written has to be right all the same.
        assert_refused(
            put(nowhere, "location", "West Europe"),
            "location",
            "West Europe",
            "short name",
            "Write westeurope:",
        )

    def test_may_use_a_mailbox_that_another_one_uses(self, access: dict[str, Any]) -> None:
        put(access, "access[1].mailboxes", ["report@contoso.com"])
        load_configuration(access)

    @pytest.mark.parametrize(
        ("path", "value", "problem", "remedy"),
        [
            ("access[0].name", "report", "is the name of another sender or access", "own"),
            ("access[0].clientId", "reporting", "is not an id of Entra", "in quotes"),
            ("access[0].mailboxes", [], "is an empty list", "at least one"),
            ("access[0].mailboxes[0]", "x", "is not a mail address", "plain SMTP"),
            (
                "access[0].mailboxes[1]",
                "FINANCE@contoso.com",
                "is in the list already",
                "only once",
            ),
            (
                "access[0].mailboxes[1]",
                "graphscope@contoso.com",
                "is a group (senders[0].group), and not a mailbox",
                "the mailboxes themselves",
            ),
            (
                "access[0].controlMailbox",
                "Finance@contoso.com",
                "is one of the mailboxes that the identity may use",
                "not among them",
            ),
            (
                "access[0].controlMailbox",
                "logicappnotifications@contoso.com",
                "another sender's mailbox (senders[0].mailbox)",
                "does not manage",
            ),
            (
                "access[0].group.address",
                "graphscope@contoso.com",
                "is the address of another mailbox or group",
                "of its own",
            ),
            ("access[0].permissions", [], "is an empty list", "at least one"),
        ],
    )
    def test_is_refused_with_the_reason(
        self, access: dict[str, Any], path: str, value: object, problem: str, remedy: str
    ) -> None:
        assert_refused(access, path, value, problem, remedy)

    def test_has_a_name_of_its_own_among_accesses(self, access: dict[str, Any]) -> None:
        mistake = only_mistake(put(access, "access[0].name", "archive"))
        assert mistake.heading.startswith(f"{NAMESPACE}:access[1].name")

    def test_has_permissions_for_which_there_are_roles(self, access: dict[str, Any]) -> None:
        put(access, "access[1].permissions", ["Mail.ReadBasic.All"])
        assert "for which Exchange has no role" in only_mistake(access).problem

    @pytest.mark.parametrize("key", ["clientId", "principalId"])
    def test_has_an_identity_of_its_own(self, access: dict[str, Any], key: str) -> None:
        for entry in access["access"]:
            entry.pop("clientId", None)
            entry.pop("principalId", None)
            entry[key] = CLIENT_ID
        assert "is the identity of another access" in only_mistake(access).problem

    def test_names_its_identity_by_one_id(self, access: dict[str, Any]) -> None:
        put(access, "access[1].clientId", CLIENT_ID.replace("1", "2"))
        assert "stands beside principalId" in only_mistake(access).problem
        drop(access, "access[1].clientId")
        drop(access, "access[1].principalId")
        assert "is missing, and so is principalId" in only_mistake(access).problem


class TestItsGroup:
    def test_is_needed_by_a_policy(self, access: dict[str, Any]) -> None:
        mistake = only_mistake(drop(access, "access[0].group"))
        assert mistake.heading == f"{NAMESPACE}:access[0].group"
        assert mistake.problem == "It is missing."

    def test_is_needed_by_roles_for_several(self, access: dict[str, Any]) -> None:
        put(access, "access[1].mailboxes", ["finance@contoso.com", "report@contoso.com"])
        assert "bound to a group of them" in only_mistake(access).problem
        group = {"name": "Archive Scope", "address": "archive-scope@contoso.com"}
        load_configuration(put(access, "access[1].group", group))

    def test_is_of_no_use_to_roles_for_one(self, access: dict[str, Any]) -> None:
        group = {"name": "Archive Scope", "address": "archive-scope@contoso.com"}
        mistake = only_mistake(put(access, "access[1].group", group))
        assert "is of no use with scoping: rbac" in mistake.problem
        assert mistake.remedy == "Leave it out."


class TestItsAdministrativeUnit:
    @pytest.fixture
    def in_a_unit(self, access: dict[str, Any]) -> dict[str, Any]:
        put(access, "access[1].mailboxes", ["finance@contoso.com", "report@contoso.com"])
        return put(access, "access[1].administrativeUnit", PRINCIPAL_ID)

    def test_takes_the_place_of_a_group(self, in_a_unit: dict[str, Any]) -> None:
        entry = load_configuration(in_a_unit).access[1]
        assert (entry.administrative_unit, entry.group) == (PRINCIPAL_ID, None)

    def test_is_not_beside_one(self, in_a_unit: dict[str, Any]) -> None:
        group = {"name": "Archive Scope", "address": "archive-scope@contoso.com"}
        mistake = only_mistake(put(in_a_unit, "access[1].group", group))
        assert "is of no use beside administrativeUnit" in mistake.problem

    def test_confines_no_policy(self, access: dict[str, Any]) -> None:
        mistake = only_mistake(put(access, "access[0].administrativeUnit", PRINCIPAL_ID))
        assert "confines no policy, whose scope is a group" in mistake.problem


def test_drift_may_be_looked_for(access: dict[str, Any]) -> None:
    assert load_configuration(put(access, "drift", True)).drift


def test_a_mistake_in_each_is_told_in_the_order_of_the_file(access: dict[str, Any]) -> None:
    put(access, "access[1].name", "A")
    put(access, "access[0].name", "B")
    put(access, "senders[1].name", "C")
    headings = [mistake.heading.partition(" ")[0] for mistake in mistakes(access)]
    assert headings == [
        f"{NAMESPACE}:{entry}.name" for entry in ("senders[1]", "access[0]", "access[1]")
    ]


class TestADeployedAccess:
    def test_keeps_its_name(self, access: dict[str, Any]) -> None:
        deployed = {"reporting-scope@contoso.com": "reports"}
        with pytest.raises(ConfigurationError) as refused:
            refuse_renamed_senders(load_configuration(access), deployed)
        assert f'{NAMESPACE}:access[0].name = "reporting"' in str(refused.value)
        assert "is of the access reports" in str(refused.value)
        refuse_renamed_senders(
            load_configuration(access), {"reporting-scope@contoso.com": "reporting"}
        )

    def test_keeps_its_scoping(self, access: dict[str, Any]) -> None:
        configuration = load_configuration(access)
        refuse_changed_scopings(configuration, {"archive": Standing(roles=True)})
        with pytest.raises(ConfigurationError, match="of the deployed access, applicationAccess"):
            refuse_changed_scopings(configuration, {"archive": Standing(policy=True)})

    def test_changes_by_way_of_both_and_not_too_early(
        self, access: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at = datetime(2026, 11, 2, 12, tzinfo=UTC)
        both = Standing(policy=True, grants=True, roles=True, since={"since": at.isoformat()})
        monkeypatch.setattr("configuration.loading.now", lambda: at + timedelta(hours=1))
        refuse_changed_scopings(
            load_configuration(put(access, "access[0].scoping", "both")),
            {"reporting": Standing(policy=True, grants=True)},
        )
        configuration = load_configuration(put(access, "access[0].scoping", "rbac"))
        early = "comes before 2026-11-02 14:00 UTC: until then Graph may deny the access"
        with pytest.raises(ConfigurationError, match=early):
            refuse_changed_scopings(configuration, {"reporting": both})
        monkeypatch.setattr("configuration.loading.now", lambda: at + timedelta(hours=2))
        refuse_changed_scopings(configuration, {"reporting": both})

    def test_has_no_administrative_unit_on_the_way(self, access: dict[str, Any]) -> None:
        put(access, "access[0].scoping", "both")
        put(access, "access[0].administrativeUnit", PRINCIPAL_ID)
        assert "confines no policy" in mistakes(access)[0].problem
