"""What a person is told who sends through a workflow while Graph does not answer as it should."""

import pytest

from simulator import SimulatorError
from simulator.sending import send_as
from simulator.tenant.faults import Fault, Kind, Step
from simulator.testing.deployment import (
    WORKFLOW_PATH,
    Deployment,
    choosing,
    connect,
)

MAILBOX = "reception@contoso.com"
STEP = Step("", "Graph", "POST", "/v1.0/users/{id}/sendMail", 1)


@pytest.fixture
def deployed(tenant):
    """A workflow that is confined to its mailbox, and may send."""
    made = Deployment(tenant, connect(tenant))
    principal = made.workflow(MAILBOX)
    made.policy(principal["appId"], made.group("Scope", MAILBOX)["Guid"])
    made.wait_for_policies()
    made.grant(principal)
    return made


@pytest.mark.usefixtures("deployed")
class TestAnotherMailbox:
    @pytest.mark.parametrize("live", [False, True])
    def test_is_denied_by_policy_in_either_text(self, tenant, live):
        tenant.set_live_text_of_denials(live)
        answer = send_as(tenant, WORKFLOW_PATH, "finance@contoso.com")
        assert str(answer).startswith("403 ErrorAccessDenied ")
        assert answer.denied_by_policy


class TestAWorkflowWithAProbe:
    def test_sends_by_its_other_trigger(self, deployed, tenant):
        deployed.workflow(definition=choosing())
        answers = [
            send_as(tenant, WORKFLOW_PATH, m).status for m in (MAILBOX, "finance@contoso.com")
        ]
        assert answers == [202, 403]


@pytest.mark.usefixtures("deployed")
class TestAFaultBetweenTheWorkflowAndGraph:
    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            (Kind.THROTTLED, "429 ApplicationThrottled Application is over its Mailbox"),
            (Kind.REFUSED, "403 ErrorAccessDenied Access is denied. Check credentials"),
            (Kind.NO_MAILBOX, "404 MailboxNotEnabledForRESTAPI The mailbox is either inactive"),
        ],
    )
    def test_is_shown_as_graphs_answer_and_is_no_denial_by_policy(self, tenant, kind, said):
        tenant.plan_faults([Fault(STEP, kind)])
        answer = send_as(tenant, WORKFLOW_PATH, MAILBOX)
        assert str(answer).startswith(said)
        assert not answer.denied_by_policy
        assert tenant.mail() == []

    @pytest.mark.parametrize(("kind", "sent"), [(Kind.TIMEOUT_BEFORE, 0), (Kind.TIMEOUT_AFTER, 1)])
    def test_that_loses_the_answer_is_told_in_a_sentence(self, tenant, kind, sent):
        tenant.plan_faults([Fault(STEP, kind)])
        with pytest.raises(SimulatorError) as caught:
            send_as(tenant, WORKFLOW_PATH, MAILBOX)
        assert str(caught.value).endswith(
            "has no answer of Graph: its action Send_mail ended as Failed. Http request failed: "
            "the server did not respond within the timeout limit. Please see logic app limits at "
            "https://aka.ms/logic-apps-limits-and-config#http-limits."
        )
        assert len(tenant.mail()) == sent

    def test_happens_once(self, tenant):
        tenant.plan_faults([Fault(STEP, Kind.THROTTLED)])
        answers = [send_as(tenant, WORKFLOW_PATH, MAILBOX).status for _ in range(2)]
        assert answers == [429, 202]
        assert tenant.faults_happened() == 1
