"""The scripts of RBAC for Applications, unchanged: up, once more, wrong turns and down."""

import json
import re
from typing import Any

import pytest

from simulator.tenant.exchange.session import ExchangeSession
from simulator.tenant.faults import Fault, Kind, Step
from simulator.tenant.identifiers import seeded_id
from tests.components.exchange.conftest import Run, Scripts, lag
from tests.components.exchange.desired import CONTROL, ENSURE_MAILBOX, MAILBOX

RECEPTION, RECEPTION_ID = "reception@contoso.com", seeded_id("reception")
FINANCE_ID = seeded_id("finance")
ROLE = "Application Mail.Send"
SCOPE: dict[str, Any] = {
    "name": "notifications 3f2a9c1d",
    "mailboxId": RECEPTION_ID,
    "mailboxAddress": None,
}


def made(run: Run) -> list[str]:
    """The cmdlets that changed something, without how often each was tried."""
    return list(dict.fromkeys(run.changes))


class Sender:
    """One identity, and what the scripts are told of it."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.identity()

    def identity(self) -> None:
        tenant = self.scripts.tenant
        principal = tenant.entra.add_service_principal("sender", kind="ManagedIdentity")
        tenant.clock.advance(tenant.lags["directory"])
        self.principal_id = principal["id"]
        ids = {"principalId": principal["id"], "appId": principal["appId"]}
        self.pointer = ids | {"displayName": "sender"}
        self.assignment = {
            "name": f"notifications Mail.Send {principal['id'][:8]}",
            "principalId": principal["id"],
            "role": ROLE,
            "scopeType": "CustomRecipientScope",
            "scope": SCOPE["name"],
            "members": [RECEPTION],
        }
        self.proof = {
            "appId": principal["appId"],
            "roles": [ROLE],
            "scopeType": "CustomRecipientScope",
            "scope": SCOPE["name"],
            "members": [RECEPTION],
            "controlMailbox": CONTROL,
            "timeoutSeconds": 60,
        }

    @property
    def up(self):
        return [
            ("ensure-service-principal.ps1", self.pointer),
            ("ensure-management-scope.ps1", SCOPE),
            ("ensure-role-assignment.ps1", self.assignment),
            ("prove-authorization.ps1", self.proof),
        ]

    @property
    def down(self):
        return [
            ("remove-role-assignment.ps1", self.assignment),
            ("remove-management-scope.ps1", SCOPE),
            ("remove-service-principal.ps1", self.pointer),
        ]

    def deploy(self):
        return self.done(self.up)

    def done(self, steps):
        runs = [self.scripts.run(script, desired) for script, desired in steps]
        assert [run.code for run in runs] == [0] * len(runs), [run.stderr for run in runs]
        return runs

    def assigned(self):
        return list(self.scripts.tenant.snapshot()["managementRoleAssignments"].values())

    def dies_assigning(self):
        """As a run that is cut off: Exchange does not show it yet, and no resource knows of it."""
        self.scripts.pass_time()
        made = {"Name": self.assignment["name"], "App": self.principal_id, "Role": ROLE}
        self.scripts.cmdlet(
            "New-ManagementRoleAssignment", **made, CustomResourceScope=SCOPE["name"]
        )

    def come_and_go(self):
        """Deploys and removes all of it, which begins with a mailbox."""
        mailbox = self.scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert mailbox.code == 0, mailbox.stderr
        self.deploy()
        self.scripts.pass_time()
        self.done(self.down)

    def refused(self, script, desired):
        run = self.scripts.run(script, desired)
        assert run.code == 1
        [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        return run, line

    def objects(self):
        snapshot = self.scripts.tenant.snapshot()
        kinds = ("servicePrincipalPointers", "managementScopes", "managementRoleAssignments")
        return [len(snapshot[kind]) for kind in kinds]


@pytest.fixture
def sender(scripts):
    return Sender(scripts)


@pytest.fixture
def deployed(sender):
    sender.deploy()
    sender.scripts.pass_time()
    return sender


class TestUp:
    def test_each_right_after_the_other(self, sender):
        runs = sender.deploy()
        assert [made(run) for run in runs] == [
            ["New-ServicePrincipal"],
            ["New-ManagementScope"],
            ["New-ManagementRoleAssignment"],
            [],
        ]
        assert [run.observed for run in runs] == [
            {"principalId": sender.principal_id, "made": True},
            {"name": SCOPE["name"], "mailboxId": RECEPTION_ID},
            {"name": sender.assignment["name"], "guid": sender.assigned()[0]["id"]},
            {"appId": sender.proof["appId"], "inScope": [RECEPTION], "outOfScope": [CONTROL]},
        ]
        assert sender.scripts.tenant.violations() == []

    def test_once_more_changes_nothing(self, deployed):
        assert [run.changes for run in deployed.deploy()] == [[], [], [], []]

    def test_the_assignment_of_a_former_identity_goes(self, deployed):
        former = deployed.deploy()[2].stdout
        deployed.scripts.tenant.set_lag("pointer", 3600)
        deployed.scripts.tenant.entra.remove_service_principal(deployed.principal_id)
        deployed.identity()
        deployed.done(deployed.up[:1])
        deployed.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": deployed.scripts.token(),
            "PULUMI_COMMAND_STDOUT": former,
        }
        [run] = deployed.done([deployed.up[2]])
        assert made(run) == ["New-ManagementRoleAssignment", "Remove-ManagementRoleAssignment"]
        assert deployed.objects() == [2, 1, 1]

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_resource_that_is_made_anew_has_an_assignment_of_its_own(self, deployed, times):
        """As by `up --replace`: the engine removes the old resource after it has made the new."""
        scripts, (script, desired) = deployed.scripts, deployed.up[2]
        for _ in range(times):
            former = dict(scripts.outputs)
            scripts.outputs.clear()
            [run] = deployed.done([(script, desired)])
            new = dict(scripts.outputs)
            assert made(run) == ["New-ManagementRoleAssignment", "Remove-ManagementRoleAssignment"]
            scripts.outputs = former
            [removal] = deployed.done([deployed.down[0]])
            assert removal.changes == []
            scripts.outputs = new
            scripts.pass_time()
        assert re.fullmatch(rf"{desired['name']} [0-9a-f]{{8}}", run.observed["name"])
        assert [run.changes for run in deployed.deploy()] == [[], [], [], []]
        deployed.done(deployed.down)
        assert deployed.objects() == [0, 0, 0]

    def test_what_a_run_that_was_cut_off_has_made_of_it_goes(self, deployed):
        """The engine died while it made the resource anew, and the next run does so at once."""
        scripts, (script, desired) = deployed.scripts, deployed.up[2]
        former = dict(scripts.outputs)
        scripts.outputs.clear()
        [lost] = deployed.done([(script, desired)])
        scripts.outputs.clear()
        [run] = deployed.done([(script, desired)])
        new = dict(scripts.outputs)
        assert run.observed["name"] != lost.observed["name"]
        scripts.outputs = former
        [removal] = deployed.done([deployed.down[0]])
        assert removal.changes == []
        [only] = deployed.assigned()
        assert {"name": only["name"], "guid": only["id"]} == run.observed
        scripts.outputs = new
        scripts.pass_time()
        deployed.done(deployed.down)
        assert deployed.objects() == [0, 0, 0]

    def test_the_scope_moves_with_its_mailbox(self, deployed):
        deployed.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": deployed.scripts.token(),
            "PULUMI_COMMAND_STDOUT": json.dumps(SCOPE),
        }
        [run] = deployed.done([("ensure-management-scope.ps1", SCOPE | {"mailboxId": FINANCE_ID})])
        assert run.changes == ["Set-ManagementScope"]
        [scope] = deployed.scripts.cmdlet("Get-ManagementScope")
        assert FINANCE_ID in scope["RecipientFilter"]

    def test_the_scope_moves_where_a_domain_controller_still_has_the_former_one(
        self, deployed, monkeypatch
    ):
        deployed.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": deployed.scripts.token(),
            "PULUMI_COMMAND_STDOUT": json.dumps(SCOPE),
        }
        invoke = ExchangeSession.invoke
        former: list[Any] = []

        def one_that_lags(session, cmdlet, parameters):
            if cmdlet == "Get-ManagementScope" and former and former[-1] is not None:
                answer, former[-1] = former[-1], None
                return answer
            if cmdlet == "Set-ManagementScope":
                former.append(invoke(session, "Get-ManagementScope", {}))
            return invoke(session, cmdlet, parameters)

        monkeypatch.setattr(ExchangeSession, "invoke", one_that_lags)
        [run] = deployed.done([("ensure-management-scope.ps1", SCOPE | {"mailboxId": FINANCE_ID})])
        assert former == [None]
        assert "does not show the management scope" in run.stderr

    @pytest.mark.parametrize(
        ("place", "cmdlet"),
        [
            (0, "New-ServicePrincipal"),
            (1, "New-ManagementScope"),
            (2, "New-ManagementRoleAssignment"),
        ],
    )
    @pytest.mark.parametrize("kind", [Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER, Kind.THROTTLED])
    def test_a_lost_answer_makes_no_second_one(self, sender, place, cmdlet, kind):
        sender.done(sender.up[:place])
        target = ("{id}", SCOPE["name"], sender.assignment["name"])[place]
        step = Step("", "Exchange", cmdlet, target, 1)
        sender.scripts.tenant.plan_faults([Fault(step, kind)])
        sender.done(sender.up[place:])
        assert sender.scripts.tenant.faults_happened() == 1
        assert sender.objects() == [1, 1, 1]


class TestWhatIsNotOurs:
    def test_a_scope_of_the_name_with_another_mailbox_is_refused(self, sender):
        text = f"ExternalDirectoryObjectId -eq '{FINANCE_ID}'"
        new = {"Name": SCOPE["name"], "RecipientRestrictionFilter": text}
        sender.scripts.cmdlet("New-ManagementScope", **new)
        sender.scripts.pass_time()
        run, line = sender.refused("ensure-management-scope.ps1", SCOPE)
        assert run.changes == []
        assert f"it exists and holds '({text})', not the mailbox {RECEPTION}" in line
        run, line = sender.refused("remove-management-scope.ps1", SCOPE)
        assert run.changes == []
        assert "somebody changed it" in line

    def test_an_assignment_of_the_name_with_other_content_is_refused(self, sender):
        sender.done(sender.up[:2])
        sender.scripts.pass_time()
        sender.scripts.cmdlet(
            "New-ManagementRoleAssignment",
            Name=sender.assignment["name"],
            App=sender.principal_id,
            Role="Application Mail.Read",
        )
        sender.scripts.pass_time()
        run, line = sender.refused(*sender.up[2])
        assert run.changes == []
        assert "Role is 'Application Mail.Read', not 'Application Mail.Send'" in line
        assert "RecipientWriteScope is 'Organization', not 'CustomRecipientScope'" in line
        run, line = sender.refused(*sender.down[0])
        assert run.changes == []
        assert "somebody changed it" in line

    def test_a_pointer_to_another_application_is_refused(self, deployed):
        run, line = deployed.refused(
            "ensure-service-principal.ps1", deployed.pointer | {"appId": FINANCE_ID}
        )
        assert run.changes == []
        assert f"not {FINANCE_ID}. Only a new one can have another" in line

    def test_a_scope_that_a_role_is_bound_to_stays(self, deployed):
        """It may be that of a resource which was made anew and has taken it up."""
        [run] = deployed.done([deployed.down[1]])
        assert run.changes == []
        assert f"roles are bound to it: {deployed.assignment['name']}" in run.stderr
        assert deployed.objects() == [1, 1, 1]

    def test_a_pointer_that_others_have_assigned_roles_to_stays(self, deployed):
        role = {"App": deployed.principal_id, "Role": "Application Mail.Read"}
        deployed.scripts.cmdlet("New-ManagementRoleAssignment", Name="theirs", **role)
        deployed.scripts.pass_time()
        runs = deployed.done(deployed.down)
        assert "it stays, since others have assigned it roles: theirs" in runs[-1].stderr
        assert deployed.objects() == [1, 0, 1]


def forget_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has Exchange bind assignments to no scope, whatever it is told."""
    invoke = ExchangeSession.invoke

    def forget_the_scope(session, cmdlet, parameters):
        left = {k: v for k, v in parameters.items() if k != "CustomResourceScope"}
        return invoke(session, cmdlet, left)

    monkeypatch.setattr(ExchangeSession, "invoke", forget_the_scope)


class TestWhatExchangeRefuses:
    def test_in_an_organisation_that_was_never_customised(self, sender):
        sender.scripts.tenant.set_organization_config("IsDehydrated", True)
        run, line = sender.refused("ensure-management-scope.ps1", SCOPE)
        assert run.changes == ["New-ManagementScope"]
        assert "An Exchange administrator runs Enable-OrganizationCustomization" in line
        assert sender.objects() == [0, 0, 0]

    def test_without_a_delegating_assignment(self, sender, monkeypatch):
        sender.done(sender.up[:2])
        roles = sender.scripts.tenant.exchange.roles
        monkeypatch.setattr(type(roles), "_is_organization_manager", lambda *_: False)
        monkeypatch.setattr(
            type(roles),
            "cmdlets_of",
            lambda self, _: {
                cmdlet: parameters
                for role in ("Role Management", "View-Only Recipients", "View-Only Configuration")
                for cmdlet, parameters in self.custom.entries(role).items()
            },
        )
        _, line = sender.refused(*sender.up[2])
        assert "Give the deploying identity a delegating assignment of that role" in line

    def test_a_scope_that_is_not_what_it_was_asked_for_is_taken_back(self, sender, monkeypatch):
        """An assignment without its scope would open every mailbox."""
        sender.done(sender.up[:2])
        forget_scopes(monkeypatch)
        run, line = sender.refused(*sender.up[2])
        assert made(run) == ["New-ManagementRoleAssignment", "Remove-ManagementRoleAssignment"]
        assert "RecipientWriteScope is 'Organization', not 'CustomRecipientScope'" in line
        assert sender.objects() == [1, 1, 0]

    def test_what_cannot_be_taken_back_is_told_as_open(self, sender, monkeypatch):
        sender.done(sender.up[:2])
        sender.scripts.tenant.set_lag("exchange", 3600)
        forget_scopes(monkeypatch)
        run, line = sender.refused(*sender.up[2])
        assert made(run) == ["New-ManagementRoleAssignment"]
        assert "could not be taken back" in line
        assert "may open every mailbox of the organisation until somebody does: " in line
        assert line.endswith(
            f"Remove-ManagementRoleAssignment -Identity '{sender.assignment['name']}'"
        )


class TestTheProof:
    def prove(self, sender, **changes):
        return sender.refused("prove-authorization.ps1", sender.proof | changes)

    def test_fails_where_a_member_is_not_in_the_scope(self, deployed):
        _, line = self.prove(deployed, members=["finance@contoso.com"])
        assert f"not proven after 60 s: finance@contoso.com is not in the scope of {ROLE}" in line

    def test_fails_where_the_control_mailbox_is(self, deployed):
        _, line = self.prove(deployed, controlMailbox=RECEPTION)
        assert f"not proven after 60 s: {RECEPTION} is in the scope of {ROLE}" in line

    def test_fails_where_a_role_is_not_assigned(self, deployed):
        _, line = self.prove(deployed, roles=[ROLE, "Application Mail.Read"])
        assert "Application Mail.Read is not assigned on the scope" in line

    @pytest.mark.parametrize("role", [ROLE, "Application Mail Full Access"])
    def test_fails_at_once_where_a_role_opens_every_mailbox(self, deployed, role):
        new = {"Name": "theirs", "App": deployed.principal_id, "Role": role}
        deployed.scripts.cmdlet("New-ManagementRoleAssignment", **new)
        deployed.scripts.pass_time()
        run, line = self.prove(deployed)
        assert "not confined: the application has further roles" in line
        assert f"{role} on every mailbox of the organisation" in line
        assert "waiting" not in run.stderr

    def test_fails_at_once_where_a_role_has_another_scope(self, deployed):
        deployed.scripts.cmdlet(
            "New-ManagementRoleAssignment",
            Name="theirs",
            App=deployed.principal_id,
            Role=ROLE,
            RecipientGroupScope="Building Access",
        )
        deployed.scripts.pass_time()
        _, line = self.prove(deployed)
        assert f"{ROLE} on 'Building Access'" in line

    def test_fails_where_exchange_did_not_test(self, deployed, monkeypatch):
        invoke = ExchangeSession.invoke

        def forget_the_mailbox(session, cmdlet, parameters):
            left = {k: v for k, v in parameters.items() if k != "Resource"}
            return invoke(session, cmdlet, left)

        monkeypatch.setattr(ExchangeSession, "invoke", forget_the_mailbox)
        _, line = self.prove(deployed)
        assert "Exchange answers 'Not Run' for" in line

    @pytest.mark.parametrize(
        ("control", "said"),
        [("nobody@contoso.com", "cannot be read"), ("Building Access", "Give the address")],
    )
    def test_needs_a_control_mailbox(self, deployed, control, said):
        assert said in self.prove(deployed, controlMailbox=control)[1]

    def test_waits_for_an_assignment_that_exchange_does_not_show_yet(self, sender):
        sender.done(sender.up[:2])
        sender.dies_assigning()
        [run] = sender.done(sender.up[3:])
        assert "waiting 15 s, not proven yet" in run.stderr


class TestDown:
    def test_right_after_up(self, sender):
        """What was made a moment ago is not found yet, and is removed all the same."""
        sender.done(sender.up[:2])
        sender.dies_assigning()
        runs = sender.done(sender.down)
        assert "waiting 15 s: Exchange Online may not show it yet" in runs[0].stderr
        assert sender.objects() == [0, 0, 0]

    def test_a_pointer_stays_for_what_a_run_that_was_cut_off_assigned(self, sender):
        sender.done(sender.up[:2])
        sender.dies_assigning()
        [run] = sender.done(sender.down[2:])
        assert f"it stays, since others have assigned it roles: {sender.assignment['name']}" in (
            run.stderr
        )
        assert sender.objects() == [1, 1, 1]

    def test_of_a_role_whose_pointer_is_not_shown_either(self, sender, monkeypatch):
        """A domain controller that has not heard of either: of that no pointer is to be told."""
        sender.done(sender.up[:2])
        sender.dies_assigning()
        lag(monkeypatch, "Get-ServicePrincipal", times=2)
        sender.done(sender.down[:1])
        assert sender.objects()[2] == 0

    def test_of_a_pointer_whose_role_is_listed_for_a_moment_longer(self, deployed, monkeypatch):
        """A domain controller that has not heard of the removal yet."""
        listed = deployed.assigned()
        deployed.done(deployed.down[:2])
        invoke, asked = ExchangeSession.invoke, []

        def one_that_lags(session, cmdlet, parameters):
            if cmdlet == "Get-ManagementRoleAssignment" and "RoleAssignee" in parameters:
                asked.append(parameters)
                if len(asked) == 1:
                    return [{"Name": listed[0]["name"]}]
            return invoke(session, cmdlet, parameters)

        monkeypatch.setattr(ExchangeSession, "invoke", one_that_lags)
        [run] = deployed.done([deployed.down[2]])
        assert run.changes == ["Remove-ServicePrincipal"]
        assert deployed.objects() == [0, 0, 0]

    def test_in_its_order(self, deployed):
        runs = deployed.done(deployed.down)
        assert [run.changes for run in runs] == [
            ["Remove-ManagementRoleAssignment"],
            ["Remove-ManagementScope"],
            ["Remove-ServicePrincipal"],
        ]
        assert deployed.objects() == [0, 0, 0]
        assert [run.changes for run in deployed.done(deployed.down)] == [[], [], []]

    def test_where_the_principal_went_first_in_entra(self, deployed):
        deployed.scripts.tenant.entra.remove_service_principal(deployed.principal_id)
        runs = deployed.done(deployed.down)
        assert [run.changes for run in runs] == [[], ["Remove-ManagementScope"], []]
        assert deployed.objects() == [0, 0, 0]

    @pytest.mark.parametrize("place", [0, 1])
    def test_is_not_done_for_a_domain_controller_that_does_not_know_the_object(
        self, deployed, place
    ):
        deployed.done(deployed.down[:place])
        cmdlet = ("Get-ManagementRoleAssignment", "Get-ManagementScope")[place]
        target = (deployed.assignment["name"], SCOPE["name"])[place]
        step = Step("", "Exchange", cmdlet, target, 1)
        deployed.scripts.tenant.plan_faults([Fault(step, Kind.NOT_FOUND_ONCE)])
        deployed.done([deployed.down[place]])
        assert deployed.scripts.tenant.faults_happened() == 1
        assert deployed.objects()[(2, 1)[place]] == 0

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_a_lost_answer_is_no_error(self, deployed, place):
        deployed.done(deployed.down[:place])
        script, desired = deployed.down[place]
        cmdlet = [
            "Remove-ManagementRoleAssignment",
            "Remove-ManagementScope",
            "Remove-ServicePrincipal",
        ][place]
        target = (deployed.assignment["name"], SCOPE["name"], "{id}")[place]
        step = Step("", "Exchange", cmdlet, target, 1)
        deployed.scripts.tenant.plan_faults([Fault(step, Kind.TIMEOUT_AFTER)])
        deployed.done([(script, desired)])
        assert deployed.scripts.tenant.faults_happened() == 1
        assert deployed.objects()[(2, 1, 0)[place]] == 0
