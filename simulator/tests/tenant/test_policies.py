import pytest

from simulator.tenant import ExchangeError, Tenant
from simulator.tenant.seed import Seed
from simulator.testing.deployment import NOON, connect, refusal

APP = "11111111-2222-3333-4444-555555555555"
GET_POLICIES: tuple[str, dict[str, str]] = ("Get-ApplicationAccessPolicy", {})
NO_POLICY = (
    "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
    "operation couldn't be performed because object 'OU=contoso.onmicrosoft.com,OU=Microsoft "
    "Exchange Hosted Organizations,DC=EURPR05A012,DC=PROD,DC=OUTLOOK,DC=COM\\*' couldn't be found "
    "on '"
)
ALL_MAILBOXES = ("reception@contoso.com", "finance@contoso.com", "control.mailbox@contoso.com")


def granted(deployment, app=APP):
    return [
        address for address in ALL_MAILBOXES if deployment.test_policy(app, address) == "Granted"
    ]


class TestExchangesOwnTestFollowsTheFiveRules:
    def test_without_a_policy_everything_is_granted(self, deployment):
        assert granted(deployment) == list(ALL_MAILBOXES)

    def test_restrict_confines_to_the_members_at_once(self, deployment):
        group = deployment.group("Scope", "reception@contoso.com")
        deployment.policy(APP, group["PrimarySmtpAddress"])
        assert granted(deployment) == ["reception@contoso.com"]

    def test_a_second_restrict_policy_widens(self, deployment):
        for name in ("reception", "finance"):
            group = deployment.group(f"Scope {name}", f"{name}@contoso.com")
            deployment.policy(APP, group["Guid"])
        assert granted(deployment) == ["reception@contoso.com", "finance@contoso.com"]

    def test_deny_wins_over_restrict(self, deployment):
        both = deployment.group("Both", "reception@contoso.com", "finance@contoso.com")
        one = deployment.group("One", "finance@contoso.com")
        deployment.policy(APP, both["Guid"])
        deployment.policy(APP, one["Guid"], "DenyAccess")
        assert granted(deployment) == ["reception@contoso.com"]

    def test_members_of_a_nested_security_group_are_in_scope(self, deployment):
        inner = deployment.group("Inner", "reception@contoso.com")
        outer = deployment.group("Outer", inner["Guid"])
        deployment.policy(APP, outer["Guid"])
        assert granted(deployment) == ["reception@contoso.com"]

    def test_groups_that_contain_each_other_end(self, deployment):
        inner = deployment.group("Inner", "reception@contoso.com")
        outer = deployment.group("Outer", inner["Guid"])
        deployment.session.invoke(
            "Add-DistributionGroupMember",
            {
                "Identity": inner["Guid"],
                "Member": outer["Guid"],
                "BypassSecurityGroupManagerCheck": True,
            },
        )
        deployment.policy(APP, outer["Guid"])
        assert granted(deployment) == ["reception@contoso.com"]

    def test_members_of_a_nested_plain_distribution_group_are_not(self, deployment):
        outer = deployment.group("Outer", "AllStaff@contoso.com")
        deployment.policy(APP, outer["Guid"])
        assert granted(deployment) == []

    def test_an_empty_scope_denies_everything(self, deployment):
        deployment.policy(APP, deployment.group("Empty")["Guid"])
        assert granted(deployment) == []

    def test_a_shared_mailbox_is_reached_through_its_group(self, deployment):
        mailbox = deployment.mailbox(PrimarySmtpAddress="notifications@contoso.com")
        deployment.policy(APP, deployment.group("Scope", mailbox["Guid"])["Guid"])
        assert deployment.test_policy(APP, "notifications@contoso.com") == "Granted"

    def test_a_policy_whose_group_is_gone_confines_nobody(self, deployment):
        group = deployment.group("Scope", "reception@contoso.com")
        deployment.policy(APP, group["Guid"])
        deployment.session.invoke(
            "Remove-DistributionGroup",
            {"Identity": group["Guid"], "BypassSecurityGroupManagerCheck": True},
        )
        assert granted(deployment) == list(ALL_MAILBOXES)
        policies = deployment.session.invoke("Get-ApplicationAccessPolicy", {})
        valid = {policy["AppId"]: policy["IsValid"] for policy in policies}
        assert valid[APP] is False


class TestScopeMustBeASecurityPrincipal:
    @pytest.mark.parametrize(
        "scope", ["boardroom@contoso.com", "AllStaff@contoso.com", "notifications@contoso.com"]
    )
    def test_rooms_distribution_groups_and_shared_mailboxes_are_refused(self, deployment, scope):
        deployment.mailbox(PrimarySmtpAddress="notifications@contoso.com")
        assert "security principal" in str(refusal(deployment.policy, APP, scope))

    def test_a_user_mailbox_is_accepted(self, deployment):
        deployment.policy(APP, "finance@contoso.com")
        assert granted(deployment) == ["finance@contoso.com"]

    def test_an_unknown_scope_is_not_found(self, deployment):
        assert "ManagementObjectNotFoundException" in str(
            refusal(deployment.policy, APP, "nobody@contoso.com")
        )


class TestPolicyObjects:
    def test_properties_are_those_that_the_real_cmdlet_shows(self, deployment):
        group = deployment.group("Scope")
        policy = deployment.policy(APP, group["Guid"])
        assert list(policy) == [
            "ScopeName",
            "ScopeIdentity",
            "Identity",
            "AppId",
            "ScopeIdentityRaw",
            "Description",
            "AccessRight",
            "ShardType",
            "IsValid",
            "ObjectState",
            "Guid",
        ]
        sid, object_id = policy["ScopeIdentityRaw"].split(";")
        assert object_id == group["ExternalDirectoryObjectId"]
        assert sid.startswith("S-1-5-21-")
        assert policy["Identity"].endswith(f"\\{APP}:{sid};{object_id}")

    def test_without_a_description_exchange_writes_one(self, deployment):
        policy = deployment.policy(APP, deployment.group("Scope")["Guid"])
        assert policy["Description"].startswith(f"AppId: {APP}; ScopeIdentitySid: S-1-5-21-")

    def test_set_changes_the_description(self, deployment):
        policy = deployment.policy(APP, deployment.group("Scope")["Guid"])
        deployment.session.invoke(
            "Set-ApplicationAccessPolicy", {"Identity": policy["Identity"], "Description": "ours"}
        )
        [read] = deployment.session.invoke(
            "Get-ApplicationAccessPolicy", {"Identity": policy["Identity"]}
        )
        assert read["Description"] == "ours"

    def test_an_identity_that_does_not_exist_returns_every_policy(self, deployment):
        # Documented, and the reason why nobody may pipe Get- into Remove-.
        deployment.policy(APP, deployment.group("Scope")["Guid"])
        everything = deployment.session.invoke("Get-ApplicationAccessPolicy", {})
        assert len(everything) == 2
        for identity in ("", None, "no such policy"):
            found = deployment.session.invoke("Get-ApplicationAccessPolicy", {"Identity": identity})
            assert found == everything

    def test_removing_one_that_does_not_exist_removes_none(self, deployment):
        error = refusal(
            deployment.session.invoke,
            "Remove-ApplicationAccessPolicy",
            {"Identity": "no such policy"},
        )
        assert "ManagementObjectNotFoundException" in str(error)
        assert len(deployment.session.invoke("Get-ApplicationAccessPolicy", {})) == 1

    def test_a_removed_one_is_gone_though_graph_still_goes_by_it(self, tenant, deployment):
        [policy] = deployment.session.invoke("Get-ApplicationAccessPolicy", {})
        assert len(tenant.snapshot()["applicationAccessPolicies"]) == 1
        deployment.remove_policy(policy)
        assert NO_POLICY in str(refusal(deployment.session.invoke, *GET_POLICIES))
        assert tenant.snapshot()["applicationAccessPolicies"] == {}

    def test_a_second_policy_of_one_application_on_one_group_is_refused(self, deployment):
        group = deployment.group("Scope")
        deployment.policy(APP, group["Guid"])
        for right in ("RestrictAccess", "DenyAccess"):
            assert "already exists" in str(refusal(deployment.policy, APP, group["Guid"], right))

    def test_an_app_id_must_be_a_guid_or_every_application(self, deployment):
        group = deployment.group("Scope", "reception@contoso.com")
        assert "isn't a valid GUID" in str(refusal(deployment.policy, "my app", group["Guid"]))
        assert deployment.policy("*", group["Guid"])["AppId"] == "*"
        assert granted(deployment) == ["reception@contoso.com"]

    def test_the_space_for_all_policies_together_is_limited(self, deployment):
        group = deployment.group("Scope")
        error = refusal(
            deployment.session.invoke,
            "New-ApplicationAccessPolicy",
            {
                "AccessRight": "RestrictAccess",
                "AppId": [APP],
                "PolicyScopeGroupId": group["Guid"],
                "Description": "x" * 60_000,
            },
        )
        assert isinstance(error, ExchangeError)
        assert error.message == "The total size of App Access Policies exceeded the limit."
        assert granted(deployment) == list(ALL_MAILBOXES)


class TestATenantWithoutAnyPolicy:
    """https://github.com/microsoft/Microsoft365DSC/issues/2998: an error, not an empty list."""

    @pytest.fixture
    def session(self, tmp_path):
        tenant = Tenant(tmp_path / "empty.sqlite", seed=Seed.NO_POLICIES, real_time=lambda: NOON)
        yield connect(tenant)
        tenant.close()

    def test_says_that_nothing_was_found_in_the_text_on_record(self, session):
        text = str(refusal(session.invoke, *GET_POLICIES))
        assert text.startswith(NO_POLICY)
        assert text.endswith(".PROD.OUTLOOK.COM'.")

    def test_says_so_of_one_that_is_asked_for_too(self, session):
        text = str(refusal(session.invoke, "Get-ApplicationAccessPolicy", {"Identity": "one"}))
        assert "ManagementObjectNotFoundException" in text

    def test_lists_the_first_policy_and_throws_again_when_the_last_is_gone(self, session):
        [policy] = session.invoke(
            "New-ApplicationAccessPolicy",
            {
                "AccessRight": "RestrictAccess",
                "AppId": [APP],
                "PolicyScopeGroupId": "BuildingAccess@contoso.com",
            },
        )
        assert session.invoke(*GET_POLICIES) == [policy]
        session.invoke("Remove-ApplicationAccessPolicy", {"Identity": policy["Identity"]})
        assert NO_POLICY in str(refusal(session.invoke, *GET_POLICIES))
