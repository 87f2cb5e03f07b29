"""One rule at a time: the real program breaks none, and one change of it breaks that one."""

import copy
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.exchange.exchange_command import SCRIPTS
from components.graph_permission import MailboxPermission
from policy import validators
from policy.validators import COMMAND, GRANT, WORKFLOW, Encrypted, Resource
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, UNCONFINABLE_APP_ROLES
from tests.components.recording import CALLBACK_URL, Recording, record
from tests.configuration.happy_path import HAPPY_PATH

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {"EXCHANGE_ACCESS_TOKEN": "a-token-of-this-run"}


@pytest.fixture(scope="module")
def program() -> Recording:
    """All that the real program registers, with its properties as the engine gets them."""
    values = copy.deepcopy(HAPPY_PATH)
    values["senders"][0]["trigger"]["allowedCallers"] = ["203.0.113.0/24"]
    return record(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        config={
            f"scoped-mail-sender:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        },
    )


def resource(program: Recording, name: str) -> Resource:
    found = program.resources[name]
    return Resource(
        found.type,
        copy.deepcopy(found.inputs),
        [resource(program, each) for each in sorted(found.dependencies)],
    )


def all_of(program: Recording, kind: str) -> list[Resource]:
    return [resource(program, name) for name, it in program.custom().items() if it.type == kind]


def only(findings: Iterator[str]) -> str:
    (finding,) = findings
    return finding


class TestTheProgramItself:
    def test_breaks_no_rule(self, program: Recording) -> None:
        grants, workflows = all_of(program, GRANT), all_of(program, WORKFLOW)
        commands = all_of(program, COMMAND)
        assert (len(grants), len(workflows)) == (2, 2)
        assert len(commands) > 10
        findings = [
            *(finding for it in grants for finding in validators.grant_without_proof(it)),
            *(
                finding
                for it in grants
                for finding in validators.permission_beyond_policies(it.properties)
            ),
            *(finding for it in workflows for finding in validators.open_trigger(it.properties)),
            *(
                finding
                for it in commands
                for finding in validators.credential_in_command(it.properties, KNOWN)
            ),
            *(
                finding
                for it in commands
                for finding in validators.removal_of_access_policy(it.properties)
            ),
        ]
        assert findings == []

    def test_has_the_scripts_that_the_rules_name(self) -> None:
        for script in (validators.PROOF_SCRIPT, validators.POLICY_SCRIPT):
            assert (SCRIPTS / script).exists()

    def test_grants_the_same_eleven(self) -> None:
        assert set(validators.CONFINABLE_PERMISSIONS.values()) == set(MailboxPermission)
        assert {name: role for role, name in validators.CONFINABLE_PERMISSIONS.items()} == (
            CONFINABLE_APP_ROLES
        )


@pytest.fixture
def grant(program: Recording) -> Resource:
    return resource(program, "notifications-access-mail-send")


@pytest.fixture
def workflow(program: Recording) -> dict[str, Any]:
    return dict(resource(program, "notifications-workflow").properties)


@pytest.fixture
def command(program: Recording) -> dict[str, Any]:
    return dict(resource(program, "notifications-access-policy").properties)


class TestAGrantComesAfterItsProof:
    def test_one_without_is_found(self, grant: Resource) -> None:
        others = [
            each
            for each in grant.dependencies
            if not str(each.properties.get("create")).endswith(validators.PROOF_SCRIPT)
        ]
        assert len(others) == len(grant.dependencies) - 1
        finding = only(validators.grant_without_proof(Resource(GRANT, grant.properties, others)))
        assert "does not depend on a command that runs prove-confinement.ps1" in finding

    def test_one_that_depends_on_nothing_is_found(self, grant: Resource) -> None:
        assert only(validators.grant_without_proof(Resource(GRANT, grant.properties)))

    def test_one_whose_proof_is_further_away_is_found(self, grant: Resource) -> None:
        between = Resource(COMMAND, {"create": "x.ps1"}, grant.dependencies)
        assert only(validators.grant_without_proof(Resource(GRANT, {}, [between])))

    def test_another_resource_is_no_proof(self) -> None:
        named = Resource("pulumi:index:Stash", {"create": validators.PROOF_SCRIPT})
        assert only(validators.grant_without_proof(Resource(GRANT, {}, [named])))


class TestOnlyTheElevenAreGranted:
    @pytest.mark.parametrize("role", [*UNCONFINABLE_APP_ROLES.values(), None, "Mail.Send"])
    def test_any_other_is_found(self, grant: Resource, role: str | None) -> None:
        changed = {**grant.properties, "appRoleId": role}
        assert f"app role {role} is none" in only(validators.permission_beyond_policies(changed))

    @pytest.mark.parametrize("role", CONFINABLE_APP_ROLES.values())
    def test_these_are_not(self, grant: Resource, role: str) -> None:
        changed = {**grant.properties, "appRoleId": role}
        assert list(validators.permission_beyond_policies(changed)) == []


class TestAnHttpTriggerSaysWhoMayCallIt:
    def test_one_that_does_not_is_found(self, workflow: dict[str, Any]) -> None:
        del workflow["accessControl"]
        assert "trigger manual may be called from" in only(validators.open_trigger(workflow))

    def test_policies_for_tokens_close_nothing(self, workflow: dict[str, Any]) -> None:
        workflow["accessControl"] = {
            "triggers": {"openAuthenticationPolicies": {"policies": {"erp": {"type": "AAD"}}}}
        }
        assert only(validators.open_trigger(workflow))

    @pytest.mark.parametrize("place", ["actions", "contents"])
    def test_control_of_something_else_closes_nothing(
        self, workflow: dict[str, Any], place: str
    ) -> None:
        workflow["accessControl"] = {place: workflow["accessControl"]["triggers"]}
        assert only(validators.open_trigger(workflow))

    def test_only_other_logic_apps_is_an_answer(self, workflow: dict[str, Any]) -> None:
        workflow["accessControl"] = {"triggers": {"allowedCallerIpAddresses": []}}
        assert list(validators.open_trigger(workflow)) == []

    def test_so_is_open_on_purpose(self, workflow: dict[str, Any]) -> None:
        del workflow["accessControl"]
        workflow["tags"] = {"openTrigger": "allowed"}
        assert list(validators.open_trigger(workflow)) == []


class TestACallbackUrlIsASecret:
    def outputs(self, **further: Any) -> dict[str, Any]:
        """Outputs as the engine tells them."""
        sender = {
            "callbackUrl": Encrypted(CALLBACK_URL),
            "clientId": "33333333-0000-4000-8000-000000000003",
            "mailboxAddress": "notifications@contoso.com",
            "workflowId": "/subscriptions/s/workflows/notifications",
        }
        return {"resourceGroup": "rg", "senders": {"notifications": sender | further}}

    def test_as_a_secret_it_is_fine(self) -> None:
        assert list(validators.callback_url_in_clear(self.outputs())) == []

    def test_in_clear_it_is_found_and_not_shown(self) -> None:
        finding = only(validators.callback_url_in_clear(self.outputs(callbackUrl=CALLBACK_URL)))
        assert "senders.notifications.callbackUrl" in finding
        assert "signature" not in finding

    @pytest.mark.parametrize("name", ["url", "workflowId"])
    def test_under_any_name(self, name: str) -> None:
        assert only(validators.callback_url_in_clear(self.outputs(**{name: CALLBACK_URL})))

    @pytest.mark.parametrize("name", ["callbackUrl", "callback_url", "myCallbackURL"])
    def test_before_its_value_is_known(self, name: str) -> None:
        unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
        assert only(validators.callback_url_in_clear({name: unknown}))

    def test_in_a_list(self) -> None:
        assert "urls.0" in only(validators.callback_url_in_clear({"urls": [CALLBACK_URL]}))


class TestNoCredentialIsAnInput:
    def found(self, command: dict[str, Any], value: Any) -> str:
        finding = only(validators.credential_in_command(command, KNOWN))
        assert str(value) not in finding
        return finding

    def with_desired(self, command: dict[str, Any], **further: Any) -> dict[str, Any]:
        return {**command, "stdin": json.dumps(json.loads(command["stdin"]) | further)}

    def test_what_this_run_signs_in_with(self, command: dict[str, Any]) -> None:
        value = KNOWN["EXCHANGE_ACCESS_TOKEN"]
        changed = self.with_desired(command, description=f"x {value} y")
        assert "stdin holds the value of EXCHANGE_ACCESS_TOKEN" in self.found(changed, value)

    @pytest.mark.parametrize(
        "name", ["password", "clientSecret", "access_token", "EXCHANGE_CERTIFICATE_PASSWORD"]
    )
    def test_what_is_named_like_one(self, command: dict[str, Any], name: str) -> None:
        assert "stdin" in self.found(self.with_desired(command, **{name: "hunter2"}), "hunter2")
        environment = {**command, "environment": {name: "hunter2"}}
        assert f"environment.{name}" in self.found(environment, "hunter2")

    @pytest.mark.parametrize(
        "value",
        [
            "eyJ0eXAiOiJKV1QiLCJhbGci.eyJhdWQiOiJodHRwczovL291dGxv.c2lnbmF0dXJl",
            "-----BEGIN RSA PRIVATE KEY-----",
            "https://contoso.com/triggers/manual/paths/invoke?sv=1.0&sig=hMtsNf9y0I0ODW1Po3Ay",
        ],
    )
    @pytest.mark.parametrize("place", ["stdin", "create", "environment", "triggers"])
    def test_what_looks_like_one(self, command: dict[str, Any], place: str, value: str) -> None:
        text = f"x {value}"
        given = {"environment": {"X": text}, "triggers": [text]}.get(place, text)
        assert place in self.found({**command, place: given}, value)

    def test_an_encrypted_one_too(self, command: dict[str, Any]) -> None:
        changed = {**command, "environment": Encrypted({"PASSWORD": Encrypted("hunter2")})}
        assert "environment.PASSWORD" in self.found(changed, "hunter2")

    def test_an_empty_one_is_none(self, command: dict[str, Any]) -> None:
        changed = self.with_desired({**command, "environment": {"PASSWORD": ""}}, password=None)
        assert list(validators.credential_in_command(changed, KNOWN)) == []


class TestAPolicyGoesWithItsGroup:
    def test_a_delete_of_its_own_is_found(self, command: dict[str, Any]) -> None:
        command["delete"] = "components/exchange/powershell/remove-application-access-policy.ps1"
        finding = only(validators.removal_of_access_policy(command))
        assert "before the identity is gone" in finding

    def test_the_group_has_one(self, program: Recording) -> None:
        group = resource(program, "notifications-group").properties
        assert group["delete"]
        assert list(validators.removal_of_access_policy(group)) == []
