"""Any text is refused by the configuration, or arrives exactly as it was written."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from components.trigger import HttpRequestTrigger
from components.workflow_definition import (
    send_mail_definition,
)
from configuration import ConfigurationError, load_configuration
from simulator.tenant import Tenant
from simulator.testing.deployment import NOON, WORKFLOW_PATH, Deployment, connect
from tests.components.exchange.conftest import Scripts
from tests.components.exchange.desired import (
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
