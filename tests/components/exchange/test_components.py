"""The components of this package by themselves, as another program would use them."""

from datetime import timedelta
from typing import Any

import pulumi
import pytest

from components.exchange.access_proof import AccessProof
from components.exchange.application_access_policy import ApplicationAccessPolicy
from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import (
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from components.exchange.shared_mailbox import SharedMailbox, SharedMailboxArgs
from tests.components.recording import MAILBOX_ID, record

CONTOSO = ExchangeOrganization("contoso.onmicrosoft.com")


def shared_mailbox(opts: pulumi.ResourceOptions | None = None, **changes: bool) -> SharedMailbox:
    args: dict[str, Any] = {
        "address": "reports@contoso.com",
        "display_name": "Reports",
        "name": "Reports",
        "alias": "reports",
    }
    return SharedMailbox(
        "reports",
        SharedMailboxArgs(**args | changes),
        organization=CONTOSO,
        opts=opts,
    )


class TestSharedMailbox:
    def test_is_one_command_for_what_it_is_and_one_for_how_it_looks(self):
        recording = record(shared_mailbox)
        assert recording.custom().keys() == {"reports", "reports-settings"}
        assert recording.resources["reports-settings"].dependencies == {"reports"}

    def test_gives_the_object_id_that_the_script_wrote(self):
        found: list[str] = []
        record(lambda: shared_mailbox().object_id.apply(found.append))
        assert found == [MAILBOX_ID]

    def test_is_waited_for_without_its_settings(self):
        # Or the preview of a changed display name would show all that uses the mailbox as changed.
        names: list[str] = []
        recording = record(
            lambda: names.extend(command._name for command in shared_mailbox().commands)
        )
        assert names == ["reports"]
        desired = recording.resources["reports"].desired
        assert desired.keys().isdisjoint({"displayName", "hiddenFromAddressLists", "signInBlocked"})

    @pytest.mark.parametrize("key", ["adopt", "purge"])
    def test_is_neither_adopted_nor_purged_unless_told_to(self, key):
        assert record(shared_mailbox).resources["reports"].desired[key] is False
        told = record(lambda: shared_mailbox(None, **{key: True}))
        assert told.resources["reports"].desired[key] is True

    def test_leaves_a_protection_that_its_user_gives(self):
        protect = pulumi.ResourceOptions(protect=True)
        recording = record(lambda: shared_mailbox(opts=protect))
        assert recording.resources["reports"].request.protect


def access_proof(**changes: Any) -> AccessProof:
    arguments: dict[str, Any] = {
        "client_id": "client",
        "group": "readers@contoso.com",
        "members": ["finance@contoso.com"],
        "control_mailbox": "control.mailbox@contoso.com",
        "permissions": ["Mail.Send"],
        "timeout": timedelta(minutes=10),
        "settle": timedelta(hours=1),
        "organization": CONTOSO,
    }
    return AccessProof("proof", **arguments | changes)


class TestAccessProof:
    def test_takes_a_group_and_a_policy_that_exist_already(self):
        recording = record(access_proof)
        assert recording.custom().keys() == {"proof"}
        assert recording.resources["proof"].dependencies == set()
        assert recording.resources["proof"].desired == {
            "revision": 1,
            "organization": "contoso.onmicrosoft.com",
            "exchangeEnvironmentName": None,
            "appId": "client",
            "groupAddress": "readers@contoso.com",
            "members": ["finance@contoso.com"],
            "controlMailbox": "control.mailbox@contoso.com",
            "permissions": ["Mail.Send"],
            "timeoutSeconds": 600,
            "settleSeconds": 3600,
        }

    def test_comes_after_all_that_it_proves(self):
        def program() -> None:
            mailbox = shared_mailbox()
            group = MailEnabledSecurityGroup(
                "readers",
                MailEnabledSecurityGroupArgs(
                    address="readers@contoso.com",
                    display_name="Readers",
                    name="Readers",
                    alias="readers",
                ),
                members=[mailbox],
                organization=CONTOSO,
            )
            policy = ApplicationAccessPolicy(
                "policy",
                client_id="client",
                group=group,
                description="Restrict this app",
                organization=CONTOSO,
            )
            access_proof(group=group, members=[mailbox], policy=policy)

        recording = record(program)
        assert recording.resources["proof"].dependencies == {
            "reports",
            "readers",
            "readers-members",
            "policy",
        }

    def test_is_not_repeated_for_another_order_of_the_permissions(self):
        first = record(lambda: access_proof(permissions=["Mail.Send", "Mail.Read"]))
        second = record(lambda: access_proof(permissions=["Mail.Read", "Mail.Send"]))
        assert first.resources["proof"].desired == second.resources["proof"].desired

    def test_removes_nothing(self):
        assert "delete" not in record(access_proof).resources["proof"].inputs
