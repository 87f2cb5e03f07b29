"""Exchange answers in the organisation's language; the types of its errors are not translated."""

import pytest

from simulator.tenant import NotSimulated
from simulator.tenant.faults import Fault, Kind, Step
from simulator.testing.deployment import refusal

NOT_FOUND = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
APP = "11111111-2222-3333-4444-555555555555"
LANGUAGES = ("de", "fr")


def remove_only_policy(deployment):
    [policy] = deployment.session.invoke("Get-ApplicationAccessPolicy", {})
    deployment.remove_policy(policy)


class TestAnError:
    def test_of_a_missing_object_is_the_german_sentence_on_record(self, tenant, deployment):
        tenant.set_language("de")
        remove_only_policy(deployment)
        text = str(refusal(deployment.session.invoke, "Get-ApplicationAccessPolicy", {}))
        assert text.startswith(
            f"Ex6F9304|{NOT_FOUND}|Der Vorgang konnte nicht ausgeführt werden, weil das Objekt "
            "'OU=contoso.onmicrosoft.com,OU=Microsoft Exchange Hosted Organizations,"
        )
        assert text.endswith(".PROD.OUTLOOK.COM' gefunden wurde.")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_keeps_its_type_and_loses_its_words(self, tenant, deployment, language):
        tenant.set_language(language)
        error = refusal(deployment.session.invoke, "Get-Mailbox", {"Identity": "nobody"})
        assert error.exception_type == NOT_FOUND
        assert "'nobody'" in error.message
        assert "couldn't" not in error.message

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_of_a_planned_fault_is_translated_as_well(self, tenant, deployment, language):
        tenant.set_language(language)
        step = Step("", "Exchange", "Get-AcceptedDomain", "", 1)
        tenant.plan_faults([Fault(step, Kind.THROTTLED, text=0)])
        error = refusal(deployment.session.invoke, "Get-AcceptedDomain", {})
        assert error.exception_type.endswith("OverBudgetException")
        assert "busy" not in error.message

    def test_of_the_client_itself_stays_english(self, tenant, deployment):
        tenant.set_language("de")
        step = Step("", "Exchange", "Get-AcceptedDomain", "", 1)
        tenant.plan_faults([Fault(step, Kind.TIMEOUT_BEFORE, text=1)])
        error = refusal(deployment.session.invoke, "Get-AcceptedDomain", {})
        assert str(error) == "A task was canceled."

    def test_that_nobody_has_translated_is_beyond_the_simulation(self, tenant, deployment):
        tenant.set_language("fr")
        with pytest.raises(NotSimulated, match=r"'fr'.*not a valid security principal"):
            deployment.policy(APP, "boardroom@contoso.com")

    def test_is_english_by_default_and_no_other_language_can_be_set(self, tenant, deployment):
        error = refusal(deployment.session.invoke, "Get-Mailbox", {"Identity": "nobody"})
        assert "object 'nobody' couldn't be found on" in error.message
        with pytest.raises(ValueError, match="'nl'"):
            tenant.set_language("nl")


class TestExchangesOwnTest:
    def test_answers_in_french_as_was_seen(self, tenant, deployment):
        tenant.set_language("fr")
        deployment.policy(APP, "finance@contoso.com")
        assert deployment.test_policy(APP, "finance@contoso.com") == "Accordé"
        assert deployment.test_policy(APP, "reception@contoso.com") == "Refusé"

    def test_answers_in_german_neither_as_in_english(self, tenant, deployment):
        tenant.set_language("de")
        deployment.policy(APP, "finance@contoso.com")
        results = {
            deployment.test_policy(APP, f"{name}@contoso.com") for name in ("finance", "reception")
        }
        assert len(results) == 2
        assert results.isdisjoint({"Granted", "Denied"})

    def test_changes_nothing_in_what_graph_goes_by(self, tenant, deployment):
        tenant.set_language("fr")
        principal = deployment.workflow()
        deployment.policy(principal["appId"], "finance@contoso.com")
        deployment.grant(principal)
        assert tenant.violations() == []
