"""What stands in the way of a first deployment: each row once as it should be, and once not."""

import copy
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import CredentialUnavailableError

import operations.check
from components.clouds import Cloud
from components.exchange.exchange_command import SCRIPTS
from components.scoped_mail_sender import Scoping
from configuration import load_configuration
from operations.check import (
    APP_PERMISSIONS,
    GRANTING_ROLES,
    SCRIPT,
    SCRIPTS_OF,
    SCRIPTS_OF_ALL,
    Plan,
    Row,
    _existing_row,
    cmdlets_of,
    expected_minutes,
    rows_of_clouds,
    rows_of_exchange,
    rows_of_programs,
    who_in_exchange,
)
from operations.exchange_script import ExchangeScriptError
from operations.prove import Verdict
from operations.signed_in import Claims, SignedIn, claims_in
from simulator.catalogue import catalogue
from simulator.commands import main
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ORGANIZATION,
    SUBSCRIPTION_ID,
    TENANT_ID,
    Tenant,
)
from simulator.tenant.arm import ROLES_ON_A_GROUP
from simulator.tenant.exchange.roles import ROLES, ManagementRoles
from simulator.tenant.faults import Fault, Step
from simulator.tenant.faults import Kind as Wrong
from simulator.tenant.identifiers import EXCHANGE_ADMINISTRATOR, GRAPH_AUDIENCE, seeded_id
from simulator.testing.deployment import Deployment, connect
from tests.components.exchange.conftest import Scripts, empty_tenant, scripts
from tests.engine.conftest import SENDER
from tests.engine.signed_in import signed_in_to
from tests.tools.executables import Executable

__all__ = ["empty_tenant", "scripts"]

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/mail"
MAILBOX, SCOPE = SENDER["mailbox"]["address"], SENDER["group"]["address"]
CONTROL = SENDER["controlMailbox"]
RBAC: dict[str, Any] = {"scoping": "rbac", "group": None}
SENDING = "assigning Application Mail.Send"
DEPLOYMENT = seeded_id("scoped-mail-sender-deployment")


ACCESS: dict[str, Any] = {
    "name": "reporting",
    "clientId": "11111111-2222-4333-8444-555555555555",
    "scoping": "rbac",
    "mailboxes": ["finance@contoso.com"],
    "permissions": ["Mail.Read"],
    "controlMailbox": CONTROL,
}


def plan(
    sender: Mapping[str, Any] | None = None, *, subscription: str = "", **changes: Any
) -> Plan:
    """What one sender, with changes of it and of the stack, is deployed by."""
    given = copy.deepcopy(SENDER) | {"identity": "userAssigned"} | dict(sender or {})
    values = {
        "resourceGroup": "mail",
        "location": "westeurope",
        "organization": ORGANIZATION,
        "senders": [{key: value for key, value in given.items() if value is not None}],
    }
    return Plan("local", load_configuration(values | changes), subscription, {})


def without_senders() -> Plan:
    """What one identity of others is confined by."""
    values = {"organization": ORGANIZATION, "access": [ACCESS]}
    return Plan("local", load_configuration(values), "", {})


def by_subject(rows: Iterator[Row]) -> dict[str, Row]:
    found = {}
    for row in rows:
        assert row.subject not in found
        # Whoever is told that something is wrong is told what to do, in one of the two.
        assert row.verdict is Verdict.RIGHT or row.remedy or row.found.endswith(".")
        found[row.subject] = row
    return found


def wrong(rows: Mapping[str, Row]) -> dict[str, str]:
    return {subject: row.found for subject, row in rows.items() if row.verdict is not Verdict.RIGHT}


@pytest.fixture
def tenant(scripts: Scripts) -> Tenant:
    return scripts.tenant


def assign_only(scripts: Scripts, *roles: str) -> None:
    """Takes from the deploying identity all but some roles, which it gets itself."""
    scripts.cmdlet("New-ServicePrincipal", AppId=DEPLOYMENT_CLIENT_ID, ObjectId=DEPLOYMENT)
    scripts.pass_time()
    for role in roles:
        scripts.cmdlet("New-ManagementRoleAssignment", App=DEPLOYMENT, Role=role)
    scripts.pass_time()
    with scripts.tenant._store.transaction():
        scripts.tenant._store.delete("exchangeRoleGroups", DEPLOYMENT)


def as_administrator(scripts: Scripts, cmdlet: str, **parameters: object) -> None:
    """What somebody else may do in Exchange, who is Organization Management."""
    person = EXCHANGE_ADMINISTRATOR
    token = scripts.tenant.entra.issue_person_token(person, EXCHANGE_AUDIENCE)
    scripts.tenant.exchange.connect(token=token, person=person).invoke(cmdlet, parameters)


class TestProgramsOnThisMachine:
    @pytest.fixture
    def machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Has programs that write, on PATH and nothing else."""
        monkeypatch.delenv("PULUMI_DEBUG_PROVIDERS", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))

        def install(
            pulumi: str | None = "v3.272.0",
            plugins: str | None = None,
            powershell: str | None = "PowerShell 7.6.1",
            modules: str = '{"versions":["3.9.2"]}',
            code: int = 0,
        ) -> None:
            needed = [
                {"name": name, "version": version(package)}
                for name, package in operations.check.PACKAGES.items()
            ]
            listed = json.dumps(needed) if plugins is None else plugins
            for name, body in (
                ("pulumi", pulumi and f"print({listed!r} if 'ls' in sys.argv else {pulumi!r})"),
                (
                    "pwsh",
                    powershell
                    and f"print({powershell!r} if '--version' in sys.argv else {modules!r}); "
                    f"sys.exit({code} if '-File' in sys.argv else 0)",
                ),
            ):
                if body:
                    Executable(tmp_path / name, body)

        return install

    def test_do(self, machine: Callable[..., None]):
        machine()
        rows = by_subject(rows_of_programs())
        assert wrong(rows) == {}
        assert [*rows] == [
            "Python",
            "Pulumi",
            "Pulumi plugins",
            "PowerShell",
            "ExchangeOnlineManagement",
        ]

    @pytest.mark.parametrize(
        ("installed", "subject", "found"),
        [
            ({"pulumi": None}, "Pulumi", "not on PATH"),
            ({"pulumi": "v3.218.9"}, "Pulumi", "3.218.9"),
            ({"pulumi": "dev"}, "Pulumi", "does not tell its version"),
            ({"plugins": "[]"}, "Pulumi plugins", "not installed: azure-native "),
            ({"plugins": "oops"}, "Pulumi plugins", "pulumi plugin ls writes 'oops'"),
            ({"powershell": None}, "PowerShell", "not on PATH"),
            ({"powershell": "PowerShell 7.3.12"}, "PowerShell", "7.3.12"),
            ({"modules": '{"versions":[]}'}, "ExchangeOnlineManagement", "not installed"),
            (
                {"modules": '{"versions":["3.9.2","3.10.1"]}', "powershell": "PowerShell 7.4.6"},
                "ExchangeOnlineManagement",
                "3.10.1, which needs PowerShell 7.6",
            ),
            ({"modules": '{"versions":["3.4.0"]}'}, "ExchangeOnlineManagement", "3.4.0"),
            ({"modules": "", "code": 1}, "ExchangeOnlineManagement", "exit code 1"),
            ({"modules": ""}, "ExchangeOnlineManagement", "succeeded and did not write"),
        ],
    )
    def test_that_do_not_are_named(
        self,
        machine: Callable[..., None],
        installed: dict[str, Any],
        subject: str,
        found: str,
    ):
        machine(**installed)
        said = {
            row.subject: row.found for row in rows_of_programs() if row.verdict is not Verdict.RIGHT
        }
        assert [*said] == [subject]
        assert found in said[subject]

    def test_with_an_old_python_say_so(
        self, machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ):
        machine()
        monkeypatch.setattr(operations.check, "OLDEST_PYTHON", (99, 0))
        [row] = [row for row in rows_of_programs() if row.verdict is Verdict.WRONG]
        assert (row.subject, row.remedy) == ("Python", "Install 99.0 or newer.")

    def test_plugins_that_are_attached_need_not_be_installed(
        self, machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ):
        machine(plugins="[]")
        attached = ",".join(f"{name}:1" for name in operations.check.PACKAGES)
        monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", attached)
        assert wrong(by_subject(rows_of_programs())) == {}


class TestAzureAndEntra:
    def rows(self, tenant: Tenant, given: Plan | None = None, **signed_in: Any) -> dict[str, Row]:
        before = tenant.snapshot()
        rows = by_subject(rows_of_clouds(given or plan(), signed_in_to(tenant, **signed_in)))
        assert tenant.snapshot() == before
        return rows

    def make_group(self, tenant: Tenant) -> Deployment:
        deployment = Deployment(tenant, connect(tenant))
        deployment.resource_group()
        return deployment

    @pytest.mark.parametrize("exists", [False, True])
    def test_as_they_should_be(self, tenant: Tenant, exists: bool):
        if exists:
            self.make_group(tenant)
        rows = self.rows(tenant)
        assert wrong(rows) == {}
        assert [*rows] == [
            "Azure",
            "Entra",
            "subscription",
            "tenant",
            "rights in Entra",
            "resource group",
            "resource providers",
            "workflow notifications",
            "identity id-notifications",
        ]

    def test_nobody_who_is_signed_in(self, tenant: Tenant):
        class Nobody(TokenCredential):
            def get_token(self, *scopes: str, **_: object) -> AccessToken:
                raise CredentialUnavailableError("Please run 'az login'.")

        clouds = SignedIn(Cloud.PUBLIC, credential=Nobody())
        clouds.tenant_of = lambda domain: TENANT_ID  # type: ignore[method-assign]
        rows = by_subject(rows_of_clouds(plan(), clouds))
        assert {s: row.verdict for s, row in rows.items()} == {
            "Azure": "unknown",
            "Entra": "unknown",
            "subscription": "unknown",
            "tenant": "right",
        }
        assert "Please run 'az login'" in rows["Azure"].found

    def test_a_subscription_in_which_nobody_is(self, tenant: Tenant):
        given = plan(subscription="11111111-0000-4000-8000-000000000001")
        assert wrong(self.rows(tenant, given)) == {
            "subscription": "11111111-0000-4000-8000-000000000001 is none of those in which who is "
            "signed in has a role"
        }

    def test_an_organisation_that_is_none(self, tenant: Tenant):
        given = plan(organization="fabrikam.onmicrosoft.com")
        assert wrong(self.rows(tenant, given)) == {
            "tenant": "Entra knows no tenant fabrikam.onmicrosoft.com"
        }

    def test_a_sign_in_to_another_tenant(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch):
        clouds = signed_in_to(tenant)
        monkeypatch.setattr(clouds, "tenant_of", lambda domain: "another")
        found = wrong(by_subject(rows_of_clouds(plan(), clouds)))
        assert [*found] == ["tenant"]
        assert found["tenant"] == (
            f"{ORGANIZATION} is another, but Azure is of {TENANT_ID}, Entra is of {TENANT_ID}, the "
            f"subscription is of {TENANT_ID}"
        )

    def test_providers_that_sign_in_as_somebody_else(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("ARM_CLIENT_ID", DEPLOYMENT_CLIENT_ID.upper())
        monkeypatch.setenv("ARM_TENANT_ID", TENANT_ID)
        assert wrong(self.rows(tenant)) == {}
        monkeypatch.setenv("ARM_TENANT_ID", "another")
        assert wrong(self.rows(tenant)) == {
            "sign-in of the providers": "ARM_TENANT_ID is another, and this signed in as "
            f"{TENANT_ID}"
        }

    def test_an_application_without_permissions(self, tenant: Tenant):
        rows = self.rows(tenant, client_id=seeded_id("Payroll Reports client"))
        assert wrong(rows) == {
            "rights in Entra": f"the application lacks {', '.join(APP_PERMISSIONS)}"
        }

    def test_a_stack_by_roles_grants_nothing(self, tenant: Tenant):
        assert self.rows(tenant, plan(RBAC))["rights in Entra"].found == "Application.Read.All"

    @pytest.mark.parametrize(
        ("held", "given", "verdict"),
        [
            (sorted(GRANTING_ROLES)[:1], plan(), "right"),
            (["13bd1c72-6f4a-4dcf-985f-18d3b80f208a"], plan(), "wrong"),
            ([], plan(), "unknown"),
            ([], plan(RBAC), "right"),
        ],
    )
    def test_a_person_is_judged_by_roles(
        self, tenant: Tenant, held: list[str], given: Plan, verdict: str
    ):
        claims = {"tid": TENANT_ID, "appid": "cli", "upn": "admin@contoso.com", "wids": held}
        clouds = signed_in_to(tenant)
        clouds.who_in_entra = lambda: Claims.model_validate(claims)  # type: ignore[method-assign]
        rows = by_subject(rows_of_clouds(given, clouds))
        assert rows["Entra"].found == "signed in as admin@contoso.com"
        assert rows["rights in Entra"].verdict == verdict

    def test_a_stack_without_senders_asks_nothing_of_azure(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("ARM_TENANT_ID", "another")
        number = len(tenant.calls())
        rows = self.rows(tenant, without_senders())
        assert [*rows] == ["Entra", "tenant", "sign-in of the providers", "rights in Entra"]
        assert [*wrong(rows)] == ["sign-in of the providers"]
        assert not [call for call in tenant.calls()[number:] if call.service == "ARM"]

    def test_no_role_for_alerts_and_diagnostics(self, tenant: Tenant):
        self.make_group(tenant)
        tenant.set_only_resource_group(
            "mail", [r for r in ROLES_ON_A_GROUP if r != "Monitoring Contributor"]
        )
        assert wrong(self.rows(tenant)) == {}
        workspace = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
        given = plan({"alerts": {"addresses": [CONTROL]}, "diagnostics": workspace})
        lacking = self.rows(tenant, given)["resource group"].found
        for kind in ("metricAlerts", "actionGroups", "diagnosticSettings"):
            assert f"Microsoft.Insights/{kind}/write" in lacking
        tenant.set_only_resource_group("mail")
        assert wrong(self.rows(tenant, given)) == {}

    @pytest.mark.parametrize(
        ("roles", "lacking"),
        [
            (
                ["Logic App Contributor"],
                "userAssignedIdentities/read, Microsoft.ManagedIdentity/userAssignedIdentities/"
                "write",
            ),
            (
                ["Logic App Contributor", "Managed Identity Contributor"],
                "userAssignedIdentities/*/assign/action",
            ),
            (["Managed Identity Contributor"], "Microsoft.Logic/workflows/"),
        ],
    )
    def test_too_few_roles_on_the_group(self, tenant: Tenant, roles: list[str], lacking: str):
        self.make_group(tenant)
        tenant.set_only_resource_group("mail")
        assert wrong(self.rows(tenant)) == {}
        tenant.set_only_resource_group("mail", roles)
        found = self.rows(tenant)["resource group"]
        assert found.verdict is Verdict.WRONG
        assert lacking in found.found

    def test_providers_that_the_subscription_was_never_registered_for(self, tenant: Tenant):
        tenant.set_unregistered_providers("Microsoft.Logic")
        rows = self.rows(tenant)
        assert wrong(rows) == {
            "resource providers": "the subscription is not registered for Microsoft.Logic"
        }
        assert rows["resource providers"].remedy == (
            "az provider register --namespace Microsoft.Logic"
        )
        # Who has roles on the group alone may not ask.
        self.make_group(tenant)
        tenant.set_only_resource_group("mail")
        assert "resource providers" not in self.rows(tenant)

    def test_no_right_to_make_the_group(self, tenant: Tenant):
        tenant.set_only_resource_group("another")
        found = self.rows(tenant)["resource group"]
        assert found.verdict is Verdict.UNKNOWN
        assert "AuthorizationFailed" in found.found

    def test_a_workflow_and_an_identity_that_somebody_made(self, tenant: Tenant):
        deployment = self.make_group(tenant)
        name = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-sender"
        deployment.arm("PUT", name, {"location": "westeurope"}, version="2023-01-31")
        deployment.workflow()
        given = plan({"name": "sender"})
        theirs = "is there, and not in the state of this stack"
        assert wrong(self.rows(tenant, given)) == {
            "workflow sender": theirs,
            "identity id-sender": theirs,
        }
        ours = {
            "resources": [
                {"id": name.upper()},
                {},
                {"id": f"{GROUP}/providers/Microsoft.Logic/workflows/sender"},
            ]
        }
        given = Plan(given.stack, given.configuration, "", ours)
        assert wrong(self.rows(tenant, given)) == {}


class TestExchange:
    @pytest.fixture
    def rows(
        self, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., dict[str, Row]]:
        monkeypatch.delenv("EXCHANGE_ACCESS_TOKEN", raising=False)
        monkeypatch.setenv("EXCHANGE_APP_ID", DEPLOYMENT_CLIENT_ID)
        scripts.folder = SCRIPT.parent

        def look(given: Plan | None = None) -> dict[str, Row]:
            before = scripts.tenant.snapshot()

            def run(script: Path, asked: Mapping[str, Any]) -> Mapping[str, Any]:
                done = scripts.run(script.name, dict(asked))
                assert done.changes == []
                if done.code:
                    raise ExchangeScriptError(done.stderr.strip())
                return done.observed

            found = by_subject(rows_of_exchange(given or plan(), run))
            assert scripts.tenant.snapshot() == before
            return found

        return look

    def test_as_it_should_be(self, rows: Callable[..., dict[str, Row]]):
        found = rows()
        assert wrong(found) == {}
        assert [*found] == [
            "Exchange Online",
            "rights in Exchange",
            "grants in Entra",
            "accepted domains",
            MAILBOX,
            SCOPE,
            f"control mailbox {CONTROL}",
        ]
        assert {"customised organisation", SENDING} <= rows(plan(RBAC)).keys()

    @pytest.mark.parametrize(("minutes", "verdict"), [(60, "right"), (19, "wrong")])
    def test_a_token_that_was_fetched_before_has_to_last(
        self,
        rows: Callable[..., dict[str, Row]],
        scripts: Scripts,
        monkeypatch: pytest.MonkeyPatch,
        minutes: int,
        verdict: str,
    ):
        token = scripts.token()
        monkeypatch.setenv("EXCHANGE_ACCESS_TOKEN", token)
        now = claims_in(token).expires - minutes * 60
        monkeypatch.setattr(time, "time", lambda: now)
        row = rows()["sign-in to Exchange"]
        assert (row.found, row.verdict) == (
            f"of EXCHANGE_ACCESS_TOKEN, for {minutes} minutes more",
            verdict,
        )

    def test_another_organisation(self, rows: Callable[..., dict[str, Row]]):
        found = rows(plan(organization="fabrikam.onmicrosoft.com"))
        assert [*wrong(found)] == ["Exchange Online"]

    def test_roles_that_lack_what_scripts_use(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        assign_only(scripts, "View-Only Recipients", "View-Only Configuration", "Mail Recipients")
        found = rows()
        assert [*wrong(found)] == ["rights in Exchange"]
        assert "New-ApplicationAccessPolicy" in found["rights in Exchange"].found
        assert "Set-Mailbox" not in found["rights in Exchange"].found

    def test_what_may_not_be_assigned_with_the_command_that_lets_it(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        assign_only(scripts, *ROLES)
        permissions = {"permissions": ["Mail.Send", "Mail.Read"]}
        reading = "assigning Application Mail.Read"
        found = rows(plan(RBAC | permissions))
        lacking = "no delegating assignment without a scope"
        assert wrong(found) == {SENDING: lacking, reading: lacking}
        assert found[SENDING].verdict is Verdict.WRONG
        assert (
            f"New-ManagementRoleAssignment -App {DEPLOYMENT} -Role 'Application Mail.Send' "
            "-Delegating;" in found[SENDING].remedy
        )
        # To have a role is not to be allowed to give it, nor is to give it within a scope.
        organisation = {"App": DEPLOYMENT, "Role": "Application Mail.Send"}
        group = {"RecipientGroupScope": "Building Access"}
        as_administrator(scripts, "New-ManagementRoleAssignment", **organisation)
        as_administrator(
            scripts, "New-ManagementRoleAssignment", **organisation, **group, Delegating=True
        )
        scripts.pass_time()
        assert wrong(rows(plan(RBAC))) == {SENDING: lacking}
        as_administrator(scripts, "New-ManagementRoleAssignment", **organisation, Delegating=True)
        scripts.pass_time()
        assert rows(plan(RBAC))[SENDING] == Row(SENDING, "by a delegating assignment")
        assert wrong(rows(plan(RBAC | permissions))) == {reading: lacking}
        # Where no role is assigned nobody looks.
        assert SENDING not in rows()

    def test_a_delegating_assignment_that_is_switched_off(
        self,
        rows: Callable[..., dict[str, Row]],
        scripts: Scripts,
        monkeypatch: pytest.MonkeyPatch,
    ):
        assign_only(scripts, *ROLES)
        given = {"App": DEPLOYMENT, "Role": "Application Mail.Send", "Delegating": True}
        as_administrator(scripts, "New-ManagementRoleAssignment", **given)
        scripts.pass_time()
        assert wrong(rows(plan(RBAC))) == {}
        shown = ManagementRoles._shown_assignment
        monkeypatch.setattr(
            ManagementRoles,
            "_shown_assignment",
            lambda self, entry: shown(self, entry) | {"Enabled": False},
        )
        assert [*wrong(rows(plan(RBAC)))] == [SENDING]

    def test_what_a_role_group_may_assign_and_what_entra_lets_it(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        # Its rights are not Exchange's, and Exchange has nothing to show of them.
        assert "by a role in Entra" in rows(plan(RBAC))[SENDING].found
        scripts.cmdlet("New-ServicePrincipal", AppId=DEPLOYMENT_CLIENT_ID, ObjectId=DEPLOYMENT)
        scripts.pass_time()
        assert rows(plan(RBAC))[SENDING] == Row(SENDING, "by a delegating assignment")

    @pytest.mark.parametrize(
        ("person", "found"),
        [
            (EXCHANGE_ADMINISTRATOR, "by a delegating assignment"),
            ("somebody@contoso.onmicrosoft.com", "by a role in Entra"),
        ],
    )
    def test_what_a_person_may_assign(
        self,
        rows: Callable[..., dict[str, Row]],
        monkeypatch: pytest.MonkeyPatch,
        person: str,
        found: str,
    ):
        monkeypatch.setenv("EXCHANGE_USER_PRINCIPAL_NAME", person)
        assert found in rows(plan(RBAC))[SENDING].found

    def test_what_may_be_assigned_by_an_identity_that_is_not_known_here(
        self, rows: Callable[..., dict[str, Row]], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("EXCHANGE_MANAGED_IDENTITY", "system")
        row = rows(plan(RBAC))[SENDING]
        assert row.verdict is Verdict.UNKNOWN
        assert "-App <object id of the deploying identity> -Role" in row.remedy

    def test_what_may_be_assigned_by_who_may_not_look(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        assign_only(scripts, *(role for role in ROLES if role != "Role Management"))
        row = rows(plan(RBAC))[SENDING]
        assert row.verdict is Verdict.UNKNOWN
        assert "Get-ManagementRoleAssignment is not loaded" in row.found

    def test_what_may_be_assigned_where_exchange_does_not_tell(
        self, rows: Callable[..., dict[str, Row]], tenant: Tenant
    ):
        tenant.plan_faults(
            [Fault(Step("", "Exchange", "Get-ServicePrincipal", "", 1), Wrong.REFUSED)]
        )
        found = rows(plan(RBAC))
        assert {subject: row.verdict for subject, row in found.items() if subject == SENDING} == {
            SENDING: "unknown"
        }
        assert [*wrong(found)] == [SENDING]

    def test_parameters_that_are_not_loaded(
        self,
        rows: Callable[..., dict[str, Row]],
        monkeypatch: pytest.MonkeyPatch,
    ):
        definition = catalogue()["set-mailbox"]
        few = {n: p for n, p in definition.parameters.items() if n != "accountdisabled"}
        monkeypatch.setitem(catalogue(), "set-mailbox", replace(definition, parameters=few))
        assert wrong(rows()) == {"rights in Exchange": "not loaded: Set-Mailbox -AccountDisabled"}

    def test_grants_that_open_nothing(self, rows: Callable[..., dict[str, Row]], tenant: Tenant):
        tenant.set_organization_config("EnforceExoAppRbacPermissions", True)
        assert [*wrong(rows())] == ["grants in Entra"]
        assert wrong(rows(plan(RBAC))) == {}

    def test_an_organisation_that_was_never_customised(
        self, rows: Callable[..., dict[str, Row]], tenant: Tenant
    ):
        tenant.set_organization_config("IsDehydrated", True)
        assert wrong(rows()) == {}
        assert [*wrong(rows(plan(RBAC)))] == ["customised organisation"]

    def test_a_domain_that_the_organisation_does_not_have(
        self, rows: Callable[..., dict[str, Row]]
    ):
        mailbox = SENDER["mailbox"] | {"address": "sender@fabrikam.com"}
        assert wrong(rows(plan({"mailbox": mailbox}))) == {
            "accepted domains": "the organisation has not that of sender@fabrikam.com"
        }

    def test_addresses_that_are_taken_or_ours(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        scripts.cmdlet("New-Mailbox", Shared=True, Name="x", PrimarySmtpAddress=MAILBOX)
        scripts.pass_time()
        found = wrong(rows())
        assert [*found] == [MAILBOX]
        assert "was not created by this stack" in found[MAILBOX]
        adopting = plan({"mailbox": SENDER["mailbox"] | {"adopt": True}})
        assert "taken over" in rows(adopting)[MAILBOX].found
        mark = "scoped-mail-sender/local/notifications-mailbox adopted 3f2c9a1b"
        scripts.cmdlet("Set-Mailbox", Identity=MAILBOX, ExtensionCustomAttribute5=mark)
        assert rows()[MAILBOX] == Row(MAILBOX, "this stack's own")

    def test_a_group_that_is_taken_over_with_what_that_does_to_others(
        self, rows: Callable[..., dict[str, Row]], scripts: Scripts
    ):
        adopting = plan({"group": SENDER["group"] | {"adopt": True}})
        [made] = scripts.cmdlet(
            "New-DistributionGroup", Name="x", Type="Security", PrimarySmtpAddress=SCOPE
        )
        scripts.pass_time()
        assert rows(adopting)[SCOPE].found == "is there, and is taken over: adopt is true"
        member = {"Identity": made["Guid"], "BypassSecurityGroupManagerCheck": True}
        scripts.cmdlet("Add-DistributionGroupMember", Member="finance@contoso.com", **member)
        assert rows(adopting)[SCOPE] == Row(
            SCOPE,
            "is there, and is taken over: adopt is true; these members go: finance@contoso.com",
        )
        applications = [f"{number}1111111-0000-4000-8000-000000000001" for number in (1, 2)]
        for application in applications:
            assert wrong(rows(adopting)) == {}
            scripts.cmdlet(
                "New-ApplicationAccessPolicy",
                AccessRight="RestrictAccess",
                AppId=[application],
                PolicyScopeGroupId=SCOPE,
            )
            if application == applications[0]:
                said = f"; the policy of the application {application} is on it"
                assert rows(adopting)[SCOPE].found.endswith(said)
        assert wrong(rows(adopting)) == {
            SCOPE: f"is the scope of the policies of {', '.join(applications)}"
        }

    def test_what_exchange_does_not_tell_is_not_said_to_be_taken(
        self, rows: Callable[..., dict[str, Row]], tenant: Tenant
    ):
        tenant.plan_faults([Fault(Step("", "Exchange", "Get-Recipient", "", 1), Wrong.REFUSED)])
        assert [*wrong(rows())] == ["Exchange Online"]

    def test_a_control_mailbox_and_an_owner_that_do_not_exist(
        self, rows: Callable[..., dict[str, Row]]
    ):
        group = SENDER["group"] | {"managedBy": ["nobody@contoso.com"]}
        found = rows(plan({"group": group, "controlMailbox": "no.one@contoso.com"}))
        assert wrong(found) == {
            "owner nobody@contoso.com": "does not exist",
            "control mailbox no.one@contoso.com": "does not exist",
        }

    def test_both_scopings_of_a_sender_that_changes(self, rows: Callable[..., dict[str, Row]]):
        found = rows(plan({"scoping": "both"}))
        assert wrong(found) == {}
        assert {"customised organisation", SCOPE} <= found.keys()

    def test_what_an_identity_of_others_may_use(self, rows: Callable[..., dict[str, Row]]):
        several = {
            "mailboxes": ["finance@contoso.com", "no.one@contoso.com", MAILBOX],
            "group": {"name": "Reporting", "address": "reporting@contoso.com"},
        }
        found = rows(plan(access=[ACCESS | several]))
        assert wrong(found) == {"mailbox no.one@contoso.com": "does not exist"}
        assert "customised organisation" in found
        assert found["reporting@contoso.com"].found == "the address is free"
        assert found["mailbox finance@contoso.com"].found == "is a UserMailbox"
        assert wrong(rows(without_senders())) == {}

    def test_a_control_mailbox_that_is_a_group(self, rows: Callable[..., dict[str, Row]]):
        found = rows(plan({"controlMailbox": "AllStaff@contoso.com"}))
        assert wrong(found) == {
            "control mailbox AllStaff@contoso.com": "is a MailUniversalDistributionGroup"
        }
        of_microsoft_365 = _existing_row("control mailbox", "team@contoso.com", "GroupMailbox")
        assert of_microsoft_365.verdict is Verdict.WRONG


class TestWhoSignsInToExchange:
    @pytest.mark.parametrize(
        ("environment", "who"),
        [
            ({"EXCHANGE_APP_ID": "app", "EXCHANGE_FEDERATED_TOKEN_FILE": "f"}, ("app", "")),
            ({"EXCHANGE_MANAGED_IDENTITY": "client"}, ("client", "")),
            ({"EXCHANGE_MANAGED_IDENTITY": "system"}, ("", "")),
            ({"EXCHANGE_USER_PRINCIPAL_NAME": "admin@contoso.com"}, ("", "admin@contoso.com")),
            ({"EXCHANGE_ACCESS_TOKEN": "opaque"}, ("", "")),
            ({}, ("", "")),
        ],
    )
    def test_is_read_from_the_environment(self, environment: dict[str, str], who: tuple[str, str]):
        assert tuple(who_in_exchange(environment).values()) == who

    def test_is_who_a_token_is_of(self, tenant: Tenant):
        entra, person = tenant.entra, EXCHANGE_ADMINISTRATOR
        own = entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
        theirs = entra.issue_person_token(person, EXCHANGE_AUDIENCE)
        for token, who in ((own, (DEPLOYMENT_CLIENT_ID, "")), (theirs, ("", person))):
            found = who_in_exchange({"EXCHANGE_ACCESS_TOKEN": token, "EXCHANGE_APP_ID": "other"})
            assert tuple(found.values()) == who


class TestWhatTheScriptsUse:
    def test_is_that_of_every_script_that_a_deployment_runs(self):
        run = {*SCRIPTS_OF_ALL, *SCRIPTS_OF[Scoping.POLICY], *SCRIPTS_OF[Scoping.RBAC]}
        assert run | {"find-drift.ps1"} == {path.name for path in SCRIPTS.glob("*.ps1")}

    def test_is_read_from_each(self):
        for path in SCRIPTS.glob("*.ps1"):
            found = cmdlets_of([path.name])
            assert found, path.name
            assert all(re.fullmatch(r"[A-Z][a-z]+-[A-Z]\w+", each) for each in found)


def test_the_time_is_mostly_settle():
    assert expected_minutes(plan()) == 70
    assert expected_minutes(plan(settle="PT0S")) == 10
    assert expected_minutes(plan(RBAC)) == 10


class TestTheWhole:
    def test_of_the_simulated_tenant_as_a_person_starts_it(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ):
        check = [sys.executable, "-m", "operations.check", "--stack", "local"]
        start = ["exec", "--directory", str(tmp_path), "--"]
        assert main([*start, *check, "--json"]) == 1
        said = json.loads(capfd.readouterr().out)
        [row] = [row for row in said["rows"] if row["verdict"] != "right"]
        assert (row["subject"], row["remedy"]) == ("configuration", "pulumi stack init local")
        assert said["minutes"] is None

        assert main([*start, "pulumi", "stack", "init", "local"]) == 0
        capfd.readouterr()
        assert main([*start, *check, "--json"]) == 0
        said = json.loads(capfd.readouterr().out)
        assert (said["result"], said["minutes"]) == ("right", 10)
        [found] = [row["found"] for row in said["rows"] if row["subject"] == "configuration"]
        assert found == "without a mistake, of notifications, daily-reminder, incident-alerts"

        assert main([*start, *check]) == 0
        shown = capfd.readouterr().out
        assert "Nothing stands in the way." in shown
        assert "The first up takes about 10 minutes." in shown


def test_the_claims_of_a_token_are_read_and_nothing_else_is_taken_for_one(tenant: Tenant):
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
    assert claims_in(token).roles == [*reversed(APP_PERMISSIONS)]
    for other in ("opaque", "a.b.c", "e30.e30.e30"):
        with pytest.raises(ValueError, match=r"claims|decode|base64|utf|JSON|tid"):
            claims_in(other)
