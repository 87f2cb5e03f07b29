import pytest

from simulator.exchange_online import ALWAYS_THERE, ASKS, ExchangeOnlineManagement
from simulator.powershell.interface import Arguments, CommandError, PSObject
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ORGANIZATION,
    NotSimulated,
)

LOADED = ["Get-Mailbox", "Set-Mailbox", "Remove-Mailbox", "Get-AcceptedDomain"]


@pytest.fixture
def token(tenant):
    return tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)


@pytest.fixture
def module(tenant):
    return ExchangeOnlineManagement(tenant)


@pytest.fixture
def connected(module, token):
    connect(module, token)
    return module


def run(module, command, *positional, **named):
    found = module.find(command)
    assert found is not None, f"{command} is not loaded"
    return found.invoke(Arguments(named, positional))


def connect(module, token, **named):
    parameters = {
        "AccessToken": token,
        "Organization": ORGANIZATION,
        "CommandName": LOADED,
        "ShowBanner": False,
        "SkipLoadingFormatData": True,
    } | named
    run(module, "Connect-ExchangeOnline", **parameters)


def refused(module, command, **named):
    with pytest.raises(CommandError) as caught:
        run(module, command, **named)
    return caught.value


class TestCmdletsAreThereWhileConnected:
    def test_before_connecting_there_are_three_commands(self, module):
        for command in ALWAYS_THERE:
            assert module.find(command).name == command
        assert module.find("Get-Mailbox") is None
        assert module.find("Get-ChildItem") is None

    def test_afterwards_those_that_were_asked_for(self, connected):
        for command in LOADED:
            assert connected.find(command.upper()).name == command
        assert connected.find("New-Mailbox") is None

    def test_or_all_where_none_is_named(self, module, token):
        run(module, "Connect-ExchangeOnline", AccessToken=token, Organization=ORGANIZATION)
        assert module.find("New-Mailbox")
        assert module.find("Update-DistributionGroupMember")

    def test_a_name_that_nothing_has_is_left_out_silently(self, module, token):
        connect(module, token, CommandName=["Get-Mailbox", "Get-Mailboxx"])
        assert module.find("Get-Mailbox")
        assert module.find("Get-Mailboxx") is None

    def test_names_that_nothing_has_at_all_fail(self, module, token):
        arguments = {"AccessToken": token, "Organization": ORGANIZATION, "CommandName": ["x"]}
        error = refused(module, "Connect-ExchangeOnline", **arguments)
        assert error.message == "No cmdlet assigned to the user have this feature enabled."

    def test_none_is_left_after_disconnecting(self, connected):
        run(connected, "Disconnect-ExchangeOnline", Confirm=False)
        assert connected.find("Get-Mailbox") is None
        assert run(connected, "Get-ConnectionInformation") == []

    def test_the_newest_connection_answers(self, module, token):
        connect(module, token)
        connect(module, token, Organization="contoso.com")
        assert len(run(module, "Get-ConnectionInformation")) == 2
        error = refused(module, "Set-Mailbox", Identity="finance@contoso.com", DisplayName="x")
        assert "doesn't have write permission" in error.message

    def test_their_parameters_can_be_asked_for(self, connected):
        parameters = connected.find("Set-Mailbox").parameters
        assert "WindowsEmailAddress" in parameters
        assert "PrimarySmtpAddress" not in parameters


class TestConnecting:
    def test_needs_an_organisation_and_a_token_of_the_right_kind(self, module, tenant):
        graph = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, "https://graph.microsoft.com")
        for arguments in (
            {"AccessToken": graph, "Organization": ORGANIZATION},
            {"AccessToken": "made up", "Organization": ORGANIZATION},
        ):
            refused(module, "Connect-ExchangeOnline", **arguments)
        assert module.find("Get-Mailbox") is None

    def test_that_fails_has_its_message_for_an_id_since_the_module_throws_it(self, module, tenant):
        token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
        error = refused(
            module, "Connect-ExchangeOnline", AccessToken=token, Organization="fabrikam"
        )
        assert error.message == error.error_id == "UnAuthorized"

    def test_without_an_organisation_fails(self, module, token):
        assert (
            "Organization" in refused(module, "Connect-ExchangeOnline", AccessToken=token).message
        )

    def test_writes_its_module_into_a_folder_that_exists(self, module, token, tmp_path):
        error = refused(
            module,
            "Connect-ExchangeOnline",
            AccessToken=token,
            Organization=ORGANIZATION,
            EXOModuleBasePath=str(tmp_path / "missing"),
        )
        assert "does not exist" in error.message
        connect(module, token, EXOModuleBasePath=str(tmp_path))

    @pytest.mark.parametrize(
        "arguments",
        [
            {"ManagedIdentity": True, "Organization": ORGANIZATION},
            {"UserPrincipalName": "finance@contoso.com"},
            {"AccessToken": "x", "Organization": ORGANIZATION, "Prefix": "EXO"},
            {
                "AccessToken": "x",
                "Organization": ORGANIZATION,
                "ExchangeEnvironmentName": "O365China",
            },
            {"AccessToken": "x", "Organization": ORGANIZATION, "CommandName": ["Get-*"]},
        ],
    )
    def test_in_other_ways_is_not_simulated(self, module, token, arguments):
        if "AccessToken" in arguments:
            arguments = arguments | {"AccessToken": token}
        with pytest.raises(NotSimulated):
            run(module, "Connect-ExchangeOnline", **arguments)


class TestNobodyIsThereToConfirm:
    @pytest.mark.parametrize("command", ["Remove-Mailbox", "Disconnect-ExchangeOnline"])
    def test_what_asks_fails_unless_told_not_to_ask(self, connected, tenant, command):
        before = tenant.snapshot()
        named = {"Identity": "finance@contoso.com"} if command == "Remove-Mailbox" else {}
        for confirm in ({}, {"Confirm": True}):
            error = refused(connected, command, **named, **confirm)
            assert error.message == (
                "PowerShell is in NonInteractive mode. Read and Prompt functionality is not "
                "available."
            )
        assert tenant.snapshot() == before
        assert connected.find("Get-Mailbox")
        run(connected, command, **named, Confirm=False)

    def test_every_removal_asks(self):
        assert [name for name in ASKS if name.startswith("Remove-")] == [
            "Remove-ApplicationAccessPolicy",
            "Remove-DistributionGroup",
            "Remove-DistributionGroupMember",
            "Remove-Mailbox",
            "Remove-ManagementRoleAssignment",
            "Remove-ManagementRoleEntry",
            "Remove-ManagementScope",
            "Remove-ServicePrincipal",
        ]

    def test_what_does_not_ask_does_when_told_to(self, connected):
        named = {"Identity": "finance@contoso.com", "DisplayName": "x"}
        refused(connected, "Set-Mailbox", **named, Confirm=True)
        run(connected, "Set-Mailbox", **named)

    def test_what_if_is_not_simulated_and_does_nothing(self, connected, tenant):
        before = tenant.snapshot()
        with pytest.raises(NotSimulated):
            run(connected, "Remove-Mailbox", Identity="finance@contoso.com", WhatIf=True)
        assert tenant.snapshot() == before


class TestCmdletsAnswerAsInPowerShell:
    def test_objects_have_a_type_and_properties_in_any_case(self, connected):
        [mailbox] = run(connected, "Get-Mailbox", "finance@contoso.com")
        assert isinstance(mailbox, PSObject)
        assert mailbox.type_name.endswith(".Mailbox")
        key = mailbox.key("externaldirectoryobjectid")
        assert key == "ExternalDirectoryObjectId"
        assert mailbox.key("Nonsense") is None

    def test_exchanges_errors_are_plain_exceptions_that_name_their_type(self, connected):
        error = refused(connected, "Get-Mailbox", Identity="nobody@contoso.com")
        code, exception_type, message = error.message.split("|")
        assert code.startswith("Ex")
        assert len(code) == 8
        assert exception_type.endswith(".ManagementObjectNotFoundException")
        assert message.startswith("The operation couldn't be performed because object 'nobody@")
        assert error.exception_type == "System.Exception"
        assert error.error_id.endswith(",Write-ErrorMessage")

    def test_arguments_are_bound_before_anything_is_called(self, connected, tenant):
        before = tenant.calls()
        refused(connected, "Set-Mailbox", Identity="x", PrimarySmtpAddress="a@contoso.com")
        assert tenant.calls() == before

    def test_the_accepted_domains_tell_the_organisation(self, connected):
        domains = run(connected, "Get-AcceptedDomain")
        assert [domain.properties["DomainName"] for domain in domains] == [
            "contoso.com",
            "contoso.onmicrosoft.com",
        ]
