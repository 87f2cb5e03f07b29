"""Any text is refused by the configuration, or arrives exactly as it was written."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from components.exchange.exchange_command import exchange_name
from components.trigger import HttpRequestTrigger
from components.workflow_definition import (
    send_mail_definition,
)
from configuration import ConfigurationError, load_configuration
from simulator.tenant import Tenant
from simulator.tenant.identifiers import seeded_id
from simulator.testing.deployment import NOON, WORKFLOW_PATH, Deployment, connect
from tests.components.exchange.conftest import Scripts
from tests.components.exchange.desired import (
    APP_ID,
    CONTROL,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    GROUP,
    MAILBOX,
    SET_MAILBOX,
    SETTINGS,
)
from tests.configuration.happy_path import HAPPY_PATH

# Pieces that mean something to one of the languages that a text passes, among any text at all.
PIECES = [
    "@",
    "@@",
    "{",
    "}",
    "$(",
    ")",
    "`",
    "'",
    '"',
    ";",
    "\n",
    "\\",
    "%",
    "*",
    "|",
    "ä",
    "漢",
    "😀",
]
ANYTHING = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join)
# Dense in what begins an expression, which texts of so many pieces seldom have.
HOSTILE = ANYTHING | st.text(alphabet="@{}a' ", max_size=8)
ONCE_PER_TEST = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def scripts(tmp_path: Any) -> Any:
    """The scripts, in front of a tenant."""
    tenant = Tenant(tmp_path / "tenant.sqlite", real_time=lambda: NOON)
    yield Scripts(tenant)
    tenant.close()


@pytest.fixture
def deployment(tmp_path: Any) -> Any:
    """A workflow's place in a tenant, confined and granted, so that Graph takes its mail."""
    tenant = Tenant(tmp_path / "tenant.sqlite", real_time=lambda: NOON)
    deployment = Deployment(tenant, connect(tenant))
    principal = deployment.workflow()
    group = deployment.group("Scope", "reception@contoso.com")
    deployment.policy(principal["appId"], group["Guid"])
    deployment.wait_for_policies()
    deployment.grant(principal)
    yield deployment
    tenant.close()


def delivered(deployment: Deployment, subject: str, content: str, name: str) -> Any:
    """The mail that is accepted when the configuration holds these; ``None`` if it refuses them."""
    values = copy.deepcopy(HAPPY_PATH)
    recipient = {"address": "finance@contoso.com", "name": name}
    values["senders"][0]["message"] |= {
        "subject": subject,
        "body": {"contentType": "Text", "content": content},
        "toRecipients": [recipient],
    }
    try:
        message = load_configuration(values).senders[0].message
    except ConfigurationError:
        return None
    definition = send_mail_definition(
        graph="https://graph.microsoft.com",
        mailbox_id="reception@contoso.com",
        message=message,
        trigger=HttpRequestTrigger(),
    )
    before = len(deployment.tenant.mail())
    saved = deployment.arm(
        "PUT",
        WORKFLOW_PATH,
        {
            "location": "westeurope",
            "identity": {"type": "SystemAssigned"},
            "properties": {"definition": json.loads(json.dumps(definition))},
        },
    )
    assert saved.status == 200, saved
    run, _, _ = deployment.run()
    assert run["status"] == "Succeeded", run
    (mail,) = deployment.tenant.mail()[before:]
    return mail.message


def arrives_or_is_refused(deployment: Deployment, text: str) -> None:
    """Asserts it of a text as subject, as content and as a recipient's name."""
    for subject, content, name in (
        (text, "plain", "Plain"),
        ("plain", text, "Plain"),
        ("plain", "plain", text),
    ):
        message = delivered(deployment, subject, content, name)
        event("refused" if message is None else "delivered")
        if message is not None:
            assert message["subject"] == subject
            assert message["body"]["content"] == content
            assert message["toRecipients"][0]["emailAddress"]["name"] == name


class TestAMailArrivesAsWrittenOrIsRefused:
    @settings(max_examples=30, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=HOSTILE)
    @example(text="@")
    @example(text="@{utcNow()}")
    @example(text="x" * 65_536)
    @example(text="'; $(Remove-Mailbox) `whoami` \"")
    def test_whatever_its_text(self, deployment: Deployment, text: str):
        arrives_or_is_refused(deployment, text)

    @pytest.mark.long
    @settings(max_examples=300, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=HOSTILE)
    def test_whatever_its_text_ten_times_as_often(self, deployment: Deployment, text: str):
        arrives_or_is_refused(deployment, text)

    @pytest.mark.parametrize(
        "text", ["@all", "see @{x}", "a@@b", "x" * 65_536, "$(a) `b`; 'c' \"d\""]
    )
    def test_and_these_are_not_refused(self, deployment: Deployment, text: str):
        message = delivered(deployment, "plain", text, "Plain")
        assert message["body"]["content"] == text


def reaches_exchange_or_is_refused(scripts: Scripts, text: str) -> None:
    """Asserts it of a text as the display name of a mailbox and of a group."""
    values = copy.deepcopy(HAPPY_PATH)
    values["senders"][0]["mailbox"]["displayName"] = text
    try:
        load_configuration(values)
    except ConfigurationError:
        return
    scripts.run(ENSURE_MAILBOX, MAILBOX)
    mailbox = scripts.run(SET_MAILBOX, SETTINGS | {"displayName": text})
    group = scripts.run(ENSURE_GROUP, GROUP | {"displayName": text})
    assert (mailbox.code, group.code) == (0, 0), mailbox.stderr + group.stderr
    scripts.pass_time()
    [found] = scripts.cmdlet("Get-Mailbox", Identity=MAILBOX["address"])
    assert found["DisplayName"] == text
    [found] = scripts.cmdlet("Get-DistributionGroup", Identity=GROUP["address"])
    assert found["DisplayName"] == text


class TestANameReachesExchangeAsWrittenOrIsRefused:
    @settings(max_examples=8, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=HOSTILE)
    @example(text="$(Remove-Mailbox) `whoami`; 'x' \"y\" @{a} @@")
    def test_whatever_its_display_name(self, scripts: Scripts, text: str):
        reaches_exchange_or_is_refused(scripts, text)

    @pytest.mark.long
    @settings(max_examples=40, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=HOSTILE)
    def test_whatever_its_display_name_five_times_as_often(self, scripts: Scripts, text: str):
        reaches_exchange_or_is_refused(scripts, text)


RECEPTION, RECEPTION_ID = "reception@contoso.com", seeded_id("reception")
# What a name in Exchange may be made of, so that it arrives, among what it may not.
NAMES = HOSTILE | st.text(alphabet="aB0 ._'()&-", max_size=70)
# What a mailbox's address may be made of before its @.
LOCAL_PARTS = st.lists(
    st.text(alphabet="a0!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=8), min_size=1, max_size=3
).map(".".join)
OF_ROLES = ("servicePrincipalPointers", "managementScopes", "managementRoleAssignments")


class Roles:
    """Roles for an identity of others, as the scripts are told of them."""

    def __init__(self, scripts: Scripts, mailbox: str, *, readable: str = "reporting") -> None:
        self._scripts = scripts
        principal = scripts.tenant.entra.add_service_principal("reporting", kind="ManagedIdentity")
        scripts.pass_time()
        self.ids = {"principalId": principal["id"], "appId": principal["appId"]}
        self.readable = readable
        self.names = [
            exchange_name(each, "mark", principal["id"])
            for each in (readable, f"{readable} Mail.Send")
        ]
        bound = {"scopeType": "CustomRecipientScope", "scope": self.names[0], "members": [mailbox]}
        self.scope = {"name": self.names[0], "mailboxId": None, "mailboxAddress": mailbox}
        self.pointer = self.ids | {"displayName": readable}
        self.assignment = {
            "name": self.names[1],
            "principalId": principal["id"],
            "role": "Application Mail.Send",
            **bound,
        }
        self.proof = {
            "appId": principal["appId"],
            "roles": [self.assignment["role"]],
            **bound,
            "controlMailbox": CONTROL,
            "timeoutSeconds": 60,
        }

    def objects(self) -> dict[str, dict[str, Any]]:
        """Pointers, scopes and role assignments."""
        snapshot = self._scripts.tenant.snapshot()
        return {kind: snapshot[kind] for kind in OF_ROLES}

    def done(self, script: str, desired: dict[str, Any]) -> bool:
        """Runs a script; where it refuses, it says why in one line and has made nothing."""
        before = self.objects()
        run = self._scripts.run(script, desired)
        self._scripts.pass_time()
        if run.code == 0:
            return True
        errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, run.stderr
        assert self.objects() == before
        return False

    def remove(self, mailbox_id: str) -> None:
        """Takes what there is away again, by the same texts."""
        steps = (
            ("managementRoleAssignments", "role-assignment", self.assignment),
            ("servicePrincipalPointers", "service-principal", self.pointer),
            ("managementScopes", "management-scope", self.scope | {"mailboxId": mailbox_id}),
        )
        for kind, what, desired in steps:
            if self.objects()[kind]:
                assert self.done(f"remove-{what}.ps1", desired)
            assert not self.objects()[kind]


def named_as_written_or_not_made(scripts: Scripts, text: str) -> None:
    """Asserts it of a text as what pointer, scope and role assignment are named after.

    No configuration stands before it: a program of one's own gives the components any name.
    """
    roles = Roles(scripts, RECEPTION, readable=text)
    made = [
        roles.done("ensure-management-scope.ps1", roles.scope),
        roles.done("ensure-service-principal.ps1", roles.pointer),
    ]
    # Without a scope nothing is assigned, whatever it was to be called.
    made.append(roles.done("ensure-role-assignment.ps1", roles.assignment))
    event(f"scope, pointer, role: {made}")
    assert made[0] >= made[2]
    pointers, scopes, assignments = (list(found.values()) for found in roles.objects().values())
    # Without one it has that of its application.
    shown = text or "reporting"
    assert [pointer["displayName"] for pointer in pointers] == [shown] * made[1]
    assert [scope["name"] for scope in scopes] == [roles.names[0]] * made[0]
    assert [RECEPTION_ID in scope["filter"] for scope in scopes] == [True] * made[0]
    assert [assignment["name"] for assignment in assignments] == [roles.names[1]] * made[2]
    assert [assignment["scopeId"] for assignment in assignments] == (
        [scopes[0]["id"]] if made[2] else []
    )
    if all(made):
        assert roles.done("prove-authorization.ps1", roles.proof)
    roles.remove(RECEPTION_ID)
    assert scripts.tenant.violations() == []


def with_access(**further: Any) -> dict[str, Any]:
    """A configuration with an identity of others, which roles confine."""
    values = copy.deepcopy(HAPPY_PATH)
    access = {"name": "reporting", "clientId": APP_ID, "permissions": ["Mail.Send"]}
    values["access"] = [access | {"scoping": "rbac", "controlMailbox": CONTROL} | further]
    return values


def reaches_just_its_mailbox_or_is_refused(scripts: Scripts, local: str) -> None:
    """Asserts it of an address beside those of others, and with a display name that is as hostile.

    Sets the mailbox up, has the configuration judge the address, binds a role to it, and proves it.
    """
    address = f"{local}@contoso.com"
    try:
        load_configuration(with_access(mailboxes=[address]))
        refused = False
    except ConfigurationError:
        refused = True
    event("refused" if refused else "bound")
    assert refused >= ("*" in local)
    if refused and "*" not in local:
        return  # It is no address at all.
    scripts.cmdlet("New-Mailbox", Shared=True, Name="hostile", PrimarySmtpAddress=address)
    scripts.pass_time()
    roles = Roles(scripts, address)
    made = roles.done("ensure-management-scope.ps1", roles.scope)
    # The scripts are safe without the configuration, too.
    assert made != ("*" in local)
    [mailbox] = (m for m in scripts.tenant.snapshot()["mailboxes"].values() if address in str(m))
    scripts.cmdlet("Set-Mailbox", Identity=mailbox["id"], DisplayName=f"{local} $(exit 1)")
    assert roles.done("ensure-service-principal.ps1", roles.pointer)
    assert roles.done("ensure-role-assignment.ps1", roles.assignment) == made
    if made:
        assert roles.done("prove-authorization.ps1", roles.proof)
    scopes = roles.objects()["managementScopes"].values()
    assert [mailbox["id"] in scope["filter"] for scope in scopes] == [True] * made
    tested = {"Identity": roles.ids["appId"]}
    for found in (mailbox["id"], RECEPTION, CONTROL) if made else ():
        rows = scripts.cmdlet("Test-ServicePrincipalAuthorization", **tested, Resource=found)
        assert [row["InScope"] for row in rows] == [str(found == mailbox["id"])]
    roles.remove(mailbox["id"])
    scripts.cmdlet("Remove-Mailbox", Identity=mailbox["id"], Confirm=False)
    scripts.pass_time()


class TestRolesAreNamedAndBoundAsWrittenOrRefused:
    @settings(max_examples=8, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=NAMES)
    @example(text="")
    @example(text="2026-01-31T08:00:00")
    @example(text="report*")
    @example(text="o'brien (a) & b.c_d-e")
    @example(text="x" * 64 + " ")
    @example(text="$(Remove-Mailbox) `whoami`; 'x' \"y\" @{a} @@")
    def test_whatever_a_program_names_them_after(self, scripts: Scripts, text: str):
        named_as_written_or_not_made(scripts, text)

    @pytest.mark.long
    @settings(max_examples=40, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(text=NAMES)
    def test_whatever_a_program_names_them_after_five_times_as_often(
        self, scripts: Scripts, text: str
    ):
        named_as_written_or_not_made(scripts, text)

    @settings(max_examples=4, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(local=LOCAL_PARTS)
    @example(local="r*")
    @example(local="*")
    @example(local="o'brien")
    @example(local="a$`{|}~%&#!=+/^_-?x'")
    def test_whatever_the_address_of_the_mailbox(self, scripts: Scripts, local: str):
        reaches_just_its_mailbox_or_is_refused(scripts, local)

    @pytest.mark.long
    @settings(max_examples=40, deadline=None, suppress_health_check=ONCE_PER_TEST)
    @given(local=LOCAL_PARTS)
    def test_whatever_the_address_of_the_mailbox_five_times_as_often(
        self, scripts: Scripts, local: str
    ):
        reaches_just_its_mailbox_or_is_refused(scripts, local)

    @pytest.mark.parametrize("unit", ["", " ", "Sales", "*", "'; $(exit) #"])
    def test_an_administrative_unit_is_an_id_and_never_nothing(self, scripts: Scripts, unit: str):
        """Bound to no unit at all, the role would open every mailbox until it is taken back."""
        with pytest.raises(ConfigurationError, match="is not an id of Entra"):
            load_configuration(with_access(mailboxes=[RECEPTION], administrativeUnit=unit))

        roles = Roles(scripts, RECEPTION)
        assert roles.done("ensure-service-principal.ps1", roles.pointer)
        bound = {"scopeType": "AdministrativeUnit", "scope": unit}
        assert not roles.done("ensure-role-assignment.ps1", roles.assignment | bound)
        assert scripts.tenant.violations() == []
