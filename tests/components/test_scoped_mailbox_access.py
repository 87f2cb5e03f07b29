"""An identity of others, confined before it is permitted anything."""

from datetime import UTC, datetime

import pytest

from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import Group
from components.graph_permission import MailboxPermission
from components.migration import Scoping, Standing
from components.scoped_mailbox_access import ScopedMailboxAccess, ScopedMailboxAccessArgs
from tests.components.recording import Recording, record

FINANCE, RECEPTION = "finance@contoso.com", "reception@contoso.com"
GROUP = Group(
    name="Scope",
    display_name="Scope",
    alias="scope",
    address="scope@contoso.com",
    policy_description="text",
)


def access(
    scoping: Scoping,
    mailboxes: list[str],
    group: Group | None,
    unit: str | None = None,
    standing: Standing | None = None,
) -> Recording:
    return record(
        lambda: ScopedMailboxAccess(
            "reader",
            ScopedMailboxAccessArgs(
                client_id="client",
                principal_id="principal",
                mailboxes=mailboxes,
                permissions=[MailboxPermission.MAIL_SEND],
                scoping=scoping,
                group=group,
                administrative_unit=unit,
                control_mailbox="control.mailbox@contoso.com",
                organization=ExchangeOrganization(domain="contoso.onmicrosoft.com"),
            ),
            standing=standing,
        )
    )


class TestByAPolicy:
    def test_the_grant_comes_after_group_members_policy_and_proof(self):
        recorded = access(Scoping.POLICY, [FINANCE], GROUP)
        before = recorded.ancestors("reader-access-mail-send")
        assert {
            "reader-group",
            "reader-group-members",
            "reader-access-policy",
            "reader-access-proof",
        } <= before

    def test_what_confines_knows_that_the_identity_lives_on(self):
        resources = access(Scoping.POLICY, [FINANCE], GROUP).resources
        for name in ("reader-group", "reader-access-policy"):
            assert resources[name].desired["identityOutlives"] is True
        assert resources["reader-access-policy"].desired["retireFormer"] is False


class TestByRoles:
    def test_of_one_mailbox_are_bound_to_a_scope_that_holds_it(self):
        recorded = access(Scoping.RBAC, [FINANCE], None)
        scope = recorded.resources["reader-scope"].desired
        assert (scope["mailboxId"], scope["mailboxAddress"]) == (None, FINANCE)
        role = recorded.resources["reader-access-mail-send"].desired
        assert (role["scopeType"], role["scope"]) == ("CustomRecipientScope", scope["name"])
        assert "reader-scope" in recorded.ancestors("reader-access-mail-send")
        for name in ("reader-scope", "reader-access-pointer"):
            assert recorded.resources[name].desired["identityOutlives"] is True

    def test_of_several_are_bound_to_the_group_with_its_members(self):
        recorded = access(Scoping.RBAC, [FINANCE, RECEPTION], GROUP)
        role = recorded.resources["reader-access-mail-send"].desired
        assert (role["scopeType"], role["scope"]) == ("Group", GROUP.address)
        assert role["members"] == [FINANCE, RECEPTION]
        assert "reader-group-members" in recorded.ancestors("reader-access-mail-send")
        assert not any("scope" in name for name in recorded.custom())

    def test_are_bound_to_an_administrative_unit_where_one_is_given(self):
        recorded = access(Scoping.RBAC, [FINANCE, RECEPTION], None, "unit")
        role = recorded.resources["reader-access-mail-send"].desired
        assert (role["scopeType"], role["scope"]) == ("AdministrativeUnit", "unit")
        proof = recorded.resources["reader-access-proof"].desired
        assert proof["scope"] == role["scope"]
        assert proof["members"] == [FINANCE, RECEPTION]

    def test_have_another_name_once_they_are_bound_to_something_else(self):
        one, several = (
            access(Scoping.RBAC, *bound).resources["reader-access-mail-send"].desired["name"]
            for bound in (([FINANCE], None), ([FINANCE, RECEPTION], GROUP))
        )
        assert one != several


class TestOnTheWayFromOneToTheOther:
    BOTH = Standing(policy=True, grants=True, roles=True, scope=True, group=GROUP)

    def parts(self, recorded: Recording) -> set[str]:
        """What it has, by type: a role and a grant of one permission have one name."""
        return {
            f"{entry.type.rpartition(':')[2]} {name.removeprefix('reader-')}"
            for name, entry in recorded.resources.items()
            if name.endswith(("-group", "-scope", "-policy", "-pointer", "-both", "-left"))
        }

    @pytest.mark.parametrize("mailboxes", [[FINANCE], [FINANCE, RECEPTION]])
    def test_both_confine_it_and_the_roles_know_of_the_grant(self, mailboxes: list[str]):
        recorded = access(Scoping.BOTH, mailboxes, GROUP)
        scope = {"Command scope"} if len(mailboxes) == 1 else set()
        assert self.parts(recorded) == scope | {
            "Command group",
            "Command access-policy",
            "Command access-pointer",
            "Stash both",
        }

    def test_a_policy_that_is_left_stays_on_the_group_of_the_state(self):
        recorded = access(Scoping.RBAC, [FINANCE], None, standing=self.BOTH)
        assert self.parts(recorded) == {
            "Command group",
            "Command access-policy",
            "Command scope",
            "Command access-pointer",
            "Stash left",
        }
        assert "AppRoleAssignment" not in {
            entry.type.rpartition(":")[2] for entry in recorded.resources.values()
        }

    @pytest.mark.parametrize("mailboxes", [[FINANCE], [FINANCE, RECEPTION]])
    def test_roles_go_in_a_run_that_proves_the_policy(self, mailboxes: list[str]):
        recorded = access(Scoping.POLICY, mailboxes, GROUP, standing=self.BOTH)
        scope = {"Command scope"} if len(mailboxes) == 1 else set()
        left = {"Command group", "Command access-policy", "Stash left"}
        assert self.parts(recorded) == scope | left
        # And once they are gone, and Graph knows of it, nothing of that is left.
        gone = Standing(policy=True, grants=True, left_at=datetime(2026, 1, 1, tzinfo=UTC))
        after = access(Scoping.POLICY, mailboxes, GROUP, standing=gone)
        assert self.parts(after) == {"Command group", "Command access-policy"}


@pytest.mark.parametrize(
    ("scoping", "mailboxes", "group", "unit"),
    [
        (Scoping.POLICY, [FINANCE], None, None),
        (Scoping.POLICY, [FINANCE], GROUP, "unit"),
        (Scoping.BOTH, [FINANCE], None, None),
        (Scoping.BOTH, [FINANCE], GROUP, "unit"),
        (Scoping.RBAC, [FINANCE], GROUP, None),
        (Scoping.RBAC, [FINANCE, RECEPTION], None, None),
        (Scoping.RBAC, [FINANCE, RECEPTION], GROUP, "unit"),
    ],
)
def test_a_group_is_given_where_it_is_needed_and_only_there(scoping, mailboxes, group, unit):
    with pytest.raises(ValueError, match="need a group"):
        access(scoping, mailboxes, group, unit)
