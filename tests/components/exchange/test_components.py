"""The components of this package by themselves, as another program would use them."""

from typing import Any

import pulumi
import pytest

from components.exchange import drift
from components.exchange.access_proof import AccessProof, AccessProofArgs
from components.exchange.application_access_policy import (
    ApplicationAccessPolicy,
    ApplicationAccessPolicyArgs,
)
from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import (
    Group,
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from components.exchange.shared_mailbox import Mailbox, SharedMailbox, SharedMailboxArgs
from tests.components.recording import MAILBOX_ID, record

CONTOSO = ExchangeOrganization(domain="contoso.onmicrosoft.com")


def shared_mailbox(
    opts: pulumi.ResourceOptions | None = None, adopt: bool = False, purge: bool = False
) -> SharedMailbox:
    mailbox = Mailbox(
        name="Reports",
        display_name="Reports",
        alias="reports",
        address="reports@contoso.com",
        adopt=adopt,
    )
    args = SharedMailboxArgs(mailbox=mailbox, organization=CONTOSO, purge=purge)
    return SharedMailbox("reports", args, opts)


class TestSharedMailbox:
    def test_is_one_command_for_what_it_is_and_one_for_how_it_looks(self):
        recording = record(shared_mailbox)
        assert recording.custom().keys() == {"reports", "reports-settings"}
        assert recording.resources["reports-settings"].dependencies == {"reports"}

    def test_gives_the_object_id_that_the_script_wrote(self):
        found: list[str] = []
        record(lambda: shared_mailbox().object_id.apply(found.append))
        assert found == [MAILBOX_ID]

    def test_gives_an_address_that_is_known_in_a_preview_and_waits_for_the_mailbox(self):
        found: list[str] = []

        def program() -> None:
            address = shared_mailbox().address
            address.apply(found.append)
            pulumi.Stash("of-the-address", input=address)

        recording = record(program, preview=True)

        assert found == ["reports@contoso.com"]
        assert recording.resources["of-the-address"].dependencies == {"reports"}

    def test_keeps_how_it_looks_out_of_what_others_read(self):
        # Or the preview of a changed display name would show all that uses the mailbox as changed.
        desired = record(shared_mailbox).resources["reports"].desired
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


def access_proof(opts: pulumi.ResourceOptions | None = None, **changes: Any) -> AccessProof:
    arguments: dict[str, Any] = {
        "client_id": "client",
        "group_address": "readers@contoso.com",
        "members": ["finance@contoso.com"],
        "control_mailbox": "control.mailbox@contoso.com",
        "permissions": ["Mail.Send"],
        "timeout_seconds": 600,
        "settle_seconds": 3600,
        "organization": CONTOSO,
    }
    return AccessProof("proof", AccessProofArgs(**arguments | changes), opts)


class TestAccessProof:
    def test_takes_a_group_and_a_policy_that_exist_already(self):
        recording = record(access_proof)
        assert recording.custom().keys() == {"proof"}
        assert recording.resources["proof"].dependencies == set()
        assert recording.resources["proof"].desired == {
            "revision": 1,
            "organization": "contoso.onmicrosoft.com",
            "exchangeEnvironmentName": None,
            "markAttribute": "ExtensionCustomAttribute5",
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
                    group=Group(
                        name="Readers",
                        display_name="Readers",
                        alias="readers",
                        address="readers@contoso.com",
                        policy_description="Restrict this app",
                    ),
                    members=[mailbox.address],
                    organization=CONTOSO,
                ),
                pulumi.ResourceOptions(depends_on=[mailbox]),
            )
            policy = ApplicationAccessPolicy(
                "policy",
                ApplicationAccessPolicyArgs(
                    client_id="client",
                    group_address=group.address,
                    description="Restrict this app",
                    organization=CONTOSO,
                ),
            )
            access_proof(
                pulumi.ResourceOptions(depends_on=[policy]),
                group_address=group.address,
                members=[mailbox.address],
            )

        recording = record(program)
        assert "reports" in recording.resources["readers"].dependencies
        assert recording.resources["policy"].dependencies == {"readers", "readers-members"}
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


def test_drift_knows_what_an_older_version_wrote() -> None:
    settings = {"create": "x/set-shared-mailbox.ps1", "stdin": '{"address":"a"}', "stdout": ""}
    deployed = {("command:local:Command", "m-settings"): settings}
    [desired] = drift._deployed_objects(deployed).values()
    # Without it the script would stop at a property that is not there.
    assert desired == {"address": "a", "forwardTo": None, "claim": ""}
