"""What confines a sender: a policy on its group, or roles in Exchange."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.migration import Scoping, Standing, deployed_standings
from configuration import ConfigurationError, load_configuration, refuse_changed_scopings
from tests.configuration.happy_path import assert_refused, drop, only_mistake, put


@pytest.fixture
def by_roles(values: dict[str, Any]) -> dict[str, Any]:
    return put(drop(values, "senders[0].group"), "senders[0].scoping", "rbac")


class TestByRoles:
    def test_a_sender_has_no_group(self, by_roles: dict[str, Any]) -> None:
        sender = load_configuration(by_roles).senders[0]
        assert (sender.scoping, sender.group) == (Scoping.RBAC, None)

    def test_a_group_is_refused(self, values: dict[str, Any]) -> None:
        mistake = only_mistake(put(values, "senders[0].scoping", "rbac"))
        assert mistake.heading.endswith("senders[0].group")
        assert "is of no use with scoping: rbac" in mistake.problem

    def test_a_permission_without_a_role_is_refused(self, by_roles: dict[str, Any]) -> None:
        put(by_roles, "senders[0].permissions", ["Mail.Send", "Mail.ReadBasic.All"])
        assert "for which Exchange has no role" in only_mistake(by_roles).problem

    def test_may_look_for_drift(self, by_roles: dict[str, Any]) -> None:
        assert load_configuration(put(by_roles, "drift", "true")).drift

    def test_a_recurrence_may_fire_before_the_role_is_assigned(
        self, by_roles: dict[str, Any]
    ) -> None:
        # What a role opens is not in a token that the platform would keep for a day.
        trigger = {"type": "recurrence", "frequency": "Minute", "interval": 5}
        load_configuration(put(by_roles, "senders[0].trigger", trigger))
        drop(by_roles, "senders[0].scoping")
        put(by_roles, "senders[0].group", {"name": "Scope", "address": "graphscope@contoso.com"})
        assert "the recurrence may fire" in only_mistake(by_roles).problem


class TestByAPolicy:
    def test_is_the_default_and_needs_a_group(self, values: dict[str, Any]) -> None:
        assert load_configuration(values).senders[0].scoping is Scoping.POLICY
        mistake = only_mistake(drop(values, "senders[0].group"))
        assert mistake.problem == "It is missing."
        assert "or scoping: rbac, which needs none" in mistake.remedy

    def test_an_empty_group_is_none(self, values: dict[str, Any]) -> None:
        assert only_mistake(put(values, "senders[0].group", None)).problem == "It is missing."


def test_nothing_else_confines(values: dict[str, Any]) -> None:
    assert_refused(values, "senders[0].scoping", "none", "is nothing that confines", "both or rbac")


class TestByBoth:
    def test_a_sender_has_a_group_and_what_a_role_can_give(self, values: dict[str, Any]) -> None:
        put(values, "senders[0].scoping", "both")
        assert load_configuration(values).senders[0].scoping is Scoping.BOTH
        put(values, "senders[0].permissions", ["Mail.Send", "Mail.ReadBasic.All"])
        assert "for which Exchange has no role" in only_mistake(values).problem
        put(values, "senders[0].permissions", ["Mail.Send"])
        assert only_mistake(drop(values, "senders[0].group")).problem == "It is missing."


T = datetime(2026, 11, 2, 12, tzinfo=UTC)
COMPLETE = Standing(policy=True, grants=True, roles=True, since={"since": T.isoformat()})


class TestADeployedSender:
    COMMAND = "command:local:Command"

    def test_stands_as_the_state_says(self) -> None:
        grant = "azuread:index/appRoleAssignment:AppRoleAssignment"
        group = {"name": "G", "displayName": "G", "alias": "g", "address": "g@contoso.com"}
        of_group = json.dumps(group | {"managedBy": [], "adopt": False})
        deployed: dict[tuple[str, str], dict[str, Any]] = {
            (self.COMMAND, "a-access-policy"): {"stdin": json.dumps({"description": "d"})},
            (self.COMMAND, "a-group"): {"stdin": of_group},
            (grant, "a-access-mail-send"): {},
            ("pulumi:index:Stash", "a-both"): {"input": {"since": T.isoformat()}},
            (self.COMMAND, "b-access-pointer"): {},
            (self.COMMAND, "b-scope"): {},
            ("pulumi:index:Stash", "b-left"): {"input": T.isoformat()},
            ("other", "c-access-policy"): {},
        }
        found = deployed_standings(deployed)
        assert {name: each.scoping for name, each in found.items()} == {
            "a": Scoping.POLICY,
            "b": Scoping.RBAC,
        }
        assert found["a"].group is not None
        assert found["a"].group.address == "g@contoso.com"
        assert (found["b"].scope, found["b"].left_at) == (True, T)
        deployed[self.COMMAND, "a-access-pointer"] = {}
        assert deployed_standings(deployed)["a"].scoping is Scoping.BOTH

    @pytest.mark.parametrize("of", ["policy", "group"])
    def test_whose_policy_or_group_has_another_name_in_the_state_keeps_it(
        self, by_roles: dict[str, Any], of: str
    ) -> None:
        names = {"policy": "notifications-access-policy", "group": "notifications-group"}
        names[of] += "-former"
        address = "senders@contoso.com"
        of_policy = {"appId": "app", "groupAddress": address, "description": "d"}
        of_group = {"name": "G", "displayName": "G", "alias": "g", "address": address}
        deployed: dict[tuple[str, str], dict[str, Any]] = {
            (self.COMMAND, names["policy"]): {
                "stdin": json.dumps(of_policy),
                "delete": "components/exchange/powershell/release-application-access-policy.ps1",
            },
            (self.COMMAND, names["group"]): {
                "stdin": json.dumps(of_group | {"managedBy": [], "adopt": False}),
                "delete": "components/exchange/powershell/remove-mail-enabled-security-group.ps1",
            },
            (self.COMMAND, "notifications-access-pointer"): {"stdin": json.dumps({"appId": "app"})},
        }
        configuration = load_configuration(put(by_roles, "migrateNow", True))
        with pytest.raises(ConfigurationError, match=f"the state calls it {names[of]},"):
            refuse_changed_scopings(configuration, deployed_standings(deployed))
        put(by_roles, "senders[0].scoping", "both")
        put(by_roles, "senders[0].group", {"name": "G", "address": address})
        refuse_changed_scopings(load_configuration(by_roles), deployed_standings(deployed))

    @pytest.mark.parametrize(
        ("scoping", "standing", "hours", "problem"),
        [
            ("rbac", Standing(policy=True, grants=True), 99, "is another scoping than that"),
            ("applicationAccessPolicy", Standing(roles=True), 99, "is another scoping than that"),
            ("both", Standing(policy=True, grants=True), 0, ""),
            ("both", Standing(roles=True, scope=True), 0, ""),
            ("rbac", COMPLETE, 1.9, "comes before 2026-11-02 14:00 UTC"),
            ("rbac", COMPLETE, 2, ""),
            ("applicationAccessPolicy", COMPLETE, 23.9, "comes before 2026-11-03 12:00 UTC"),
            ("applicationAccessPolicy", COMPLETE, 24, ""),
            ("rbac", replace(COMPLETE, since={}), 99, "follows on no run that made both complete"),
            ("rbac", replace(COMPLETE, since={}, left_at=T), 0, ""),
        ],
    )
    def test_changes_by_way_of_both_and_not_too_early(
        self,
        values: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        scoping: str,
        standing: Standing,
        hours: float,
        problem: str,
    ) -> None:
        monkeypatch.setattr("configuration.loading.now", lambda: T + timedelta(hours=hours))
        put(values, "senders[0].scoping", scoping)
        if scoping == "rbac":
            drop(values, "senders[0].group")
        deployed = {"notifications": standing, "gone": Standing(roles=True)}
        if not problem:
            refuse_changed_scopings(load_configuration(values), deployed)
            return
        with pytest.raises(ConfigurationError, match=problem):
            refuse_changed_scopings(load_configuration(values), deployed)

    def test_changes_at_once_where_it_is_told_to_and_both_are_there(
        self, by_roles: dict[str, Any]
    ) -> None:
        configuration = load_configuration(put(by_roles, "migrateNow", True))
        refuse_changed_scopings(configuration, {"notifications": replace(COMPLETE, since={})})
        with pytest.raises(ConfigurationError, match="Write both, with a group"):
            refuse_changed_scopings(configuration, {"notifications": Standing(policy=True)})
