"""Each script, unchanged, from an empty organisation to a converged one and back."""

import json
import re
import shutil
from datetime import timedelta
from typing import Any

import pytest

from components.clouds import ENDPOINTS, Cloud
from components.exchange.exchange_command import SCRIPTS
from simulator.exchange_online import ExchangeOnlineManagement
from simulator.powershell.interface import CommandError
from simulator.pwsh import SimulatedHost
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    ORGANIZATION,
    NotSimulated,
)
from simulator.tenant.answers import ExchangeError
from simulator.tenant.exchange.session import ExchangeSession
from simulator.tenant.faults import Fault, Kind, Step
from simulator.tenant.identifiers import EXCHANGE_ADMINISTRATOR
from tests.components.exchange.conftest import Run, Scripts, deploy, lag
from tests.components.exchange.desired import (
    APP_ID,
    CONTROL,
    DOWN,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    ENSURE_POLICY,
    GROUP,
    MAILBOX,
    MARK_ATTRIBUTE,
    MEMBERS,
    NEXT_APP_ID,
    POLICY,
    PROOF,
    PROVE,
    RELEASE_POLICY,
    REMOVE_GROUP,
    REMOVE_MAILBOX,
    SET_MAILBOX,
    SET_MEMBER,
    SETTINGS,
    STRANGERS_APP_ID,
    UP,
)


def kept_mark(recipient: dict[str, Any]) -> str:
    """The mark that an object carries, without its claim."""
    [mark] = recipient[MARK_ATTRIBUTE]
    return str(mark).rpartition(" ")[0]


def mailbox(scripts: Scripts, address: str = MAILBOX["address"]) -> dict[str, Any]:
    [found] = scripts.cmdlet("Get-Mailbox", Identity=address)
    return found


def group(scripts: Scripts, address: str = GROUP["address"]) -> dict[str, Any]:
    [found] = scripts.cmdlet("Get-DistributionGroup", Identity=address)
    return found


def member_addresses(scripts: Scripts) -> list[str]:
    members = scripts.cmdlet("Get-DistributionGroupMember", Identity=GROUP["address"])
    return sorted(member["PrimarySmtpAddress"] for member in members)


def add_stray(scripts: Scripts) -> None:
    scripts.cmdlet(
        "Add-DistributionGroupMember",
        Identity=GROUP["address"],
        Member="finance@contoso.com",
        BypassSecurityGroupManagerCheck=True,
    )


def policies(scripts: Scripts, app_id: str = APP_ID) -> list[dict[str, Any]]:
    return [
        policy
        for policy in scripts.cmdlet("Get-ApplicationAccessPolicy")
        if policy["AppId"] == app_id
    ]


class TestConverges:
    def test_from_nothing(self, scripts):
        runs = deploy(scripts)
        found = mailbox(scripts)
        claim = runs[0].observed["claim"]
        assert runs[0].observed == {
            "externalDirectoryObjectId": found["ExternalDirectoryObjectId"],
            "primarySmtpAddress": MAILBOX["address"],
            "claim": claim,
        }
        assert re.fullmatch("[0-9a-f]{8}", claim)
        assert found["RecipientTypeDetails"] == "SharedMailbox"
        assert found["DisplayName"] == SETTINGS["displayName"]
        assert found[MARK_ATTRIBUTE] == [f"{MAILBOX['mark']} created {claim}"]
        assert found["HiddenFromAddressListsEnabled"] is True
        assert found["AccountDisabled"] is True
        found = group(scripts)
        assert found["RecipientTypeDetails"] == "MailUniversalSecurityGroup"
        assert found["DisplayName"] == GROUP["displayName"]
        assert found[MARK_ATTRIBUTE] == [f"{GROUP['mark']} created {runs[2].observed['claim']}"]
        assert found["HiddenFromAddressListsEnabled"] is True
        assert found["MemberJoinRestriction"] == found["MemberDepartRestriction"] == "Closed"
        assert found["RequireSenderAuthenticationEnabled"] is True
        assert member_addresses(scripts) == [MAILBOX["address"]]
        [policy] = policies(scripts)
        assert policy["AccessRight"] == "RestrictAccess"
        assert policy["Description"] == f"Restrict this app {runs[4].observed['claim']}"
        assert runs[-1].observed == {
            "appId": APP_ID,
            "granted": [MAILBOX["address"]],
            "denied": [CONTROL],
            "otherReasons": [],
        }

    @pytest.mark.parametrize(("script", "desired"), UP)
    def test_and_then_changes_nothing(self, deployed, script, desired):
        run = deployed.run(script, desired)
        assert run.code == 0, run.stderr
        assert run.changes == []

    @pytest.mark.parametrize(("script", "desired"), UP)
    def test_standard_output_is_one_line_of_ascii_json(self, deployed, script, desired):
        run = deployed.run(script, desired)
        assert run.stdout.isascii()
        assert run.stdout.count("\n") == 1
        assert isinstance(run.observed, dict)

    @pytest.mark.parametrize(("script", "desired"), UP)
    def test_a_warning_does_not_get_there(self, deployed, tmp_path, script, desired):
        # PowerShell itself warns of a module with a function that has no approved verb.
        deployed.folder = tmp_path / "scripts"
        deployed.folder.mkdir()
        for path in SCRIPTS.iterdir():
            text = path.read_text(encoding="utf-8").replace("Compare-Value", "Eye-Value")
            (deployed.folder / path.name).write_text(text, encoding="utf-8")
        run = deployed.run(script, desired)
        assert run.code == 0, run.stderr
        assert run.stdout.count("\n") == 1

    def test_one_changed_value_is_one_cmdlet(self, deployed):
        run = deployed.run(SET_MAILBOX, SETTINGS | {"displayName": "Notices"})
        assert run.changes == ["Set-Mailbox"]
        assert mailbox(deployed)["DisplayName"] == "Notices"

    def test_a_changed_capital_letter_is_a_change(self, deployed):
        deployed.run(SET_MAILBOX, SETTINGS | {"displayName": "notices"})
        deployed.run(SET_MAILBOX, SETTINGS | {"displayName": "Notices"})
        assert mailbox(deployed)["DisplayName"] == "Notices"

    def test_forwarding_is_set_once_with_the_mailbox_keeping_its_own(self, deployed):
        forwarded = SETTINGS | {"forwardTo": "Finance@contoso.com"}
        assert deployed.run(SET_MAILBOX, forwarded).changes == ["Set-Mailbox"]
        found = mailbox(deployed)
        assert found["ForwardingSmtpAddress"] == "smtp:Finance@contoso.com"
        assert found["DeliverToMailboxAndForward"] is True
        assert deployed.run(SET_MAILBOX, forwarded).changes == []
        # Somebody has forwarded it elsewhere: that is their business where nothing is asked for.
        assert deployed.run(SET_MAILBOX, SETTINGS).changes == []
        elsewhere = forwarded | {"forwardTo": "reception@contoso.com"}
        assert deployed.run(SET_MAILBOX, elsewhere).changes == ["Set-Mailbox"]
        assert mailbox(deployed)["ForwardingSmtpAddress"] == "smtp:reception@contoso.com"

    def test_a_changed_address_moves_the_same_mailbox(self, deployed):
        before = mailbox(deployed)["ExternalDirectoryObjectId"]
        run = deployed.run(ENSURE_MAILBOX, MAILBOX | {"address": "notices@contoso.com"})
        assert run.changes == ["Set-Mailbox"]
        assert run.observed["externalDirectoryObjectId"] == before
        assert mailbox(deployed, "notices@contoso.com")["ExternalDirectoryObjectId"] == before

    def test_a_changed_address_moves_the_same_group_and_its_policy_stays(self, deployed):
        before = policies(deployed)
        run = deployed.run(ENSURE_GROUP, GROUP | {"address": "graph-senders@contoso.com"})
        assert run.changes == ["Set-DistributionGroup"]
        deployed.pass_time()
        run = deployed.run(ENSURE_POLICY, POLICY | {"groupAddress": "graph-senders@contoso.com"})
        assert (run.code, run.changes) == (0, [])
        assert [policy["Identity"] for policy in policies(deployed)] == [
            policy["Identity"] for policy in before
        ]

    def test_owners_are_set(self, deployed):
        run = deployed.run(ENSURE_GROUP, GROUP | {"managedBy": ["finance@contoso.com"]})
        assert run.code == 0, run.stderr
        assert len(group(deployed)["ManagedBy"]) == 1

    def test_a_changed_description_is_set_in_place(self, deployed):
        before = policies(deployed)[0]["Identity"]
        run = deployed.run(ENSURE_POLICY, POLICY | {"description": "Another text"})
        assert run.changes == ["Set-ApplicationAccessPolicy"]
        [policy] = policies(deployed)
        assert policy["Identity"] == before
        assert policy["Description"] == f"Another text {run.observed['claim']}"


class TestMembershipIsExact:
    def test_strangers_go_before_members_come(self, deployed):
        add_stray(deployed)
        deployed.cmdlet(
            "Remove-DistributionGroupMember",
            Identity=GROUP["address"],
            Member=MAILBOX["address"],
            BypassSecurityGroupManagerCheck=True,
            Confirm=False,
        )
        run = deployed.run(SET_MEMBER, MEMBERS)
        assert run.changes == ["Remove-DistributionGroupMember", "Add-DistributionGroupMember"]
        assert member_addresses(deployed) == [MAILBOX["address"]]
        assert "removing finance@contoso.com" in run.stderr

    def test_a_stray_whose_removal_got_no_answer_is_removed(self, deployed):
        add_stray(deployed)
        step = Step("", "Exchange", "Remove-DistributionGroupMember", "{id}", 1)
        deployed.tenant.plan_faults([Fault(step, Kind.TIMEOUT_AFTER)])
        run = deployed.run(SET_MEMBER, MEMBERS)
        assert deployed.tenant.faults_happened() == 1
        assert run.code == 0, run.stderr
        assert member_addresses(deployed) == [MAILBOX["address"]]

    def test_a_member_that_is_there_already_is_no_error(self, scripts):
        # As after an answer that was lost: the second of the two finds the work done.
        for script, desired in UP[:3]:
            scripts.run(script, desired)
        run = scripts.run(SET_MEMBER, MEMBERS | {"members": [MAILBOX["address"]] * 2})
        assert run.code == 0, run.stderr
        assert run.changes == ["Add-DistributionGroupMember"] * 2

    def test_a_member_that_does_not_exist_is_named_after_waiting_for_it(self, deployed):
        run = deployed.run(SET_MEMBER, MEMBERS | {"members": ["nobody@contoso.com"]})
        assert run.code == 1
        assert "nobody@contoso.com" in run.stderr.splitlines()[-1]
        assert run.changes == []


class TestHalfMadeObjectIsAdopted:
    """The process may die between any two cmdlets; the next run finds what it left."""

    @pytest.mark.parametrize(
        ("script", "desired", "creation"),
        [
            (
                ENSURE_MAILBOX,
                MAILBOX,
                {"name": "New-Mailbox", "Shared": True},
            ),
            (
                ENSURE_GROUP,
                GROUP,
                {"name": "New-DistributionGroup", "Type": "Security"},
            ),
        ],
    )
    def test_by_the_mark_in_its_display_name(self, scripts, script, desired, creation):
        scripts.cmdlet(
            **creation,
            Name=desired["name"],
            Alias=desired["alias"],
            DisplayName=desired["mark"],
            PrimarySmtpAddress=desired["address"],
        )
        scripts.pass_time()
        run = scripts.run(script, desired)
        assert run.code == 0, run.stderr
        assert not [change for change in run.changes if change.startswith("New-")]
        [found] = scripts.cmdlet("Get-Recipient", Identity=desired["address"])
        assert found[MARK_ATTRIBUTE] == [f"{desired['mark']} created {run.observed['claim']}"]

    @pytest.mark.parametrize(
        ("create", "ensure", "desired"),
        [
            ({"name": "New-Mailbox", "Shared": True}, ENSURE_MAILBOX, MAILBOX),
            ({"name": "New-DistributionGroup", "Type": "Security"}, ENSURE_GROUP, GROUP),
        ],
    )
    def test_that_becomes_visible_between_two_searches(
        self,
        scripts: Scripts,
        monkeypatch: pytest.MonkeyPatch,
        create: dict[str, Any],
        ensure: str,
        desired: dict[str, Any],
    ):
        created = {"Name": desired["name"], "Alias": desired["alias"]}
        scripts.cmdlet(
            **create,
            **created,
            DisplayName=desired["mark"],
            PrimarySmtpAddress=desired["address"],
        )
        invoke = ExchangeSession.invoke

        def pass_time_after(session: ExchangeSession, cmdlet: str, parameters: Any) -> Any:
            found = invoke(session, cmdlet, parameters)
            if cmdlet == "Get-Recipient":
                scripts.tenant.clock.advance(scripts.tenant.lags["exchange"])
            return found

        monkeypatch.setattr(ExchangeSession, "invoke", pass_time_after)

        run = scripts.run(ensure, desired)

        assert run.code == 0, run.stderr
        assert not [change for change in run.changes if change.startswith("New-")]

    @pytest.mark.parametrize(
        ("ensure", "remove", "desired", "creation"),
        [
            (ENSURE_MAILBOX, REMOVE_MAILBOX, MAILBOX, {"name": "New-Mailbox", "Shared": True}),
            (
                ENSURE_GROUP,
                REMOVE_GROUP,
                GROUP,
                {"name": "New-DistributionGroup", "Type": "Security"},
            ),
        ],
    )
    def test_but_not_where_somebody_gave_our_mark_as_a_name_to_another_address(
        self, scripts, ensure, remove, desired, creation
    ):
        scripts.cmdlet(
            **creation,
            Name="Somebody",
            DisplayName=desired["mark"],
            PrimarySmtpAddress="somebody@contoso.com",
        )
        scripts.pass_time()
        before = scripts.cmdlet("Get-Recipient", Identity="somebody@contoso.com")
        assert scripts.run(remove, desired).changes == []
        run = scripts.run(ensure, desired)
        assert run.code == 0, run.stderr
        scripts.pass_time()
        run = scripts.run(remove, desired)
        assert run.code == 0, run.stderr
        assert scripts.cmdlet("Get-Recipient", Identity="somebody@contoso.com") == before

    def test_nor_is_it_ours_to_remove_when_it_is_adopted_by_a_further_address(self, scripts):
        scripts.cmdlet(
            "New-Mailbox",
            Shared=True,
            Name="Somebody",
            DisplayName=MAILBOX["mark"],
            PrimarySmtpAddress=MAILBOX["address"],
        )
        scripts.pass_time()
        scripts.cmdlet(
            "Set-Mailbox", Identity=MAILBOX["address"], WindowsEmailAddress="somebody@contoso.com"
        )
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"adopt": True})
        assert run.code == 0, run.stderr
        assert kept_mark(mailbox(scripts)) == f"{MAILBOX['mark']} adopted"
        assert scripts.run(REMOVE_MAILBOX, MAILBOX).changes == ["Set-Mailbox"]


class TestWhatIsNotOursIsLeftAlone:
    @pytest.fixture
    def stranger(self, scripts):
        scripts.cmdlet(
            "New-Mailbox", Shared=True, Name="Old", PrimarySmtpAddress=MAILBOX["address"]
        )
        scripts.pass_time()
        return scripts

    def test_an_unmarked_mailbox_is_refused_with_the_line_that_would_adopt_it(self, stranger):
        run = stranger.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "set 'adopt: true'" in run.stderr
        assert run.changes == []

    def test_an_adopted_mailbox_survives_its_stack(self, stranger):
        assert stranger.run(ENSURE_MAILBOX, MAILBOX | {"adopt": True}).code == 0
        assert kept_mark(mailbox(stranger)) == f"{MAILBOX['mark']} adopted"
        assert stranger.run(ENSURE_MAILBOX, MAILBOX | {"adopt": True}).changes == []
        run = stranger.run(REMOVE_MAILBOX, MAILBOX | {"adopt": True})
        assert run.changes == ["Set-Mailbox"]
        assert not mailbox(stranger)[MARK_ATTRIBUTE]

    def test_an_adopted_group_survives_with_the_policies_on_it(self, scripts):
        scripts.cmdlet(
            "New-DistributionGroup",
            Type="Security",
            Name="Old",
            PrimarySmtpAddress=GROUP["address"],
        )
        scripts.pass_time()
        assert scripts.run(ENSURE_GROUP, GROUP | {"adopt": True}).code == 0
        assert scripts.run(ENSURE_POLICY, POLICY).code == 0
        run = scripts.run(REMOVE_GROUP, GROUP | {"adopt": True})
        assert run.changes == ["Set-DistributionGroup"]
        assert not group(scripts)[MARK_ATTRIBUTE]
        assert len(policies(scripts)) == 1

    def test_the_mark_of_another_stack_is_refused_even_for_adoption(self, stranger):
        stranger.cmdlet(
            "Set-Mailbox",
            Identity=MAILBOX["address"],
            ExtensionCustomAttribute5=["scoped-mail-sender/other/mailbox created 0a1b2c3d"],
        )
        run = stranger.run(ENSURE_MAILBOX, MAILBOX | {"adopt": True})
        assert run.code == 1
        assert "scoped-mail-sender/other/mailbox" in run.stderr
        assert run.changes == []

    @pytest.mark.parametrize(
        ("script", "desired", "address", "kind"),
        [
            (ENSURE_MAILBOX, MAILBOX, "finance@contoso.com", "UserMailbox"),
            (ENSURE_GROUP, GROUP, "finance@contoso.com", "UserMailbox"),
            (ENSURE_MAILBOX, MAILBOX, "boardroom@contoso.com", "RoomMailbox"),
            (ENSURE_MAILBOX, MAILBOX, "BuildingAccess@contoso.com", "MailUniversalSecurityGroup"),
            (ENSURE_GROUP, GROUP, "AllStaff@contoso.com", "MailUniversalDistributionGroup"),
        ],
    )
    def test_another_kind_of_object_is_never_converted(
        self, scripts, script, desired, address, kind
    ):
        run = scripts.run(script, desired | {"address": address, "adopt": True})
        assert run.code == 1
        assert kind in run.stderr
        assert run.changes == []

    @pytest.mark.parametrize(
        ("script", "desired", "existing", "said"),
        [
            (
                ENSURE_GROUP,
                GROUP,
                {"name": "New-DistributionGroup", "Type": "Security", "Alias": "namesake"},
                "or set 'address: namesake@contoso.com' and 'adopt: true' on this object",
            ),
            (
                ENSURE_GROUP,
                GROUP,
                {"name": "New-DistributionGroup", "Alias": "namesake"},
                "that was not created by this stack. Choose another name.\n",
            ),
            (
                ENSURE_MAILBOX,
                MAILBOX,
                {"name": "New-Mailbox", "Shared": True, "Alias": "namesake"},
                "or set 'address: namesake@contoso.com' and 'adopt: true' on this object",
            ),
        ],
    )
    def test_a_namesake_is_refused_and_never_adopted_by_its_name(
        self, scripts, script, desired, existing, said
    ):
        scripts.tenant.set_mailbox_names_are_object_ids(False)
        scripts.cmdlet(**existing, Name=desired["name"])
        scripts.pass_time()
        run = scripts.run(script, desired | {"adopt": True})
        assert run.code == 1
        assert f"the name '{desired['name']}' belongs to namesake@contoso.com" in run.stderr
        assert said in run.stderr
        assert run.changes == []

    def test_a_namesake_with_its_usual_alias_is_told_with_what_to_do_about_it(self, scripts):
        scripts.cmdlet("New-DistributionGroup", Name=GROUP["name"], Type="Security")
        scripts.pass_time()
        run = scripts.run(ENSURE_GROUP, GROUP | {"address": "graph-senders@contoso.com"})
        assert run.code == 1
        assert "the name 'Senders' belongs to Senders@contoso" in run.stderr
        assert "'adopt: true'" in run.stderr

    def test_a_namesake_that_is_not_found_yet_is_waited_for_and_then_refused(self, scripts):
        scripts.cmdlet("New-DistributionGroup", Name=GROUP["name"], Alias="namesake")
        run = scripts.run(ENSURE_GROUP, GROUP)
        assert run.code == 1
        assert "already exists." in run.stderr.splitlines()[-2]
        assert "the name 'Senders' belongs to namesake@contoso.com" in run.stderr.splitlines()[-1]

    def test_a_mark_that_differs_in_case_is_another_stacks(self, deployed):
        other = {"mark": str(MAILBOX["mark"]).replace("/test/", "/Test/")}
        run = deployed.run(ENSURE_MAILBOX, MAILBOX | other | {"adopt": True})
        assert run.code == 1
        assert f"carries the mark '{MAILBOX['mark']} created" in run.stderr
        assert deployed.run(REMOVE_MAILBOX, MAILBOX | other).changes == []

    def test_a_display_name_that_reads_like_our_mark_gives_no_right_to_a_marked_object(
        self, deployed
    ):
        taken = {"mark": "scoped-mail-sender/test/another"}
        deployed.run(SET_MAILBOX, SETTINGS | {"displayName": taken["mark"]})
        assert deployed.run(REMOVE_MAILBOX, MAILBOX | taken).changes == []
        run = deployed.run(ENSURE_MAILBOX, MAILBOX | taken | {"adopt": True})
        assert f"carries the mark '{MAILBOX['mark']} created" in run.stderr
        assert run.changes == []

    def test_an_adopted_mailbox_stays_adopted_whatever_its_display_name(self, stranger):
        adopt = MAILBOX | {"adopt": True}
        stranger.run(ENSURE_MAILBOX, adopt)
        stranger.run(SET_MAILBOX, SETTINGS | {"displayName": MAILBOX["mark"]})
        assert stranger.run(ENSURE_MAILBOX, MAILBOX).changes == []
        assert stranger.run(REMOVE_MAILBOX, MAILBOX).changes == ["Set-Mailbox"]
        assert mailbox(stranger)["RecipientTypeDetails"] == "SharedMailbox"

    def test_an_address_that_another_object_took_is_refused(self, deployed):
        run = deployed.run(ENSURE_MAILBOX, MAILBOX | {"address": "finance@contoso.com"})
        assert run.code == 1
        assert "Choose another address" in run.stderr
        assert run.changes == []

    @pytest.mark.parametrize(
        ("script", "desired"), [(REMOVE_MAILBOX, MAILBOX), (REMOVE_GROUP, GROUP)]
    )
    def test_nothing_marked_is_nothing_removed(self, scripts, script, desired):
        before = scripts.tenant.snapshot()
        run = scripts.run(script, desired | {"address": "finance@contoso.com"})
        assert (run.code, run.changes) == (0, [])
        assert scripts.tenant.snapshot() == before

    def test_two_objects_with_our_mark_stop_everything(self, deployed):
        deployed.cmdlet(
            "Set-Mailbox",
            Identity="finance@contoso.com",
            ExtensionCustomAttribute5=f"{MAILBOX['mark']} created 0a1b2c3d",
        )
        for script in (ENSURE_MAILBOX, REMOVE_MAILBOX):
            run = deployed.run(script, MAILBOX)
            assert run.code == 1
            assert "2 objects carry the mark" in run.stderr
            assert run.changes == []


class TestTeardown:
    def test_policies_go_before_their_group_and_no_others_go(self, deployed):
        others = [p for p in deployed.cmdlet("Get-ApplicationAccessPolicy") if p["AppId"] != APP_ID]
        assert others
        assert deployed.run(RELEASE_POLICY, POLICY).changes == ["Set-ApplicationAccessPolicy"]
        run = deployed.run(REMOVE_GROUP, GROUP)
        assert run.changes == ["Remove-ApplicationAccessPolicy", "Remove-DistributionGroup"]
        assert deployed.cmdlet("Get-ApplicationAccessPolicy") == others

    def test_twice_is_as_good_as_once(self, deployed):
        for script, desired in DOWN:
            assert deployed.run(script, desired).code == 0
            run = deployed.run(script, desired)
            assert (run.code, run.changes) == (0, [])


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, cmdlet: str, by_hand: str, **parameters: Any
) -> None:
    """Has somebody else run a cmdlet right after a script's first call of another one."""
    invoke = ExchangeSession.invoke
    called: list[str] = []

    def invoke_both(session: ExchangeSession, name: str, given: Any) -> list[dict[str, Any]]:
        found = invoke(session, name, given)
        called.append(name)
        if called.count(cmdlet) == 1 and name == cmdlet:
            invoke(session, by_hand, parameters)
        return found

    monkeypatch.setattr(ExchangeSession, "invoke", invoke_both)


class TestRemovalOfWhatIsNotShownYet:
    """As by `destroy` right after an `up` that was cut off."""

    @pytest.mark.parametrize(
        ("script", "desired", "gone"),
        [
            (REMOVE_MAILBOX, MAILBOX, "Remove-Mailbox"),
            (REMOVE_GROUP, GROUP, "Remove-DistributionGroup"),
        ],
    )
    def test_removes_it(self, deployed, monkeypatch, script, desired, gone):
        deployed.run(RELEASE_POLICY, POLICY)
        asked = lag(monkeypatch, "Get-Recipient", "Filter")
        run = deployed.run(script, desired)
        assert asked
        assert gone in run.changes


class TestRemovalLooksAgain:
    """Between the search and the removal lie other cmdlets and, where Exchange is busy, minutes."""

    def test_a_mailbox_that_is_no_longer_ours_stays(self, deployed, monkeypatch):
        meanwhile(
            monkeypatch,
            "Get-Recipient",
            "Set-Mailbox",
            Identity=MAILBOX["address"],
            ExtensionCustomAttribute5="other/prod/mailbox created 0a1b2c3d",
        )
        run = deployed.run(REMOVE_MAILBOX, MAILBOX | {"purge": True})
        assert run.code == 1
        assert "is no longer a SharedMailbox with the mark" in run.stderr
        assert run.changes == ["Set-Mailbox"]  # Somebody else's.

    def test_a_group_that_is_no_longer_ours_stays(self, deployed, monkeypatch):
        meanwhile(
            monkeypatch,
            "Remove-ApplicationAccessPolicy",
            "Set-DistributionGroup",
            Identity=GROUP["address"],
            ExtensionCustomAttribute5=f"{GROUP['mark']} adopted 0a1b2c3d",
            BypassSecurityGroupManagerCheck=True,
        )
        deployed.run(RELEASE_POLICY, POLICY)
        run = deployed.run(REMOVE_GROUP, GROUP)
        assert run.code == 1
        assert "is no longer a MailUniversalSecurityGroup with the mark" in run.stderr
        assert "Remove-DistributionGroup" not in run.changes

    @pytest.mark.parametrize("purge", [False, True])
    def test_what_took_the_place_of_our_objects_stays(self, deployed, purge):
        deployed.cmdlet("Remove-Mailbox", Identity=MAILBOX["address"], Confirm=False)
        deployed.cmdlet(
            "Remove-DistributionGroup",
            Identity=GROUP["address"],
            BypassSecurityGroupManagerCheck=True,
            Confirm=False,
        )
        names = {"Name": MAILBOX["name"], "Alias": MAILBOX["alias"]}
        address = {"PrimarySmtpAddress": MAILBOX["address"]}
        deployed.cmdlet("New-Mailbox", Shared=True, **names, **address)
        address = {"PrimarySmtpAddress": GROUP["address"]}
        deployed.cmdlet("New-DistributionGroup", Type="Security", Name=GROUP["name"], **address)
        deployed.pass_time()
        before = mailbox(deployed), group(deployed)
        for script, desired in ((REMOVE_GROUP, GROUP), (REMOVE_MAILBOX, MAILBOX)):
            run = deployed.run(script, desired | {"purge": purge})
            # What somebody removed by hand is still the stack's own mailbox, and to be purged.
            purged = ["Remove-Mailbox"] if purge and script == REMOVE_MAILBOX else []
            assert (run.code, run.changes) == (0, purged)
            assert (mailbox(deployed), group(deployed)) == before


class TestAMicrosoft365Group:
    """It has a mailbox, and its type is GroupMailbox; its members are whoever its owners say."""

    @pytest.mark.parametrize(
        ("script", "desired", "address"),
        [(SET_MEMBER, MEMBERS, MEMBERS["members"][0]), (PROVE, PROOF, CONTROL)],
    )
    def test_is_no_mailbox(self, deployed, monkeypatch, script, desired, address):
        invoke = ExchangeSession.invoke

        def invoke_with_a_group(session, cmdlet, parameters):
            return [
                each | {"RecipientTypeDetails": "GroupMailbox"}
                if each.get("PrimarySmtpAddress") == address
                else each
                for each in invoke(session, cmdlet, parameters)
            ]

        monkeypatch.setattr(ExchangeSession, "invoke", invoke_with_a_group)
        run = deployed.run(script, desired)
        assert run.code == 1
        assert f"{address} is a GroupMailbox" in run.stderr
        assert run.changes == []


class TestAPolicyThatIsListedLate:
    def test_is_found_once_it_is(self, deployed, monkeypatch):
        """The answer to its creation was lost, and a second one is refused as a duplicate."""
        deployed.cmdlet(
            "Remove-ApplicationAccessPolicy",
            Identity=policies(deployed)[0]["Identity"],
            Confirm=False,
        )
        invoke = ExchangeSession.invoke
        hidden: list[bool] = []

        def invoke_with_a_late_list(session, cmdlet, parameters):
            if cmdlet == "New-ApplicationAccessPolicy" and not hidden:
                invoke(session, cmdlet, parameters)
                hidden.append(False)
                raise ExchangeError("", "The operation has timed out.")
            found = invoke(session, cmdlet, parameters)
            if cmdlet == "Get-ApplicationAccessPolicy" and hidden == [False]:
                hidden[0] = True
                return [each for each in found if each["AppId"] != APP_ID]
            return found

        monkeypatch.setattr(ExchangeSession, "invoke", invoke_with_a_late_list)
        run = deployed.run(ENSURE_POLICY, POLICY)
        assert run.code == 0, run.stderr
        assert hidden == [True]
        assert run.changes.count("New-ApplicationAccessPolicy") == 2
        assert len(policies(deployed)) == 1


class TestPurge:
    PURGE = MAILBOX | {"purge": True}

    def test_that_is_not_done_is_to_be_run_again(self, deployed, monkeypatch):
        """A deployment would make a mailbox anew, and the removed one stay recoverable."""
        invoke = ExchangeSession.invoke

        def without_removed(session, cmdlet, parameters):
            found = invoke(session, cmdlet, parameters)
            return [] if "SoftDeletedMailbox" in parameters else found

        monkeypatch.setattr(ExchangeSession, "invoke", without_removed)
        run = deployed.run(REMOVE_MAILBOX, self.PURGE)
        assert run.code == 1
        assert "run this same removal again" in run.stderr
        assert "drift" not in run.stderr

    def soft_deleted(self, scripts: Scripts) -> list[str]:
        scripts.pass_time()
        found = scripts.cmdlet("Get-Mailbox", SoftDeletedMailbox=True)
        return [entry["PrimarySmtpAddress"] for entry in found]

    def test_leaves_no_soft_deleted_mailbox(self, deployed):
        run = deployed.run(REMOVE_MAILBOX, self.PURGE)
        assert run.code == 0, run.stderr
        assert run.changes == ["Remove-Mailbox", "Remove-Mailbox"]
        assert self.soft_deleted(deployed) == []

    def test_is_not_done_unless_asked_for(self, deployed):
        assert deployed.run(REMOVE_MAILBOX, MAILBOX).changes == ["Remove-Mailbox"]
        assert self.soft_deleted(deployed) == [MAILBOX["address"]]

    def test_spares_what_an_earlier_removal_left_recoverable(self, deployed):
        deployed.run(REMOVE_MAILBOX, MAILBOX)
        deployed.outputs.clear()
        deploy(deployed)
        deployed.pass_time()
        run = deployed.run(REMOVE_MAILBOX, self.PURGE)
        assert run.code == 0, run.stderr
        assert self.soft_deleted(deployed) == [MAILBOX["address"]]
        # Nor does it go when there is nothing else to remove.
        assert deployed.run(REMOVE_MAILBOX, self.PURGE).changes == []

    def test_is_finished_by_the_next_run_where_one_was_cut_off(self, deployed):
        deployed.tenant.plan_faults(
            [Fault(Step("", "Exchange", "Remove-Mailbox", "{id}", 2), Kind.REFUSED)]
        )
        assert deployed.run(REMOVE_MAILBOX, self.PURGE).code == 1
        assert self.soft_deleted(deployed) == [MAILBOX["address"]]
        run = deployed.run(REMOVE_MAILBOX, self.PURGE)
        assert (run.code, run.changes) == (0, ["Remove-Mailbox"]), run.stderr
        assert self.soft_deleted(deployed) == []

    def test_waits_for_one_that_was_removed_a_moment_ago(self, deployed):
        deployed.cmdlet("Remove-Mailbox", Identity=MAILBOX["address"], Confirm=False)
        run = deployed.run(REMOVE_MAILBOX, self.PURGE)
        assert (run.code, run.changes) == (0, ["Remove-Mailbox"]), run.stderr
        assert self.soft_deleted(deployed) == []

    def test_never_takes_an_adopted_mailbox(self, deployed):
        [former] = mailbox(deployed)[MARK_ATTRIBUTE]
        adopted = former.replace("created", "adopted")
        deployed.cmdlet(
            "Set-Mailbox", Identity=MAILBOX["address"], ExtensionCustomAttribute5=adopted
        )
        assert deployed.run(REMOVE_MAILBOX, self.PURGE).changes == ["Set-Mailbox"]
        assert mailbox(deployed)["DisplayName"] == SETTINGS["displayName"]


class TestPolicyIsOnTheGroupAndNowhereElse:
    def test_one_that_exchange_stored_elsewhere_is_named(self, scripts, monkeypatch):
        for script, desired in UP[:4]:
            assert scripts.run(script, desired).code == 0
        invoke = ExchangeSession.invoke

        def misread(session: ExchangeSession, name: str, given: Any) -> list[dict[str, Any]]:
            if name == "New-ApplicationAccessPolicy":
                given = given | {"PolicyScopeGroupId": "BuildingAccess@contoso.com"}
            return invoke(session, name, given)

        monkeypatch.setattr(ExchangeSession, "invoke", misread)
        run = scripts.run(ENSURE_POLICY, POLICY)
        [policy] = policies(scripts)
        assert run.code == 1
        assert "stored the policy with the scope 'Building Acc" in run.stderr
        assert f"Remove-ApplicationAccessPolicy -Identity '{policy['Identity']}'" in run.stderr


class TestNamingPolicyOfTheTenant:
    def test_does_not_rename_the_group(self, scripts):
        scripts.tenant.set_group_naming_policy("GRP_")
        deploy(scripts)
        scripts.run(ENSURE_GROUP, GROUP | {"displayName": "Senders of mail"})
        assert group(scripts)["DisplayName"] == "Senders of mail"


class TestPolicyOfAFormerIdentity:
    """``deployed`` has the policy of APP_ID; the state says whose the former one was."""

    def updated(self, scripts: Scripts, former: str, **desired: Any) -> Run:
        scripts.outputs[ENSURE_POLICY, ""] = former
        run = scripts.run(ENSURE_POLICY, POLICY | {"appId": NEXT_APP_ID} | desired)
        assert run.code == 0, run.stderr
        return run

    @pytest.mark.parametrize("before", ["", "a message of a session that ended\n"])
    def test_is_retired_after_the_new_one_is_made(self, deployed, before):
        run = self.updated(deployed, before + deployed.outputs[ENSURE_POLICY, ""])

        assert run.changes == ["New-ApplicationAccessPolicy", "Remove-ApplicationAccessPolicy"]
        assert policies(deployed) == []
        assert len(policies(deployed, NEXT_APP_ID)) == 1

    @pytest.mark.parametrize(
        "former",
        [
            "",
            json.dumps({"appId": NEXT_APP_ID}),
            json.dumps({"appId": APP_ID}),
            json.dumps({"appId": APP_ID, "claim": "0a1b2c3d"}),
        ],
    )
    def test_of_which_the_state_does_not_know_stays(self, deployed, former):
        # A lost state, or a second stack of the same name: its identity may be alive.
        run = self.updated(deployed, former)

        assert run.changes == ["New-ApplicationAccessPolicy"]
        assert len(policies(deployed)) == 1

    def test_stays_where_it_may_live_on(self, deployed):
        former = deployed.outputs[ENSURE_POLICY, ""]

        assert self.updated(deployed, former, retireFormer=False).changes == [
            "New-ApplicationAccessPolicy"
        ]

    @pytest.mark.parametrize(
        ("app_id", "access_right"),
        [
            ("*", "DenyAccess"),
            ("*", "RestrictAccess"),
            (STRANGERS_APP_ID, "DenyAccess"),
            (STRANGERS_APP_ID, "RestrictAccess"),
        ],
    )
    def test_takes_nothing_along_that_is_no_former_identity(self, deployed, app_id, access_right):
        deployed.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight=access_right,
            AppId=app_id,
            PolicyScopeGroupId=GROUP["address"],
            Description="nobody",
        )

        self.updated(deployed, deployed.outputs[ENSURE_POLICY, ""])

        assert len(policies(deployed, app_id)) == 1


class TestScopeThatIsNoScope:
    @pytest.mark.parametrize("address", ["finance@contoso.com", "{plain}"])
    def test_is_refused(self, deployed, address):
        if address == "{plain}":
            deployed.cmdlet(
                "New-DistributionGroup",
                Name="Plain",
                Type="Distribution",
                PrimarySmtpAddress="plain@contoso.com",
            )
            deployed.pass_time()
            address = "plain@contoso.com"
        run = deployed.run(ENSURE_POLICY, POLICY | {"groupAddress": address})
        assert run.code == 1
        assert "must be a mail-enabled security group" in run.stderr
        assert run.changes == []


class TestProofFailsClosed:
    def prove(self, scripts: Scripts, **changes: Any) -> Run:
        return scripts.run(PROVE, PROOF | changes)

    def test_without_a_policy(self, deployed):
        [policy] = policies(deployed)
        deployed.cmdlet(
            "Remove-ApplicationAccessPolicy", Identity=policy["Identity"], Confirm=False
        )
        run = self.prove(deployed)
        assert run.code == 1
        assert f"{CONTROL} is Granted, expected Denied" in run.stderr
        assert "no RestrictAccess policy" in run.stderr
        assert run.stdout == ""

    def test_when_the_control_mailbox_is_in_the_group(self, deployed):
        deployed.cmdlet(
            "Add-DistributionGroupMember",
            Identity=GROUP["address"],
            Member=CONTROL,
            BypassSecurityGroupManagerCheck=True,
        )
        assert f"{CONTROL} is Granted, expected Denied" in self.prove(deployed).stderr

    def test_when_a_stranger_is_in_the_group(self, deployed):
        add_stray(deployed)
        run = self.prove(deployed)
        assert run.code == 1
        assert "finance@contoso.com is in the group as well" in run.stderr

    def test_when_a_member_is_not_in_the_group(self, deployed):
        run = self.prove(deployed, members=["finance@contoso.com"])
        assert run.code == 1
        assert "finance@contoso.com is Denied, expected Granted" in run.stderr

    def test_when_another_policy_widens_the_reach(self, deployed):
        other = {"mark": "someone/else/group", "address": "wide@contoso.com", "alias": "Wide"}
        deployed.run(ENSURE_GROUP, GROUP | other | {"name": "Wide", "displayName": "Wide"})
        deployed.pass_time()
        deployed.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight="RestrictAccess",
            AppId=APP_ID,
            PolicyScopeGroupId="wide@contoso.com",
            Description="wider",
        )
        before = deployed.tenant.clock.now()
        run = self.prove(deployed)
        assert run.code == 1
        [widening] = [p for p in policies(deployed) if p["ScopeName"] == "Wide"]
        [line] = run.stderr.splitlines()
        assert "not confined: a further policy lets the application reach 'Wide' as well" in line
        # To be copied as it is.
        assert f"Remove-ApplicationAccessPolicy -Identity '{widening['Identity']}'" in line
        assert "what an earlier one granted stands" in line
        # Waiting does not mend it.
        assert deployed.tenant.clock.now() == before

    def test_when_the_control_mailbox_does_not_exist(self, deployed):
        run = self.prove(deployed, controlMailbox="nobody@contoso.com")
        assert run.code == 1
        assert "must exist" in run.stderr
        # The remedy for what the stack made itself: it never makes this one.
        assert "drift" not in run.stderr
        # A mistake in the configuration is not waited for.
        assert "waiting" not in run.stderr

    def test_when_the_control_mailbox_is_a_group(self, deployed):
        run = self.prove(deployed, controlMailbox=GROUP["address"])
        assert run.code == 1
        assert "Give the address of a mailbox" in run.stderr

    def test_after_the_stated_time(self, deployed):
        before = deployed.tenant.clock.now()
        run = self.prove(deployed, members=["finance@contoso.com"], timeoutSeconds=60)
        assert "not proven after 60 s" in run.stderr
        assert (deployed.tenant.clock.now() - before).total_seconds() == 60

    def test_a_deny_policy_only_narrows_and_is_a_warning(self, deployed):
        other = {"mark": "someone/else/group", "address": "narrow@contoso.com", "alias": "Narrow"}
        deployed.run(ENSURE_GROUP, GROUP | other | {"name": "Narrow", "displayName": "Narrow"})
        deployed.pass_time()
        deployed.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight="DenyAccess",
            AppId=APP_ID,
            PolicyScopeGroupId="narrow@contoso.com",
            Description="narrower",
        )
        run = self.prove(deployed)
        assert run.code == 0, run.stderr
        assert run.stderr.count("warning: the DenyAccess policy") == 1

        # The same policy, once it denies a member, is the reason.
        deployed.cmdlet(
            "Add-DistributionGroupMember",
            Identity="narrow@contoso.com",
            Member=MAILBOX["address"],
            BypassSecurityGroupManagerCheck=True,
        )
        run = self.prove(deployed)
        assert run.code == 1
        error = run.stderr.splitlines()[-1]
        assert f"{MAILBOX['address']} is Denied, expected Granted; the DenyAccess policy" in error
        assert "denies this application the members of 'Narrow'" in error

    def test_settles_after_the_proof_and_without_a_connection(self, deployed, monkeypatch):
        sleep = SimulatedHost.sleep
        connected: list[bool] = []

        def note(host: SimulatedHost, seconds: float) -> None:
            module = host.modules["ExchangeOnlineManagement"]
            connected.append(module.find("Get-Recipient") is not None)
            sleep(host, seconds)

        monkeypatch.setattr(SimulatedHost, "sleep", note)
        before = deployed.tenant.clock.now()
        run = self.prove(deployed, settleSeconds=700)
        assert run.code == 0, run.stderr
        assert (deployed.tenant.clock.now() - before).total_seconds() == 700
        assert connected == [False] * 3


class TestConnection:
    def test_refuses_anything_but_the_initial_domain_before_it_signs_in(self, scripts):
        for organization in ("contoso.com", "11111111-0000-4000-8000-000000000001"):
            run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"organization": organization})
            assert run.code == 1
            assert "is not an .onmicrosoft.com domain" in run.stderr

    def test_refuses_another_tenant_than_the_configured_one(self, scripts):
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"organization": "fabrikam.onmicrosoft.com"})
        assert run.code == 1
        assert run.changes == []

    def test_compares_the_tenant_that_it_is_signed_in_to(self, scripts, monkeypatch):
        # As a person's sign-in does, which leads to the home tenant whatever the stack says.
        connect = ExchangeOnlineManagement._connect

        def connect_at_home(module, bound):
            return connect(module, bound | {"Organization": ORGANIZATION})

        monkeypatch.setattr(ExchangeOnlineManagement, "_connect", connect_at_home)
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"organization": "fabrikam.onmicrosoft.com"})
        assert run.code == 1
        assert "the stack's 'organization' is fabrikam.onmicrosoft.com" in run.stderr
        assert run.changes == []
        assert scripts.host.modules["ExchangeOnlineManagement"].find("Get-Recipient") is None

    @pytest.mark.parametrize(
        ("environment", "found"),
        [
            ({}, "none of them is set"),
            (
                {"EXCHANGE_ACCESS_TOKEN": "a.b.c", "EXCHANGE_MANAGED_IDENTITY": "system"},
                "these are set: EXCHANGE_ACCESS_TOKEN, EXCHANGE_MANAGED_IDENTITY",
            ),
            ({"EXCHANGE_CERTIFICATE_PATH": "app.pfx"}, "needs EXCHANGE_APP_ID"),
            ({"EXCHANGE_FEDERATED_TOKEN_FILE": "token"}, "needs EXCHANGE_APP_ID"),
        ],
    )
    def test_takes_exactly_one_way_to_sign_in(self, scripts, environment, found):
        scripts.environment = environment
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert found in run.stderr

    def test_takes_a_persons_token_beside_the_name_that_it_is_of(self, scripts):
        token = scripts.tenant.entra.issue_person_token(EXCHANGE_ADMINISTRATOR, EXCHANGE_AUDIENCE)
        person = {"EXCHANGE_USER_PRINCIPAL_NAME": EXCHANGE_ADMINISTRATOR}
        scripts.environment = person | {"EXCHANGE_ACCESS_TOKEN": token}
        # One sign-in, whatever the number of scripts.
        for script, desired in ((ENSURE_MAILBOX, MAILBOX), (ENSURE_GROUP, GROUP)):
            run = scripts.run(script, desired)
            assert run.code == 0, run.stderr

        for wrong in (
            {"EXCHANGE_ACCESS_TOKEN": token},
            person | {"EXCHANGE_ACCESS_TOKEN": scripts.token()},
            {"EXCHANGE_USER_PRINCIPAL_NAME": "b@contoso.com", "EXCHANGE_ACCESS_TOKEN": token},
        ):
            scripts.environment = wrong
            run = scripts.run(ENSURE_MAILBOX, MAILBOX)
            assert run.code == 1
            assert "UnAuthorized" in run.stderr

    def test_a_person_without_a_role_in_exchange_loads_nothing(self, scripts):
        nobody = "nobody@contoso.com"
        token = scripts.tenant.entra.issue_person_token(nobody, EXCHANGE_AUDIENCE)
        scripts.environment = {
            "EXCHANGE_USER_PRINCIPAL_NAME": nobody,
            "EXCHANGE_ACCESS_TOKEN": token,
        }
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "No cmdlet assigned to the user" in run.stderr

    def test_a_persons_own_sign_in_takes_no_window_of_windows(self, scripts, monkeypatch):
        given = []

        def connect(module, bound):
            given.append(bound)
            raise CommandError("not now")

        monkeypatch.setattr(ExchangeOnlineManagement, "_connect", connect)
        scripts.environment = {"EXCHANGE_USER_PRINCIPAL_NAME": EXCHANGE_ADMINISTRATOR}
        assert scripts.run(ENSURE_MAILBOX, MAILBOX).code == 1
        assert given[0]["UserPrincipalName"] == EXCHANGE_ADMINISTRATOR
        assert given[0]["DisableWAM"] is True
        assert "Organization" not in given[0]

    def test_an_expired_token_is_told_with_what_lasts(self, scripts):
        scripts.environment = {"EXCHANGE_ACCESS_TOKEN": scripts.token()}
        scripts.tenant.clock.advance(2 * 3600)
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "the token is expired. Sign in again: " in run.stderr

    @pytest.fixture
    def federated(self, scripts, tmp_path):
        """Signed in by the token of a pipeline, which the pipeline can renew."""

        def renew() -> None:
            token = scripts.tenant.entra.issue_federated_token(
                DEPLOYMENT_CLIENT_ID, timedelta(minutes=10)
            )
            file.write_text(f"{token}\n", encoding="utf-8")

        file = tmp_path / "federated-token"
        renew()
        scripts.environment = {
            "EXCHANGE_FEDERATED_TOKEN_FILE": str(file),
            "EXCHANGE_APP_ID": DEPLOYMENT_CLIENT_ID,
        }
        return renew

    def test_by_the_token_of_a_pipeline_outlasts_any_wait(self, scripts, federated):
        assert scripts.run(ENSURE_MAILBOX, MAILBOX).code == 0
        scripts.tenant.clock.advance(2 * 3600)
        federated()
        run = scripts.run(SET_MAILBOX, SETTINGS)
        assert run.code == 0, run.stderr

    def test_by_one_that_the_pipeline_did_not_renew_says_so(self, scripts, federated):
        scripts.tenant.clock.advance(2 * 3600)
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "AADSTS700024: Client assertion is not within its valid time" in run.stderr
        assert "docs/messages.md" in run.stderr
        assert run.stderr.count("waiting 15 s") == 2

    @pytest.mark.parametrize("cloud", [cloud for cloud in Cloud if cloud is not Cloud.PUBLIC])
    def test_by_one_asks_the_clouds_own_entra_for_its_own_exchange(self, scripts, federated, cloud):
        environment = ENDPOINTS[cloud].exchange_environment
        try:
            said = scripts.run(
                ENSURE_MAILBOX, MAILBOX | {"exchangeEnvironmentName": environment}
            ).stderr
        except NotSimulated as refusal:  # What real PowerShell ends with, on standard error.
            said = str(refusal)
        documented = (SCRIPTS.parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")
        [audience] = re.findall(rf"^\| `{cloud}`.*`(https://\S+)` \|$", documented, re.MULTILINE)
        login = f"https://{ENDPOINTS[cloud].authority}/{ORGANIZATION}/oauth2/v2.0/token"
        assert f"Invoke-RestMethod {login} {audience}/.default" in said

    def test_by_one_of_another_application_says_so(self, scripts, federated):
        scripts.environment["EXCHANGE_APP_ID"] = APP_ID
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert f"Entra gave no token to the application {APP_ID}: AADSTS" in run.stderr

    def test_by_a_file_that_is_not_there_says_so(self, scripts, federated, tmp_path):
        (tmp_path / "federated-token").unlink()
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "Cannot find path" in run.stderr

    @pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.ps1")))
    def test_an_error_that_quotes_the_token_is_shown_without_it(self, scripts, script):
        scripts.environment = {"EXCHANGE_ACCESS_TOKEN": "eyJ0.planted-token.c2ln"}
        desired = SETTINGS | MAILBOX | GROUP | MEMBERS | POLICY | PROOF
        # What the scripts of roles, and of drift, name before they sign in.
        desired |= {"principalId": "", "scope": "", "objects": []}
        run = scripts.run(script, desired)
        assert run.code == 1
        assert "JWT is not well formed: '***'" in run.stderr
        assert "planted-token" not in run.stderr
        assert run.stdout == ""

    @pytest.mark.parametrize(
        "text", ["'Planted  password'", "server is busy, wrong password: Planted  password"]
    )
    def test_an_error_that_quotes_the_password_is_shown_without_it(
        self, scripts, monkeypatch, text
    ):
        def refuse(module, bound):
            raise CommandError(text)

        monkeypatch.setattr(ExchangeOnlineManagement, "_connect", refuse)
        scripts.environment = {
            "EXCHANGE_CERTIFICATE_PATH": "app.pfx",
            "EXCHANGE_APP_ID": APP_ID,
            "EXCHANGE_CERTIFICATE_PASSWORD": "Planted  password",
        }
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "***" in run.stderr
        assert "Planted" not in run.stderr

    def test_an_error_that_quotes_an_exchanged_token_is_shown_without_it(
        self, scripts, federated, monkeypatch
    ):
        tokens = []

        def refuse(module, bound):
            tokens.append(bound["AccessToken"])
            raise CommandError(f"JWT is not well formed: {bound['AccessToken']}")

        monkeypatch.setattr(ExchangeOnlineManagement, "_connect", refuse)
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert "JWT is not well formed: ***" in run.stderr
        assert tokens
        assert tokens[0] not in run.stderr

    def test_is_closed_after_success_and_after_failure(self, scripts):
        for desired in (MAILBOX, MAILBOX | {"address": "finance@contoso.com"}):
            scripts.run(ENSURE_MAILBOX, desired)
            module = scripts.host.modules["ExchangeOnlineManagement"]
            assert module.find("Get-Recipient") is None

    def test_leaves_no_folder_behind(self, scripts, tmp_path, monkeypatch):
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        for desired in (MAILBOX, MAILBOX | {"organization": "fabrikam.onmicrosoft.com"}):
            scripts.run(ENSURE_MAILBOX, desired)
        assert list(temporary.iterdir()) == []


class TestBadInput:
    @pytest.mark.parametrize("stdin", ["", "   ", "not json", "[]", "{}"])
    @pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.ps1")))
    def test_changes_nothing_and_says_what_failed(self, scripts, script, stdin):
        run = scripts.run(script, stdin)
        assert run.code == 1
        assert run.stdout == ""
        assert run.stderr.startswith("error: ")
        assert run.stderr.count("\n") == 1
        assert run.changes == []


class TestErrorsNameObjectAndRemedy:
    def test_an_alias_in_use(self, scripts):
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"alias": "finance"})
        assert run.code == 1
        [line] = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        assert line.startswith(f"error: shared mailbox {MAILBOX['address']}: ")
        assert "|" not in line

    def test_a_domain_that_is_not_accepted(self, scripts):
        run = scripts.run(ENSURE_MAILBOX, MAILBOX | {"address": "notifications@fabrikam.com"})
        assert run.code == 1
        assert "notifications@fabrikam.com" in run.stderr


class TestScriptsOnlyNeedTheirOwnFolder:
    def test_they_run_from_a_copy(self, scripts, tmp_path):
        copy = tmp_path / "vendored"
        shutil.copytree(SCRIPTS, copy)
        scripts.folder = copy
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 0, run.stderr
        assert json.loads(run.stdout)["primarySmtpAddress"] == MAILBOX["address"]
