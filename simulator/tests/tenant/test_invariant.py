import pytest

from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, UNCONFINABLE_APP_ROLES
from simulator.tenant.invariant import may_break
from simulator.testing.deployment import WORKFLOW_PATH, connect


@pytest.fixture
def confined(deployment):
    """A workflow's identity, its policy and the policy's group."""
    principal = deployment.workflow()
    group = deployment.group("Scope", "reception@contoso.com")
    return principal, deployment.policy(principal["appId"], group["Guid"]), group


def last_call(tenant, operation):
    return [call for call in tenant.calls() if call.operation == operation][-1]


class TestAGrantNeedsAPolicy:
    def test_a_confined_grant_is_no_violation(self, tenant, deployment, confined):
        assert deployment.grant(confined[0]).status == 201
        assert tenant.violations() == []

    @pytest.mark.parametrize("permission", sorted(CONFINABLE_APP_ROLES))
    def test_each_of_the_eleven_without_a_policy_is_recorded(self, tenant, deployment, permission):
        principal = deployment.workflow()
        deployment.grant(principal, permission)
        [violation] = tenant.violations()
        assert violation.identity == principal["id"]
        assert violation.permission == permission
        assert violation.call == last_call(tenant, "POST").number
        assert violation.time == last_call(tenant, "POST").time

    @pytest.mark.parametrize("permission", sorted(UNCONFINABLE_APP_ROLES))
    def test_a_permission_that_no_policy_confines_is_recorded_in_spite_of_one(
        self, tenant, deployment, confined, permission
    ):
        deployment.grant(confined[0], role_id=UNCONFINABLE_APP_ROLES[permission])
        assert [v.permission for v in tenant.violations()] == [permission]

    def test_a_permission_that_reaches_no_mailbox_is_no_violation(self, tenant, deployment):
        roles = {role["value"]: role["id"] for role in deployment.graph_principal()["appRoles"]}
        deployment.grant(deployment.workflow(), role_id=roles["User.Read.All"])
        assert tenant.violations() == []

    def test_a_deny_policy_does_not_confine(self, tenant, deployment):
        principal = deployment.workflow()
        deployment.policy(principal["appId"], deployment.group("Scope")["Guid"], "DenyAccess")
        deployment.grant(principal)
        assert len(tenant.violations()) == 1

    def test_a_policy_for_the_object_id_does_not_confine(self, tenant, deployment):
        principal = deployment.workflow()
        deployment.policy(principal["id"], deployment.group("Scope")["Guid"])
        deployment.grant(principal)
        assert len(tenant.violations()) == 1

    def test_removing_the_policy_under_a_grant_is_recorded(self, tenant, deployment, confined):
        deployment.grant(confined[0])
        deployment.remove_policy(confined[1])
        [violation] = tenant.violations()
        assert violation.call == last_call(tenant, "Remove-ApplicationAccessPolicy").number

    def test_removing_the_policys_group_under_a_grant_is_recorded(
        self, tenant, deployment, confined
    ):
        deployment.grant(confined[0])
        deployment.session.invoke(
            "Remove-DistributionGroup",
            {"Identity": confined[2]["Guid"], "BypassSecurityGroupManagerCheck": True},
        )
        [violation] = tenant.violations()
        assert violation.call == last_call(tenant, "Remove-DistributionGroup").number

    def test_a_refused_removal_breaks_nothing(self, tenant, deployment, confined):
        deployment.grant(confined[0])
        with pytest.raises(Exception, match="ManagementObjectNotFoundException"):
            deployment.remove_policy({"Identity": "no such policy"})
        assert tenant.violations() == []


class TestOnlyWhatCanBreakItIsChecked:
    @pytest.fixture
    def checks(self, monkeypatch):
        made = []
        monkeypatch.setattr(
            "simulator.tenant.tenant.record_violations", lambda *_: made.append(True)
        )
        return made

    def test_a_mailbox_that_is_made_and_set_is_not(self, deployment, checks):
        deployment.mailbox("Notifications")
        deployment.session.invoke("Set-Mailbox", {"Identity": "Notifications", "DisplayName": "N"})
        assert not checks

    def test_one_that_goes_is(self, deployment, checks):
        deployment.mailbox("Notifications")
        deployment.session.invoke("Remove-Mailbox", {"Identity": "Notifications"})
        assert len(checks) == 1
        # Whatever else the call has written.
        assert may_break({("recipient", False), ("recipient", True)})

    def test_everything_else_is(self, deployment, checks):
        deployment.workflow()
        made = len(checks)
        assert made
        deployment.group("Scope")
        assert len(checks) == made


class TestAViolationIsRecordedWhenItBegins:
    def test_and_not_again_while_it_lasts(self, tenant, deployment):
        deployment.grant(deployment.workflow())
        deployment.mailbox()
        deployment.group()
        assert len(tenant.violations()) == 1

    def test_and_again_when_it_begins_again(self, tenant, deployment, confined):
        principal, policy, group = confined
        deployment.grant(principal)
        deployment.remove_policy(policy)
        policy = deployment.policy(principal["appId"], group["Guid"])
        deployment.remove_policy(policy)
        assert len(tenant.violations()) == 2

    def test_each_permission_for_itself(self, tenant, deployment):
        principal = deployment.workflow()
        deployment.grant(principal, "Mail.Send")
        deployment.grant(principal, "Mail.Read")
        assert [v.permission for v in tenant.violations()] == ["Mail.Send", "Mail.Read"]


class TestATokenOutlivesItsGrant:
    """A managed identity's token is cached for a day, and carries the permission all the while."""

    @pytest.fixture
    def sent(self, deployment, confined):
        assignment = deployment.grant(confined[0])
        deployment.wait_for_policies()
        deployment.run()
        deployment.revoke(assignment)
        return confined

    def test_removing_the_policy_while_it_lives_is_recorded(self, tenant, deployment, sent):
        assert tenant.violations() == []
        deployment.remove_policy(sent[1])
        [violation] = tenant.violations()
        assert "token" in violation.text

    def test_removing_it_after_a_day_is_not(self, tenant, deployment, sent):
        tenant.clock.advance(24 * 3600)
        # A token of the deploying identity lives an hour, so this takes a new connection.
        deployment.session = connect(tenant)
        deployment.remove_policy(sent[1])
        assert tenant.violations() == []

    def test_removing_it_after_the_identity_is_not(self, tenant, deployment, sent):
        deployment.arm("DELETE", WORKFLOW_PATH)
        deployment.remove_policy(sent[1])
        assert tenant.violations() == []


class TestNoTokenMeetsMailboxesBeforeItsPolicyIsEffective:
    def test_a_mail_sent_before_graph_knows_the_policy_is_recorded_once(
        self, tenant, deployment, confined
    ):
        deployment.grant(confined[0])
        deployment.run()
        deployment.run()
        [violation] = tenant.violations()
        assert violation.permission == "Mail.Send"
        first_send = next(call for call in tenant.calls() if call.target.endswith("/sendMail"))
        assert violation.call == first_send.number

    def test_a_mail_sent_afterwards_is_not(self, tenant, deployment, confined):
        deployment.grant(confined[0])
        deployment.wait_for_policies()
        deployment.run()
        assert len(tenant.mail()) == 1
        assert tenant.violations() == []
