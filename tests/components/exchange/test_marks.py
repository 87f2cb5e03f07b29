"""Where marks stand: in the attribute that the configuration names, beside what others wrote."""

from typing import Any

import pytest

from simulator.tenant.faults import Fault, Kind, Step
from tests.components.exchange.conftest import Scripts, deploy
from tests.components.exchange.desired import (
    DOWN,
    ENSURE_GROUP,
    ENSURE_MAILBOX,
    GROUP,
    MAILBOX,
    MARK_ATTRIBUTE,
    REMOVE_MAILBOX,
    UP,
)
from tests.components.exchange.test_scripts import group, mailbox

ATTRIBUTES = ["CustomAttribute1", "CustomAttribute15", "ExtensionCustomAttribute1", MARK_ATTRIBUTE]


def set_by_others(scripts: Scripts, cmdlet: str, address: str, **values: Any) -> None:
    bypass = {"BypassSecurityGroupManagerCheck": True} if "Group" in cmdlet else {}
    scripts.cmdlet(cmdlet, Identity=address, **values, **bypass)


class TestTheAttribute:
    @pytest.mark.parametrize("attribute", ATTRIBUTES)
    def test_is_a_setting(self, scripts: Scripts, attribute: str) -> None:
        where = {"markAttribute": attribute}
        for script, desired in UP:
            run = scripts.run(script, desired | where)
            assert run.code == 0, run.stderr
        for script, desired in UP:
            assert scripts.run(script, desired | where).changes == []
        for found, desired in ((mailbox(scripts), MAILBOX), (group(scripts), GROUP)):
            for other in ATTRIBUTES:
                value = found[other] if isinstance(found[other], list) else [found[other]]
                assert any(desired["mark"] in mark for mark in value) is (other == attribute)
        scripts.pass_time()
        for script, desired in DOWN:
            run = scripts.run(script, desired | where)
            assert run.code == 0, run.stderr
            assert run.changes

    @pytest.mark.parametrize(
        ("script", "desired", "cmdlet", "find"),
        [
            (ENSURE_MAILBOX, MAILBOX, "Set-Mailbox", mailbox),
            (ENSURE_GROUP, GROUP, "Set-DistributionGroup", group),
        ],
    )
    def test_keeps_what_others_wrote_there(
        self, deployed: Scripts, script: str, desired: dict[str, Any], cmdlet: str, find: Any
    ) -> None:
        [mark] = find(deployed)[MARK_ATTRIBUTE]
        others = ["Personnel number 4711", "x"]
        set_by_others(
            deployed, cmdlet, desired["address"], ExtensionCustomAttribute5={"Add": others}
        )
        deployed.outputs.clear()
        deployed.run(script, desired)
        values = find(deployed)[MARK_ATTRIBUTE]
        assert values[:2] == others
        # Made anew: one mark, with another claim.
        assert len(values) == 3
        assert values[2] != mark

    def test_may_hold_what_others_wrote_where_it_is_adopted(self, scripts: Scripts) -> None:
        scripts.cmdlet(
            "New-Mailbox", Shared=True, Name="Old", PrimarySmtpAddress=MAILBOX["address"]
        )
        scripts.pass_time()
        set_by_others(
            scripts, "Set-Mailbox", MAILBOX["address"], ExtensionCustomAttribute5="Cost centre 12"
        )
        assert scripts.run(ENSURE_MAILBOX, MAILBOX | {"adopt": True}).code == 0
        assert scripts.run(REMOVE_MAILBOX, MAILBOX | {"adopt": True}).changes == ["Set-Mailbox"]
        assert mailbox(scripts)[MARK_ATTRIBUTE] == ["Cost centre 12"]

    def test_with_one_value_is_not_taken_from_others(self, scripts: Scripts) -> None:
        scripts.cmdlet(
            "New-Mailbox", Shared=True, Name="Old", PrimarySmtpAddress=MAILBOX["address"]
        )
        scripts.pass_time()
        set_by_others(scripts, "Set-Mailbox", MAILBOX["address"], CustomAttribute15="Cost centre")
        run = scripts.run(
            ENSURE_MAILBOX, MAILBOX | {"adopt": True, "markAttribute": "CustomAttribute15"}
        )
        assert (run.code, run.changes) == (1, [])
        assert "carries the mark 'Cost centre' in CustomAttribute15" in run.stderr

    @pytest.mark.parametrize(
        ("script", "desired", "cmdlet"),
        [
            (ENSURE_MAILBOX, MAILBOX, "Set-Mailbox"),
            (ENSURE_GROUP, GROUP, "Set-DistributionGroup"),
        ],
    )
    @pytest.mark.parametrize("kind", [Kind.TIMEOUT_AFTER, Kind.TIMEOUT_BEFORE])
    def test_is_written_once_where_the_answer_was_lost(
        self, scripts: Scripts, script: str, desired: dict[str, Any], cmdlet: str, kind: Kind
    ) -> None:
        scripts.tenant.plan_faults([Fault(Step("", "Exchange", cmdlet, "{id}", 1), kind)])
        run = scripts.run(script, desired)
        assert scripts.tenant.faults_happened() == 1
        assert run.code == 0, run.stderr
        scripts.pass_time()
        assert scripts.run(script, desired).changes == []


class TestAMark:
    def test_is_no_beginning_of_anothers(self, scripts: Scripts) -> None:
        deploy(scripts)
        scripts.pass_time()
        short = MAILBOX | {"mark": MAILBOX["mark"][:-1], "address": "finance@contoso.com"}
        assert scripts.run(REMOVE_MAILBOX, short).changes == []
        scripts.outputs[ENSURE_MAILBOX, short["mark"]] = scripts.outputs[
            ENSURE_MAILBOX, MAILBOX["mark"]
        ]
        assert scripts.run(REMOVE_MAILBOX, short | {"purge": True}).changes == []

    def test_at_two_values_becomes_one_again(self, deployed: Scripts) -> None:
        copied = f"{MAILBOX['mark']} created 0a1b2c3d"
        set_by_others(
            deployed,
            "Set-Mailbox",
            MAILBOX["address"],
            ExtensionCustomAttribute5={"Add": [copied]},
        )
        run = deployed.run(ENSURE_MAILBOX, MAILBOX)
        assert run.code == 0, run.stderr
        assert mailbox(deployed)[MARK_ATTRIBUTE] == [
            f"{MAILBOX['mark']} created {run.observed['claim']}"
        ]
