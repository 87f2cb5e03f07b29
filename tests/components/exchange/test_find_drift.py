"""The look for drift sees what the scripts would mend, and changes nothing itself."""

import json
from typing import Any

import pytest

from simulator.tenant.exchange.roles import ManagementRoles
from tests.components.exchange.conftest import Run, Scripts
from tests.components.exchange.desired import (
    APP_ID,
    CONTROL,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    ENSURE_POLICY,
    GROUP,
    MAILBOX,
    MEMBERS,
    NEXT_APP_ID,
    POLICY,
    PROVE,
    RELEASE_POLICY,
    SET_MAILBOX,
    SET_MEMBER,
    UP,
)
from tests.components.exchange.test_rbac_scripts import (
    FINANCE_ID,
    RECEPTION,
    RECEPTION_ID,
    ROLE,
    SCOPE,
    Sender,
)
from tests.components.exchange.test_scripts import policies

MAIL = MAILBOX["address"]
SENDERS = GROUP["address"]


def look(scripts: Scripts) -> Run:
    objects = []
    for script, desired in UP:
        written = scripts.outputs.get((script, desired.get("mark", "")), "{}")
        claim = json.loads(written).get("claim", "")
        objects.append({"script": script, "desired": desired | {"claim": claim}})
    return scripts.run("find-drift.ps1", {"objects": objects})


def findings(scripts: Scripts) -> dict[str, Any]:
    """What differs, by script; scripts without a difference are left out."""
    before = len(scripts.tenant.calls())
    run = look(scripts)
    assert run.code == 0, run.stderr
    for call in scripts.tenant.calls()[before:]:
        if call.service == "Exchange":
            assert call.operation.startswith(("Get-", "Connect-", "Disconnect-")), call
    found = zip(UP, run.observed["findings"], strict=True)
    return {script: finding for (script, _), finding in found if finding}


def policy_identity(scripts: Scripts) -> str:
    [policy] = policies(scripts)
    return str(policy["Identity"])


# By the property that is reported: the script that mends it, what an administrator does, and
# what is reported as expected and found.
CHANGES: dict[str, tuple[str, str, dict[str, Any], object, object]] = {
    "Alias of the mailbox": (
        ENSURE_MAILBOX,
        "Set-Mailbox",
        {"Identity": MAIL, "Alias": "other"},
        "LogicAppNotifications",
        "other",
    ),
    "PrimarySmtpAddress of the mailbox": (
        ENSURE_MAILBOX,
        "Set-Mailbox",
        {"Identity": MAIL, "WindowsEmailAddress": "other@contoso.com"},
        MAIL,
        "other@contoso.com",
    ),
    "DisplayName of the mailbox": (
        SET_MAILBOX,
        "Set-Mailbox",
        {"Identity": MAIL, "DisplayName": "BENACHRICHTIGUNGEN FÜR LÖHNE"},
        "Benachrichtigungen für Löhne",
        "BENACHRICHTIGUNGEN FÜR LÖHNE",
    ),
    "HiddenFromAddressListsEnabled of the mailbox": (
        SET_MAILBOX,
        "Set-Mailbox",
        {"Identity": MAIL, "HiddenFromAddressListsEnabled": False},
        True,
        False,
    ),
    "AccountDisabled of the mailbox": (
        SET_MAILBOX,
        "Set-Mailbox",
        {"Identity": MAIL, "AccountDisabled": False},
        True,
        False,
    ),
    **{
        f"{name} of the group": (
            ENSURE_GROUP,
            "Set-DistributionGroup",
            {"Identity": SENDERS, name: value, "BypassSecurityGroupManagerCheck": True},
            expected,
            value,
        )
        for name, expected, value in [
            ("DisplayName", "Senders", "senders"),
            ("Alias", "Senders", "other"),
            ("PrimarySmtpAddress", SENDERS, "other@contoso.com"),
            ("MemberJoinRestriction", "Closed", "ApprovalRequired"),
            ("RequireSenderAuthenticationEnabled", True, False),
            ("HiddenFromAddressListsEnabled", True, False),
        ]
    },
}


class TestAnUnchangedTenant:
    def test_has_no_findings(self, deployed):
        assert findings(deployed) == {}

    def test_costs_one_connection_and_one_list_of_policies(self, deployed):
        before = len(deployed.tenant.calls())
        look(deployed)
        operations = [call.operation for call in deployed.tenant.calls()[before:]]
        assert operations.count("Connect-ExchangeOnline") == 1
        assert operations.count("Get-ApplicationAccessPolicy") == 1


class TestWhatIsFoundIsWhatTheScriptMends:
    @pytest.mark.parametrize("case", CHANGES)
    def test_a_changed_property(self, deployed, case):
        script, cmdlet, parameters, expected, found = CHANGES[case]
        deployed.cmdlet(cmdlet, **parameters)

        name = case.partition(" ")[0]
        assert findings(deployed) == {script: {name: {"expected": expected, "found": found}}}

        run = deployed.run(script, dict(UP)[script])
        assert run.code == 0, run.stderr
        assert len(run.changes) == 1
        assert findings(deployed) == {}

    def test_a_stray_and_a_missing_member(self, deployed):
        bypass = {"Identity": SENDERS, "BypassSecurityGroupManagerCheck": True}
        deployed.cmdlet("Add-DistributionGroupMember", Member="finance@contoso.com", **bypass)
        deployed.cmdlet("Remove-DistributionGroupMember", Member=MAIL, Confirm=False, **bypass)

        assert findings(deployed) == {
            SET_MEMBER: {
                "MissingMembers": {"expected": [MAIL], "found": []},
                "StrayMembers": {"expected": [], "found": ["finance@contoso.com"]},
            }
        }

        deployed.run(SET_MEMBER, MEMBERS)
        assert findings(deployed) == {}

    def test_many_strays_are_counted(self, deployed):
        for number in range(23):
            name = f"stray{number:02}"
            address = f"{name}@contoso.com"
            deployed.cmdlet("New-Mailbox", Shared=True, Name=name, PrimarySmtpAddress=address)
            deployed.pass_time()
            deployed.cmdlet(
                "Add-DistributionGroupMember",
                Identity=SENDERS,
                Member=address,
                BypassSecurityGroupManagerCheck=True,
            )
        strays = findings(deployed)[SET_MEMBER]["StrayMembers"]["found"]
        assert len(strays) == 21
        assert strays[-1] == "and 3 more"

    @pytest.mark.parametrize("script", [ENSURE_MAILBOX, ENSURE_GROUP, ENSURE_POLICY])
    @pytest.mark.parametrize("output", ["{}", '{"claim":"0a1b2c3d"}'])
    def test_another_claim(self, deployed, script, output):
        # What the state says was lost, or a resource that was made anew is not in it.
        deployed.outputs[script, dict(UP)[script].get("mark", "")] = output
        assert list(findings(deployed)) == [script]
        deployed.run(script, dict(UP)[script])
        assert findings(deployed) == {}

    def test_a_released_policy(self, deployed):
        deployed.run(RELEASE_POLICY, POLICY)
        found = findings(deployed)
        assert list(found) == [ENSURE_POLICY, PROVE]
        assert found[ENSURE_POLICY]["Description"]["found"] == "released"
        deployed.run(ENSURE_POLICY, POLICY)
        assert findings(deployed) == {}

    def test_an_altered_description(self, deployed):
        deployed.cmdlet(
            "Set-ApplicationAccessPolicy",
            Identity=policy_identity(deployed),
            Description="restrict this app",
        )
        claim = json.loads(deployed.outputs[ENSURE_POLICY, ""])["claim"]
        described = {"expected": f"Restrict this app {claim}", "found": "restrict this app"}
        assert findings(deployed) == {ENSURE_POLICY: {"Description": described}}

    def test_a_removed_mailbox(self, deployed):
        deployed.cmdlet("Remove-Mailbox", Identity=MAIL, Confirm=False)
        missing = {"expected": f"{MAIL} with the mark {MAILBOX['mark']}", "found": "none"}
        assert findings(deployed) == {
            ENSURE_MAILBOX: {"Mailbox": missing},
            SET_MAILBOX: {"Mailbox": missing},
            SET_MEMBER: {"MissingMembers": {"expected": [MAIL], "found": []}},
        }

    def test_a_removed_group(self, deployed):
        deployed.cmdlet(
            "Remove-DistributionGroup",
            Identity=SENDERS,
            BypassSecurityGroupManagerCheck=True,
            Confirm=False,
        )
        assert findings(deployed) == {
            ENSURE_GROUP: {
                "Group": {"expected": f"{SENDERS} with the mark {GROUP['mark']}", "found": "none"}
            },
            SET_MEMBER: {"MissingMembers": {"expected": [MAIL], "found": []}},
            ENSURE_POLICY: {
                "RestrictAccess": {"expected": f"on {SENDERS}", "found": "none"},
            },
            PROVE: {
                "Confinement": {
                    "expected": "proven",
                    "found": f"no group has the address {SENDERS}",
                }
            },
        }


class TestAPolicyThatNoLongerConfines:
    def test_because_it_was_removed(self, deployed):
        deployed.cmdlet(
            "Remove-ApplicationAccessPolicy", Identity=policy_identity(deployed), Confirm=False
        )
        found = findings(deployed)
        assert found[ENSURE_POLICY] == {
            "RestrictAccess": {"expected": f"on {SENDERS}", "found": "none"}
        }
        assert list(found) == [ENSURE_POLICY, PROVE]

    def test_because_it_is_for_another_application(self, deployed):
        deployed.cmdlet(
            "Remove-ApplicationAccessPolicy", Identity=policy_identity(deployed), Confirm=False
        )
        deployed.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=NEXT_APP_ID,
            PolicyScopeGroupId=SENDERS,
            Description="Restrict this app",
        )
        assert findings(deployed)[ENSURE_POLICY]["RestrictAccess"]["found"] == "none"

    def test_because_its_scope_is_another(self, deployed):
        deployed.cmdlet(
            "Remove-ApplicationAccessPolicy", Identity=policy_identity(deployed), Confirm=False
        )
        self.widen(deployed)
        found = findings(deployed)
        scope = found[ENSURE_POLICY]["RestrictAccess"]
        assert scope == {"expected": f"on {SENDERS}", "found": "only on Everyone"}

    def test_because_a_second_one_widens_it(self, deployed):
        self.widen(deployed)
        found = findings(deployed)
        assert list(found) == [PROVE]
        assert "reach 'Everyone' as well" in found[PROVE]["Confinement"]["found"]

    def widen(self, scripts: Scripts) -> None:
        scripts.cmdlet(
            "New-DistributionGroup",
            Type="Security",
            Name="Everyone",
            PrimarySmtpAddress="everyone@contoso.com",
            Members=[CONTROL],
        )
        scripts.pass_time()
        scripts.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=APP_ID,
            PolicyScopeGroupId="everyone@contoso.com",
        )


POINTER, HELD, ASSIGNMENT, PROOF_OF_ROLES = (
    "ensure-service-principal.ps1",
    "ensure-management-scope.ps1",
    "ensure-role-assignment.ps1",
    "prove-authorization.ps1",
)
FILTER = f"ExternalDirectoryObjectId -eq '{RECEPTION_ID}'"


@pytest.fixture
def sender(scripts: Scripts) -> Sender:
    """A sender that is confined by a role."""
    sender = Sender(scripts)
    sender.deploy()
    scripts.pass_time()
    return sender


def findings_of(sender: Sender, **scope: Any) -> dict[str, Any]:
    """What differs, by script; scripts without a difference are left out."""
    up = [(script, desired | (scope if script == HELD else {})) for script, desired in sender.up]
    objects = [{"script": script, "desired": desired} for script, desired in up]
    run = sender.scripts.run("find-drift.ps1", {"objects": objects})
    assert run.code == 0, run.stderr
    assert run.changes == []
    assert "waiting" not in run.stderr
    found = zip(up, run.observed["findings"], strict=True)
    return {script: finding for (script, _), finding in found if finding}


def mend(sender: Sender) -> list[Run]:
    """All scripts once more, each with what it wrote the last time."""
    runs = []
    for script, desired in sender.up:
        sender.scripts.environment = {
            "EXCHANGE_ACCESS_TOKEN": sender.scripts.token(),
            "PULUMI_COMMAND_STDOUT": json.dumps(desired | {"made": True}),
        }
        runs.append(sender.scripts.run(script, desired))
    sender.scripts.environment = None
    return runs


def remove_assignment(sender: Sender) -> None:
    named = {"Identity": sender.assignment["name"], "Confirm": False}
    sender.scripts.cmdlet("Remove-ManagementRoleAssignment", **named)


def assign(sender: Sender, name: str, **scope: str) -> None:
    new = {"Name": name, "App": sender.principal_id, "Role": ROLE, **scope}
    sender.scripts.cmdlet("New-ManagementRoleAssignment", **new)
    sender.scripts.pass_time()


class TestWhatRolesRestOn:
    def test_unchanged_has_no_findings(self, sender):
        assert findings_of(sender) == {}
        assert findings_of(sender, mailboxId=None, mailboxAddress=RECEPTION) == {}

    def test_a_removed_assignment_is_made_anew(self, sender):
        remove_assignment(sender)
        found = findings_of(sender)
        assert found == {
            ASSIGNMENT: {"Assignment": {"expected": f"{ROLE} on {SCOPE['name']}", "found": "none"}},
            PROOF_OF_ROLES: {
                "Confinement": {
                    "expected": "proven",
                    "found": f"{ROLE} is not assigned on the scope '{SCOPE['name']}'",
                }
            },
        }
        runs = mend(sender)
        assert [run.code for run in runs] == [0] * 4, runs
        sender.scripts.pass_time()
        assert findings_of(sender) == {}

    def test_what_went_with_its_principal_is_missing(self, sender):
        sender.scripts.tenant.entra.remove_service_principal(sender.principal_id)
        found = findings_of(sender)
        assert list(found) == [POINTER, ASSIGNMENT, PROOF_OF_ROLES]
        assert found[POINTER]["Pointer"]["found"] == "none"
        said = found[PROOF_OF_ROLES]["Confinement"]["found"]
        assert said == f"Exchange has no pointer to {sender.proof['appId']}"

    def test_a_removed_scope_is_made_anew(self, sender):
        remove_assignment(sender)
        sender.scripts.cmdlet("Remove-ManagementScope", Identity=SCOPE["name"], Confirm=False)
        missing = {"Scope": {"expected": SCOPE["name"], "found": "none"}}
        assert findings_of(sender)[HELD] == missing
        assert [run.code for run in mend(sender)] == [0] * 4
        sender.scripts.pass_time()
        assert findings_of(sender) == {}

    @pytest.mark.parametrize(
        ("text", "is_seen_by_the_proof"),
        [
            (f"ExternalDirectoryObjectId -eq '{FINANCE_ID}'", False),
            ("DisplayName -like '*'", True),
            (f"{FILTER} -or ExternalDirectoryObjectId -eq '{FINANCE_ID}'", False),
        ],
    )
    def test_a_changed_filter_is_set_back(self, sender, text, is_seen_by_the_proof):
        changed = {"Identity": SCOPE["name"], "RecipientRestrictionFilter": text}
        sender.scripts.cmdlet("Set-ManagementScope", **changed)
        found = findings_of(sender)
        assert found[HELD] == {"RecipientFilter": {"expected": FILTER, "found": f"({text})"}}
        assert list(found)[1:] == ([PROOF_OF_ROLES] if is_seen_by_the_proof else [])

        runs = mend(sender)
        assert [run.code for run in runs] == [0] * 4, runs
        assert [run.changes for run in runs] == [[], ["Set-ManagementScope"], [], []]
        assert findings_of(sender) == {}

    def test_a_mailbox_that_took_the_place_of_another_is_a_change(self, sender):
        found = findings_of(sender, mailboxId=None, mailboxAddress="finance@contoso.com")
        assert found[HELD]["RecipientFilter"]["expected"].endswith(f"'{FINANCE_ID}'")

    def test_an_assignment_with_another_scope_is_found_and_not_taken(self, sender):
        remove_assignment(sender)
        assign(sender, sender.assignment["name"])
        found = findings_of(sender)
        assert list(found) == [ASSIGNMENT, PROOF_OF_ROLES]
        write_scope = {"expected": "CustomRecipientScope", "found": "Organization"}
        assert found[ASSIGNMENT]["RecipientWriteScope"] == write_scope
        run = mend(sender)[2]
        assert (run.code, run.changes) == (1, [])
        assert f"Remove-ManagementRoleAssignment -Identity '{sender.assignment['name']}'" in (
            run.stderr
        )

    def test_one_that_is_switched_off_is_found_and_stays_off(self, sender, monkeypatch):
        shown = ManagementRoles._shown_assignment
        monkeypatch.setattr(
            ManagementRoles,
            "_shown_assignment",
            lambda self, entry: shown(self, entry) | {"Enabled": False},
        )
        assert findings_of(sender) == {ASSIGNMENT: {"Enabled": {"expected": True, "found": False}}}
        run = mend(sender)[2]
        assert (run.code, run.changes) == (1, [])
        assert "Enabled is 'False', not 'True'" in run.stderr
        # Where it goes, it may go as it is.
        assert sender.done(sender.down[:1])[0].changes == ["Remove-ManagementRoleAssignment"]

    def test_a_role_that_others_assigned_is_found_and_not_proven(self, sender):
        assign(sender, "theirs", RecipientGroupScope="Building Access")
        confinement = {"expected": "proven", "found": f"{ROLE} on 'Building Access'"}
        assert findings_of(sender) == {PROOF_OF_ROLES: {"Confinement": confinement}}
        assert "not confined" in mend(sender)[3].stderr

    def test_a_control_mailbox_that_is_gone_is_not_waited_for(self, sender):
        sender.scripts.cmdlet("Remove-Mailbox", Identity=CONTROL, Confirm=False)
        said = findings_of(sender)[PROOF_OF_ROLES]["Confinement"]["found"]
        assert said == f"no mailbox has the control mailbox's address {CONTROL}"

    def test_need_no_policies(self, sender, monkeypatch):
        """No document says that every cloud has them."""
        found = ManagementRoles.cmdlets_of
        monkeypatch.setattr(
            ManagementRoles,
            "cmdlets_of",
            lambda *given: {
                cmdlet: parameters
                for cmdlet, parameters in (found(*given) or {}).items()
                if "ApplicationAccessPolicy" not in cmdlet
            },
        )
        assert findings_of(sender) == {}

    def test_need_cmdlets_that_a_look_without_them_does_not(self, sender, monkeypatch):
        monkeypatch.setattr(
            ManagementRoles,
            "cmdlets_of",
            lambda self, _: {
                cmdlet: parameters
                for role in ("View-Only Recipients", "View-Only Configuration")
                for cmdlet, parameters in self.custom.entries(role).items()
            },
        )
        assert sender.scripts.run("find-drift.ps1", {"objects": []}).code == 0
        objects = [{"script": HELD, "desired": SCOPE}]
        run = sender.scripts.run("find-drift.ps1", {"objects": objects})
        assert run.code == 1
        assert "did not load Get-ServicePrincipal, Get-ManagementScope" in run.stderr


class TestWhatCannotBeLookedAtIsAnError:
    def test_without_a_way_to_sign_in(self, deployed):
        deployed.environment = {}
        run = look(deployed)
        assert run.code == 1
        assert (
            "error: drift in contoso.onmicrosoft.com: Set exactly one of EXCHANGE_ACCESS_TOKEN"
            in run.stderr
        )

    def test_a_script_that_it_does_not_know(self, deployed):
        objects = [{"script": "set-calendar.ps1", "desired": {}}]
        run = deployed.run("find-drift.ps1", {"objects": objects})
        assert run.code == 1
        assert "does not know what set-calendar.ps1 sets" in run.stderr

    def test_an_empty_input(self, deployed):
        run = deployed.run("find-drift.ps1", "")
        assert run.code == 1
        assert "Standard input is empty" in run.stderr
