import pytest

from simulator.tenant import TENANT_ID, ExchangeError, NotSimulated
from simulator.testing.deployment import connect, refusal

BYPASS = {"BypassSecurityGroupManagerCheck": True}
NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"


def new_mailbox(session, **parameters):
    return session.invoke("New-Mailbox", {"Shared": True, "Name": "Notifications"} | parameters)[0]


def new_group(session, **parameters):
    return session.invoke(
        "New-DistributionGroup", {"Name": "Scope", "Type": "Security"} | parameters
    )[0]


def read(session, cmdlet, identity):
    [found] = session.invoke(cmdlet, {"Identity": identity})
    return found


class TestANewObjectIsNotFoundAtOnce:
    @pytest.mark.parametrize("create", [new_mailbox, new_group])
    def test_by_identity_or_by_filter_until_the_lag_has_passed(self, tenant, session, create):
        created = create(session)
        filtered = {"Filter": f"DisplayName -eq '{created['DisplayName']}'"}
        tenant.clock.advance(tenant.lags["exchange"] - 0.001)
        error = refusal(read, session, "Get-Recipient", created["Guid"])
        assert error.exception_type == NOT_FOUND
        assert str(error).endswith(
            f"|The operation couldn't be performed because object '{created['Guid']}' couldn't be "
            "found on 'AM0PR05A12DC001.EURPR05A012.PROD.OUTLOOK.COM'."
        )
        assert session.invoke("Get-Recipient", filtered) == []
        tenant.clock.advance(0.001)
        assert read(session, "Get-Recipient", created["Guid"])["Guid"] == created["Guid"]
        assert len(session.invoke("Get-Recipient", filtered)) == 1

    def test_but_its_address_is_taken_at_once(self, session):
        new_mailbox(session, Alias="notifications")
        error = refusal(new_mailbox, session, Name="Other", Alias="notifications")
        assert error.message.startswith(
            'The proxy address "smtp:notifications@contoso.com" is already being used by the '
            "proxy addresses or LegacyExchangeDN of"
        )
        assert error.message.endswith("Please choose another proxy address.")


class TestSharedMailbox:
    def test_its_name_is_lost_and_its_object_id_is_the_entra_users(self, tenant, session):
        mailbox = new_mailbox(session)
        assert mailbox["Name"] == mailbox["Identity"] == mailbox["ExternalDirectoryObjectId"]
        assert mailbox["DisplayName"] == "Notifications"
        assert mailbox["RecipientTypeDetails"] == "SharedMailbox"

    def test_its_name_stays_in_a_tenant_that_keeps_names(self, tenant, session):
        tenant.set_mailbox_names_are_object_ids(False)
        assert new_mailbox(session)["Name"] == "Notifications"
        assert "already exists" in str(refusal(new_mailbox, session, Alias="another"))

    def test_its_address_is_not_its_user_principal_name(self, session):
        mailbox = new_mailbox(session, PrimarySmtpAddress="alerts@contoso.com")
        assert mailbox["UserPrincipalName"] == "Notifications@contoso.onmicrosoft.com"

    def test_its_account_starts_enabled_and_can_be_disabled(self, deployment, session):
        mailbox = deployment.mailbox()
        assert mailbox["AccountDisabled"] is False
        session.invoke("Set-Mailbox", {"Identity": mailbox["Guid"], "AccountDisabled": True})
        assert read(session, "Get-Mailbox", mailbox["Guid"])["AccountDisabled"] is True

    def test_its_address_comes_from_the_alias_and_the_alias_from_the_name(self, session):
        mailbox = new_mailbox(session, Name="Logic App Notifications")
        assert mailbox["Alias"] == "LogicAppNotifications"
        assert mailbox["EmailAddresses"] == [
            "SMTP:LogicAppNotifications@contoso.com",
            "smtp:LogicAppNotifications@contoso.onmicrosoft.com",
        ]

    def test_a_changed_primary_address_keeps_the_former(self, deployment, session):
        mailbox = deployment.mailbox(Alias="before")
        session.invoke(
            "Set-Mailbox",
            {"Identity": mailbox["Guid"], "WindowsEmailAddress": "after@contoso.com"},
        )
        changed = read(session, "Get-Mailbox", "before@contoso.com")
        assert changed["PrimarySmtpAddress"] == "after@contoso.com"
        assert "smtp:before@contoso.com" in changed["EmailAddresses"]

    def test_marks_visibility_and_names_are_kept(self, deployment, session):
        mailbox = deployment.mailbox()
        settings = {
            "CustomAttribute15": "mark",
            "DisplayName": "Ünïcode Name",
            "HiddenFromAddressListsEnabled": True,
            "Alias": "other.alias",
        }
        session.invoke("Set-Mailbox", {"Identity": mailbox["Guid"]} | settings)
        changed = read(session, "Get-Mailbox", "other.alias")
        assert {name: changed[name] for name in settings} == settings
        assert "smtp:other.alias@contoso.onmicrosoft.com" in changed["EmailAddresses"]

    def test_an_attribute_of_several_values_is_added_to_taken_from_and_filtered(
        self, deployment, session
    ):
        identity = {"Identity": deployment.mailbox()["Guid"]}

        def change(given):
            session.invoke("Set-Mailbox", identity | {"ExtensionCustomAttribute5": given})
            [shown] = session.invoke("Get-Recipient", identity)
            return shown["ExtensionCustomAttribute5"]

        assert change(["a", "b"]) == ["a", "b"]
        assert change({"Add": ["mark 1"], "Remove": ["A", "not there"]}) == ["b", "mark 1"]
        for text in ("-eq 'B'", "-eq 'mark 1'", "-like 'mark*'"):
            found = session.invoke("Get-Recipient", {"Filter": f"ExtensionCustomAttribute5 {text}"})
            assert [one["Guid"] for one in found] == [identity["Identity"]]
        assert isinstance(refusal(change, {"Add": ["b"]}), NotSimulated)
        assert isinstance(refusal(change, ["x" * 1025]), ExchangeError)
        assert isinstance(refusal(change, ["x"] * 1301), ExchangeError)
        assert change([]) == []

    def test_no_other_parameter_takes_such_a_change(self, deployment, session):
        owners = {"Identity": deployment.group()["Guid"], "ManagedBy": {"Add": ["Finance"]}}
        error = refusal(session.invoke, "Set-DistributionGroup", owners | BYPASS)
        assert isinstance(error, NotSimulated)

    @pytest.mark.parametrize("cmdlet", ["Get-Mailbox", "Get-Recipient"])
    def test_display_names_are_no_identities(self, deployment, session, cmdlet):
        deployment.mailbox("Logic App Notifications")
        assert refusal(read, session, cmdlet, "Logic App Notifications").exception_type == NOT_FOUND

    @pytest.mark.parametrize("cmdlet", ["Get-Mailbox", "Get-Recipient"])
    @pytest.mark.parametrize("identity", ["", None])
    def test_an_empty_identity_returns_them_all(self, session, cmdlet, identity):
        everything = session.invoke(cmdlet, {})
        assert len(everything) > 1
        assert session.invoke(cmdlet, {"Identity": identity}) == everything

    def test_a_group_is_no_mailbox(self, session):
        assert (
            refusal(read, session, "Get-Mailbox", "AllStaff@contoso.com").exception_type
            == NOT_FOUND
        )

    def test_other_kinds_of_mailbox_are_not_simulated(self, session):
        with pytest.raises(NotSimulated):
            session.invoke("New-Mailbox", {"Name": "Person", "MicrosoftOnlineServicesID": "a@b"})

    def test_parameters_beyond_the_simulation_are_not_ignored(self, session):
        with pytest.raises(NotSimulated, match="LitigationHoldEnabled"):
            session.invoke(
                "Set-Mailbox", {"Identity": "finance@contoso.com", "LitigationHoldEnabled": True}
            )


class TestNamesAndAddressesAreChecked:
    @pytest.mark.parametrize(
        ("parameters", "text"),
        [
            ({"Name": "x" * 65}, "The maximum length is 64 and the length of the value provided"),
            ({"Name": "Büro"}, 'property "Name" contains invalid characters'),
            ({"Name": "a@b"}, 'property "Name" contains invalid characters'),
            ({"DisplayName": "x" * 257}, "The maximum length is 256"),
            ({"Alias": "two words"}, 'Property expression "two words" isn\'t valid.'),
            ({"Alias": "dot..dot"}, "isn't valid."),
            ({"Alias": ".dot"}, "isn't valid."),
            ({"Alias": "x" * 65}, "The maximum length is 64"),
            ({"PrimarySmtpAddress": "nobody"}, 'The email address "nobody" isn\'t correct.'),
            ({"PrimarySmtpAddress": "a@fabrikam.com"}, "it's not an accepted domain for your"),
            ({"PrimarySmtpAddress": "finance@contoso.com"}, "is already being used"),
            ({"PrimarySmtpAddress": "Finance@CONTOSO.com"}, "is already being used"),
        ],
    )
    @pytest.mark.parametrize("create", [new_mailbox, new_group])
    def test_and_refused_with_nothing_left_behind(self, tenant, session, create, parameters, text):
        before = tenant.snapshot()
        error = refusal(create, session, **parameters)
        assert isinstance(error, ExchangeError)
        assert text in error.message
        assert tenant.snapshot() == before

    def test_a_change_is_checked_like_a_creation(self, session):
        for parameters in (
            {"Alias": "two words"},
            {"DisplayName": "x" * 257},
            {"WindowsEmailAddress": "a@fabrikam.com"},
            {"WindowsEmailAddress": "reception@contoso.com"},
            {"Alias": "reception"},
        ):
            error = refusal(
                session.invoke, "Set-Mailbox", {"Identity": "finance@contoso.com"} | parameters
            )
            assert isinstance(error, ExchangeError), parameters

    def test_a_mailbox_may_keep_its_own_address(self, session):
        session.invoke(
            "Set-Mailbox",
            {"Identity": "finance@contoso.com", "WindowsEmailAddress": "finance@contoso.com"},
        )

    def test_a_group_cannot_take_anothers_name(self, session):
        error = refusal(new_group, session, Name="All Staff", Alias="another")
        assert "The object 'CN=All Staff,OU=contoso.onmicrosoft.com" in error.message


class TestARemovedMailboxIsKeptForThirtyDays:
    @pytest.fixture
    def removed(self, deployment, session):
        mailbox = deployment.mailbox()
        session.invoke("Remove-Mailbox", {"Identity": mailbox["Guid"]})
        return mailbox

    def test_it_is_found_among_the_soft_deleted_only(self, tenant, session, removed):
        assert refusal(read, session, "Get-Mailbox", removed["Guid"]).exception_type == NOT_FOUND
        soft_deleted = {"Identity": removed["Guid"], "SoftDeletedMailbox": True}
        assert refusal(session.invoke, "Get-Mailbox", soft_deleted).exception_type == NOT_FOUND
        tenant.clock.advance(tenant.lags["exchange"])
        [kept] = session.invoke("Get-Mailbox", soft_deleted)
        assert kept["WhenSoftDeleted"]
        assert list(tenant.snapshot()["softDeletedMailboxes"]) == [
            removed["ExternalDirectoryObjectId"]
        ]

    def test_and_then_gone(self, tenant, removed):
        tenant.clock.advance(30 * 24 * 3600 - 1)
        assert tenant.snapshot()["softDeletedMailboxes"]
        tenant.clock.advance(1)
        assert not tenant.snapshot()["softDeletedMailboxes"]

    def test_a_new_mailbox_with_its_address_has_a_new_object_id(self, session, removed):
        again = new_mailbox(session)
        assert again["PrimarySmtpAddress"] == removed["PrimarySmtpAddress"]
        assert again["ExternalDirectoryObjectId"] != removed["ExternalDirectoryObjectId"]

    def test_it_can_be_removed_for_good(self, tenant, session, removed):
        tenant.clock.advance(tenant.lags["exchange"])
        for key in ("Guid", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "Name"):
            with pytest.raises(ExchangeError, match="couldn't be found"):
                session.invoke(
                    "Remove-Mailbox", {"Identity": removed[key], "PermanentlyDelete": True}
                )
        session.invoke(
            "Remove-Mailbox", {"Identity": removed["ExchangeGuid"], "PermanentlyDelete": True}
        )
        assert not tenant.snapshot()["softDeletedMailboxes"]

    def test_a_live_mailbox_cannot_be_removed_for_good(self, session):
        error = refusal(
            session.invoke,
            "Remove-Mailbox",
            {"Identity": "finance@contoso.com", "PermanentlyDelete": True},
        )
        assert error.exception_type == NOT_FOUND

    def test_its_groups_have_an_owner_less(self, session):
        owned = read(session, "Get-DistributionGroup", "AllStaff@contoso.com")
        assert owned["ManagedBy"] == ["Reception"]
        session.invoke("Remove-Mailbox", {"Identity": "reception@contoso.com"})
        assert read(session, "Get-DistributionGroup", "AllStaff@contoso.com")["ManagedBy"] == []

    def test_it_leaves_its_groups(self, deployment, session):
        mailbox = deployment.mailbox()
        group = new_group(session, Members=[mailbox["Guid"]])
        session.invoke("Remove-Mailbox", {"Identity": mailbox["Guid"]})
        deployment.wait_for_recipients()
        assert session.invoke("Get-DistributionGroupMember", {"Identity": group["Guid"]}) == []


class TestGroup:
    def test_its_type_decides_whether_it_is_a_security_principal(self, deployment, session):
        types = {}
        for kind in ("Security", "Distribution"):
            group = deployment.group(f"A {kind}", Type=kind)
            recipient = read(session, "Get-Recipient", group["Guid"])
            types[recipient["RecipientTypeDetails"]] = recipient["IsValidSecurityPrincipal"]
        assert types == {
            "MailUniversalSecurityGroup": True,
            "MailUniversalDistributionGroup": False,
        }

    def test_without_a_type_it_is_a_distribution_group(self, session):
        [group] = session.invoke("New-DistributionGroup", {"Name": "Plain"})
        assert group["RecipientTypeDetails"] == "MailUniversalDistributionGroup"

    def test_nobody_owns_what_an_application_creates(self, session):
        assert new_group(session)["ManagedBy"] == []

    def test_an_owner_must_be_able_to_own(self, session):
        assert new_group(session, ManagedBy=["finance@contoso.com"])["ManagedBy"] == ["Finance"]
        assert (
            refusal(
                new_group, session, Name="Second", ManagedBy=["AllStaff@contoso.com"]
            ).exception_type
            == NOT_FOUND
        )

    @pytest.mark.parametrize("parameter", ["MemberJoinRestriction", "MemberDepartRestriction"])
    def test_a_security_group_cannot_be_open(self, session, parameter):
        assert "can't be Open" in str(refusal(new_group, session, **{parameter: "Open"}))
        assert new_group(session, **{parameter: "Closed"})[parameter] == "Closed"

    def test_settings_are_kept(self, deployment, session):
        group = deployment.group(PrimarySmtpAddress="before@contoso.com")
        assert group["RequireSenderAuthenticationEnabled"] is True
        settings = {
            "Name": "Renamed",
            "DisplayName": "Renamed Group",
            "PrimarySmtpAddress": "after@contoso.com",
            "CustomAttribute15": "mark",
            "HiddenFromAddressListsEnabled": True,
            "RequireSenderAuthenticationEnabled": False,
            "ManagedBy": ["finance@contoso.com"],
            "Description": ["what it is for"],
        }
        session.invoke("Set-DistributionGroup", {"Identity": group["Guid"]} | settings | BYPASS)
        changed = read(session, "Get-DistributionGroup", "before@contoso.com")
        assert {name: changed[name] for name in settings} == settings | {"ManagedBy": ["Finance"]}

    def test_its_last_owner_cannot_be_taken(self, deployment, session):
        group = deployment.group(ManagedBy=["finance@contoso.com"])
        error = refusal(
            session.invoke,
            "Set-DistributionGroup",
            {"Identity": group["Guid"], "ManagedBy": []} | BYPASS,
        )
        assert error.message == "A group must have at least one owner."


class TestAGroupChangesOnlyForAnOwnerOrWithTheBypass:
    @pytest.mark.parametrize(
        ("cmdlet", "parameters"),
        [
            ("Set-DistributionGroup", {"DisplayName": "Changed"}),
            ("Add-DistributionGroupMember", {"Member": "finance@contoso.com"}),
            ("Remove-DistributionGroupMember", {"Member": "reception@contoso.com"}),
            ("Update-DistributionGroupMember", {"Members": ["finance@contoso.com"]}),
            ("Remove-DistributionGroup", {}),
        ],
    )
    def test_as_the_deploying_application_is_never_one(self, tenant, session, cmdlet, parameters):
        before = tenant.snapshot()
        parameters = {"Identity": "BuildingAccess@contoso.com"} | parameters
        error = refusal(session.invoke, cmdlet, parameters)
        assert error.exception_type.endswith(".OperationRequiresGroupManagerException")
        assert error.message == (
            "You don't have sufficient permissions. This operation can only be performed by a "
            "manager of the group."
        )
        assert tenant.snapshot() == before
        session.invoke(cmdlet, parameters | BYPASS)
        assert tenant.snapshot() != before


class TestMembers:
    def members(self, session, group):
        found = session.invoke("Get-DistributionGroupMember", {"Identity": group["Guid"]})
        return [member["PrimarySmtpAddress"] for member in found]

    def test_are_added_and_removed_one_by_one(self, deployment, session):
        group = deployment.group("Scope", "finance@contoso.com")
        one = {"Identity": group["Guid"], "Member": "reception@contoso.com"} | BYPASS
        session.invoke("Add-DistributionGroupMember", one)
        assert self.members(session, group) == ["finance@contoso.com", "reception@contoso.com"]
        error = refusal(session.invoke, "Add-DistributionGroupMember", one)
        assert error.exception_type.endswith(".MemberAlreadyExistsException")
        session.invoke("Remove-DistributionGroupMember", one)
        assert self.members(session, group) == ["finance@contoso.com"]
        error = refusal(session.invoke, "Remove-DistributionGroupMember", one)
        assert error.exception_type.endswith(".MemberNotFoundException")

    def test_are_replaced_all_at_once(self, deployment, session):
        group = deployment.group("Scope", "finance@contoso.com")
        update = {"Identity": group["Guid"], "Members": ["reception@contoso.com"]} | BYPASS
        session.invoke("Update-DistributionGroupMember", update)
        assert self.members(session, group) == ["reception@contoso.com"]

    def test_that_are_too_new_are_not_found(self, deployment, session):
        group = deployment.group()
        mailbox = new_mailbox(session)
        add = {"Identity": group["Guid"], "Member": mailbox["Guid"]} | BYPASS
        error = refusal(session.invoke, "Add-DistributionGroupMember", add)
        assert error.exception_type == NOT_FOUND

    def test_a_removed_group_leaves_the_groups_that_held_it(self, deployment, session):
        inner = deployment.group("Inner")
        outer = deployment.group("Outer", inner["Guid"])
        session.invoke("Remove-DistributionGroup", {"Identity": inner["Guid"]} | BYPASS)
        assert self.members(session, outer) == []


class TestFilters:
    def addresses(self, session, text, cmdlet="Get-Recipient"):
        found = session.invoke(cmdlet, {"Filter": text})
        return [recipient["PrimarySmtpAddress"] for recipient in found]

    def test_find_by_address_in_any_case(self, session):
        assert self.addresses(session, "EmailAddresses -eq 'smtp:Finance@contoso.com'") == [
            "finance@contoso.com"
        ]

    def test_join_by_or(self, session):
        text = "DisplayName -eq 'Finance' -or DisplayName -eq 'Reception' -or Alias -eq 'nobody'"
        assert sorted(self.addresses(session, text)) == [
            "finance@contoso.com",
            "reception@contoso.com",
        ]

    def test_a_quote_is_written_twice(self, deployment, session):
        mailbox = deployment.mailbox(DisplayName="Finance's")
        assert self.addresses(session, "DisplayName -eq 'Finance''s'") == [
            mailbox["PrimarySmtpAddress"]
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "DisplayName -eq Finance",
            "DisplayName = 'Finance'",
            "DisplayName -eq 'Finance's'",
            "DisplayName -eq 'Finance' or Alias -eq 'x'",
            "DisplayName -eq 'Finance' -or",
            "Nonsense -eq 'x'",
            "HiddenFromAddressListsEnabled -eq 'x'",
        ],
    )
    def test_that_are_none_are_refused(self, session, text):
        assert isinstance(refusal(self.addresses, session, text), ExchangeError)

    @pytest.mark.parametrize(
        "text",
        [
            "DisplayName -like '*ance'",
            "DisplayName -like 'F?nance'",
            "DisplayName -like 'Finance'",
            "DisplayName -ne 'Finance'",
            "DisplayName -eq 'Fin*'",
            "DisplayName -eq 'Finance' -and Alias -eq 'finance'",
        ],
    )
    def test_beyond_the_closed_set_are_not_guessed(self, session, text):
        assert isinstance(refusal(self.addresses, session, text), NotSimulated)

    def test_a_wildcard_ends_a_beginning(self, session):
        assert self.addresses(session, "DisplayName -like 'fin*'") == ["finance@contoso.com"]
        assert self.addresses(session, "DisplayName -like 'in*'") == []

    def test_results_are_cut_at_the_result_size(self, session):
        assert len(session.invoke("Get-Recipient", {"ResultSize": 2})) == 2
        everything = session.invoke("Get-Recipient", {"ResultSize": "Unlimited"})
        assert len(everything) > 2


class TestAnIdentityWithAWildcard:
    """Source: Get-ManagementScope, example 1; Microsoft's page on the parameter Identity."""

    def test_finds_all_that_begin_so(self, session):
        found = session.invoke("Get-Recipient", {"Identity": "F*@contoso.com"})
        assert [each["PrimarySmtpAddress"] for each in found] == ["finance@contoso.com"]
        assert len(session.invoke("Get-Mailbox", {"Identity": "*@contoso.com"})) > 2
        assert session.invoke("Get-Mailbox", {"Identity": "nobody*"}) == []

    def test_changes_nothing_by_it(self, session):
        given = {"Identity": "finan*@contoso.com", "DisplayName": "x"}
        assert "couldn't be found" in str(refusal(session.invoke, "Set-Mailbox", given))


class TestOnlyTheInitialDomainMayWrite:
    @pytest.mark.parametrize("organization", ["contoso.com", TENANT_ID])
    def test_another_name_of_the_organisation_reads_only(self, tenant, organization):
        session = connect(tenant, organization)
        assert read(session, "Get-Mailbox", "finance@contoso.com")
        before = tenant.snapshot()
        for cmdlet, parameters in (
            ("New-Mailbox", {"Shared": True, "Name": "x"}),
            ("Set-Mailbox", {"Identity": "finance@contoso.com", "DisplayName": "x"}),
            ("Remove-Mailbox", {"Identity": "finance@contoso.com"}),
        ):
            error = refusal(session.invoke, cmdlet, parameters)
            assert error.exception_type.endswith(".InsufficientPermissionsException")
            assert "doesn't have write permission to target DC" in error.message
        assert tenant.snapshot() == before

    def test_an_unknown_organisation_is_not_connected_to(self, tenant):
        assert "UnAuthorized" in str(refusal(connect, tenant, "fabrikam.onmicrosoft.com"))


class TestAnIdentityThatStandsForTwo:
    """https://github.com/microsoft/Microsoft365DSC/issues/3741: by its type a "not found"."""

    def test_is_refused_in_the_text_on_record(self, deployment):
        # One is known by its name, the other by its alias.
        deployment.group("payroll.team", Alias="payrollteam2")
        deployment.group("Payroll Readers", Alias="payroll.team")
        error = refusal(deployment.session.invoke, "Get-Recipient", {"Identity": "payroll.team"})
        assert str(error) == (
            "Ex9E65A2|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
            "operation couldn't be performed because 'payroll.team' matches multiple entries."
        )


class TestAnAddressThatSomebodyHadBefore:
    """https://github.com/MicrosoftDocs/OfficeDocs-Support/issues/46: it stays taken for a while."""

    @pytest.mark.parametrize("kind", ["mailbox", "group"])
    def test_is_taken_for_as_long_as_the_tenant_says(self, tenant, deployment, kind):
        tenant.set_lag("address", 600)
        made = getattr(deployment, kind)("Former", PrimarySmtpAddress="former@contoso.com")
        cmdlet, more = {
            "mailbox": ("Remove-Mailbox", {}),
            "group": ("Remove-DistributionGroup", BYPASS),
        }[kind]
        deployment.session.invoke(cmdlet, {"Identity": made["Guid"]} | more)
        tenant.clock.advance(599)
        error = refusal(deployment.mailbox, "Next", PrimarySmtpAddress="Former@contoso.com")
        assert "is already being used by" in error.message
        tenant.clock.advance(1)
        deployment.mailbox("Next", PrimarySmtpAddress="Former@contoso.com")
