"""One rule at a time: the real program breaks none, and one change of it breaks that one."""

import base64
import copy
import json
import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given as given_values
from hypothesis import settings
from hypothesis import strategies as st

from components.exchange.drift import DRIFT_VARIABLE
from components.exchange.exchange_command import SCRIPTS
from components.graph_permission import MailboxPermission
from policy import validators
from policy.validators import COMMAND, GRANT, Encrypted, Resource
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, UNCONFINABLE_APP_ROLES
from tests.components.recording import CALLBACK_URL, Recording, record
from tests.configuration.happy_path import HAPPY_PATH

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {"EXCHANGE_ACCESS_TOKEN": "a-token-of-this-run"}


Change = Callable[[dict[str, Any]], dict[str, Any]]


def configured() -> dict[str, Any]:
    """A configuration of two senders, with nothing that a rule refuses."""
    values = copy.deepcopy(HAPPY_PATH)
    values["senders"][0]["trigger"]["allowedCallers"] = ["203.0.113.0/24"]
    return values


def registered(values: dict[str, Any]) -> Recording:
    """All that the real program registers, with its properties as the engine gets them."""
    return record(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        config={
            f"scoped-mail-sender:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        },
    )


@pytest.fixture(scope="module")
def program() -> Recording:
    return registered(configured())


def resources(program: Recording) -> dict[str, Resource]:
    """The program's resources by name, each one object, whoever depends on it."""

    @cache
    def made(name: str) -> Resource:
        found = program.resources[name]
        return Resource(
            found.type,
            copy.deepcopy(found.inputs),
            [made(each) for each in sorted(found.dependencies)],
            {
                key: [made(program.urns[urn]) for urn in sorted(of_property.urns)]
                for key, of_property in found.request.propertyDependencies.items()
            },
        )

    return {name: made(name) for name in program.resources}


def resource(program: Recording, name: str) -> Resource:
    return resources(program)[name]


def no_script(_: str) -> None:
    """No script but the project's own."""


def only(findings: Iterator[str]) -> str:
    (finding,) = findings
    return finding


class TestTheProgramItself:
    @pytest.mark.parametrize("identity", ["systemAssigned", "userAssigned"])
    def test_breaks_no_rule(self, identity: str) -> None:
        values = configured()
        values["senders"][0]["identity"] = identity
        values["senders"][0]["message"] |= {
            "subject": "For {{customer}}",
            "toRecipients": [{"address": "{{customer}}@contoso.com"}],
            "parameters": {"customer": {"type": "string", "maxLength": 100}},
            "allowedRecipients": ["contoso.com"],
        }
        made = resources(registered(values))
        grants = [it for it in made.values() if it.type == GRANT]
        workflows = [it for it in made.values() if validators.is_workflow(it.type)]
        commands = [it for it in made.values() if it.type == COMMAND]
        assert (len(grants), len(workflows)) == (2, 2)
        assert len(commands) > 10
        settle = timedelta(hours=1)
        findings = [
            *(finding for it in grants for finding in validators.grant_without_proof(it)),
            *(
                finding
                for it in grants
                for finding in validators.identity_that_outlives_its_group(it)
            ),
            *(
                finding
                for it in grants
                for finding in validators.permission_beyond_policies(it.properties)
            ),
            *(finding for it in workflows for finding in validators.open_trigger(it.properties)),
            *(
                finding
                for it in commands
                for finding in (
                    *validators.credential_in_command(it.properties, KNOWN),
                    *validators.removal_of_access_policy(it.properties, no_script),
                    *validators.proof_that_does_not_wait(it.properties, settle),
                )
            ),
        ]
        assert findings == []

    def test_has_the_scripts_that_the_rules_name(self) -> None:
        for script in (
            validators.PROOF_SCRIPT,
            validators.POLICY_SCRIPT,
            validators.RELEASE_SCRIPT,
            validators.GROUP_SCRIPT,
        ):
            assert (SCRIPTS / script).exists()

    def test_gives_its_commands_the_one_variable_that_the_rules_know(self) -> None:
        assert validators.DRIFT_VARIABLE == DRIFT_VARIABLE

    def test_grants_the_same_eleven(self) -> None:
        assert set(validators.CONFINABLE_PERMISSIONS.values()) == set(MailboxPermission)
        assert {name: role for role, name in validators.CONFINABLE_PERMISSIONS.items()} == (
            CONFINABLE_APP_ROLES
        )


def with_desired(command: dict[str, Any], **further: Any) -> dict[str, Any]:
    """A command that is given more on its standard input."""
    return {**command, "stdin": json.dumps(json.loads(command["stdin"]) | further)}


def in_base64(text: str, code: str = "utf-8") -> str:
    return base64.b64encode(text.encode(code)).decode()


def escaped(text: str) -> str:
    """A text in JSON, each character by its number."""
    return '"' + "".join(f"\\u{ord(character):04x}" for character in text) + '"'


def open_to(*ranges: Any) -> Change:
    return lambda workflow: {
        **workflow,
        "accessControl": {
            "triggers": {"allowedCallerIpAddresses": [{"addressRange": each} for each in ranges]}
        },
    }


def exporting(**outputs: Any) -> Change:
    return lambda before: {**before, **outputs}


def setting(**properties: Any) -> Change:
    return lambda before: {**before, **properties}


def given(**further: Any) -> Change:
    return lambda command: with_desired(command, **further)


def script_of_ones_own(path: str) -> str | None:
    return {"own/tidy.ps1": "Remove-ApplicationAccessPolicy -Identity $args[0]"}.get(path)


class Rules:
    """Each policy of the pack by its name: it takes what a row of the tables changes."""

    def __init__(self, program: Recording) -> None:
        self.made = resources(program)
        self.outputs = {
            "resourceGroup": "rg",
            "senders": {
                "notifications": {
                    "callbackUrl": Encrypted(CALLBACK_URL),
                    "clientId": "33333333-0000-4000-8000-000000000003",
                    "mailboxAddress": "notifications@contoso.com",
                    "workflowId": "/subscriptions/s/workflows/notifications",
                }
            },
        }

    def base(self, policy: str) -> dict[str, Any]:
        """What is changed: properties of the real program, or its outputs."""
        if policy == "secret-callback-url":
            return copy.deepcopy(self.outputs)
        name = {
            "grant-after-proof": "notifications-access-proof",
            "settled-proof": "notifications-access-proof",
            "confinable-permission": "notifications-access-mail-send",
            "closed-trigger": "notifications-workflow",
        }.get(policy, "notifications-access-policy")
        return copy.deepcopy(dict(self.made[name].properties))

    def findings(self, policy: str, changed: dict[str, Any]) -> list[str]:
        """What the policy finds."""
        if policy == "grant-after-proof":
            proof = self.made["notifications-access-proof"]
            grant = self.made["notifications-access-mail-send"]
            others = [each for each in grant.dependencies if each is not proof]
            assert len(others) == len(grant.dependencies) - 1
            dependencies = [*others, replace(proof, properties=changed)]
            grant = replace(grant, dependencies=dependencies)
            return list(validators.grant_without_proof(grant))
        found: dict[str, Callable[[], Iterator[str]]] = {
            "settled-proof": lambda: validators.proof_that_does_not_wait(
                changed, timedelta(hours=1)
            ),
            "confinable-permission": lambda: validators.permission_beyond_policies(changed),
            "closed-trigger": lambda: validators.open_trigger(changed),
            "secret-callback-url": lambda: validators.callback_url_in_clear(changed),
            "no-credential-in-command": lambda: validators.credential_in_command(changed, KNOWN),
            "policy-outlives-identity": lambda: validators.removal_of_access_policy(
                changed, script_of_ones_own
            ),
        }
        return list(found[policy]())


TOKEN = KNOWN["EXCHANGE_ACCESS_TOKEN"]
SIGNATURE = "hMtsNf9y0I0ODW1Po3AyQ5mXl2c8Wf0Zs7RkTb1uV-E"
SIGNED = f"https://contoso.com/workflows/w/triggers/manual/paths/invoke?sv=1.0&sig={SIGNATURE}"
PROOF = "components/exchange/powershell/prove-confinement.ps1"
OWN_REMOVAL = "tests/engine/powershell/remove-application-access-policy.ps1"

EVASIONS: list[tuple[str, str, Change]] = [
    ("grant-after-proof", "a comment", setting(create=f"true #/{PROOF}")),
    ("grant-after-proof", "a comment after a blank", setting(create=f"exit 0; # {PROOF}")),
    ("grant-after-proof", "another command after it", setting(create=f"{PROOF}; true")),
    ("grant-after-proof", "only its creation", setting(update="true")),
    ("grant-after-proof", "in a shell", setting(interpreter=["/bin/sh", "-c"])),
    ("grant-after-proof", "as a text", setting(interpreter=["pwsh", "-Command"])),
    ("grant-after-proof", "no interpreter", setting(interpreter=None)),
    ("grant-after-proof", "elsewhere", setting(dir="/tmp/other")),  # noqa: S108
    ("grant-after-proof", "another pwsh", setting(environment={"PATH": "own"})),
    ("grant-after-proof", "another name", setting(create="own/prove-confinement.ps1.ps1")),
    ("grant-after-proof", "null", setting(create=None)),
    ("settled-proof", "no wait", given(settleSeconds=0)),
    ("settled-proof", "a second less", given(settleSeconds=3599)),
    ("settled-proof", "a wait that is none", given(settleSeconds=True)),
    ("settled-proof", "a text", given(settleSeconds="3600")),
    ("settled-proof", "null", given(settleSeconds=None)),
    ("settled-proof", "nothing given", setting(stdin=None)),
    ("settled-proof", "encrypted", setting(stdin=Encrypted('{"settleSeconds": 0}'))),
    *(
        ("confinable-permission", str(role), setting(appRoleId=role))
        for role in (*UNCONFINABLE_APP_ROLES.values(), None, "Mail.Send", ["x"], {"x": "y"}, 7)
    ),
    ("closed-trigger", "no control", setting(accessControl=None)),
    ("closed-trigger", "control is null", setting(accessControl={"triggers": None})),
    ("closed-trigger", "callers are null", setting(accessControl={"triggers": {"a": None}})),
    *(
        ("closed-trigger", f"open to {' and '.join(map(str, ranges))}", open_to(*ranges))
        for ranges in (
            ["0.0.0.0/0"],
            ["0.0.0.0/0.0.0.0"],
            ["203.0.113.7/0"],
            [" 0.0.0.0/0 "],
            ["0.0.0.0-255.255.255.255"],
            ["0.0.0.0 - 255.255.255.255"],
            ["0.0.0.0/1", "128.0.0.0/1"],
            ["1.0.0.0-254.255.255.255"],
            ["203.0.113.0/24", "0.0.0.0/0"],
            ["::/0"],
            ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            ["::ffff:0:0/96"],
            ["00.0.0.0/0"],
            ["*"],
            ["any"],
            [""],
            [None],
        )
    ),
    ("closed-trigger", "an encrypted range", open_to(Encrypted("0.0.0.0/0"))),
    (
        "closed-trigger",
        "encrypted control",
        setting(accessControl=Encrypted({"triggers": {"allowedCallerIpAddresses": None}})),
    ),
    (
        "closed-trigger",
        "an encrypted definition",
        lambda it: {**it, "definition": Encrypted(it["definition"]), "accessControl": None},
    ),
    (
        "closed-trigger",
        "a definition as a text",
        lambda it: {**it, "definition": json.dumps(it["definition"]), "accessControl": None},
    ),
    (
        "closed-trigger",
        "another spelling of the type",
        setting(definition={"triggers": {"m": {"type": "REQUEST"}}}, accessControl=None),
    ),
    ("closed-trigger", "tags are null", setting(accessControl=None, tags=None)),
    *(
        (
            "closed-trigger",
            f"only {place}",
            lambda it, place=place: {
                **it,
                "accessControl": {place: it["accessControl"]["triggers"]},
            },
        )
        for place in ("actions", "contents")
    ),
    (
        "closed-trigger",
        "policies for tokens",
        setting(accessControl={"triggers": {"openAuthenticationPolicies": {"policies": {}}}}),
    ),
    ("secret-callback-url", "in clear", exporting(callbackUrl=SIGNED)),
    ("secret-callback-url", "under another name", exporting(workflowId=SIGNED)),
    ("secret-callback-url", "in a list", exporting(urls=[SIGNED])),
    ("secret-callback-url", "in a sentence", exporting(help=f"POST to {SIGNED} now")),
    ("secret-callback-url", "its queries", exporting(queries={"sv": "1.0", "sig": SIGNATURE})),
    ("secret-callback-url", "its signature", exporting(x=SIGNATURE)),
    ("secret-callback-url", "a short signature by its name", exporting(sig="abc")),
    ("secret-callback-url", "as JSON", exporting(x=json.dumps({"u": SIGNED}))),
    ("secret-callback-url", "as escaped JSON", exporting(x=f'{{"u": {escaped(SIGNED)}}}')),
    ("secret-callback-url", "in base64", exporting(x=in_base64(SIGNED))),
    ("secret-callback-url", "with percent signs", exporting(x=quote(SIGNED, safe=""))),
    ("secret-callback-url", "not known yet", exporting(callbackUrl=validators.UNKNOWN)),
    (
        "secret-callback-url",
        "not known yet, other style",
        exporting(my_callback_URL=validators.UNKNOWN),
    ),
    ("no-credential-in-command", "in a text", given(description=f"x {TOKEN} y")),
    ("no-credential-in-command", "escaped", setting(stdin=f'{{"x": {escaped(TOKEN)}}}')),
    ("no-credential-in-command", "in base64", given(x=in_base64(TOKEN))),
    (
        "no-credential-in-command",
        "in base64 for URLs",
        given(x=in_base64(f"??>{TOKEN}").replace("/", "_")),
    ),
    (
        "no-credential-in-command",
        "in base64 without padding",
        given(x=in_base64(TOKEN).rstrip("=")),
    ),
    (
        "no-credential-in-command",
        "for basic authentication",
        given(x=f"Basic {in_base64(f'u:{TOKEN}')}"),
    ),
    (
        "no-credential-in-command",
        "as an encoded command",
        setting(create=f"pwsh -EncodedCommand {in_base64(f'x {TOKEN}', 'utf-16-le')}"),
    ),
    (
        "no-credential-in-command",
        "JSON in JSON",
        given(x=json.dumps({"y": json.dumps({"z": TOKEN})})),
    ),
    (
        "no-credential-in-command",
        "JSON in base64",
        given(x=in_base64(f'{{"x": {escaped(TOKEN)}}}')),
    ),
    (
        "no-credential-in-command",
        "with percent signs",
        given(x="".join(f"%{ord(c):02x}" for c in TOKEN)),
    ),
    (
        "no-credential-in-command",
        "encrypted",
        setting(environment=Encrypted({"X": Encrypted(TOKEN)})),
    ),
    ("no-credential-in-command", "as a number", given(password=12345678)),
    ("no-credential-in-command", "in a list by its name", given(passwords=["hunter2"])),
    ("policy-outlives-identity", "a removal of its own", setting(delete=OWN_REMOVAL)),
    ("policy-outlives-identity", "an encrypted one", setting(delete=Encrypted(OWN_REMOVAL))),
    (
        "policy-outlives-identity",
        "the policy's script in other words",
        lambda it: {**it, "create": f"& ./{it['create']}", "delete": "own/x.ps1"},
    ),
    (
        "policy-outlives-identity",
        "the release and more",
        setting(delete="release-application-access-policy.ps1; own/x.ps1"),
    ),
    *(
        (
            "policy-outlives-identity",
            f"a command of one's own: {title}",
            lambda _, place=place, text=text: {"create": "true", place: text},
        )
        for place in ("create", "update", "delete")
        for title, text in {
            "the cmdlet": "Remove-ApplicationAccessPolicy -Identity $id",
            "in small letters": "remove-applicationaccesspolicy -id $id",
            "the module's function": "Import-Module ./Policy.psm1; Remove-Policy -Policy $p",
            "encoded": f"pwsh -enc {in_base64('Remove-ApplicationAccessPolicy', 'utf-16-le')}",
            "encrypted": Encrypted("Remove-ApplicationAccessPolicy -Identity $id"),
            "a script": "own/tidy.ps1",
            "a script with arguments": "pwsh -File own/tidy.ps1 all",
        }.items()
    ),
    (
        "policy-outlives-identity",
        "on standard input",
        lambda _: {"create": "pwsh -Command -", "stdin": "Remove-ApplicationAccessPolicy"},
    ),
    (
        "policy-outlives-identity",
        "as an argument",
        lambda _: {"create": "x", "interpreter": ["pwsh", "-c", "Remove-ApplicationAccessPolicy"]},
    ),
]
"""What gets around a rule that looks less closely: policy, what is done, and how."""

LEGITIMATE: list[tuple[str, str, Change]] = [
    ("grant-after-proof", "a finding", setting(environment={DRIFT_VARIABLE: "changed"})),
    (
        "grant-after-proof",
        "an encrypted input",
        lambda it: {**it, "create": Encrypted(it["create"])},
    ),
    ("grant-after-proof", "no update", setting(update=None)),
    ("grant-after-proof", "a path of Windows", setting(create=PROOF.replace("/", "\\"))),
    ("settled-proof", "longer", given(settleSeconds=7200)),
    ("settled-proof", "to the second", given(settleSeconds=3600)),
    ("settled-proof", "encrypted", lambda it: {**it, "stdin": Encrypted(it["stdin"])}),
    ("settled-proof", "not known yet", setting(stdin=validators.UNKNOWN)),
    ("settled-proof", "another command", setting(create="true", stdin=None)),
    *(
        ("confinable-permission", role, setting(appRoleId=role))
        for role in CONFINABLE_APP_ROLES.values()
    ),
    (
        "confinable-permission",
        "in capitals",
        setting(appRoleId=CONFINABLE_APP_ROLES["Mail.Send"].upper()),
    ),
    (
        "confinable-permission",
        "encrypted",
        setting(appRoleId=Encrypted(CONFINABLE_APP_ROLES["Mail.Send"])),
    ),
    ("closed-trigger", "only other Logic Apps", open_to()),
    ("closed-trigger", "an address", open_to("203.0.113.7")),
    ("closed-trigger", "a range", open_to("203.0.113.7-203.0.113.9")),
    (
        "closed-trigger",
        "many ranges",
        open_to("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    ),
    ("closed-trigger", "what a company owns", open_to("20.0.0.0/8")),
    (
        "closed-trigger",
        "encrypted",
        lambda it: {**it, "accessControl": Encrypted(it["accessControl"])},
    ),
    ("closed-trigger", "control not known yet", setting(accessControl=validators.UNKNOWN)),
    ("closed-trigger", "a range not known yet", open_to(validators.UNKNOWN)),
    (
        "closed-trigger",
        "open on purpose",
        setting(accessControl=None, tags={"openTrigger": "allowed"}),
    ),
    (
        "closed-trigger",
        "open on purpose, encrypted",
        setting(accessControl=None, tags=Encrypted({"openTrigger": "allowed"})),
    ),
    *(
        (
            "closed-trigger",
            f"no trigger that is called: {title}",
            setting(accessControl=None, definition=definition),
        )
        for title, definition in {
            "null": None,
            "encrypted null": Encrypted(None),
            "triggers are null": {"triggers": None},
            "a trigger is null": {"triggers": {"x": None}},
            "a text": "x",
            "not known yet": validators.UNKNOWN,
            "a recurrence": {"triggers": {"x": {"type": "Recurrence"}}},
        }.items()
    ),
    ("secret-callback-url", "as a secret", exporting()),
    ("secret-callback-url", "where it is", exporting(callbackUrlHelp="az rest --method post …")),
    ("secret-callback-url", "whether it is exported", exporting(callbackUrlExported=True)),
    (
        "secret-callback-url",
        "its host",
        exporting(callbackUrlHost="prod-12.westeurope.logic.azure.com"),
    ),
    (
        "secret-callback-url",
        "its host, not known yet",
        exporting(callbackUrlHost=validators.UNKNOWN),
    ),
    ("secret-callback-url", "none", exporting(callbackUrl=None, callbackURL="")),
    (
        "secret-callback-url",
        "an address without a signature",
        exporting(portal="https://contoso.com/triggers/manual?view=1"),
    ),
    (
        "no-credential-in-command",
        "how long one lives",
        given(tokenLifetimeHours=8, tokenLifetime="PT8H"),
    ),
    (
        "no-credential-in-command",
        "where one is",
        given(secretName="mail", passwordVariable="X", tokenEndpoint="https://contoso.com"),
    ),
    (
        "no-credential-in-command",
        "whether there is one",
        given(resetPassword=True, requireToken=False),
    ),
    ("no-credential-in-command", "an empty one", given(password="", secret=None)),
    ("no-credential-in-command", "an id in base64", given(x=in_base64("an id of something else"))),
    ("no-credential-in-command", "not known yet", setting(stdin=validators.UNKNOWN)),
    ("no-credential-in-command", "null", setting(stdin=None, environment=None, triggers=None)),
    ("policy-outlives-identity", "no removal", setting(delete=None)),
    (
        "policy-outlives-identity",
        "the release",
        setting(delete="components/exchange/powershell/release-application-access-policy.ps1"),
    ),
    (
        "policy-outlives-identity",
        "another command's removal",
        lambda _: {"create": "own/x.ps1", "delete": "own/y.ps1"},
    ),
    (
        "policy-outlives-identity",
        "another policy",
        lambda _: {"create": "Remove-PolicyAssignment -Name x"},
    ),
]
"""What the rules must let pass: policy, what is done, and how."""


def ids(table: list[tuple[str, str, Change]]) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0]}: {row[1]}") for row in table]


@pytest.fixture
def rules(program: Recording) -> Rules:
    return Rules(program)


class TestTheTables:
    @pytest.mark.parametrize("policy", sorted({policy for policy, _, _ in EVASIONS}))
    def test_begin_with_a_program_in_which_nothing_is_found(
        self, rules: Rules, policy: str
    ) -> None:
        assert rules.findings(policy, rules.base(policy)) == []

    @pytest.mark.parametrize(("policy", "what", "change"), ids(EVASIONS))
    def test_an_evasion_is_found_and_no_credential_shown(
        self, rules: Rules, policy: str, what: str, change: Change
    ) -> None:
        finding, *_ = rules.findings(policy, change(rules.base(policy)))
        assert TOKEN not in finding
        assert SIGNATURE not in finding

    @pytest.mark.parametrize(("policy", "what", "change"), ids(LEGITIMATE))
    def test_a_legitimate_program_passes(
        self, rules: Rules, policy: str, what: str, change: Change
    ) -> None:
        assert rules.findings(policy, change(rules.base(policy))) == []


PROPERTIES = (
    *("accessControl", "appRoleId", "create", "definition", "delete", "dir", "environment"),
    *("interpreter", "stdin", "tags", "triggers", "update"),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [validators.UNKNOWN, PROOF, validators.POLICY_SCRIPT, "{", "[" * 99_999, "%", "0.0.0.0/0"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(Encrypted, inner)
        | st.dictionaries(
            st.sampled_from(["triggers", "allowedCallerIpAddresses", "addressRange", "type", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given_values(st.dictionaries(st.sampled_from(PROPERTIES), VALUES))
def test_no_rule_fails_on_what_a_property_may_hold(properties: dict[str, Any]) -> None:
    proof = Resource(COMMAND, properties)
    grant = Resource(GRANT, properties, [proof], {"principalObjectId": [proof]})
    for found in (
        validators.grant_without_proof(grant),
        validators.identity_that_outlives_its_group(grant),
        validators.proof_that_does_not_wait(properties, timedelta(hours=1)),
        validators.permission_beyond_policies(properties),
        validators.open_trigger(properties),
        validators.callback_url_in_clear(properties),
        validators.credential_in_command(properties, KNOWN),
        validators.removal_of_access_policy(properties, script_of_ones_own),
    ):
        assert all(isinstance(finding, str) for finding in found)


@pytest.fixture
def grant(program: Recording) -> Resource:
    return resource(program, "notifications-access-mail-send")


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


class TestAnIdentityGoesBeforeTheGroupOfItsPolicy:
    def without_group(self, grant: Resource, identity: str) -> Resource:
        """The grant of an identity that depends on nothing."""
        alone = Resource(identity, {})
        return replace(grant, by_property={"principalObjectId": [alone]})

    @pytest.mark.parametrize(
        "identity",
        [
            "azure-native:logic:Workflow",
            "azure-native:logic/v20190501:Workflow",
            "azure-native_logic_v20190501:logic:Workflow",
            "azure-native:managedidentity:UserAssignedIdentity",
        ],
    )
    def test_one_that_does_not_depend_on_it_is_found(self, grant: Resource, identity: str) -> None:
        found = only(
            validators.identity_that_outlives_its_group(self.without_group(grant, identity))
        )
        assert "does not depend on the group of its policy" in found

    def test_by_way_of_another_resource_is_enough(self, grant: Resource) -> None:
        (group,) = [
            each
            for each in grant.dependencies
            if str(each.properties.get("create")).endswith(validators.GROUP_SCRIPT)
        ]
        between = Resource("pulumi:index:Stash", {}, [group])
        workflow = Resource("azure-native:logic:Workflow", {}, [between])
        changed = replace(grant, by_property={"principalObjectId": [workflow]})
        assert list(validators.identity_that_outlives_its_group(changed)) == []

    def test_an_identity_that_the_stack_does_not_make_is_none_of_its_business(
        self, grant: Resource
    ) -> None:
        changed = replace(grant, by_property={})
        assert list(validators.identity_that_outlives_its_group(changed)) == []


class TestNoCredentialIsAnInput:
    def found(self, command: dict[str, Any], value: Any) -> str:
        finding = only(validators.credential_in_command(command, KNOWN))
        assert str(value) not in finding
        return finding

    def test_what_this_run_signs_in_with(self, command: dict[str, Any]) -> None:
        value = KNOWN["EXCHANGE_ACCESS_TOKEN"]
        changed = with_desired(command, description=f"x {value} y")
        assert "stdin holds the value of EXCHANGE_ACCESS_TOKEN" in self.found(changed, value)

    @pytest.mark.parametrize(
        "name", ["password", "clientSecret", "access_token", "EXCHANGE_CERTIFICATE_PASSWORD"]
    )
    def test_what_is_named_like_one(self, command: dict[str, Any], name: str) -> None:
        assert "stdin" in self.found(with_desired(command, **{name: "hunter2"}), "hunter2")
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


class TestAPolicyGoesWithItsGroup:
    def test_the_group_has_a_removal(self, program: Recording) -> None:
        group = resource(program, "notifications-group").properties
        assert group["delete"]
        assert list(validators.removal_of_access_policy(group, no_script)) == []
