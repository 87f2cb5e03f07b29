"""Mailboxes that are shut to Graph, and organisations in which grants in Entra do not count."""

import pytest

from simulator.tenant import GRAPH_AUDIENCE
from simulator.tenant.identifiers import seeded_id
from simulator.testing.deployment import JSON, message, refusal

PAYROLL = seeded_id("payroll")
PAYROLL_REPORTS = {
    "AppId": seeded_id("Payroll Reports client"),
    "ObjectId": seeded_id("Payroll Reports"),
}
SHUT = "ErrorAccessDenied: Access to OData is disabled."
NOT_GRANTED = "ErrorAccessDenied: Access is denied. Check credentials and try again."
ENFORCE = "EnforceExoAppRbacPermissions"
OVERRIDE = "OverrideEnforceExoAppRbacPermissions"


def answer(tenant):
    """What Graph answers to Payroll Reports, which may send as payroll@contoso.com."""
    token = tenant.entra.issue_token(PAYROLL_REPORTS["AppId"], GRAPH_AUDIENCE)
    path = f"/v1.0/users/{PAYROLL}/sendMail"
    response = tenant.graph.request("POST", path, message(), token=token, headers=JSON)
    if response.body is None:
        return response.status
    error = response.body["error"]
    return f"{error['code']}: {error['message']}"


class TestAMailbox:
    def change(self, session, **settings):
        session.invoke("Set-CASMailbox", {"Identity": "payroll@contoso.com"} | settings)

    def test_is_open_by_default(self, tenant, session):
        [shown] = session.invoke("Get-CASMailbox", {"Identity": "payroll@contoso.com"})
        assert shown["PrimarySmtpAddress"] == "payroll@contoso.com"
        assert shown["EwsEnabled"] is True
        assert shown["EwsApplicationAccessPolicy"] is None
        assert answer(tenant) == 202

    @pytest.mark.parametrize(
        "settings",
        [
            {"EwsEnabled": False},
            {"EwsApplicationAccessPolicy": "EnforceAllowList"},
            {"EwsApplicationAccessPolicy": "EnforceAllowList", "EwsAllowList": ["Outlook/*"]},
            {"EwsApplicationAccessPolicy": "EnforceBlockList", "EwsBlockList": ["*"]},
        ],
    )
    def test_can_be_shut_to_every_application(self, tenant, session, settings):
        self.change(session, **settings)
        [shown] = session.invoke("Get-CASMailbox", {"Identity": "payroll@contoso.com"})
        assert settings.items() <= shown.items()
        assert answer(tenant) == SHUT

    @pytest.mark.parametrize(
        "settings",
        [
            {"EwsApplicationAccessPolicy": "EnforceAllowList", "EwsAllowList": ["*"]},
            {"EwsApplicationAccessPolicy": "EnforceBlockList"},
            {"EwsApplicationAccessPolicy": "EnforceBlockList", "EwsBlockList": ["Outlook/*"]},
            {"EwsAllowList": ["Outlook/*"]},
        ],
    )
    def test_stays_open_to_what_its_lists_let_in(self, tenant, session, settings):
        self.change(session, **settings)
        assert answer(tenant) == 202

    def test_opens_again(self, tenant, session):
        self.change(session, EwsEnabled=False)
        self.change(session, EwsEnabled=True)
        assert answer(tenant) == 202

    def test_of_another_is_not_touched(self, tenant, session):
        session.invoke("Set-CASMailbox", {"Identity": "finance@contoso.com", "EwsEnabled": False})
        assert answer(tenant) == 202


class TestTheOrganisation:
    def test_has_configured_nothing_by_default(self, tenant, session):
        [shown] = session.invoke("Get-OrganizationConfig", {})
        assert shown == {
            "EwsEnabled": None,
            "EwsApplicationAccessPolicy": None,
            "EwsAllowList": None,
            "EwsBlockList": None,
            "IsDehydrated": False,
        }

    def test_shuts_its_mailboxes_by_a_list(self, tenant, session):
        tenant.set_organization_config("EwsApplicationAccessPolicy", "EnforceAllowList")
        [shown] = session.invoke("Get-OrganizationConfig", {})
        assert shown["EwsApplicationAccessPolicy"] == "EnforceAllowList"
        assert answer(tenant) == SHUT

    def test_does_not_shut_them_by_ending_ews(self, tenant):
        # "This parameter has no affect on access to REST": the page of Set-OrganizationConfig.
        tenant.set_organization_config("EwsEnabled", False)
        assert answer(tenant) == 202

    def test_has_no_other_settings(self, tenant):
        with pytest.raises(ValueError, match="'EwsAllowed'"):
            tenant.set_organization_config("EwsAllowed", False)


class TestGrantsInEntra:
    def test_do_not_count_where_roles_in_exchange_are_enforced(self, tenant, session):
        tenant.set_organization_config(ENFORCE, False)
        assert session.invoke("Get-OrganizationConfig", {})[0][ENFORCE] is False
        assert answer(tenant) == 202
        tenant.set_organization_config(ENFORCE, True)
        assert answer(tenant) == NOT_GRANTED

    def test_do_not_count_for_an_application_with_the_override(self, tenant, session):
        session.invoke("New-ServicePrincipal", PAYROLL_REPORTS)
        tenant.clock.advance(tenant.lags["exchange"])
        identity = {"Identity": PAYROLL_REPORTS["AppId"]}
        assert OVERRIDE not in session.invoke("Get-ServicePrincipal", identity)[0]
        tenant.set_organization_config(ENFORCE, False)
        assert session.invoke("Get-ServicePrincipal", identity)[0][OVERRIDE] is None
        session.invoke("Set-ServicePrincipal", identity | {OVERRIDE: True})
        assert session.invoke("Get-ServicePrincipal", identity)[0][OVERRIDE] is True
        assert answer(tenant) == NOT_GRANTED

    def test_a_pointer_is_renamed(self, tenant, session):
        session.invoke("New-ServicePrincipal", PAYROLL_REPORTS)
        tenant.clock.advance(tenant.lags["exchange"])
        identity = {"Identity": PAYROLL_REPORTS["AppId"]}
        session.invoke("Set-ServicePrincipal", identity | {"DisplayName": "Payroll"})
        [shown] = session.invoke("Get-ServicePrincipal", identity)
        assert shown["DisplayName"] == "Payroll"
        assert "nobody" in str(
            refusal(session.invoke, "Set-ServicePrincipal", {"Identity": "nobody"})
        )
