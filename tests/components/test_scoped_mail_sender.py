"""The composite: what it registers, in which order, and what never reaches the state."""

import asyncio
import json
from dataclasses import replace
from functools import partial
from typing import Any

import pulumi
import pytest

from components.clouds import Cloud
from components.exchange.exchange_command import ExchangeOrganization
from components.exchange.mail_enabled_security_group import Group
from components.exchange.shared_mailbox import Mailbox
from components.message import Body, Message, Recipient
from components.scoped_mail_sender import IdentityKind, ScopedMailSender, ScopedMailSenderArgs
from components.trigger import HttpRequestTrigger
from tests.components.recording import (
    CLIENT_ID,
    GRAPH_PRINCIPAL_ID,
    MAIL_SEND_ROLE_ID,
    MAILBOX_ID,
    PRINCIPAL_ID,
    Recording,
    azure_id,
    record,
)

MAILBOX = "notifications-mailbox"
SETTINGS = "notifications-mailbox-settings"
GROUP = "notifications-group"
MEMBERS = "notifications-group-members"
WORKFLOW = "notifications-workflow"
POLICY = "notifications-access-policy"
PROOF = "notifications-access-proof"
GRANT = "notifications-access-mail-send"
KIND = "notifications-identity-kind"
IDENTITY = "notifications-identity"
IDENTITY_ID = azure_id("azure-native:managedidentity:UserAssignedIdentity", "id-notifications")

NOTIFICATIONS = Mailbox(
    name="Notifications",
    display_name="Notifications",
    alias="Notifications",
    address="notifications@contoso.com",
)


def sender(**changes: Any) -> ScopedMailSender:
    arguments: dict[str, Any] = {
        "mailbox": NOTIFICATIONS,
        "group": Group(
            name="Senders",
            display_name="Senders",
            alias="Senders",
            address="senders@contoso.com",
            policy_description="Restrict this app",
        ),
        "control_mailbox": "control.mailbox@contoso.com",
        "workflow": "notifications",
        "resource_group_name": "mail-senders",
        "location": "westeurope",
        "trigger": HttpRequestTrigger(),
        "message": Message(
            subject="Graph test mail",
            body=Body(content="Does this work?"),
            to_recipients=[Recipient(address="finance@contoso.com")],
        ),
        "organization": ExchangeOrganization(domain="contoso.onmicrosoft.com"),
    }
    return ScopedMailSender("notifications", ScopedMailSenderArgs(**arguments | changes))


@pytest.fixture
def recording() -> Recording:
    return record(sender)


class TestNeverUnconfined:
    """Section by section of the order: each line would be a hole if it were missing."""

    def test_registers_exactly_these_resources(self, recording):
        assert set(recording.custom()) == {
            MAILBOX,
            SETTINGS,
            GROUP,
            MEMBERS,
            KIND,
            WORKFLOW,
            POLICY,
            PROOF,
            GRANT,
        }

    @pytest.mark.parametrize("confinement", [GROUP, MEMBERS, POLICY, PROOF])
    def test_grant_depends_directly_on_all_that_confines(self, recording, confinement):
        # Directly: the engine orders the deletion of replaced resources by direct edges only.
        assert confinement in recording.resources[GRANT].dependencies

    @pytest.mark.parametrize(
        ("later", "earlier"),
        [
            (GROUP, MAILBOX),
            (MEMBERS, GROUP),
            (MEMBERS, MAILBOX),
            (WORKFLOW, MEMBERS),
            (POLICY, WORKFLOW),
            (POLICY, MEMBERS),
            (PROOF, POLICY),
            (PROOF, MEMBERS),
            (GRANT, PROOF),
            (GRANT, WORKFLOW),
        ],
    )
    def test_order(self, recording, later, earlier):
        assert earlier in recording.ancestors(later)

    def test_workflow_depends_on_the_group_so_that_the_policy_outlives_it(self, recording):
        assert GROUP in recording.resources[WORKFLOW].dependencies

    @pytest.mark.parametrize("command", [PROOF, MEMBERS, SETTINGS])
    def test_command_removes_nothing_by_itself(self, recording, command):
        assert "delete" not in recording.resources[command].inputs

    @pytest.mark.parametrize(
        ("command", "script"),
        [
            (GROUP, "remove-mail-enabled-security-group.ps1"),
            (POLICY, "release-application-access-policy.ps1"),
            (MAILBOX, "remove-shared-mailbox.ps1"),
        ],
    )
    def test_owner_removes_what_it_created(self, recording, command, script):
        assert recording.resources[command].inputs["delete"].endswith(f"/{script}")


class TestUserAssignedIdentity:
    """The workflow comes last, so that none of its runs meets an identity without the role."""

    @pytest.fixture
    def recording(self) -> Recording:
        return record(lambda: sender(identity=IdentityKind.USER))

    @pytest.mark.parametrize("confinement", [GROUP, MEMBERS, POLICY, PROOF])
    def test_grant_depends_directly_on_all_that_confines(self, recording, confinement):
        assert confinement in recording.resources[GRANT].dependencies

    @pytest.mark.parametrize(
        ("later", "earlier"),
        [(IDENTITY, MEMBERS), (POLICY, IDENTITY), (PROOF, POLICY), (GRANT, PROOF)],
    )
    def test_order(self, recording, later, earlier):
        assert earlier in recording.ancestors(later)

    @pytest.mark.parametrize("earlier", [GROUP, MEMBERS, IDENTITY, GRANT])
    def test_workflow_depends_directly_on_all_that_it_needs(self, recording, earlier):
        assert earlier in recording.resources[WORKFLOW].dependencies

    @pytest.mark.parametrize("earlier", [GROUP, MEMBERS])
    def test_identity_depends_on_the_group_so_that_the_policy_outlives_it(self, recording, earlier):
        assert earlier in recording.resources[IDENTITY].dependencies

    def test_workflow_runs_as_it_and_as_nothing_else(self, recording):
        inputs = recording.resources[WORKFLOW].inputs
        assert inputs["identity"] == {
            "type": "UserAssigned",
            "userAssignedIdentities": [IDENTITY_ID],
        }
        action = inputs["definition"]["actions"]["Send_mail"]
        assert action["inputs"]["authentication"]["identity"] == IDENTITY_ID

    def test_policy_and_grant_are_for_it(self, recording):
        assert recording.resources[POLICY].desired["appId"] == CLIENT_ID
        assert recording.resources[GRANT].inputs["principalObjectId"] == PRINCIPAL_ID


class TestAChangeOfTheKindOfIdentity:
    """Deletes the old grant, workflow and identity before the new policy retires the old one."""

    @pytest.mark.parametrize("identity", IdentityKind)
    def test_is_a_replacement_that_deletes_first(self, identity):
        recording = record(lambda: sender(identity=identity))
        request = recording.resources[KIND].request
        assert request.deleteBeforeReplace
        assert list(request.replaceOnChanges) == ["input"]

    def test_is_an_input_of_the_marker(self):
        kinds = [
            record(partial(sender, identity=kind)).resources[KIND].inputs["input"]
            for kind in (IdentityKind.SYSTEM, IdentityKind.USER)
        ]
        assert kinds == ["SystemAssigned", "UserAssigned"]

    @pytest.mark.parametrize(
        ("resource", "name"), [(WORKFLOW, "workflowName"), (IDENTITY, "resourceName")]
    )
    def test_reaches_the_names_in_azure(self, resource, name):
        recording = record(lambda: sender(identity=IdentityKind.USER))
        dependencies = recording.resources[resource].request.propertyDependencies[name].urns
        assert KIND in {recording.urns[urn] for urn in dependencies}


class TestRetention:
    """What is somebody's mail is kept; all else goes, or nothing could be taken down."""

    @pytest.mark.parametrize(("retain", "kept"), [(True, {MAILBOX, GROUP}), (False, set())])
    def test_is_of_mailbox_and_group_only(self, retain, kept):
        resources = record(lambda: sender(retain=retain)).custom()
        assert {name for name, entry in resources.items() if entry.request.protect} == kept
        assert {name for name, entry in resources.items() if entry.request.retainOnDelete} == kept


class TestIdentity:
    """Policies take the client id, grants the principal id; mixed up, a policy confines nobody."""

    def test_policy_and_proof_take_the_client_id(self, recording):
        assert recording.resources[POLICY].desired["appId"] == CLIENT_ID
        assert recording.resources[PROOF].desired["appId"] == CLIENT_ID

    def test_grant_takes_the_principal_id_and_the_role_by_name(self, recording):
        assert recording.resources[GRANT].inputs == {
            "appRoleId": MAIL_SEND_ROLE_ID,
            "principalObjectId": PRINCIPAL_ID,
            "resourceObjectId": GRAPH_PRINCIPAL_ID,
        }

    def test_former_identities_of_the_workflow_are_retired(self, recording):
        assert recording.resources[POLICY].desired["retireFormer"] is True
        assert recording.resources[POLICY].inputs["addPreviousOutputInEnv"] is True

    def test_workflow_is_named_explicitly(self, recording):
        assert recording.resources[WORKFLOW].inputs["workflowName"] == "notifications"


class TestExchangeCommands:
    """Every Exchange command is started alike, and takes only what it shall depend on."""

    @pytest.fixture
    def commands(self, recording):
        return {
            name: entry
            for name, entry in recording.custom().items()
            if entry.type == "command:local:Command"
        }

    def test_each_converges_with_one_idempotent_script(self, commands):
        for command in commands.values():
            assert command.inputs["update"] == command.inputs["create"]

    def test_none_is_replaced_by_triggers(self, commands):
        for command in commands.values():
            assert "triggers" not in command.inputs

    def test_only_what_is_removed_by_its_claim_gets_what_it_wrote_the_last_time(self, commands):
        for name, command in commands.items():
            removed = name in (MAILBOX, GROUP, POLICY)
            assert command.inputs["addPreviousOutputInEnv"] is removed

    def test_each_starts_powershell_without_profile_and_shell(self, commands):
        for command in commands.values():
            assert command.inputs["interpreter"] == [
                "pwsh",
                "-NoProfile",
                "-NonInteractive",
                "-File",
            ]
            assert command.inputs["logging"] == "stderr"

    def test_display_names_reach_only_the_command_that_sets_them(self, commands):
        carrying = {name for name, entry in commands.items() if "displayName" in entry.desired}
        assert carrying == {SETTINGS, GROUP}

    def test_standard_input_is_ascii(self):
        recording = record(
            lambda: sender(
                mailbox=replace(NOTIFICATIONS, display_name="Benachrichtigungen für Löhne")
            )
        )
        stdin = recording.resources[SETTINGS].inputs["stdin"]
        assert stdin.isascii()
        assert json.loads(stdin)["displayName"] == "Benachrichtigungen für Löhne"

    def test_marks_name_project_stack_and_resource(self, recording):
        assert recording.resources[MAILBOX].desired["mark"] == (
            "scoped-mail-sender/test/notifications-mailbox"
        )
        assert (
            recording.resources[MEMBERS].desired["mark"]
            == (recording.resources[GROUP].desired["mark"])
        )

    def test_waits_are_in_seconds(self, recording):
        assert recording.resources[PROOF].desired["timeoutSeconds"] == 600
        assert recording.resources[PROOF].desired["settleSeconds"] == 3600

    def test_sovereign_cloud_changes_graph_and_exchange_together(self):
        china = ExchangeOrganization(domain="contoso.partner.onmschina.cn", cloud=Cloud.CHINA)
        recording = record(lambda: sender(organization=china))
        action = recording.resources[WORKFLOW].inputs["definition"]["actions"]["Send_mail"]
        graph = "https://microsoftgraph.chinacloudapi.cn"
        assert action["inputs"]["uri"].startswith(f"{graph}/v1.0/users/")
        assert action["inputs"]["authentication"]["audience"] == graph
        assert recording.resources[PROOF].desired["exchangeEnvironmentName"] == "O365China"


class TestNothingSecretAndNoMachineInTheState:
    """The state outlives the machine, and is read by more people than the tenant."""

    def test_no_credential_in_any_input(self, monkeypatch):
        planted = "planted-credential"
        for variable in (
            "EXCHANGE_ACCESS_TOKEN",
            "EXCHANGE_CERTIFICATE_PASSWORD",
            "ARM_CLIENT_SECRET",
        ):
            monkeypatch.setenv(variable, planted)
        for entry in record(sender).resources.values():
            assert planted not in str(entry.request.object)

    def test_no_absolute_path_in_any_input(self, recording, pytestconfig):
        for entry in recording.resources.values():
            assert str(pytestconfig.rootpath) not in str(entry.request.object)
        for name in (MAILBOX, GROUP, MEMBERS, POLICY, PROOF, SETTINGS):
            script = recording.resources[name].inputs["create"]
            assert script.startswith("components/exchange/powershell/")

    def test_callback_url_is_not_fetched_unless_asked_for(self, recording):
        tokens = {call.token for call in recording.calls}
        assert "azure-native:logic:listWorkflowTriggerCallbackUrl" not in tokens

    def test_callback_url_is_a_secret(self):
        secrets: list[bool] = []

        def program() -> None:
            url = sender().logic_app.callback_url()
            asyncio.ensure_future(url.is_secret()).add_done_callback(
                lambda future: secrets.append(future.result())
            )

        record(program)
        assert secrets == [True]


class TestPreview:
    """A preview of a new stack knows no identity yet, and must not stumble over that."""

    def test_of_a_new_stack_registers_everything(self):
        assert GRANT in record(sender, preview=True).resources


class TestOutputs:
    def test_name_what_users_need(self):
        found: dict[str, Any] = {}

        def program() -> None:
            pulumi.Output.all(**sender().outputs).apply(found.update)

        record(program)
        assert found == {
            "workflowName": "notifications",
            "workflowId": azure_id("azure-native:logic:Workflow", "notifications"),
            "principalId": PRINCIPAL_ID,
            "clientId": CLIENT_ID,
            "mailboxObjectId": MAILBOX_ID,
            "mailboxAddress": "notifications@contoso.com",
            "groupAddress": "senders@contoso.com",
            "scoping": "applicationAccessPolicy",
            "controlMailbox": "control.mailbox@contoso.com",
            "trigger": "manual",
        }

    def test_name_the_trigger_of_a_probe(self):
        found: dict[str, Any] = {}

        def program() -> None:
            pulumi.Output.all(**sender(probe=True).outputs).apply(found.update)

        record(program)
        assert found["trigger"] == "manual"
        assert found["probeTrigger"] == "Probe"
        assert found["ownProbeTrigger"] == "Probe_own_mailbox"


class TestProbe:
    def test_changes_the_workflows_definition_and_no_other_resource(self):
        plain, probed = record(sender).custom(), record(lambda: sender(probe=True)).custom()
        assert plain.keys() == probed.keys()
        assert [name for name in plain if plain[name].inputs != probed[name].inputs] == [WORKFLOW]
        inputs = [dict(resources[WORKFLOW].inputs) for resources in (plain, probed)]
        for entry in inputs:
            entry.pop("definition")
        assert inputs[0] == inputs[1]

    def test_tries_the_control_mailbox(self):
        recording = record(lambda: sender(probe=True))
        [choice] = recording.resources[WORKFLOW].inputs["definition"]["actions"].values()
        assert choice["actions"]["Try_control_mailbox"]["inputs"]["uri"] == (
            "https://graph.microsoft.com/v1.0/users/control.mailbox@contoso.com/sendMail"
        )
