"""Roles of which an identity gets a child with what the scripts use, and nothing else."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.exchange.exchange_command import SCRIPTS
from simulator.exchange_online import ALWAYS_THERE
from simulator.powershell.syntax import nodes
from simulator.tenant import EXCHANGE_AUDIENCE, ORGANIZATION, ExchangeError
from simulator.tenant.exchange import ExchangeSession
from simulator.tenant.exchange.recipients import CUSTOM_ATTRIBUTES, EXTENSION_ATTRIBUTES
from tests.components.exchange.conftest import Run, Scripts, empty_tenant, scripts
from tests.components.exchange.test_cmdlets import FILES, exchange_calls
from tests.components.exchange.test_find_drift import findings_of, remove_assignment
from tests.components.exchange.test_rbac_scripts import Sender
from tests.identities.test_pipeline_identity import (
    CONFIG,
    FOLDER,
    Pipeline,
    folder_on_path,
    run,
)

__all__ = ["empty_tenant", "folder_on_path", "scripts"]

CHILD = "mail-sender-test Role Management"


def used() -> list[dict[str, Any]]:
    """What the scripts use of Exchange: each cmdlet, with what it is given.

    What is splatted stands in the table of ``Session.psm1``, which a test of its own holds against
    the scripts; the attribute of the marks is any of those that ``markAttribute`` takes.
    """
    parameters: dict[str, set[str]] = {}
    for path in FILES:
        if path.parent == FOLDER:
            continue  # Run by an administrator, not by an identity that gets such roles.
        for _, call in exchange_calls(path):
            name = str(call.target)
            if name in ALWAYS_THERE:
                continue
            given = parameters.setdefault(name, set())
            given |= {
                token.name for token in call.tokens if isinstance(token, nodes.ParameterToken)
            }
    table = (SCRIPTS / "Session.psm1").read_text(encoding="utf-8")
    for name, names in re.findall(r"'((?:New|Set|Add|Remove)-\w+)'\s*= @\((.*)\)", table):
        parameters[name] |= set(re.findall(r"'(\w+)'", names))
    for name in ("Set-Mailbox", "Set-DistributionGroup"):
        parameters[name] |= {*CUSTOM_ATTRIBUTES, *EXTENSION_ATTRIBUTES}
    return [
        {"name": name, "parameters": sorted(given - {"Confirm", "ErrorAction"})}
        for name, given in sorted(parameters.items())
    ]


def assign(pipeline: Pipeline, **changes: object) -> Run:
    """What the Exchange administrator runs, with the output of the program."""
    scripts = pipeline.scripts
    scripts.folder = FOLDER
    given = {"cmdlets": used(), "applications": [pipeline.application]}
    done = scripts.run("assign-exchange-roles.ps1", given | changes)
    scripts.folder = SCRIPTS
    return done


def given_its_roles(scripts: Scripts, application: dict[str, Any]) -> Pipeline:
    """An identity as the program has it, with its roles assigned and in effect."""
    pipeline = Pipeline(scripts, application["displayName"], [])
    pipeline.application |= {key: application[key] for key in ("roles", "childRoles")}
    assigned = assign(pipeline)
    assert assigned.code == 0, assigned.stderr
    scripts.pass_time()
    return pipeline


def session(pipeline: Pipeline) -> ExchangeSession:
    """A connection as the identity, past the module and what that loads."""
    tenant = pipeline.scripts.tenant
    token = tenant.entra.issue_token(pipeline.application["clientId"], EXCHANGE_AUDIENCE)
    return tenant.exchange.connect(token=token, organization=ORGANIZATION)


def membership(pipeline: Pipeline) -> dict[str, object]:
    """The call that makes an identity with the whole role everything that Exchange has."""
    return {
        "Identity": "Organization Management",
        "Member": pipeline.application["objectId"],
        "BypassSecurityGroupManagerCheck": True,
    }


@pytest.fixture
def pipeline(scripts: Scripts, folder_on_path: None) -> Pipeline:
    """The identity that deploys senders with roles, as the program has it, before it has any."""
    from pipeline_identity import Confining, Mode, permissions_of

    needed = permissions_of(Mode.DEPLOY, Confining.RBAC)
    names = needed.child_roles("test")
    pipeline = Pipeline(
        scripts,
        "deploy",
        [names.get(role, role) for role in needed.exchange_roles],
        needed.delegated_roles,
    )
    pipeline.application["childRoles"] = [
        {"name": name, "parent": parent, "readsOnly": False} for parent, name in names.items()
    ]
    return pipeline


@pytest.fixture
def exported(
    folder_on_path: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """What the script is given of an identity, by what confines the senders."""

    def export(scoping: str, mode: str = "deploy") -> dict[str, Any]:
        outputs: dict[str, Any] = {}
        monkeypatch.setattr(pulumi, "export", outputs.__setitem__)
        run(CONFIG | {"scoping": scoping})
        assert outputs["exchange"]["cmdlets"] == used()
        applications = outputs["exchange"]["applications"]
        return next(a for a in applications if a["displayName"].endswith(f"-{mode}"))

    return export


class TestTheListOfWhatIsUsed:
    def test_is_what_the_scripts_use(self):
        written = json.loads((FOLDER / "used-cmdlets.json").read_text(encoding="utf-8"))
        assert written == used(), "\n".join(json.dumps(entry) for entry in used())

    def test_has_no_cmdlet_that_gives_rights_to_people_or_changes_roles(self):
        names = {str(entry["name"]) for entry in used()}
        assert not {name for name in names if re.search("RoleGroup|RoleEntry|Permission", name)}
        assert not names & {"New-ManagementRole", "Set-ManagementRole"}

    def test_does_not_let_a_role_be_delegated_or_given_to_a_person(self):
        [entry] = [entry for entry in used() if entry["name"] == "New-ManagementRoleAssignment"]
        assert not {"Delegating", "User", "SecurityGroup", "Policy"} & set(entry["parameters"])


class TestTheProgram:
    @pytest.mark.parametrize("scoping", ["rbac", "both"])
    def test_names_child_roles_in_place_of_their_parents(self, exported, scoping):
        deploy = exported(scoping)
        children = {child["parent"]: child["name"] for child in deploy["childRoles"]}
        assert children["Role Management"] == CHILD
        assert set(children.values()) <= set(deploy["roles"])
        assert not children.keys() & set(deploy["roles"])

    @pytest.mark.parametrize("scoping", ["rbac", "both"])
    def test_names_a_child_role_that_reads_for_previews(self, exported, scoping):
        preview = exported(scoping, "preview")
        name = "mail-sender-test preview Role Management"
        assert preview["roles"] == ["View-Only Recipients", "View-Only Configuration", name]
        assert preview["childRoles"] == [
            {"name": name, "parent": "Role Management", "readsOnly": True}
        ]
        assert not preview["delegatedRoles"]

    def test_cuts_nothing_down_for_policies(self, exported):
        assert exported("applicationAccessPolicy", "preview")["childRoles"] == []
        deploy = exported("applicationAccessPolicy")
        assert deploy["childRoles"] == []
        assert "Mail Recipients" in deploy["roles"]

    def test_refuses_a_name_that_exchange_does_not_take(self, folder_on_path):
        from pipeline_identity import Confining, Mode, permissions_of

        needed = permissions_of(Mode.DEPLOY, Confining.RBAC)
        with pytest.raises(ValueError, match="more than 64 characters"):
            needed.child_roles("s" * 40)


class TestAnIdentityWithChildRoles:
    def test_deploys_and_removes_a_sender_and_cannot_become_more(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        assigned = assign(pipeline)
        assert assigned.code == 0, assigned.stderr
        scripts.pass_time()
        pipeline.sign_in()
        sender = Sender(scripts)

        sender.come_and_go()

        own = session(pipeline)
        assert "Add-RoleGroupMember" not in own.cmdlets
        assert "Add-MailboxPermission" not in own.cmdlets
        with pytest.raises(ExchangeError, match="'Add-RoleGroupMember' is not recognized"):
            own.invoke("Add-RoleGroupMember", membership(pipeline))
        with pytest.raises(ExchangeError, match="matches parameter name 'Delegating'"):
            own.invoke(
                "New-ManagementRoleAssignment",
                {"App": sender.principal_id, "Role": "Application Mail.Send", "Delegating": True},
            )
        assert {c for c in own.cmdlets if "ManagementRole" in c} == {
            "Get-ManagementRoleAssignment",
            "New-ManagementRoleAssignment",
            "Remove-ManagementRoleAssignment",
        }

    def test_would_become_everything_with_the_whole_role(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        pipeline.application |= {"roles": ["Role Management"], "childRoles": []}
        assert assign(pipeline).code == 0
        scripts.pass_time()

        session(pipeline).invoke("Add-RoleGroupMember", membership(pipeline))

        assert "New-ApplicationAccessPolicy" in session(pipeline).cmdlets

    def test_gets_them_once(self, scripts: Scripts, pipeline: Pipeline):
        first = assign(pipeline)
        assert first.changes.count("New-ManagementRole") == 3
        assert first.changes.index("New-ManagementRoleAssignment") > 0
        scripts.pass_time()
        again = assign(pipeline)
        assert (again.code, again.changes) == (0, []), again.stderr

    def test_is_told_of_the_whole_role_that_an_older_version_assigned(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        children = pipeline.application["childRoles"]
        names = pipeline.application["roles"]
        pipeline.application |= {"roles": ["Role Management"], "childRoles": []}
        assign(pipeline)
        scripts.pass_time()
        pipeline.application |= {"roles": names, "childRoles": children}
        named = assign(pipeline)
        assert "also holds the role Role Management, which it does not need" in named.stderr


class TestAnIdentityThatPreviews:
    @pytest.fixture
    def previewing(self, scripts: Scripts, exported: Callable[..., dict[str, Any]]) -> Pipeline:
        """The identity, with its roles assigned."""
        return given_its_roles(scripts, exported("rbac", "preview"))

    def test_sees_what_others_changed_of_roles(self, scripts: Scripts, previewing: Pipeline):
        sender = Sender(scripts)
        sender.deploy()
        scripts.pass_time()
        deploying = scripts.token
        previewing.sign_in()
        assert findings_of(sender) == {}

        scripts.token = deploying  # type: ignore[method-assign]
        remove_assignment(sender)
        previewing.sign_in()

        assert [*findings_of(sender)] == ["ensure-role-assignment.ps1", "prove-authorization.ps1"]

    def test_can_change_nothing(self, scripts: Scripts, previewing: Pipeline):
        sender = Sender(scripts)
        before = scripts.tenant.snapshot()
        previewing.sign_in()
        for script, desired in [*sender.up[:3], *sender.down]:
            _, line = sender.refused(script, desired)
            assert "did not load" in line, script
        assert scripts.tenant.snapshot() == before
        own = session(previewing)
        assert {cmdlet.partition("-")[0] for cmdlet in own.cmdlets} == {"Get", "Test"}
        for cmdlet, parameter in (
            ("New-ManagementRoleAssignment", "Name"),
            ("Set-ManagementScope", "Identity"),
        ):
            with pytest.raises(ExchangeError, match=f"'{cmdlet}' is not recognized"):
                own.invoke(cmdlet, {parameter: "any"})

    def test_holds_of_roles_what_the_look_for_drift_calls(self, previewing: Pipeline):
        source = (SCRIPTS / "find-drift.ps1").read_text(encoding="utf-8")
        of_roles = source.partition("-OfRoles) {")[2].partition("} -Action")[0]
        called = set(re.findall(r"'((?:Get|Test)-\w+)'", of_roles))
        [name] = [child["name"] for child in previewing.application["childRoles"]]
        held = previewing.scripts.cmdlet("Get-ManagementRoleEntry", Identity=f"{name}\\*")
        assert {entry["Name"] for entry in held} == called


class TestAChildRole:
    def entries(self, scripts: Scripts) -> dict[str, list[str]]:
        found = scripts.cmdlet("Get-ManagementRoleEntry", Identity=f"{CHILD}\\*")
        return {entry["Name"]: entry["Parameters"] for entry in found}

    def test_is_brought_back_to_what_is_used(self, scripts: Scripts, pipeline: Pipeline):
        assign(pipeline)
        scripts.pass_time()
        before = self.entries(scripts)
        for name in ("Add-RoleGroupMember", "Get-ManagementRole"):
            scripts.cmdlet("Add-ManagementRoleEntry", Identity=f"{CHILD}\\{name}")
        scripts.cmdlet(
            "Set-ManagementRoleEntry",
            Identity=f"{CHILD}\\New-ManagementRoleAssignment",
            Parameters=["App", "Role", "Delegating"],
        )
        scripts.cmdlet(
            "Remove-ManagementRoleEntry",
            Identity=f"{CHILD}\\Get-ManagementScope",
            Confirm=False,
        )

        again = assign(pipeline)

        assert again.code == 0, again.stderr
        assert self.entries(scripts) == before
        assert sorted(again.changes) == [
            "Add-ManagementRoleEntry",
            "Remove-ManagementRoleEntry",
            "Remove-ManagementRoleEntry",
            "Set-ManagementRoleEntry",
        ]

    def test_of_another_parent_is_refused_and_assigned_to_nobody(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        scripts.cmdlet("New-ManagementRole", Name=CHILD, Parent="Mail Recipients")
        scripts.pass_time()

        run = assign(pipeline)

        assert run.code == 1
        assert f"the role {CHILD} is there already" in run.stderr
        assert "New-ManagementRoleAssignment" not in run.changes

    def test_that_does_not_become_what_it_has_to_be_is_assigned_to_nobody(
        self, scripts: Scripts, pipeline: Pipeline
    ):
        # Exchange says yes, and does nothing.
        cmdlets = scripts.tenant.exchange.cmdlets
        name = "Set-ManagementRoleEntry"
        cmdlets[name] = replace(cmdlets[name], run=lambda parameters: [])

        run = assign(pipeline)

        assert run.code == 1
        assert f"Exchange Online did not show the role {CHILD} with what it was given" in run.stderr
        assert "New-ManagementRoleAssignment" not in run.changes

    def test_of_nothing_is_refused(self, scripts: Scripts, pipeline: Pipeline):
        nothing = [{"name": "Get-Nothing", "parameters": []}]
        run = assign(pipeline, cmdlets=nothing)
        assert run.code == 1
        assert "Exchange shows no cmdlet of the role Role Management" in run.stderr
        assert run.changes == []
