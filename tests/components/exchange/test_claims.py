"""Who may remove an object: only the resource whose claim it carries.

The engine makes a resource anew before it deletes the old one: with ``up --replace``, after ``state
taint``, where a class or a parent has another name. Both mean the same object in Exchange.
"""

from typing import Any

import pytest

from tests.components.exchange.conftest import Scripts
from tests.components.exchange.desired import (
    APP_ID,
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
)
from tests.components.exchange.test_scripts import group, mailbox, policies

RECIPIENTS = [(ENSURE_MAILBOX, REMOVE_MAILBOX, MAILBOX), (ENSURE_GROUP, REMOVE_GROUP, GROUP)]


def made_anew(scripts: Scripts, script: str, desired: dict[str, Any]) -> str:
    """Runs a script as the creation of a resource; returns what the old resource had written."""
    resource = (script, desired.get("mark", ""))
    former = scripts.outputs.pop(resource)
    assert scripts.run(script, desired).code == 0
    anew = scripts.outputs[resource]
    assert anew != former
    return former


def with_output(scripts: Scripts, script: str, desired: dict[str, Any], output: str) -> None:
    scripts.outputs[script, desired.get("mark", "")] = output


class TestAResourceMadeAnew:
    @pytest.mark.parametrize(("ensure", "remove", "desired"), RECIPIENTS)
    @pytest.mark.parametrize("purge", [False, True])
    def test_keeps_what_the_old_ones_removal_finds(self, deployed, ensure, remove, desired, purge):
        old = made_anew(deployed, ensure, desired)
        deployed.pass_time()
        new = deployed.outputs[ensure, desired["mark"]]

        with_output(deployed, ensure, desired, old)
        run = deployed.run(remove, desired | {"purge": purge})

        assert (run.code, run.changes) == (0, [])
        assert f"{desired['address']} stays" in run.stderr
        # Its own removal does remove it.
        deployed.run(RELEASE_POLICY, POLICY)
        with_output(deployed, ensure, desired, new)
        assert deployed.run(remove, desired).changes[-1].startswith("Remove-")

    def test_keeps_the_policy_from_being_released(self, deployed):
        old = made_anew(deployed, ENSURE_POLICY, POLICY)
        [before] = policies(deployed)

        with_output(deployed, ENSURE_POLICY, POLICY, old)
        run = deployed.run(RELEASE_POLICY, POLICY)

        assert (run.code, run.changes) == (0, [])
        assert "Nothing is released" in run.stderr
        assert policies(deployed) == [before]

    @pytest.mark.parametrize(("ensure", "remove", "desired"), RECIPIENTS)
    def test_also_where_its_answer_was_lost(self, deployed, ensure, remove, desired):
        # The state holds the old resource still, and the next run makes it anew once more.
        old = made_anew(deployed, ensure, desired)
        made_anew(deployed, ensure, desired)
        with_output(deployed, ensure, desired, old)
        assert deployed.run(remove, desired).changes == []


class TestAnUpdate:
    @pytest.mark.parametrize(
        ("script", "desired"),
        [(ENSURE_MAILBOX, MAILBOX), (ENSURE_GROUP, GROUP), (ENSURE_POLICY, POLICY)],
    )
    def test_keeps_the_claim(self, deployed, script, desired):
        before = deployed.outputs[script, desired.get("mark", "")]
        assert deployed.run(script, desired).changes == []
        assert deployed.outputs[script, desired.get("mark", "")] == before

    @pytest.mark.parametrize(("ensure", "remove", "desired"), RECIPIENTS)
    @pytest.mark.parametrize("output", ["", '{"primarySmtpAddress":"senders@contoso.com"}'])
    def test_of_a_lost_output_takes_the_object_up_again(
        self, deployed, ensure, remove, desired, output
    ):
        with_output(deployed, ensure, desired, output)
        # Until then nothing is removed.
        assert deployed.run(remove, desired | {"purge": True}).changes == []
        assert len(deployed.run(ensure, desired).changes) == 1
        deployed.run(RELEASE_POLICY, POLICY)
        assert deployed.run(remove, desired).changes[-1].startswith("Remove-")

    @pytest.mark.parametrize(("ensure", "remove", "desired"), RECIPIENTS)
    def test_of_an_adopted_object_keeps_it_adopted(self, deployed, ensure, remove, desired):
        recipient = (mailbox if ensure == ENSURE_MAILBOX else group)(deployed)
        bypass = {} if ensure == ENSURE_MAILBOX else {"BypassSecurityGroupManagerCheck": True}
        deployed.cmdlet(
            "Set-Mailbox" if ensure == ENSURE_MAILBOX else "Set-DistributionGroup",
            Identity=desired["address"],
            ExtensionCustomAttribute5=[
                value.replace(" created ", " adopted ") for value in recipient[MARK_ATTRIBUTE]
            ],
            **bypass,
        )
        made_anew(deployed, ensure, desired)
        assert not [c for c in deployed.run(remove, desired).changes if c.startswith("Remove-")]


class TestARemovalOfAGroup:
    def test_is_refused_while_a_policy_on_it_is_not_released(self, deployed):
        before = deployed.tenant.snapshot()
        run = deployed.run(REMOVE_GROUP, GROUP)
        [policy] = policies(deployed)
        assert (run.code, run.changes) == (1, [])
        assert f"the application {APP_ID} on it was not released" in run.stderr
        # To be copied as it is.
        assert f"Remove-ApplicationAccessPolicy -Identity '{policy['Identity']}'" in run.stderr
        assert deployed.tenant.snapshot() == before

    @pytest.mark.parametrize("access_right", ["RestrictAccess", "DenyAccess"])
    def test_is_refused_before_it_takes_the_released_ones(self, deployed, access_right):
        deployed.run(RELEASE_POLICY, POLICY)
        deployed.cmdlet(
            "New-ApplicationAccessPolicy",
            AccessRight=access_right,
            AppId="*",
            PolicyScopeGroupId=GROUP["address"],
            Description="released by nobody",
        )
        run = deployed.run(REMOVE_GROUP, GROUP)
        assert (run.code, run.changes) == (1, [])
        assert "the application * on it was not released" in run.stderr


class TestAReleasedPolicy:
    def test_confines_still(self, deployed):
        deployed.run(RELEASE_POLICY, POLICY)
        [policy] = policies(deployed)
        assert (policy["AccessRight"], policy["Description"]) == ("RestrictAccess", "released")

    def test_is_no_ground_for_a_grant(self, deployed):
        deployed.run(RELEASE_POLICY, POLICY)
        before = deployed.tenant.clock.now()
        run = deployed.run(PROVE, PROOF)
        assert run.code == 1
        assert "the removal of the policy on senders@contoso.com had begun" in run.stderr
        assert "'drift: true'" in run.stderr
        # Waiting does not mend it.
        assert deployed.tenant.clock.now() == before

    @pytest.mark.parametrize("is_update", [True, False])
    def test_is_taken_into_use_again(self, deployed, is_update):
        # After a removal that went no further: with the resource in the state or out of it.
        deployed.run(RELEASE_POLICY, POLICY)
        if not is_update:
            deployed.outputs.pop((ENSURE_POLICY, ""))
        run = deployed.run(ENSURE_POLICY, POLICY)
        assert run.changes == ["Set-ApplicationAccessPolicy"]
        assert policies(deployed)[0]["Description"] == f"Restrict this app {run.observed['claim']}"
        assert deployed.run(PROVE, PROOF).code == 0
        assert deployed.run(REMOVE_GROUP, GROUP).code == 1

    def test_that_is_released_twice_is_an_end_without_an_error(self, deployed):
        deployed.run(RELEASE_POLICY, POLICY)
        run = deployed.run(RELEASE_POLICY, POLICY)
        assert (run.code, run.changes) == (0, [])
