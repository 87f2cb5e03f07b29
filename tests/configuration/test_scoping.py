"""What confines a sender: a policy on its group, or roles in Exchange."""

from typing import Any

import pytest

from components.scoped_mail_sender import Scoping, deployed_scopings
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

    def test_drift_is_refused(self, by_roles: dict[str, Any]) -> None:
        mistake = only_mistake(put(by_roles, "drift", "true"))
        assert "does not look at what senders[0] has" in mistake.problem

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
    assert_refused(values, "senders[0].scoping", "both", "is nothing that confines", "or rbac")


class TestADeployedSenderKeepsItsScoping:
    COMMAND = "command:local:Command"

    def test_it_is_read_from_the_state(self) -> None:
        deployed: dict[tuple[str, str], dict[str, Any]] = {
            (self.COMMAND, "a-access-policy"): {},
            (self.COMMAND, "b-access-pointer"): {},
            (self.COMMAND, "b-scope"): {},
            ("other", "c-access-policy"): {},
        }
        assert deployed_scopings(deployed) == {"a": Scoping.POLICY, "b": Scoping.RBAC}

    def test_another_is_refused(self, values: dict[str, Any]) -> None:
        configuration = load_configuration(values)
        refuse_changed_scopings(configuration, {"notifications": Scoping.POLICY, "x": Scoping.RBAC})
        with pytest.raises(ConfigurationError, match="is another scoping than that of the deploy"):
            refuse_changed_scopings(configuration, {"notifications": Scoping.RBAC})
