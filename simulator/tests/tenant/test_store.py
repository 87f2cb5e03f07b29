import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest

from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ExchangeError,
    NotSimulated,
    Tenant,
)
from simulator.testing.deployment import NOON, connect


class TestEveryCallPassesOnePoint:
    def test_and_is_written_down_in_order(self, tenant, deployment):
        before = len(tenant.calls())
        deployment.mailbox()
        deployment.workflow()
        tenant.record_call("PowerShell", "start", "ensure.ps1")
        calls = tenant.calls()[before:]
        assert [(call.service, call.operation) for call in calls] == [
            ("Exchange", "New-Mailbox"),
            ("ARM", "PUT"),
            ("ARM", "PUT"),
            ("Entra", "issue token"),
            ("Graph", "GET"),
            ("PowerShell", "start"),
        ]
        assert [call.number for call in tenant.calls()] == list(range(1, before + 7))
        assert calls[0].target == "Notifications"
        assert calls[-1].target == "ensure.ps1"

    def test_a_refused_call_is_written_down_and_changes_nothing(self, tenant, session):
        before, snapshot = len(tenant.calls()), tenant.snapshot()
        with pytest.raises(ExchangeError):
            session.invoke("Set-Mailbox", {"Identity": "nobody", "DisplayName": "x"})
        assert tenant.snapshot() == snapshot
        assert [call.operation for call in tenant.calls()[before:]] == ["Set-Mailbox"]

    def test_what_a_call_did_before_it_was_refused_is_undone(self, tenant, session):
        # The second of two policies is refused: the first must not stay.
        app = "11111111-2222-3333-4444-555555555555"
        before = tenant.snapshot()
        with pytest.raises(Exception, match="already exists"):
            session.invoke(
                "New-ApplicationAccessPolicy",
                {
                    "AccessRight": "RestrictAccess",
                    "AppId": [app, app],
                    "PolicyScopeGroupId": "finance@contoso.com",
                },
            )
        assert tenant.snapshot() == before

    def test_calls_inside_a_call_have_numbers_of_their_own(self, tenant, deployment):
        deployment.workflow()
        deployment.run()
        run = next(call for call in tenant.calls() if call.operation == "run by manual")
        inner = [call for call in tenant.calls() if call.number > run.number][:2]
        assert [(call.service, call.operation) for call in inner] == [
            ("Entra", "issue token to managed identity"),
            ("Graph", "POST"),
        ]


class TestTheTenantIsItsFile:
    def test_a_second_look_finds_what_the_first_did(self, tenant, deployment, tenant_file):
        mailbox = deployment.mailbox()
        tenant.clock.advance(100)
        again = Tenant(tenant_file, real_time=lambda: NOON)
        assert again.snapshot() == tenant.snapshot()
        assert mailbox["ExternalDirectoryObjectId"] in again.snapshot()["mailboxes"]
        assert again.clock.now() == tenant.clock.now()
        assert again.calls() == tenant.calls()
        again.close()

    def test_processes_that_change_it_at_once_lose_nothing(self, tenant_file):
        Tenant(tenant_file).close()
        program = (
            "import sys; from simulator.tenant import *;"
            "t = Tenant(sys.argv[1]);"
            "[t.record_call('test', 'call', sys.argv[2]) for _ in range(250)]"
        )
        workers = [
            subprocess.Popen([sys.executable, "-c", program, str(tenant_file), str(number)])
            for number in range(4)
        ]
        assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
        tenant = Tenant(tenant_file)
        calls = [call for call in tenant.calls() if call.service == "test"]
        tenant.close()
        assert len(calls) == 1000
        assert len({call.number for call in calls}) == 1000

    def test_a_snapshot_is_plain_json(self, tenant, deployment):
        deployment.workflow()
        assert json.loads(json.dumps(tenant.snapshot())) == tenant.snapshot()


class TestVirtualTime:
    def test_is_real_time_plus_what_was_advanced(self, tenant):
        assert tenant.clock.now() == NOON
        tenant.clock.advance(90)
        tenant.clock.advance(0.5)
        assert tenant.clock.now() == NOON + timedelta(seconds=90.5)

    def test_does_not_run_backwards(self, tenant):
        with pytest.raises(ValueError, match="-1"):
            tenant.clock.advance(-1)

    def test_a_lag_is_none_in_a_tenant_that_was_made_before_there_was_one(
        self, tenant_file, tenant, deployment
    ):
        made = deployment.mailbox("Former")
        with closing(sqlite3.connect(tenant_file)) as database, database:
            database.execute("UPDATE setting SET value = '{\"exchange\": 0}' WHERE name = 'lags'")
        deployment.session.invoke("Remove-Mailbox", {"Identity": made["Guid"]})
        assert made["ExternalDirectoryObjectId"] not in tenant.snapshot()["mailboxes"]

    def test_lags_can_be_set_by_kind_and_are_kept(self, tenant, tenant_file):
        assert tenant.lags == {
            "directory": 2.0,
            "exchange": 20.0,
            "address": 0,
            "policy": 1800.0,
            "roles": 1800.0,
            "pointer": 0.0,
            "assignment": 0.0,
            "grant": 0.0,
        }
        tenant.set_lag("policy", 0)
        again = Tenant(tenant_file, real_time=lambda: NOON)
        assert again.lags["policy"] == 0
        again.close()
        with pytest.raises(ValueError, match="graph"):
            tenant.set_lag("graph", 1)


class TestAFreshTenant:
    def test_holds_strangers(self, tenant):
        snapshot = tenant.snapshot()
        assert {kind: len(objects) for kind, objects in snapshot.items()} == {
            "servicePrincipals": 5,
            "appRoleAssignments": 5,
            "mailboxes": 5,
            "groups": 3,
            "applicationAccessPolicies": 1,
            "servicePrincipalPointers": 0,
            "managementScopes": 0,
            "managementRoleAssignments": 0,
            "resourceGroups": 0,
            "managedIdentities": 0,
            "workflows": 0,
            "monitoring": 0,
            "softDeletedMailboxes": 0,
        }
        assert tenant.violations() == []
        assert tenant.calls() == []

    def test_is_the_same_every_time(self, tenant, tmp_path):
        again = Tenant(tmp_path / "again.sqlite", real_time=lambda: NOON)
        assert again.snapshot()["mailboxes"].keys() == tenant.snapshot()["mailboxes"].keys()
        assert (
            again.snapshot()["servicePrincipals"].keys()
            == tenant.snapshot()["servicePrincipals"].keys()
        )
        again.close()

    def test_another_application_stays_confined_to_its_mailbox(self, tenant, session):
        [policy] = session.invoke("Get-ApplicationAccessPolicy", {})
        results = {
            address: session.invoke(
                "Test-ApplicationAccessPolicy", {"AppId": policy["AppId"], "Identity": address}
            )[0]["AccessCheckResult"]
            for address in ("payroll@contoso.com", "finance@contoso.com")
        }
        assert results == {"payroll@contoso.com": "Granted", "finance@contoso.com": "Denied"}


class TestConnecting:
    def test_needs_a_token_for_exchange(self, tenant):
        for token in (
            "",
            "made up",
            tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, "https://graph.microsoft.com"),
        ):
            with pytest.raises(Exception, match="InvalidAuthenticationToken"):
                tenant.exchange.connect(token=token, organization="contoso.onmicrosoft.com")

    def test_needs_the_role_to_manage_exchange(self, tenant, session):
        [policy] = session.invoke("Get-ApplicationAccessPolicy", {})
        token = tenant.entra.issue_token(policy["AppId"], EXCHANGE_AUDIENCE)
        with pytest.raises(Exception, match="UnAuthorized"):
            tenant.exchange.connect(token=token, organization="contoso.onmicrosoft.com")

    def test_needs_an_exchange_role_group_besides(self, tenant, session, deployment):
        [policy] = session.invoke("Get-ApplicationAccessPolicy", {})
        everyone = deployment.graph("GET", "/v1.0/servicePrincipals").body["value"]
        by_app = {principal["appId"]: principal for principal in everyone}
        exchange = by_app["00000002-0000-0ff1-ce00-000000000000"]
        granted = deployment.graph(
            "POST",
            f"/v1.0/servicePrincipals/{exchange['id']}/appRoleAssignedTo",
            {
                "principalId": by_app[policy["AppId"]]["id"],
                "resourceId": exchange["id"],
                "appRoleId": "dc50a0fb-09a3-484d-be87-e023b12c6440",
            },
        )
        assert granted.status == 201
        token = tenant.entra.issue_token(policy["AppId"], EXCHANGE_AUDIENCE)
        with pytest.raises(Exception, match="isn't supported in this scenario"):
            tenant.exchange.connect(token=token, organization="contoso.onmicrosoft.com")

    def test_lasts_as_long_as_the_token(self, tenant, session):
        tenant.clock.advance(3599)
        assert session.invoke("Get-AcceptedDomain", {})
        tenant.clock.advance(1)
        with pytest.raises(Exception, match="the token is expired"):
            session.invoke("Get-AcceptedDomain", {})
        assert connect(tenant).invoke("Get-AcceptedDomain", {})

    def test_does_not_make_up_cmdlets(self, session):
        with pytest.raises(NotSimulated, match="New-TransportRule"):
            session.invoke("New-TransportRule", {})
