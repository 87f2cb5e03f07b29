"""What tenants are like that differ from the one in which everything is usual."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.catalogue import catalogue
from simulator.tenant import Tenant
from simulator.tenant.exchange.recipients import not_found
from simulator.tenant.exchange.session import ExchangeSession
from simulator.tenant.faults import Fault, Kind, Step
from simulator.tenant.seed import Seed
from tests.components.exchange.conftest import NOON, Scripts, deploy
from tests.components.exchange.desired import (
    CONTROL,
    DOWN,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    ENSURE_POLICY,
    GROUP,
    MAILBOX,
    MARK_ATTRIBUTE,
    POLICY,
    PROOF,
    PROVE,
    RELEASE_POLICY,
    REMOVE_GROUP,
    REMOVE_MAILBOX,
    SET_MAILBOX,
    SETTINGS,
    UP,
)
from tests.components.exchange.test_scripts import add_stray, policies

IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|S-1-[0-9-]+")
LANGUAGES = ["en", "de", "fr"]
BEFORE_THE_PROOF = UP[:-1]


@pytest.fixture
def without_policies(tmp_path: Path) -> Iterator[Scripts]:
    """The scripts, in front of a tenant in which nobody has made a policy yet."""
    tenant = Tenant(tmp_path / "bare.sqlite", real_time=lambda: NOON, seed=Seed.NO_POLICIES)
    yield Scripts(tenant)
    tenant.close()


class TestATenantWithoutAnyPolicy:
    """``Get-ApplicationAccessPolicy`` throws there: most tenants before the first ``up``."""

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_gets_its_first_one_and_loses_its_last_one(
        self, without_policies: Scripts, language: str
    ) -> None:
        without_policies.tenant.set_language(language)
        for script, desired in BEFORE_THE_PROOF:
            run = without_policies.run(script, desired)
            assert run.code == 0, run.stderr
        assert len(policies(without_policies)) == 1
        without_policies.pass_time()
        for _ in ("removed", "removed already"):
            for script, desired in DOWN:
                run = without_policies.run(script, desired)
                assert run.code == 0, run.stderr
                # No policy at all is no error that is tried again.
                assert "attempt" not in run.stderr
        assert not without_policies.tenant.exchange.policies.present()

    def test_has_drifted_where_the_last_one_is_gone(self, without_policies: Scripts) -> None:
        deploy(without_policies)
        [policy] = policies(without_policies)
        without_policies.cmdlet(
            "Remove-ApplicationAccessPolicy", Identity=policy["Identity"], Confirm=False
        )
        run = without_policies.run(
            "find-drift.ps1", {"objects": [{"script": ENSURE_POLICY, "desired": POLICY}]}
        )
        assert run.observed["findings"] == [
            {"RestrictAccess": {"expected": f"on {GROUP['address']}", "found": "none"}}
        ]

    def test_is_not_proven(self, without_policies: Scripts) -> None:
        for script, desired in UP[:4]:
            assert without_policies.run(script, desired).code == 0
        run = without_policies.run(PROVE, PROOF)
        assert run.code == 1
        assert "no RestrictAccess policy of the application" in run.stderr

    def test_is_no_excuse_for_another_object_that_is_not_found(
        self, deployed: Scripts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Taken for "no policies", the group would go, and its policy stay without a scope.
        invoke = ExchangeSession.invoke

        def lose(session: ExchangeSession, cmdlet: str, parameters: Any) -> Any:
            if cmdlet == "Get-ApplicationAccessPolicy":
                raise not_found("Some organisation")
            return invoke(session, cmdlet, parameters)

        monkeypatch.setattr(ExchangeSession, "invoke", lose)
        run = deployed.run(REMOVE_GROUP, GROUP)
        assert run.code == 1
        assert run.changes == []


class TestAnOrganisationInAnotherLanguage:
    @pytest.mark.parametrize("language", LANGUAGES[1:])
    def test_is_converged_and_taken_down(self, scripts: Scripts, language: str) -> None:
        scripts.tenant.set_language(language)
        for script, desired in BEFORE_THE_PROOF:
            run = scripts.run(script, desired)
            assert run.code == 0, run.stderr
            assert run.stderr.isascii()
        scripts.pass_time()
        for script, desired in DOWN:
            run = scripts.run(script, desired)
            assert run.code == 0, run.stderr

    @pytest.mark.parametrize("language", LANGUAGES[1:])
    def test_cannot_be_proven_and_says_so_at_once(self, deployed: Scripts, language: str) -> None:
        deployed.tenant.set_language(language)
        before = deployed.tenant.clock.now()
        run = deployed.run(PROVE, PROOF | {"timeoutSeconds": 3600})
        assert run.code == 1
        [line] = run.stderr.splitlines()
        assert "where 'Granted' or 'Denied' is known" in line
        assert deployed.tenant.clock.now() == before

    @pytest.mark.parametrize("language", LANGUAGES[1:])
    def test_has_passing_errors_that_are_known_by_their_type(
        self, deployed: Scripts, language: str
    ) -> None:
        deployed.tenant.set_language(language)
        add_stray(deployed)
        for kind in (Kind.THROTTLED, Kind.TIMEOUT_AFTER):
            step = Step("", "Exchange", "Set-Mailbox", "{id}", 1)
            deployed.tenant.plan_faults([Fault(step, kind)])
            run = deployed.run(SET_MAILBOX, SETTINGS | {"displayName": f"After {kind}"})
            assert deployed.tenant.faults_happened() == 1
            assert run.code == 0, run.stderr

    def test_is_told_what_to_do_where_a_role_is_missing(self, deployed: Scripts) -> None:
        deployed.tenant.set_language("de")
        step = Step("", "Exchange", "Set-Mailbox", "{id}", 1)
        deployed.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        run = deployed.run(SET_MAILBOX, SETTINGS | {"displayName": "Other"})
        assert run.stderr.endswith("Check the Exchange roles of the deploying identity.\n")


class TestAnOrganisationInWhichGrantsInEntraDoNotCount:
    def test_is_named_before_anything_is_granted(self, deployed: Scripts) -> None:
        deployed.tenant.set_organization_config("EnforceExoAppRbacPermissions", value=True)
        run = deployed.run(PROVE, PROOF)
        assert run.code == 1
        assert "Set-OrganizationConfig -EnforceExoAppRbacPermissions $false" in run.stderr

    def test_is_usual_where_the_property_says_no(self, deployed: Scripts) -> None:
        deployed.tenant.set_organization_config("EnforceExoAppRbacPermissions", value=False)
        run = deployed.run(PROVE, PROOF)
        assert run.code == 0, run.stderr


class TestAControlMailboxThatIsDeniedAnyway:
    """The 403 of such a mailbox says nothing of the policy."""

    def reasons(self, scripts: Scripts) -> list[str]:
        run = scripts.run(PROVE, PROOF)
        assert run.code == 0, run.stderr
        found: list[str] = run.observed["otherReasons"]
        assert run.stderr.count("proves nothing of the policy") == len(found)
        return found

    def test_by_its_own_setting(self, deployed: Scripts) -> None:
        deployed.cmdlet("Set-CASMailbox", Identity=CONTROL, EwsEnabled=False)
        assert self.reasons(deployed) == ["EwsEnabled is False in Get-CASMailbox"]

    def test_but_not_by_ews_being_off_in_the_organisation(self, deployed: Scripts) -> None:
        deployed.tenant.set_organization_config("EwsEnabled", value=False)
        assert self.reasons(deployed) == []

    def test_by_a_list_of_applications(self, deployed: Scripts) -> None:
        deployed.tenant.set_organization_config(
            "EwsApplicationAccessPolicy", value="EnforceAllowList"
        )
        assert self.reasons(deployed) == [
            "EwsApplicationAccessPolicy is EnforceAllowList in Get-OrganizationConfig"
        ]


class TestAnAliasThatAStrangerHas:
    @pytest.mark.parametrize(
        ("script", "desired"), [(ENSURE_MAILBOX, MAILBOX), (ENSURE_GROUP, GROUP)]
    )
    def test_is_refused_at_once_with_its_holder(
        self, scripts: Scripts, script: str, desired: dict[str, Any]
    ) -> None:
        before = scripts.tenant.clock.now()
        run = scripts.run(script, desired | {"alias": "finance"})
        assert run.code == 1
        assert run.changes == []
        [line] = run.stderr.splitlines()
        assert (
            "the alias 'finance' belongs to 'Finance' (finance@contoso.com, a UserMailbox)" in line
        )
        assert scripts.tenant.clock.now() == before


class TestARoleOrAModuleThatLacksAParameter:
    @pytest.mark.parametrize("lacking", ["WindowsEmailAddress", MARK_ATTRIBUTE])
    def test_is_named_before_the_first_change(
        self, scripts: Scripts, monkeypatch: pytest.MonkeyPatch, lacking: str
    ) -> None:
        parameters = dict(catalogue()["set-mailbox"].parameters)
        del parameters[lacking.casefold()]
        definition = replace(catalogue()["set-mailbox"], parameters=parameters)
        monkeypatch.setitem(catalogue(), "set-mailbox", definition)
        run = scripts.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 1
        assert run.changes == []
        assert f"without parameters that are needed: Set-Mailbox -{lacking}" in run.stderr
        assert "Get-Module ExchangeOnlineManagement -ListAvailable" in run.stderr


class TestADomainControllerThatDoesNotKnowTheObjectYet:
    @pytest.mark.parametrize(
        ("script", "desired", "cmdlet"),
        [
            (REMOVE_MAILBOX, MAILBOX, "Remove-Mailbox"),
            (REMOVE_GROUP, GROUP, "Remove-DistributionGroup"),
            (REMOVE_GROUP, GROUP, "Remove-ApplicationAccessPolicy"),
            (RELEASE_POLICY, POLICY, "Set-ApplicationAccessPolicy"),
        ],
    )
    def test_does_not_make_a_removal_look_done(
        self, deployed: Scripts, script: str, desired: dict[str, Any], cmdlet: str
    ) -> None:
        [policy] = policies(deployed)
        target = IDS.sub("{id}", policy["Identity"]) if "Policy" in cmdlet else "{id}"
        if script == REMOVE_GROUP:
            deployed.run(RELEASE_POLICY, POLICY)
        step = Step("", "Exchange", cmdlet, target, 1)
        deployed.tenant.plan_faults([Fault(step, Kind.NOT_FOUND_ONCE)])
        run = deployed.run(script, desired)
        assert deployed.tenant.faults_happened() == 1
        assert run.code == 0, run.stderr
        assert "waiting 15 s" in run.stderr
        assert cmdlet in run.changes
