"""What the identities of the pipelines get, and that it is enough and not more."""

import json
import re
import runpy
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pulumi
import pytest

from components.exchange.exchange_command import SCRIPTS
from simulator.tenant import EXCHANGE_AUDIENCE, ORGANIZATION
from simulator.tenant.identifiers import DIRECTORY_APP_ROLES, EXCHANGE_APP_ROLES
from tests.components.exchange.conftest import Run, Scripts, deploy, empty_tenant, scripts
from tests.components.exchange.desired import (
    DOWN,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    ENSURE_POLICY,
    MAILBOX,
    UP,
)
from tests.components.exchange.test_find_drift import look
from tests.components.exchange.test_rbac_scripts import Sender
from tests.components.recording import Recording, record

__all__ = ["empty_tenant", "scripts"]

FOLDER = Path(__file__).resolve().parents[2] / "identities"
SUBSCRIPTION = "/subscriptions/66666666-0000-4000-8000-000000000006"
ROLE_IDS = DIRECTORY_APP_ROLES | EXCHANGE_APP_ROLES
CONFIG = {
    "organization": ORGANIZATION,
    "repository": "contoso/mail-senders",
    "ownerId": "5544123",
    "repositoryId": "821093847",
    "subscriptionId": SUBSCRIPTION.rpartition("/")[2],
    "stateContainer": f"{SUBSCRIPTION}/containers/state",
    "stateKey": f"{SUBSCRIPTION}/keys/state",
}


@pytest.fixture(scope="module")
def folder_on_path() -> Iterator[None]:
    """The program's folder is on the path, as Pulumi has it."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    del sys.modules["pipeline_identity"]


@pytest.fixture(scope="module")
def program(folder_on_path: None) -> Recording:
    return run(CONFIG)


def run(config: dict[str, str]) -> Recording:
    """What the program registers."""
    return record(
        lambda: runpy.run_path(str(FOLDER / "__main__.py"), run_name="__main__"),
        roles=ROLE_IDS,
        config={f"scoped-mail-sender:{key}": value for key, value in config.items()},
    )


def subjects(program: Recording) -> set[str]:
    """Whose tokens the identity that deploys trusts."""
    return {
        entry.inputs["subject"]
        for name, entry in program.resources.items()
        if entry.type.endswith(":ApplicationFederatedIdentityCredential") and "-deploy-" in name
    }


def app_roles(program: Recording, identity: str) -> set[str]:
    """Names of the application permissions that an identity gets."""
    names = {identifier: name for name, identifier in ROLE_IDS.items()}
    return {
        names[entry.inputs["appRoleId"]]
        for name, entry in program.resources.items()
        if entry.type.endswith(":AppRoleAssignment") and name.startswith(identity)
    }


class TestTheProgram:
    def test_makes_two_identities_for_the_stack(self, program: Recording):
        # Sorted: neither depends on the other, so the engine hears of them in either order.
        applications = sorted(
            entry.inputs["displayName"]
            for entry in program.resources.values()
            if entry.type.endswith(":Application")
        )
        assert applications == [
            "scoped-mail-sender-test-deploy",
            "scoped-mail-sender-test-preview",
        ]

    def test_none_has_a_credential(self, program: Recording):
        types = {entry.type.rpartition(":")[2] for entry in program.custom().values()}
        assert types == {
            "Application",
            "ServicePrincipal",
            "ApplicationFederatedIdentityCredential",
            "AppRoleAssignment",
            "RoleAssignment",
        }

    @pytest.mark.parametrize(
        ("identity", "environment"),
        [("test-deploy", "test"), ("test-preview", "test-preview")],
    )
    def test_each_trusts_the_jobs_of_one_environment(
        self, program: Recording, identity: str, environment: str
    ):
        trust = next(
            entry.inputs
            for entry in program.resources.values()
            if entry.type.endswith(":ApplicationFederatedIdentityCredential")
            and entry.inputs["displayName"] == f"scoped-mail-sender-{identity}-immutable"
        )
        assert trust["subject"] == (
            f"repo:contoso@5544123/mail-senders@821093847:environment:{environment}"
        )
        assert trust["issuer"] == "https://token.actions.githubusercontent.com"
        assert trust["audiences"] == ["api://AzureADTokenExchange"]

    def test_who_deploys_may_grant(self, program: Recording):
        assert app_roles(program, "scoped-mail-sender-test-deploy-") == {
            "Application.Read.All",
            "AppRoleAssignment.ReadWrite.All",
            "Exchange.ManageAsApp",
        }

    def test_who_previews_may_not(self, program: Recording):
        assert app_roles(program, "scoped-mail-sender-test-preview-") == {
            "Application.Read.All",
            "Exchange.ManageAsApp",
        }

    def test_roles_in_azure(self, program: Recording):
        roles = {
            name: (entry.inputs["roleDefinitionId"].rpartition("/")[2], entry.inputs["scope"])
            for name, entry in program.resources.items()
            if entry.type.endswith(":RoleAssignment")
        }
        prefix = "scoped-mail-sender-test"
        assert roles == {
            f"{prefix}-deploy-azure": ("b24988ac-6180-42a0-ab88-20f7382dd24c", SUBSCRIPTION),
            f"{prefix}-preview-azure": ("acdd72a7-3385-48ef-bd42-f606fba81ae7", SUBSCRIPTION),
            f"{prefix}-deploy-state": (
                "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
                CONFIG["stateContainer"],
            ),
            f"{prefix}-preview-state": (
                "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
                CONFIG["stateContainer"],
            ),
            f"{prefix}-deploy-key": ("12338af0-0e69-4776-bea7-57ae8d297424", CONFIG["stateKey"]),
            f"{prefix}-preview-key": ("12338af0-0e69-4776-bea7-57ae8d297424", CONFIG["stateKey"]),
        }


class TestAStackWhoseSendersHaveRoles:
    def test_is_deployed_without_the_right_to_grant(self, folder_on_path: None):
        program = run(CONFIG | {"scoping": "rbac"})
        assert app_roles(program, "scoped-mail-sender-test-deploy-") == {
            "Application.Read.All",
            "Exchange.ManageAsApp",
        }

    def test_and_others_with_policies_take_all_of_both(self, folder_on_path: None):
        program = run(CONFIG | {"scoping": "both"})
        assert "AppRoleAssignment.ReadWrite.All" in app_roles(
            program, "scoped-mail-sender-test-deploy-"
        )

    def test_is_not_deployed_by_a_third_way(self, folder_on_path: None):
        message = "scoping = 'roles' is none of applicationAccessPolicy, rbac, both."
        with pytest.raises(pulumi.RunError, match=re.escape(message)):
            run(CONFIG | {"scoping": "roles"})


class TestAResourceGroupThatExists:
    def test_is_where_the_roles_act_and_the_subscription_is_not(self, folder_on_path: None):
        program = run(CONFIG | {"resourceGroup": "rg-mail"})
        roles = sorted(
            (name.split("-")[4], entry.inputs["roleDefinitionId"].rpartition("/")[2])
            for name, entry in program.resources.items()
            if entry.type.endswith(":RoleAssignment") and "-azure" in name
        )
        # Monitoring, Logic App and Managed Identity Contributor, Managed Identity Operator; Reader.
        assert roles == [
            ("deploy", "749f88d5-cbae-40b8-bcfc-e573ddc772fa"),
            ("deploy", "87a39d53-fc1b-424a-814c-f7e04687dc9e"),
            ("deploy", "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"),
            ("deploy", "f1a07417-d97a-45cb-824c-7a7467783830"),
            ("preview", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        ]
        scopes = {
            entry.inputs["scope"]
            for entry in program.resources.values()
            if entry.type.endswith(":RoleAssignment")
        }
        assert f"{SUBSCRIPTION}/resourceGroups/rg-mail" in scopes
        assert SUBSCRIPTION not in scopes


class TestAStackWithoutSenders:
    def config(self, **further: str) -> dict[str, str]:
        return {key: CONFIG[key] for key in CONFIG if key != "subscriptionId"} | further

    def test_needs_no_role_in_azure_but_for_its_state(self, folder_on_path: None):
        program = run(self.config(scoping="rbac"))
        roles = {
            (entry.inputs["scope"], entry.inputs["roleDefinitionId"].partition("/providers/")[0])
            for entry in program.resources.values()
            if entry.type.endswith(":RoleAssignment")
        }
        kept = (CONFIG["stateContainer"], CONFIG["stateKey"])
        assert roles == {(scope, SUBSCRIPTION) for scope in kept}

    def test_has_no_resource_group_either(self, folder_on_path: None):
        with pytest.raises(pulumi.RunError, match="resourceGroup is rg-mail, and subscriptionId"):
            run(self.config(resourceGroup="rg-mail"))


class TestTheRepositoryWhoseTokensAreTrusted:
    IMMUTABLE = "repo:contoso@5544123/mail-senders@821093847:environment:test"
    NAME = "repo:contoso/mail-senders:environment:test"

    @pytest.mark.parametrize(
        ("kind", "trusted"),
        [("immutable", {IMMUTABLE}), ("name", {NAME}), ("both", {IMMUTABLE, NAME})],
    )
    def test_is_named_as_its_tokens_have_it(
        self, folder_on_path: None, kind: str, trusted: set[str]
    ):
        assert subjects(run(CONFIG | {"subjects": kind})) == trusted

    def test_needs_no_numbers_where_its_tokens_have_none(self, folder_on_path: None):
        config = {key: CONFIG[key] for key in CONFIG if key not in ("ownerId", "repositoryId")}
        assert subjects(run(config | {"subjects": "name"})) == {self.NAME}

    def test_keeps_the_older_trust_until_the_newer_one_is_there(self, folder_on_path: None):
        # A former run made the trust by name. Its resource must not become the other one: it would
        # be replaced, while the tokens still bear the name.
        older = run(CONFIG | {"subjects": "name"}).resources.keys()
        both = run(CONFIG | {"subjects": "both"}).resources.keys()
        assert older <= both

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"ownerId": ""}, "ownerId is '', which is no number. Write what gh api repos/contoso"),
            ({"repositoryId": "mail-senders"}, "repositoryId is 'mail-senders', which is no"),
            ({"repositoryId": "82109384\u0667"}, "repositoryId is '82109384\u0667', which is no"),
            ({"repository": "mail-senders"}, "'mail-senders' is not owner/name"),
            ({"repository": "contoso@5544123/mail-senders@821093847"}, "is not owner/name"),
            ({"subjects": "names"}, "subjects = 'names' is none of immutable, name, both."),
        ],
    )
    def test_is_refused_where_it_cannot_be_one(
        self, folder_on_path: None, change: dict[str, str], message: str
    ):
        with pytest.raises(pulumi.RunError, match=re.escape(message)):
            run(CONFIG | change)

    def test_needs_its_numbers(self, folder_on_path: None):
        config = {key: CONFIG[key] for key in CONFIG if key != "repositoryId"}
        with pytest.raises(pulumi.RunError, match="repositoryId is missing"):
            run(config)


CONNECTIONS = {
    "deploy": {
        "issuer": "https://login.microsoftonline.com/11111111-0000-4000-8000-000000000001/v2.0",
        "subject": "/eid1/c/pub/t/AAAA/a/BBBB/sc/22222222-0000-4000-8000-000000000002/3333",
    },
    "preview": {
        "issuer": "https://vstoken.dev.azure.com/22222222-0000-4000-8000-000000000002",
        "subject": "sc://contoso/mail-senders/scoped-mail-sender-test-preview",
    },
}


class TestTheServiceConnectionsOfAzureDevOps:
    def config(self, connections: object) -> dict[str, str]:
        kept = {key: CONFIG[key] for key in CONFIG if key not in ("repository", "repositoryId")}
        return kept | {"serviceConnections": json.dumps(connections)}

    def test_are_what_each_identity_trusts_and_nothing_else(self, folder_on_path: None):
        program = run(self.config(CONNECTIONS))
        trusts = {
            entry.inputs["displayName"].rpartition("-")[2]: {
                key: entry.inputs[key] for key in ("issuer", "subject")
            }
            for entry in program.resources.values()
            if entry.type.endswith(":ApplicationFederatedIdentityCredential")
        }
        assert trusts == CONNECTIONS

    @pytest.mark.parametrize("mode", ["deploy", "preview"])
    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": ""},
            {"issuer": "https://token.actions.githubusercontent.com"},
            {"subject": "repo:contoso/mail-senders:environment:test"},
            {"subject": "sc://contoso/mail-senders"},
            {"subject": "/eid1/c/pub/t/AAAA"},
        ],
    )
    def test_are_refused_where_they_cannot_be_any(
        self, folder_on_path: None, mode: str, change: dict[str, str]
    ):
        with pytest.raises(pulumi.RunError, match=f"{mode}: .*not those of a service connection"):
            run(self.config(CONNECTIONS | {mode: CONNECTIONS[mode] | change}))

    def test_are_needed_for_both(self, folder_on_path: None):
        with pytest.raises(pulumi.RunError, match="preview: issuer '' and subject ''"):
            run(self.config({"deploy": CONNECTIONS["deploy"]}))


class Pipeline:
    """An application in the tenant that holds Exchange.ManageAsApp and no Exchange role yet."""

    def __init__(
        self, scripts: Scripts, name: str, roles: list[str], delegated: Sequence[str] = ()
    ) -> None:
        tenant = scripts.tenant
        with tenant._store.transaction():
            principal = tenant.entra.add_service_principal(name, kind="Application")
        scripts.pass_time()
        with tenant._store.transaction():
            online = next(
                p
                for p in tenant.entra.service_principals()
                if "Exchange.ManageAsApp" in [role["value"] for role in p["appRoles"]]
            )
            tenant.entra.assign(principal, online, EXCHANGE_APP_ROLES["Exchange.ManageAsApp"])
        self.scripts = scripts
        self.application = {
            "displayName": name,
            "clientId": principal["appId"],
            "objectId": principal["id"],
            "roles": roles,
            "delegatedRoles": list(delegated),
        }

    def assign(self) -> Run:
        """What the Exchange administrator runs."""
        self.scripts.folder = FOLDER
        run = self.scripts.run("assign-exchange-roles.ps1", {"applications": [self.application]})
        self.scripts.folder = SCRIPTS
        return run

    def sign_in(self) -> None:
        """From now on the scripts run as this application."""
        client_id = self.application["clientId"]
        tenant = self.scripts.tenant
        self.scripts.token = lambda: tenant.entra.issue_token(  # type: ignore[method-assign]
            client_id, EXCHANGE_AUDIENCE
        )


@pytest.fixture
def permissions(program: Recording) -> dict[str, list[str]]:
    """Exchange roles by mode, as the program has them."""
    from pipeline_identity import Mode, permissions_of

    return {mode: list(permissions_of(mode).exchange_roles) for mode in Mode}


class TestTheRolesForSendersWithRoles:
    @pytest.fixture
    def pipeline(self, scripts: Scripts, folder_on_path: None) -> Pipeline:
        from pipeline_identity import Confining, Mode, permissions_of

        needed = permissions_of(Mode.DEPLOY, Confining.RBAC)
        return Pipeline(scripts, "deploy", [*needed.exchange_roles], needed.delegated_roles)

    def test_are_enough_to_deploy_and_to_remove(self, scripts: Scripts, pipeline: Pipeline):
        assert pipeline.assign().code == 0
        scripts.pass_time()
        pipeline.sign_in()
        sender = Sender(scripts)

        sender.come_and_go()

        assert sender.objects() == [1, 0, 1 + len(pipeline.application["roles"])]

    def test_do_not_make_a_policy_or_a_group(self, scripts: Scripts, pipeline: Pipeline):
        pipeline.assign()
        scripts.pass_time()
        pipeline.sign_in()

        for script in (ENSURE_GROUP, ENSURE_POLICY):
            run = scripts.run(*next(step for step in UP if step[0] == script))
            assert "did not load" in run.stderr

    def test_without_the_delegation_assign_nothing(self, scripts: Scripts, pipeline: Pipeline):
        pipeline.application["delegatedRoles"] = []
        pipeline.assign()
        scripts.pass_time()
        pipeline.sign_in()

        sender = Sender(scripts)
        *first, assignment, _ = sender.up
        sender.done(first)
        _, line = sender.refused(*assignment)

        assert "must be assigned a delegating role assignment" in line

    def test_are_assigned_once_and_what_is_not_needed_is_named(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        pipeline.assign()
        scripts.pass_time()
        again = pipeline.assign()
        assert (again.changes, again.stderr.count("warning")) == ([], 0)

        pipeline.application |= {"roles": ["Role Management"], "delegatedRoles": []}
        named = pipeline.assign()

        assert "also holds the role Mail Recipients" in named.stderr
        assert "may also assign the role Application Mail.Send" in named.stderr


class TestTheRolesInExchange:
    def test_are_enough_to_deploy_and_to_remove(self, scripts, permissions):
        pipeline = Pipeline(scripts, "deploy", permissions["deploy"])
        assert pipeline.assign().observed["applications"][0]["roles"] == permissions["deploy"]
        scripts.pass_time()
        pipeline.sign_in()

        deploy(scripts)
        scripts.pass_time()
        removed = [scripts.run(script, desired) for script, desired in DOWN]

        assert [run.code for run in removed] == [0, 0, 0], [run.stderr for run in removed]

    @pytest.mark.parametrize("number", range(6))
    def test_none_of_them_can_be_left_out_unnoticed(self, scripts, permissions, number):
        roles = permissions["deploy"]
        overlapping = {
            # Each of these two holds the cmdlets of groups, and -BypassSecurityGroupManagerCheck
            # is a matter of the second one, which is not simulated; reading is in others too.
            "Distribution Groups",
            "Security Group Creation and Membership",
            "View-Only Recipients",
        }
        left_out = roles[number]
        pipeline = Pipeline(scripts, "deploy", [role for role in roles if role != left_out])
        pipeline.assign()
        scripts.pass_time()
        pipeline.sign_in()

        codes = [scripts.run(script, desired).code for script, desired in UP]

        assert (1 in codes) is (left_out not in overlapping)

    def test_organization_configuration_does_not_read_the_domains(self, scripts):
        # Microsoft365DSC, settings of EXOAcceptedDomain.
        pipeline = Pipeline(scripts, "policy", ["Organization Configuration"])
        pipeline.assign()
        scripts.pass_time()
        pipeline.sign_in()

        run = scripts.run(*next(step for step in UP if step[0] == ENSURE_POLICY))

        assert run.code == 1
        assert "Get-AcceptedDomain" in run.stderr

    def test_of_a_preview_are_enough_to_look_and_not_to_change(self, scripts, permissions):
        deploy(scripts)
        pipeline = Pipeline(scripts, "preview", permissions["preview"])
        pipeline.assign()
        scripts.pass_time()
        pipeline.sign_in()

        looked = look(scripts)

        assert looked.code == 0, looked.stderr
        assert looked.observed["findings"] == [{}] * len(UP)
        address = {"address": "other@contoso.com", "mark": "scoped-mail-sender/test/other"}
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | address)
        assert run.code == 1
        assert run.changes == []

    def test_are_assigned_once(self, scripts, permissions):
        pipeline = Pipeline(scripts, "deploy", permissions["deploy"])
        assert pipeline.assign().changes == [
            "New-ServicePrincipal",
            *["New-ManagementRoleAssignment"] * 6,
        ]
        scripts.pass_time()
        assert pipeline.assign().changes == []

    def test_act_after_a_while(self, scripts, permissions):
        pipeline = Pipeline(scripts, "deploy", permissions["deploy"])
        pipeline.assign()
        pipeline.sign_in()

        run = scripts.run(*UP[0])

        assert run.code == 1
        assert "isn't supported in this scenario" in run.stderr

    def test_that_are_not_needed_are_named_and_kept(self, scripts, permissions):
        pipeline = Pipeline(scripts, "preview", permissions["deploy"])
        pipeline.assign()
        scripts.pass_time()
        pipeline.application["roles"] = permissions["preview"]

        run = pipeline.assign()

        assert "warning: preview also holds the role Organization Configuration" in run.stderr
        assert run.changes == ["New-ManagementRoleAssignment"]

    def test_of_an_unknown_name_are_refused_with_the_name(self, scripts):
        pipeline = Pipeline(scripts, "deploy", ["Organisation Configuration"])

        run = pipeline.assign()

        assert run.code == 1
        assert "roles of the application deploy" in run.stderr
        assert "Organisation Configuration" in run.stderr
