"""Confined access for an identity that this program did not create."""

import pulumi
import pytest

from components.confined_mailbox_access import ConfinedMailboxAccess, ConfinedMailboxAccessArgs
from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import (
    Group,
    MailEnabledSecurityGroup,
    MailEnabledSecurityGroupArgs,
)
from tests.components.recording import record

ORGANIZATION = ExchangeOrganization(domain="contoso.onmicrosoft.com")


def access(permissions=("Mail.Send",)):
    readers = Group(
        name="Readers",
        display_name="Readers",
        alias="Readers",
        address="readers@contoso.com",
        policy_description="Restrict this app",
    )
    members = ["finance@contoso.com", "reception@contoso.com"]
    group = MailEnabledSecurityGroup(
        "readers",
        MailEnabledSecurityGroupArgs(group=readers, members=members, organization=ORGANIZATION),
    )
    return ConfinedMailboxAccess(
        "reader",
        ConfinedMailboxAccessArgs(
            client_id="client",
            principal_id="principal",
            group_address=group.address,
            members=members,
            control_mailbox="control.mailbox@contoso.com",
            permissions=permissions,
            policy_description=readers.policy_description,
            organization=ORGANIZATION,
        ),
        pulumi.ResourceOptions(depends_on=[group]),
    )


class TestAnyIdentity:
    def test_is_proven_on_every_member(self):
        recording = record(access)
        assert recording.resources["reader-proof"].desired["members"] == [
            "finance@contoso.com",
            "reception@contoso.com",
        ]

    def test_keeps_the_policies_of_other_identities_on_the_group(self):
        # Those may live on: only a program that deletes them may retire their policies.
        assert record(access).resources["reader-policy"].desired["retireFormer"] is False

    def test_gets_one_grant_for_each_permission_and_each_waits_for_the_proof(self):
        roles = {"Mail.Read": "read-id", "Calendars.Read": "calendar-id"}
        recording = record(lambda: access(tuple(roles)), roles=roles)
        for name, role in (("mail-read", "read-id"), ("calendars-read", "calendar-id")):
            grant = recording.resources[f"reader-{name}"]
            assert grant.inputs["appRoleId"] == role
            # Directly: the engine orders the deletion of what is replaced by nothing else.
            assert grant.dependencies == {
                "readers",
                "readers-members",
                "reader-policy",
                "reader-proof",
            }

    def test_is_proven_anew_for_a_further_permission(self):
        roles = {"Mail.Read": "read-id", "Calendars.Read": "calendar-id"}
        recording = record(lambda: access(tuple(roles)), roles=roles)
        assert recording.resources["reader-proof"].desired["permissions"] == sorted(roles)


class TestPermissionThatNoPolicyConfines:
    @pytest.mark.parametrize("permission", ["MailboxItem.ImportExport.All", "User.Read.All"])
    def test_is_refused(self, permission):
        with pytest.raises(ValueError, match=permission):
            record(lambda: access((permission,)))

    def test_unknown_to_graph_is_named(self):
        with pytest.raises(pulumi.RunError, match=r"no application permission 'Mail\.Send'"):
            record(access, roles={"Mail.Read": "read-id"})
