"""Inputs are checked against the installed SDK packages."""

from typing import Any

import pytest
from pulumi_azure_native.logic import WorkflowArgs
from pulumi_azuread import AppRoleAssignmentArgs
from pulumi_command.local import CommandArgs

from simulator.providers.properties import UNKNOWN
from simulator.providers.schema import check, fields, required

WORKFLOW: dict[str, Any] = {
    "resourceGroupName": "rg-mail",
    "workflowName": "notifications",
    "location": "westeurope",
    "identity": {"type": "SystemAssigned"},
    "state": "Enabled",
    "definition": {"anything": ["goes", {"here": 1}]},
    "tags": {"owner": "mail"},
    "accessControl": {"triggers": {"allowedCallerIpAddresses": [{"addressRange": "192.0.2.0/24"}]}},
}


def reasons(arguments: type, inputs: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in check(arguments, inputs)]


class TestWhatTheSdkAllowsPasses:
    def test_a_complete_workflow(self):
        assert reasons(WorkflowArgs, WORKFLOW) == []

    def test_values_that_are_not_known_yet(self):
        assert reasons(WorkflowArgs, dict.fromkeys(WORKFLOW, UNKNOWN)) == []

    def test_a_trigger_of_any_type(self):
        assert reasons(CommandArgs, {"triggers": ["a", 1, {"b": True}]}) == []


class TestWhatTheSdkDoesNotAllowIsRefused:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"definiton": {}}, "unknown property 'definiton'"),
            ({"identity": {"type": "SystemAssigned", "kind": "x"}}, "property 'identity.kind'"),
            ({"identity": {}}, "missing required property 'identity.type'"),
            ({"identity": {"type": "System"}}, "'identity.type' is 'System', which is not one of"),
            ({"identity": "SystemAssigned"}, "'identity' should be of type 'object' but got a str"),
            ({"state": "On"}, "'state' is 'On', which is not one of 'NotSpecified', 'Completed'"),
            ({"workflowName": 5}, "'workflowName' should be of type 'string' but got a number"),
            ({"location": True}, "'location' should be of type 'string' but got a boolean"),
            ({"tags": {"owner": 1}}, "'tags.owner' should be of type 'string' but got a number"),
            ({"tags": ["owner"]}, "'tags' should be of type 'object' but got an array"),
            (
                {"accessControl": {"triggers": {"allowedCallerIpAddresses": [{"address": "x"}]}}},
                "unknown property 'accessControl.triggers.allowedCallerIpAddresses[0].address'",
            ),
            (
                {"accessControl": {"triggers": {"sasAuthenticationPolicy": {}}}},
                "unknown property 'accessControl.triggers.sasAuthenticationPolicy'",
            ),
        ],
    )
    def test_in_a_workflow(self, change: dict[str, Any], reason: str):
        (found,) = reasons(WorkflowArgs, WORKFLOW | change)

        assert reason in found

    def test_every_missing_property_is_named(self):
        assert reasons(AppRoleAssignmentArgs, {}) == [
            "missing required property 'appRoleId'",
            "missing required property 'principalObjectId'",
            "missing required property 'resourceObjectId'",
        ]

    def test_a_command_that_is_a_list(self):
        assert reasons(CommandArgs, {"create": ["echo", "hello"]}) == [
            "'create' should be of type 'string' but got an array"
        ]

    def test_a_strict_enumeration(self):
        (reason,) = reasons(CommandArgs, {"logging": "all"})

        assert "'logging' is 'all', which is not one of" in reason


class TestTheSchemaIsTheSdksOwn:
    def test_required_properties(self):
        assert required(WorkflowArgs) == {"resourceGroupName"}

    def test_property_names_are_pulumis(self):
        assert "addPreviousOutputInEnv" in fields(CommandArgs)
