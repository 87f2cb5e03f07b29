"""Roles in Exchange for an identity, bound to one mailbox."""

import pulumi

from components.exchange.exchange_command import ExchangeOrganization, exchange_name
from components.exchange.management_scope import ManagementScope, ManagementScopeArgs
from components.role_based_mailbox_access import (
    RoleBasedMailboxAccess,
    RoleBasedMailboxAccessArgs,
)
from tests.components.recording import record

ORGANIZATION = ExchangeOrganization(domain="contoso.onmicrosoft.com")


def access(permissions=("Mail.Send",), principal="principal"):
    scope = ManagementScope(
        "reader-scope",
        ManagementScopeArgs(
            display_name="reader", mailbox_object_id="mailbox-id", organization=ORGANIZATION
        ),
    )
    return RoleBasedMailboxAccess(
        "reader",
        RoleBasedMailboxAccessArgs(
            client_id="client",
            principal_id=principal,
            display_name="reader",
            scope=scope.scope_name,
            members=["finance@contoso.com"],
            control_mailbox="control.mailbox@contoso.com",
            permissions=permissions,
            organization=ORGANIZATION,
        ),
        pulumi.ResourceOptions(depends_on=[scope]),
    )


class TestAnIdentity:
    def test_gets_one_assignment_for_each_permission_on_the_scope(self):
        resources = record(lambda: access(["Mail.Send", "Calendars.Read"])).resources
        scope = resources["reader-scope"].desired
        assert scope["mailboxId"] == "mailbox-id"
        for name, role in (
            ("reader-mail-send", "Application Mail.Send"),
            ("reader-calendars-read", "Application Calendars.Read"),
        ):
            desired = resources[name].desired
            assert (desired["role"], desired["principalId"]) == (role, "principal")
            assert desired["scope"] == scope["name"]
        assert resources["reader-proof"].desired["roles"] == [
            "Application Calendars.Read",
            "Application Mail.Send",
        ]

    def test_is_granted_nothing_in_entra(self):
        types = {resource.type for resource in record(access).resources.values()}
        assert not any("appRoleAssignment" in each for each in types)

    def test_of_another_principal_has_assignments_of_other_names_on_the_same_scope(self):
        one = record(lambda: access(principal="one")).resources
        other = record(lambda: access(principal="other")).resources
        assert one["reader-scope"].desired == other["reader-scope"].desired
        name = "reader-mail-send"
        assert one[name].desired["name"] != other[name].desired["name"]

    def test_is_assigned_nothing_before_the_scope_is_there(self):
        resources = record(access).resources
        assert "reader-scope" in resources["reader-mail-send"].dependencies
        assert "reader-mail-send" in resources["reader-proof"].dependencies


class TestANameInExchange:
    def test_is_readable_and_not_too_long(self):
        assert exchange_name("reader", "a").startswith("reader ")
        assert len(exchange_name("r" * 100, "a")) == 64

    def test_is_of_one_thing_alone(self):
        names = {exchange_name("r", *parts) for parts in (("a", "b"), ("ab",), ("a",), ("b", "a"))}
        assert len(names) == 4
