"""Planned faults of Exchange come in the texts on record, each step always with the same one."""

import pytest

from simulator.tenant import CloudError, fault_texts
from simulator.tenant.faults import Fault, Kind, Step
from simulator.testing.deployment import connect, refusal

ADDRESS = "reception@contoso.com"


def step(operation, target="", occurrence=1):
    return Step("", "Exchange", operation, target, occurrence)


def get_mailbox(tenant, session, kind, text=None):
    tenant.plan_faults([Fault(step("Get-Mailbox", ADDRESS), kind, text=text)])
    return refusal(session.invoke, "Get-Mailbox", {"Identity": ADDRESS})


class TestATextOfAPlannedFault:
    def test_says_where_it_comes_from(self):
        texts = [*fault_texts.BUSY, *fault_texts.NOT_REACHED, *fault_texts.CONNECTING_BUSY]
        assert all(text.source for text in texts)
        assert set(fault_texts.LOST) < set(fault_texts.NOT_REACHED)

    @pytest.mark.parametrize(
        ("kind", "number"),
        [(Kind.THROTTLED, 5), (Kind.TIMEOUT_BEFORE, 5), (Kind.TIMEOUT_AFTER, 4)],
    )
    def test_can_be_chosen(self, tenant, session, kind, number):
        one = step("Get-Mailbox", ADDRESS)
        assert one.number_of_texts(kind) == number
        said = {str(get_mailbox(tenant, session, kind, text)) for text in range(number)}
        assert len(said) == number

    def test_follows_from_the_step_and_not_from_the_run(self):
        steps = [step("Get-Mailbox", ADDRESS, occurrence) for occurrence in range(1, 30)]
        chosen = [Fault(one, Kind.THROTTLED).number_of_text for one in steps]
        assert chosen == [Fault(one, Kind.THROTTLED).number_of_text for one in steps]
        assert set(chosen) == set(range(5))
        assert chosen[:6] == CHOSEN

    def test_of_what_changes_nothing_is_none_about_writing(self):
        changing = step("Set-Mailbox", ADDRESS).number_of_texts(Kind.THROTTLED)
        assert changing == step("Get-Mailbox", ADDRESS).number_of_texts(Kind.THROTTLED) + 1

    def test_about_writing_begins_without_digits(self, tenant, session):
        one = step("Set-Mailbox", ADDRESS)
        tenant.plan_faults([Fault(one, Kind.THROTTLED, text=2)])
        error = refusal(session.invoke, "Set-Mailbox", {"Identity": ADDRESS, "DisplayName": "Desk"})
        assert str(error).startswith(
            "|Microsoft.Exchange.Configuration.DualWrite.LocStrings.UnableToWriteToAadException|"
        )
        assert "may be transient" in str(error)

    def test_in_connecting_is_the_modules(self, tenant):
        one = step("Connect-ExchangeOnline", "contoso.onmicrosoft.com")
        tenant.plan_faults([Fault(one, Kind.THROTTLED, text=1)])
        with pytest.raises(CloudError, match="Module could not be correctly formed"):
            connect(tenant)

    def test_that_does_not_exist_is_refused(self, tenant):
        with pytest.raises(ValueError, match="no text 9"):
            tenant.plan_faults([Fault(step("Get-Mailbox", ADDRESS), Kind.THROTTLED, text=9)])


# So that another way to choose, which would make every sweep another one, is noticed.
CHOSEN = [3, 0, 2, 4, 4, 0]


class TestAnObjectThatIsThere:
    def test_is_not_found_once_by_a_controller_that_lags_behind(self, tenant, session):
        error = get_mailbox(tenant, session, Kind.NOT_FOUND_ONCE)
        assert f"object '{ADDRESS}' couldn't be found on 'DB7PR05A12DC004." in error.message
        assert error.exception_type.endswith("ManagementObjectNotFoundException")
        assert len(session.invoke("Get-Mailbox", {"Identity": ADDRESS})) == 1

    def test_shares_its_identity_with_another_by_a_fault(self, tenant, session):
        error = get_mailbox(tenant, session, Kind.AMBIGUOUS)
        assert str(error) == (
            "Ex9E65A2|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The "
            f"operation couldn't be performed because '{ADDRESS}' matches multiple entries."
        )

    @pytest.mark.parametrize(
        "one",
        [
            step("New-Mailbox", "Notifications"),
            step("Get-Recipient"),
            step("Connect-ExchangeOnline", "contoso.onmicrosoft.com"),
        ],
        ids=str,
    )
    def test_is_not_what_these_calls_are_about(self, one):
        assert {Kind.AMBIGUOUS, Kind.NOT_FOUND_ONCE}.isdisjoint(one.kinds)
