import json

import pytest

from simulator.catalogue import CATALOGUE, catalogue
from simulator.powershell.interface import Arguments, CommandError, PSObject, SecureString

BINDING = "System.Management.Automation.ParameterBindingException"
VALIDATION = "System.Management.Automation.ParameterBindingValidationException"


def bind(cmdlet, *positional, without_value=(), **named):
    arguments = Arguments(named, positional, frozenset(without_value))
    return catalogue()[cmdlet.casefold()].bind(arguments)


def refused(cmdlet, *positional, without_value=(), **named):
    with pytest.raises(CommandError) as caught:
        bind(cmdlet, *positional, without_value=without_value, **named)
    error = caught.value
    return error.message, error.error_id, error.exception_type


class TestArgumentsBindByName:
    def test_in_any_case_to_the_parameters_own_spelling(self):
        assert bind("set-mailbox", identity="x", CUSTOMATTRIBUTE15="mark") == {
            "Identity": "x",
            "CustomAttribute15": "mark",
        }

    def test_an_unknown_name_is_refused(self):
        assert refused("Get-Mailbox", Nonsense="x") == (
            "A parameter cannot be found that matches parameter name 'Nonsense'.",
            "NamedParameterNotFound,Get-Mailbox",
            BINDING,
        )

    def test_an_abbreviated_name_is_refused(self):
        # PowerShell would take it while it is unambiguous: this is the stricter reading.
        assert "matches parameter name 'Ident'" in refused("Get-Mailbox", Ident="x")[0]

    @pytest.mark.parametrize(
        ("cmdlet", "parameter"),
        [
            ("Set-Mailbox", "PrimarySmtpAddress"),
            ("Remove-Mailbox", "Permanent"),
            ("New-Mailbox", "UserPrincipalName"),
            ("Get-Recipient", "DomainController"),
            ("New-DistributionGroup", "HiddenFromAddressListsEnabled"),
            ("New-DistributionGroup", "BypassSecurityGroupManagerCheck"),
            ("Set-DistributionGroup", "Type"),
            ("Test-ApplicationAccessPolicy", "Confirm"),
        ],
    )
    def test_what_exchange_online_does_not_have_is_unknown(self, cmdlet, parameter):
        assert refused(cmdlet, **{parameter: "x"})[1] == f"NamedParameterNotFound,{cmdlet}"

    def test_the_same_parameter_twice_is_refused(self):
        assert refused("Get-Mailbox", Identity="x", identity="y")[1] == (
            "ParameterAlreadyBound,Get-Mailbox"
        )

    def test_a_parameter_without_its_value_is_refused(self):
        message, error_id, _ = refused("Get-Mailbox", without_value=["Filter"], Filter=True)
        assert message.startswith("Missing an argument for parameter 'Filter'.")
        assert error_id == "MissingArgument,Get-Mailbox"
        assert bind("New-Mailbox", "x", without_value=["Shared"], Shared=True)["Shared"] is True


class TestArgumentsBindByPosition:
    def test_where_the_page_says_so(self):
        assert bind("Get-Mailbox", "x") == {"Identity": "x"}
        assert bind("New-Mailbox", "x", Shared=True) == {"Name": "x", "Shared": True}

    def test_and_nowhere_else(self):
        assert refused("New-ApplicationAccessPolicy", "x")[:2] == (
            "A positional parameter cannot be found that accepts argument 'x'.",
            "PositionalParameterNotFound,New-ApplicationAccessPolicy",
        )
        assert "accepts argument 'y'" in refused("Get-Mailbox", "y", Identity="x")[0]

    def test_in_the_order_of_the_page(self):
        positions = [
            parameter.name
            for parameter in catalogue()["connect-exchangeonline"].parameters.values()
            if parameter.position is not None
        ]
        bound = bind("Connect-ExchangeOnline", "a", "b")
        assert (
            list(bound)
            == positions[:2]
            == [
                "ConnectionUri",
                "AzureADAuthorizationEndpointUri",
            ]
        )


class TestParameterSets:
    def test_parameters_of_two_sets_do_not_go_together(self):
        for cmdlet, named in (
            ("New-Mailbox", {"Name": "x", "Shared": True, "Room": True}),
            ("Get-Mailbox", {"Identity": "x", "Anr": "y"}),
            ("Disconnect-ExchangeOnline", {"ConnectionId": ["x"], "ModulePrefix": ["y"]}),
        ):
            message, error_id, _ = refused(cmdlet, **named)
            assert message.startswith("Parameter set cannot be resolved using the specified")
            assert error_id == f"AmbiguousParameterSet,{cmdlet}"

    def test_a_mailbox_of_no_kind_is_ambiguous(self):
        assert refused("New-Mailbox", Name="x")[1] == "AmbiguousParameterSet,New-Mailbox"

    def test_a_missing_mandatory_parameter_is_named(self):
        assert refused("New-Mailbox", Shared=True) == (
            "Cannot process command because of one or more missing mandatory parameters: Name.",
            "MissingMandatoryParameter,New-Mailbox",
            BINDING,
        )
        message, _, _ = refused("New-ApplicationAccessPolicy", AppId="x")
        assert message.endswith(": AccessRight PolicyScopeGroupId.")

    @pytest.mark.parametrize(
        "cmdlet", ["Set-Mailbox", "Remove-Mailbox", "Remove-DistributionGroup"]
    )
    def test_what_changes_an_object_must_name_it(self, cmdlet):
        assert refused(cmdlet)[1] == f"MissingMandatoryParameter,{cmdlet}"

    @pytest.mark.parametrize("cmdlet", ["Get-Mailbox", "Get-Recipient", "Get-DistributionGroup"])
    def test_a_filter_alone_is_enough_to_get(self, cmdlet):
        assert bind(cmdlet, Filter="x", ResultSize="Unlimited")


class TestMandatoryParametersAreNotEmpty:
    @pytest.mark.parametrize(
        ("empty", "what", "error_id"),
        [
            (None, "null", "Null"),
            ("", "an empty string", "EmptyString"),
            ([], "an empty array", "EmptyArray"),
        ],
    )
    def test_so_that_nothing_is_not_removed_as_everything(self, empty, what, error_id):
        assert refused("Remove-Mailbox", Identity=empty) == (
            f"Cannot bind argument to parameter 'Identity' because it is {what}.",
            f"ParameterArgumentValidationError{error_id}NotAllowed,Remove-Mailbox",
            VALIDATION,
        )

    def test_while_an_optional_identity_may_be(self):
        assert bind("Get-Mailbox", Identity=None) == {"Identity": ""}
        assert bind("Get-Mailbox", Identity="") == {"Identity": ""}


class TestValuesHaveTheirType:
    @pytest.mark.parametrize(
        ("cmdlet", "parameter", "value"),
        [
            ("Set-Mailbox", "AccountDisabled", "true"),
            ("Set-Mailbox", "AccountDisabled", 1),
            ("Set-Mailbox", "AccountDisabled", None),
            ("Set-Mailbox", "DisplayName", ["a", "b"]),
            ("Set-Mailbox", "DisplayName", {"a": "b"}),
            ("Set-Mailbox", "DisplayName", PSObject("x", {})),
            ("Set-DistributionGroup", "BypassSecurityGroupManagerCheck", "yes"),
            ("Set-DistributionGroup", "ManagedBy", {"Plus": "x"}),
            ("Set-DistributionGroup", "ManagedBy", {}),
            ("Get-Mailbox", "ResultSize", "all"),
            ("Get-Mailbox", "ResultSize", -1),
            ("Connect-ExchangeOnline", "PageSize", "5"),
            ("Connect-ExchangeOnline", "CertificatePassword", "secret"),
            ("Connect-ExchangeOnline", "Credential", "me"),
        ],
    )
    def test_or_are_refused(self, cmdlet, parameter, value):
        named = {"Identity": "x"} if cmdlet.startswith("Set-") else {}
        message, error_id, _ = refused(cmdlet, **named, **{parameter: value})
        assert message.startswith(
            f"Cannot process argument transformation on parameter '{parameter}'. Cannot convert "
        )
        assert error_id == f"ParameterArgumentTransformationError,{cmdlet}"

    @pytest.mark.parametrize(
        ("cmdlet", "parameter", "value", "bound"),
        [
            ("Set-Mailbox", "AccountDisabled", False, False),
            ("Set-Mailbox", "DisplayName", 5, "5"),
            ("Set-Mailbox", "CustomAttribute15", None, ""),
            ("Set-DistributionGroup", "BypassSecurityGroupManagerCheck", False, False),
            ("Set-DistributionGroup", "ManagedBy", "x", ["x"]),
            ("Set-DistributionGroup", "ManagedBy", ["x", "y"], ["x", "y"]),
            ("Set-DistributionGroup", "ManagedBy", None, []),
            ("Set-Mailbox", "ExtensionCustomAttribute5", {"add": "x"}, {"Add": ["x"]}),
            (
                "Set-Mailbox",
                "ExtensionCustomAttribute5",
                {"Add": ["x"], "Remove": ["y", "z"]},
                {"Add": ["x"], "Remove": ["y", "z"]},
            ),
            ("Set-DistributionGroup", "MemberJoinRestriction", "closed", "Closed"),
            ("Get-Mailbox", "ResultSize", "unlimited", "unlimited"),
            ("Get-Mailbox", "ResultSize", 5, 5),
            ("Connect-ExchangeOnline", "PageSize", 5, 5),
            ("Connect-ExchangeOnline", "CommandName", "Get-Mailbox", ["Get-Mailbox"]),
        ],
    )
    def test_or_are_converted(self, cmdlet, parameter, value, bound):
        named = {"Identity": "x"} if cmdlet.startswith("Set-") else {}
        assert bind(cmdlet, **named, **{parameter: value})[parameter] == bound

    def test_a_secure_string_is_one(self):
        secret = SecureString("secret")
        assert bind("Connect-ExchangeOnline", CertificatePassword=secret) == {
            "CertificatePassword": secret
        }

    @pytest.mark.parametrize(
        ("cmdlet", "named", "members"),
        [
            (
                "New-ApplicationAccessPolicy",
                {"AppId": "x", "PolicyScopeGroupId": "y", "AccessRight": "Restrict"},
                "RestrictAccess, DenyAccess",
            ),
            ("New-DistributionGroup", {"Name": "x", "Type": "Mail"}, "Distribution, Security"),
        ],
    )
    def test_an_enumeration_has_its_members_only(self, cmdlet, named, members):
        message, error_id, _ = refused(cmdlet, **named)
        assert message.endswith(f'try again: {members}"')
        assert error_id == f"CannotConvertArgumentNoMessage,{cmdlet}"


class TestTheCatalogueIsMicrosofts:
    def test_and_names_the_pages_that_it_was_made_from(self):
        meta = json.loads(CATALOGUE.read_text(encoding="utf-8"))["_meta"]
        assert "office-docs-powershell" in meta["source"]
        assert len(meta["commit"]) == 40

    def test_every_set_and_position_is_one_of_its_cmdlet(self):
        for cmdlet in catalogue().values():
            positions = [p.position for p in cmdlet.parameters.values() if p.position is not None]
            assert sorted(positions) == list(range(len(positions))), cmdlet.name
            for parameter in cmdlet.parameters.values():
                assert parameter.sets <= set(cmdlet.sets), parameter
                assert parameter.mandatory <= parameter.sets, parameter
