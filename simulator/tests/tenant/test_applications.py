"""RBAC for Applications: https://learn.microsoft.com/exchange/permissions-exo/application-rbac."""

import pytest

from simulator.tenant import NotSimulated
from simulator.tenant.exchange.roles import APPLICATION_ROLES
from simulator.tenant.graph import permission_missing
from simulator.tenant.identifiers import EXCHANGE_ADMINISTRATOR, seeded_id
from simulator.testing.deployment import connect, message, refusal

RECEPTION, FINANCE = seeded_id("reception"), seeded_id("finance")
SEND = "Application Mail.Send"
HALF_AN_HOUR = 1800


class Applications:
    """An application, and the cmdlets that open mailboxes to it."""

    def __init__(self, tenant, deployment):
        self.tenant = tenant
        self.deployment = deployment
        self.principal = tenant.entra.add_service_principal("Scanner", kind="Application")
        tenant.clock.advance(tenant.lags["directory"])
        self.id = self.principal["id"]

    def invoke(self, cmdlet, **parameters):
        # A token lives an hour, and the waits in these tests are longer.
        return connect(self.tenant).invoke(cmdlet, parameters)

    def wait(self, seconds=None):
        self.tenant.clock.advance(self.tenant.lags["exchange"] if seconds is None else seconds)

    def pointer(self):
        self.invoke(
            "New-ServicePrincipal",
            AppId=self.principal["appId"],
            ObjectId=self.id,
            DisplayName="Scanner",
        )
        self.wait()

    def scope(self, name="one", text=f"ExternalDirectoryObjectId -eq '{RECEPTION}'"):
        [scope] = self.invoke("New-ManagementScope", Name=name, RecipientRestrictionFilter=text)
        self.wait()
        return scope

    def assign(self, role=SEND, **scope):
        [assignment] = self.invoke(
            "New-ManagementRoleAssignment", Name=f"Scanner {role}", App=self.id, Role=role, **scope
        )
        return assignment

    def unassign(self, role=SEND):
        self.invoke("Remove-ManagementRoleAssignment", Identity=f"Scanner {role}")

    def group(self, *members):
        return self.deployment.group("Scanned", *members)

    def rows(self, mailbox=None):
        found = self.invoke(
            "Test-ServicePrincipalAuthorization",
            Identity=self.id,
            **({"Resource": mailbox} if mailbox else {}),
        )
        return [
            (r["RoleName"], r["AllowedResourceScope"], r["ScopeType"], r["InScope"]) for r in found
        ]

    def send(self, mailbox="reception@contoso.com"):
        """The status of a mail that the application sends as a mailbox, and what it is told."""
        token = self.tenant.entra.issue_token(
            self.principal["appId"], "https://graph.microsoft.com"
        )
        answer = self.tenant.graph.request(
            "POST",
            f"/v1.0/users/{seeded_id(mailbox.partition('@')[0])}/sendMail",
            message(),
            token=token,
            headers={"Content-Type": "application/json"},
        )
        return answer.status, (answer.body or {}).get("error", {}).get("message")


@pytest.fixture
def applications(tenant, deployment):
    return Applications(tenant, deployment)


@pytest.fixture
def scoped(applications):
    """An application that may send as Reception, and for which every lag is over."""
    applications.pointer()
    applications.scope()
    applications.assign(CustomResourceScope="one")
    applications.wait(HALF_AN_HOUR)
    return applications


DENIED = (403, permission_missing().message)


class TestTheRefusals:
    def test_a_pointer_needs_both_ids_of_one_enterprise_application(self, applications):
        for ids in (
            {"AppId": applications.id, "ObjectId": applications.id},
            {"AppId": applications.principal["appId"], "ObjectId": RECEPTION},
        ):
            assert "couldn't be found" in str(
                refusal(applications.invoke, "New-ServicePrincipal", **ids)
            )

    def test_a_test_of_a_pointer_that_there_is_not(self, applications):
        assert "ManagementObjectNotFoundException" in str(refusal(applications.rows))

    def test_a_second_pointer(self, applications):
        applications.pointer()
        assert "ADObjectAlreadyExistsException" in str(refusal(applications.pointer))

    def test_a_pointer_that_the_next_domain_controller_has_not_heard_of(self, applications):
        applications.invoke(
            "New-ServicePrincipal", AppId=applications.principal["appId"], ObjectId=applications.id
        )
        assert "ManagementObjectNotFoundException" in str(refusal(applications.assign))
        applications.wait()
        applications.assign()

    def test_an_assignment_that_the_next_domain_controller_has_not_heard_of(self, applications):
        applications.pointer()
        applications.scope()
        applications.assign(CustomResourceScope="one")
        read = ("Get-ManagementRoleAssignment",)
        assert applications.invoke(*read, RoleAssignee=applications.id) == []
        assert applications.rows() == []
        applications.wait()
        [found] = applications.invoke(*read, RoleAssignee=applications.id)
        assert applications.invoke(*read, Identity=found["Name"]) == [found]
        assert applications.invoke(*read, Role="Application Mail.Read") == []
        assert len(applications.rows()) == 1

    def test_a_pointer_that_is_assigned_a_role_cannot_go(self, scoped):
        remove = ("Remove-ServicePrincipal",)
        assert "assigned" in str(refusal(scoped.invoke, *remove, Identity=scoped.id))
        scoped.unassign()
        scoped.invoke(*remove, Identity=scoped.id)
        assert scoped.invoke("Get-ServicePrincipal") == []

    def test_a_scope_that_an_assignment_binds_to_cannot_go(self, scoped):
        remove = ("Remove-ManagementScope",)
        error = refusal(scoped.invoke, *remove, Identity="one")
        assert "System.InvalidOperationException|" in str(error)
        scoped.unassign()
        scoped.invoke(*remove, Identity="one")
        assert scoped.invoke("Get-ManagementScope") == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("reception@contoso.com", "Invalid filter syntax"),
            ("Nonsense -eq 'x'", "not a recognized filterable property"),
        ],
    )
    def test_a_filter_that_is_none(self, applications, text, said):
        assert said in str(refusal(applications.scope, text=text))

    def test_names_that_are_taken_or_too_long(self, scoped):
        assert "already exists" in str(refusal(scoped.scope))
        assert "already exists" in str(refusal(scoped.assign))
        assert "maximum length is 64" in str(refusal(scoped.scope, "n" * 65))

    def test_a_role_or_a_scope_that_there_is_not(self, applications):
        applications.pointer()
        for role, scope in (
            ("Application Mail.Everything", {}),
            (SEND, {"CustomResourceScope": "nothing"}),
            (SEND, {"RecipientGroupScope": "reception@contoso.com"}),
            (SEND, {"RecipientAdministrativeUnitScope": RECEPTION}),
        ):
            assert "ManagementObjectNotFoundException" in str(
                refusal(applications.assign, role, **scope)
            )

    def test_two_scopes_at_once(self, applications):
        applications.pointer()
        applications.scope()
        scopes = {"CustomResourceScope": "one", "RecipientGroupScope": "Building Access"}
        assert "together" in str(refusal(applications.assign, **scopes))

    def test_a_scope_of_a_management_role_is_not_simulated(self, applications):
        applications.pointer()
        applications.scope()
        with pytest.raises(NotSimulated):
            applications.assign("Mail Recipients", CustomResourceScope="one")

    def test_in_an_organisation_that_was_never_customised_or_only_just(self, tenant, applications):
        applications.pointer()
        tenant.set_organization_config("IsDehydrated", True)
        for call in (applications.scope, applications.assign):
            said = str(refusal(call))
            assert "InvalidOperationInDehydratedContextException" in said
            assert "first need to run the command: Enable-OrganizationCustomization." in said
        tenant.set_organization_config("IsDehydrated", False)
        refusal(applications.scope)
        applications.wait(3600)
        applications.scope()


class TestWhoMayAssign:
    @pytest.fixture
    def deploy(self, tenant, applications):
        """Another application, with Role Management and a delegating assignment of one role."""
        deploy = tenant.entra.add_service_principal("deploy", kind="Application")
        online = tenant.entra.service_principal(seeded_id("Office 365 Exchange Online"))
        tenant.clock.advance(tenant.lags["directory"])
        tenant.entra.assign(deploy, online, online["appRoles"][0]["id"])
        applications.pointer()
        applications.scope()
        applications.invoke("New-ServicePrincipal", AppId=deploy["appId"], ObjectId=deploy["id"])
        applications.wait()
        for role, delegating in (("Role Management", False), (SEND, True)):
            applications.invoke(
                "New-ManagementRoleAssignment", App=deploy["id"], Role=role, Delegating=delegating
            )
        applications.wait(HALF_AN_HOUR)
        token = tenant.entra.issue_token(deploy["appId"], "https://outlook.office365.com")
        return tenant.exchange.connect(token=token, organization="contoso.onmicrosoft.com")

    def test_whoever_has_a_delegating_assignment_of_that_role(self, applications, deploy):
        given = {"Name": "by deploy", "App": applications.id, "CustomResourceScope": "one"}
        deploy.invoke("New-ManagementRoleAssignment", given | {"Role": SEND})
        applications.wait()
        deploy.invoke("Remove-ManagementRoleAssignment", {"Identity": "by deploy"})

    def test_and_no_other_role_nor_the_removal_of_it(self, applications, deploy):
        for role in ("Application Mail.Read", "Mail Recipients"):
            given = {"App": applications.id, "Role": role, "Name": "more"}
            said = str(refusal(deploy.invoke, "New-ManagementRoleAssignment", given))
            assert 'change, or remove the "contoso.onmicrosoft.com\\more" management' in said
            assert "You must be assigned a delegating role assignment to the management" in said
        applications.assign("Application Mail.Read")
        applications.wait()
        name = {"Identity": "Scanner Application Mail.Read"}
        refusal(deploy.invoke, "Remove-ManagementRoleAssignment", name)

    def test_a_delegating_assignment_opens_no_mailbox(self, tenant, applications):
        applications.pointer()
        applications.assign(Delegating=True)
        applications.wait(HALF_AN_HOUR)
        assert applications.rows("reception@contoso.com") == []
        assert applications.send() == DENIED
        assert tenant.violations() == []

    def test_whoever_is_of_organization_management_by_that_group(self, applications, deploy):
        def shown(assignee, **only):
            found = applications.invoke(
                "Get-ManagementRoleAssignment", RoleAssignee=assignee, Role=SEND, **only
            )
            return [(a["RoleAssigneeType"], a["RoleAssignmentDelegationType"]) for a in found]

        group = ("RoleGroup", "DelegatingOrgWide")
        assert shown(EXCHANGE_ADMINISTRATOR) == [group]
        assert shown(applications.id) == []
        member = {"Member": applications.id, "BypassSecurityGroupManagerCheck": True}
        applications.invoke("Add-RoleGroupMember", Identity="Organization Management", **member)
        assert shown(applications.id) == [group]
        unknown = {"RoleAssignee": "somebody@contoso.com"}
        refusal(applications.invoke, "Get-ManagementRoleAssignment", **unknown)

    def test_with_a_management_role_that_has_the_cmdlets(self, deploy):
        assert "Test-ServicePrincipalAuthorization" in deploy.cmdlets
        assert "New-ApplicationAccessPolicy" not in deploy.cmdlets


class TestWhatAScopeBindsTo:
    def test_a_filter_by_object_id(self, scoped):
        assert scoped.rows("reception@contoso.com") == [
            (SEND, "one", "CustomRecipientScope", "True")
        ]
        assert scoped.rows("finance@contoso.com") == [
            (SEND, "one", "CustomRecipientScope", "False")
        ]
        assert scoped.rows() == [(SEND, "one", "CustomRecipientScope", "Not Run")]

    def test_exchange_shows_a_filter_in_its_own_spelling(self, scoped):
        [scope] = scoped.invoke("Get-ManagementScope", Identity="one")
        assert scope["RecipientFilter"] == f"(ExternalDirectoryObjectId -eq '{RECEPTION}')"

    def test_an_identity_with_a_wildcard_finds_all_that_match(self, scoped):
        for cmdlet in ("Get-ManagementScope", "Get-ManagementRoleAssignment"):
            [found] = scoped.invoke(cmdlet, Identity=f"{scoped.invoke(cmdlet)[0]['Name'][:2]}*")
            assert found == scoped.invoke(cmdlet, Identity=found["Name"])[0]
            assert scoped.invoke(cmdlet, Identity="nothing*") == []

    def test_a_scope_that_is_set_binds_every_assignment_to_another_mailbox(self, scoped):
        changed = f"ExternalDirectoryObjectId -eq '{FINANCE}'"
        scoped.invoke("Set-ManagementScope", Identity="one", RecipientRestrictionFilter=changed)
        assert scoped.send() == DENIED
        assert scoped.send("finance@contoso.com")[0] == 202

    def test_the_direct_members_of_a_group(self, applications):
        inner = applications.group("finance@contoso.com")
        outer = applications.deployment.group("Outer", "reception@contoso.com", inner["Guid"])
        applications.pointer()
        assignment = applications.assign(RecipientGroupScope=outer["Guid"])
        assert assignment["RecipientWriteScope"] == "Group"
        assert assignment["CustomResourceScope"] == "Outer"
        applications.wait()
        assert applications.rows("reception@contoso.com") == [(SEND, "Outer", "Group", "True")]
        assert applications.rows("finance@contoso.com") == [(SEND, "Outer", "Group", "False")]

    def test_an_administrative_unit(self, tenant, applications):
        unit = tenant.add_administrative_unit("Front office", ["reception@contoso.com"])
        applications.pointer()
        applications.assign(RecipientAdministrativeUnitScope=unit)
        applications.wait()
        kind = "AdministrativeUnit"
        assert applications.rows("reception@contoso.com") == [(SEND, unit, kind, "True")]
        assert applications.rows("finance@contoso.com") == [(SEND, unit, kind, "False")]

    def test_a_filter_by_group_goes_stale_where_the_group_is_relocated(self, tenant, applications):
        group = applications.group("reception@contoso.com")
        applications.pointer()
        applications.scope(text=f"MemberOfGroup -eq '{group['DistinguishedName']}'")
        applications.assign(CustomResourceScope="one")
        applications.assign("Application Mail.Read", RecipientGroupScope=group["Guid"])
        applications.wait()
        assert [row[3] for row in applications.rows("reception@contoso.com")] == ["True", "True"]
        tenant.relocate(group["PrimarySmtpAddress"])
        assert [row[3] for row in applications.rows("reception@contoso.com")] == ["False", "True"]

    def test_an_assignment_without_one_reaches_every_mailbox(self, tenant, applications):
        applications.pointer()
        applications.assign()
        applications.wait(HALF_AN_HOUR)
        assert applications.rows("finance@contoso.com") == [(SEND, "", "Organization", "True")]
        assert applications.send("finance@contoso.com")[0] == 202
        [violation] = tenant.violations()
        assert violation.identity == applications.id

    def test_and_so_does_one_whose_group_was_removed(self, tenant, applications):
        group = applications.group("reception@contoso.com")
        applications.pointer()
        applications.assign(RecipientGroupScope=group["Guid"])
        assert tenant.violations() == []
        applications.invoke(
            "Remove-DistributionGroup",
            Identity=group["Guid"],
            BypassSecurityGroupManagerCheck=True,
        )
        applications.wait()
        assert applications.rows("finance@contoso.com") == [(SEND, "", "Group", "True")]
        assert len(tenant.violations()) == 1

    def test_composite_roles_confer_each_of_their_permissions(self, applications):
        applications.pointer()
        applications.scope()
        applications.assign("Application Mail Full Access", CustomResourceScope="one")
        applications.wait(HALF_AN_HOUR)
        assert applications.send()[0] == 202
        assert APPLICATION_ROLES["Application Exchange Full Access"][:2] == (
            "Mail.ReadWrite",
            "Mail.Send",
        )


class TestWhatGraphGoesBy:
    def test_a_role_opens_the_mailboxes_in_its_scope_and_no_other(self, tenant, scoped):
        tenant.set_sending_is_tried(True)
        assert scoped.send() == (202, None)
        assert scoped.send("finance@contoso.com") == DENIED
        assert tenant.violations() == []

    def test_half_an_hour_later_where_the_application_is_idle(self, applications):
        applications.pointer()
        applications.scope()
        applications.assign(CustomResourceScope="one")
        applications.wait(HALF_AN_HOUR)
        assert applications.send()[0] == 202

    def test_and_two_hours_later_where_it_tries_again_and_again(self, applications):
        applications.pointer()
        applications.scope()
        assert applications.send() == DENIED
        applications.assign(CustomResourceScope="one")
        answers = []
        for _ in range(7):
            applications.wait(HALF_AN_HOUR - 600)
            answers.append(applications.send()[0])
        assert answers == [403] * 5 + [202, 202]

    def test_half_an_hour_of_rest_ends_that(self, applications):
        applications.pointer()
        applications.scope()
        applications.assign(CustomResourceScope="one")
        applications.wait(HALF_AN_HOUR - 60)
        assert applications.send() == DENIED
        applications.wait(HALF_AN_HOUR + 60)
        assert applications.send()[0] == 202

    def test_what_is_taken_back_goes_on_for_as_long(self, tenant, scoped):
        tenant.set_sending_is_tried(True)
        assert scoped.send()[0] == 202
        scoped.unassign()
        assert scoped.rows() == []
        assert scoped.send()[0] == 202
        scoped.wait(HALF_AN_HOUR)
        assert scoped.send() == DENIED
        assert tenant.violations() == []

    def test_a_grant_in_entra_adds_to_it(self, tenant, scoped):
        scoped.deployment.policy(scoped.principal["appId"], "Building Access")
        scoped.deployment.grant(scoped.principal)
        scoped.deployment.wait_for_policies()
        # The policy is for Reception as well, and bears on the grant alone.
        assert scoped.send() == (202, None)
        assert scoped.send("finance@contoso.com") == (403, "Access to OData is disabled.")

    def test_a_grant_in_entra_without_a_policy_makes_the_scope_worthless(self, tenant, scoped):
        tenant.set_sending_is_tried(True)
        scoped.deployment.grant(scoped.principal)
        assert scoped.send("finance@contoso.com")[0] == 202
        assert "holds Mail.Send by an app role assignment" in tenant.violations()[0].text
        assert "mailboxes outside its scope" in tenant.violations()[1].text

    def test_a_policy_does_not_bear_on_a_role(self, scoped):
        group = scoped.deployment.group("Others", "finance@contoso.com")
        scoped.deployment.policy(scoped.principal["appId"], group["Guid"])
        scoped.deployment.wait_for_policies()
        assert scoped.send() == (202, None)

    def test_only_roles_count_where_that_is_enforced(self, tenant, scoped):
        tenant.set_organization_config("EnforceExoAppRbacPermissions", True)
        scoped.deployment.grant(scoped.principal)
        assert scoped.send() == (202, None)
        assert scoped.send("finance@contoso.com") == DENIED


class TestTheEndOfAPrincipalInEntra:
    def test_takes_pointer_and_assignments_along_and_leaves_the_scope(self, tenant, scoped):
        tenant.entra.remove_service_principal(scoped.id)
        assert scoped.invoke("Get-ServicePrincipal") == []
        assert scoped.invoke("Get-ManagementRoleAssignment") == []
        assert [scope["Name"] for scope in scoped.invoke("Get-ManagementScope")] == ["one"]
        scoped.invoke("Remove-ManagementScope", Identity="one")

    def test_shows_later_where_exchange_lags(self, tenant, scoped):
        tenant.set_lag("pointer", 600)
        tenant.entra.remove_service_principal(scoped.id)
        assert len(scoped.invoke("Get-ServicePrincipal")) == 1
        scoped.wait(600)
        assert scoped.invoke("Get-ServicePrincipal") == []
