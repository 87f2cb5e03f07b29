"""The proof by sending, over HTTP against the simulated tenant."""

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError
from rich.console import Console

from components.clouds import Cloud
from components.message import Body, Message, Recipient
from components.trigger import HttpRequestTrigger
from components.workflow_definition import (
    Probe,
    send_mail_definition,
)
from operations import prove as command
from operations.prove import (
    ProofError,
    Trial,
    Verdict,
    changed_since,
    main,
    prove,
    result_of,
    senders_of,
    trials_of,
)
from operations.workflow_runs import Answer, NotStartedError, WorkflowRuns
from simulator.front import served
from simulator.tenant import Tenant
from simulator.tenant.definition import nested
from simulator.tenant.faults import Fault, Kind, Step, steps
from simulator.testing.deployment import NOON, WORKFLOW_PATH, Deployment, connect
from tests.tools.executables import Executable

SHARED = "reception@contoso.com"
CONTROL = "control.mailbox@contoso.com"
CLIENT_ID = "6d50e32b-5485-4390-b3b9-46e0d7e4eb35"
OUTPUTS: dict[str, Any] = {
    "cloud": "public",
    "senders": {
        "notifications": {
            "workflowId": WORKFLOW_PATH,
            "mailboxAddress": SHARED,
            "controlMailbox": CONTROL,
            "clientId": CLIENT_ID,
            "trigger": "manual",
            "probeTrigger": "Probe",
            "ownProbeTrigger": "Probe_own_mailbox",
        }
    },
}


DESIRED = {
    "revision": 1,
    "organization": "contoso.onmicrosoft.com",
    "appId": CLIENT_ID,
    "controlMailbox": CONTROL,
    "timeoutSeconds": 600,
    "settleSeconds": 3600,
}
"""What the state has of the proof that was made before the grant."""


def command_of(script: str, desired: dict[str, Any]) -> dict[str, Any]:
    """A command as a state has it."""
    create = f"components/exchange/powershell/{script}"
    return {
        "type": "command:local:Command",
        "inputs": {"create": create, "stdin": json.dumps(desired)},
    }


DEPLOYMENT: dict[str, Any] = {
    "resources": [
        {"type": "pulumi:pulumi:Stack"},
        command_of("ensure-application-access-policy.ps1", {"appId": CLIENT_ID}),
        command_of("prove-confinement.ps1", DESIRED),
    ]
}


def definition(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "graph": "https://graph.microsoft.com",
        "mailbox_id": SHARED,
        "message": Message(
            subject="Graph test mail",
            body=Body(content="Does this work?"),
            to_recipients=[Recipient(address="finance@contoso.com")],
            save_to_sent_items=False,
        ),
        "trigger": HttpRequestTrigger(),
        "probe": Probe(SHARED, CONTROL),
    }
    return send_mail_definition(**arguments | changes)


@pytest.fixture
def tenant(tmp_path):
    tenant = Tenant(tmp_path / "tenant.sqlite", real_time=lambda: NOON)
    yield tenant
    tenant.close()


class Deployed(Deployment):
    """A sender whose identity is confined and granted."""

    def __init__(self, tenant):
        super().__init__(tenant, connect(tenant))
        self.principal = self.workflow(definition=definition())
        scope = self.group("Scope", SHARED)
        self.scope = scope["Guid"]
        self.restriction = self.policy(self.principal["appId"], self.scope)
        self.assignment = self.grant(self.principal)


@pytest.fixture
def deployed(tenant):
    return Deployed(tenant)


@pytest.fixture
def settled(deployed):
    """The same, where Graph has learned of the policy."""
    deployed.wait_for_policies()
    return deployed


@pytest.fixture
def front(tenant, monkeypatch):
    """The tenant over HTTP, where clients of the clouds find it."""
    with served(tenant) as front:
        for name, value in front.variables.items():
            monkeypatch.setenv(name, value)
        yield front


@pytest.fixture
def run(tenant, front, monkeypatch):
    """Proves, with time passing in the tenant; returns the trials and what was shown."""

    def run(minutes=0.0, outputs=OUTPUTS):
        shown: list[str] = []
        trials = trials_of(senders_of(outputs))
        prove(
            trials,
            WorkflowRuns(Cloud.PUBLIC, sleep=tenant.clock.advance),
            timeout=minutes * 60,
            show=shown.append,
            sleep=tenant.clock.advance,
            now=lambda: tenant.clock.now().timestamp(),
        )
        return trials, shown

    return run


LOST = (
    "no answer: Send_to_own_mailbox ended as Failed. Http request failed: the server did not "
    "respond within the timeout limit. Please see logic app limits at "
    "https://aka.ms/logic-apps-limits-and-config#http-limits."
)


def send_path(mailbox):
    return f"/v1.0/users/{mailbox}/sendMail"


def answers(trials):
    return [(str(trial.answer), str(trial.verdict)) for trial in trials]


def recipients(tenant):
    """Of all mails that were sent."""
    return [
        recipient["emailAddress"]["address"]
        for mail in tenant.mail()
        for name in ("toRecipients", "ccRecipients", "bccRecipients")
        for recipient in mail.message.get(name, [])
    ]


ACCEPTED = ("202 Accepted", "right")
DENIED = ("403 ErrorAccessDenied Access to OData is disabled.", "right")


class TestProven:
    def test_when_accepted_as_the_mailbox_and_denied_as_the_control_mailbox(
        self, run, tenant, settled
    ):
        trials, shown = run()
        assert answers(trials) == [ACCEPTED, DENIED]
        assert result_of(trials) is Verdict.RIGHT
        assert shown == [
            f"notifications as {SHARED}: {ACCEPTED[0]}",
            f"notifications as {CONTROL}: {DENIED[0]}",
        ]

    def test_by_one_mail_to_itself_and_with_nothing_changed(self, run, tenant, settled):
        before = tenant.snapshot()
        run(minutes=90)
        assert recipients(tenant) == [SHARED]
        assert tenant.snapshot() == before


class TestTooMuchLetThrough:
    def test_without_a_policy(self, run, tenant, settled):
        settled.remove_policy(settled.restriction)
        settled.wait_for_policies()
        trials, _ = run()
        assert [trial.verdict for trial in trials] == [Verdict.RIGHT, Verdict.WRONG]
        assert trials[1].answer.code == "ErrorInvalidRecipients"
        assert result_of(trials) is Verdict.WRONG
        # Not even now was anything sent as somebody else.
        assert {mail.mailbox for mail in tenant.mail()} == {SHARED}

    def test_by_a_second_policy(self, run, settled):
        other = settled.group("Other", CONTROL)
        settled.policy(settled.principal["appId"], other["Guid"])
        settled.wait_for_policies()
        assert result_of(run()[0]) is Verdict.WRONG

    def test_by_a_stray_member(self, run, settled):
        settled.session.invoke(
            "Add-DistributionGroupMember",
            {"Identity": settled.scope, "Member": CONTROL, "BypassSecurityGroupManagerCheck": True},
        )
        assert result_of(run()[0]) is Verdict.WRONG


class TestTooLittleLetThrough:
    def test_without_the_permission(self, run, settled):
        settled.revoke(settled.assignment)
        trials, _ = run()
        assert [trial.answer.status for trial in trials] == [403, 403]
        # Whoever is denied everywhere has not been shown to be confined.
        assert [trial.verdict for trial in trials] == [Verdict.WRONG, Verdict.UNKNOWN]
        assert result_of(trials) is Verdict.WRONG

    def test_with_the_mailbox_out_of_the_group(self, run, settled):
        settled.session.invoke(
            "Remove-DistributionGroupMember",
            {"Identity": settled.scope, "Member": SHARED, "BypassSecurityGroupManagerCheck": True},
        )
        assert result_of(run()[0]) is Verdict.WRONG


class TestWaits:
    def test_until_graph_obeys_the_policy(self, run, tenant, deployed):
        trials, shown = run(minutes=90)
        assert answers(trials) == [ACCEPTED, DENIED]
        waits = [line for line in shown if line.startswith("waiting for ")]
        assert waits[:3] == [
            f"waiting for 403 ErrorAccessDenied as {CONTROL}: again in {pause} s, at most {left} s "
            "more"
            for pause, left in ((60, 5400), (120, 5340), (300, 5220))
        ]
        # The mail was accepted in the first round, and was not sent again.
        assert len(tenant.mail()) == 1

    def test_until_the_cached_token_has_the_permission(self, run, tenant, settled):
        settled.revoke(settled.assignment)
        run()
        settled.grant(settled.principal)
        tenant.clock.advance(24 * 3600 - 600)
        trials, shown = run(minutes=30)
        # Denied for want of the permission: that is no proof of anything, and is tried again.
        assert shown[1].endswith("Access is denied. Check credentials and try again.")
        assert answers(trials) == [ACCEPTED, DENIED]
        assert len(tenant.mail()) == 1

    def test_but_not_longer_than_asked(self, run, tenant, deployed):
        begun = tenant.clock.now()
        trials, _ = run(minutes=29)
        assert (tenant.clock.now() - begun).total_seconds() == 29 * 60
        assert result_of(trials) is Verdict.WRONG

    def test_for_a_service_that_is_throttled(self, run, tenant, settled):
        path = f"{WORKFLOW_PATH}/triggers/Probe_own_mailbox/run?api-version=2019-05-01"
        tenant.arm.request("POST", path)
        [step] = [s for s in steps(tenant.calls()) if "Probe_own_mailbox/run" in s.target]
        tenant.plan_faults([Fault(step, Kind.THROTTLED)])
        trials, shown = run(minutes=5)
        assert "429 TooManyRequests" in shown[0]
        assert answers(trials) == [ACCEPTED, DENIED]

    def test_for_a_lost_answer(self, run, tenant, settled):
        step = Step("", "ARM", "POST", self.run_path(tenant), 1)
        tenant.plan_faults([Fault(step, Kind.TIMEOUT_AFTER)])
        trials, shown = run(minutes=5)
        assert "no answer" in shown[0]
        assert answers(trials) == [ACCEPTED, DENIED]
        # What the first run sent is not known to have been sent.
        assert len(tenant.mail()) == 2

    def run_path(self, tenant):
        tenant.arm.request("POST", f"{WORKFLOW_PATH}/triggers/Probe/run?api-version=2019-05-01")
        [step] = [step for step in steps(tenant.calls()) if "triggers/Probe/run" in step.target]
        return step.target.replace("Probe", "Probe_own_mailbox")


RAOP = (
    "403 ErrorAccessDenied Access to OData is disabled: [RAOP] : Blocked by tenant configured "
    "AppOnly AccessPolicy settings."
)


class TestTheLiveTextOfADenial:
    def test_proves_as_the_documented_one_does(self, run, tenant, settled):
        tenant.set_live_text_of_denials(True)
        assert answers(run()[0]) == [ACCEPTED, (RAOP, "right")]


# Kind of fault, what is shown, what it says of the own mail, and how many mails the own mailbox has
# sent when it was asked twice.
ON_THE_WAY_TO_GRAPH = [
    (
        Kind.THROTTLED,
        "429 ApplicationThrottled Application is over its MailboxConcurrency limit.",
        Verdict.UNKNOWN,
        1,
    ),
    (
        Kind.REFUSED,
        "403 ErrorAccessDenied Access is denied. Check credentials and try again.",
        Verdict.WRONG,
        1,
    ),
    (
        Kind.NO_MAILBOX,
        "404 MailboxNotEnabledForRESTAPI The mailbox is either inactive, soft-deleted, or is "
        "hosted on-premise.",
        Verdict.UNKNOWN,
        1,
    ),
    (Kind.TIMEOUT_BEFORE, LOST, Verdict.UNKNOWN, 1),
    (Kind.TIMEOUT_AFTER, LOST, Verdict.UNKNOWN, 2),
]


def plan_busy(tenant: Tenant, attempts: int) -> None:
    """Has Graph be too busy for the next mails of the sender."""
    tenant.plan_faults(
        [
            Fault(Step("", "Graph", "POST", send_path(SHARED), number), Kind.THROTTLED)
            for number in range(1, attempts + 1)
        ]
    )


class TestAFaultBetweenTheWorkflowAndGraph:
    @pytest.mark.parametrize(
        ("kind", "said", "verdict", "mails"), ON_THE_WAY_TO_GRAPH, ids=lambda value: str(value)[:9]
    )
    def test_as_its_own_mailbox_is_told_apart_and_asked_again(
        self, run, tenant, settled, kind, said, verdict, mails
    ):
        tenant.plan_faults([Fault(Step("", "Graph", "POST", send_path(SHARED), 1), kind)])
        trials, _ = run()
        assert answers(trials)[0] == (said, verdict)
        # What the control mailbox gets says nothing then.
        assert trials[1].verdict is Verdict.UNKNOWN
        assert answers(run()[0]) == [ACCEPTED, DENIED]
        assert len(tenant.mail()) == mails

    @pytest.mark.parametrize("kind", [entry[0] for entry in ON_THE_WAY_TO_GRAPH], ids=str)
    def test_as_the_control_mailbox_proves_nothing(self, run, tenant, settled, kind):
        tenant.plan_faults([Fault(Step("", "Graph", "POST", send_path(CONTROL), 1), kind)])
        trials, _ = run()
        assert [trial.verdict for trial in trials] == [Verdict.RIGHT, Verdict.UNKNOWN]


class TestAMailThatIsSentAgain:
    @pytest.mark.parametrize("attempts", [1, 3])
    def test_is_answered_by_its_last_attempt(self, run, tenant, settled, attempts):
        plan_busy(tenant, attempts)
        trials, _ = run(outputs={"senders": {"notifications": PLAIN}})
        assert answers(trials)[0] == ACCEPTED
        assert len(tenant.mail()) == 1

    def test_is_answered_as_the_last_was_where_none_is_taken(self, run, tenant, settled):
        plan_busy(tenant, 4)
        trials, _ = run(outputs={"senders": {"notifications": PLAIN}})
        assert answers(trials)[0] == (
            "429 ApplicationThrottled Application is over its MailboxConcurrency limit.",
            "unknown",
        )
        assert tenant.mail() == []


class TestCouldNotFindOut:
    def test_without_a_probe(self, run, tenant, settled):
        trials, _ = run(minutes=90, outputs={"senders": {"notifications": PLAIN}})
        assert answers(trials) == [
            ACCEPTED,
            ("no answer: the sender has no probe: true", "unknown"),
        ]
        assert result_of(trials) is Verdict.UNKNOWN

    def test_from_a_workflow_that_is_disabled_and_does_not_wait_for_it(self, run, tenant, settled):
        settled.arm("POST", f"{WORKFLOW_PATH}/disable")
        begun = tenant.clock.now()
        trials, _ = run(minutes=90)
        assert tenant.clock.now() == begun
        assert trials[0].answer.message.endswith(
            "/triggers/Probe_own_mailbox/run: the workflow is switched off (state Disabled): "
            "nothing was sent, and nothing is proven. Switch it on, and prove then."
        )
        assert tenant.mail() == []
        assert result_of(trials) is Verdict.UNKNOWN

    def test_of_a_sender_whose_callers_supply_values(self, run, tenant, settled):
        workflow = settled.arm("GET", WORKFLOW_PATH).body
        trigger = workflow["properties"]["definition"]["triggers"]["manual"]
        trigger["inputs"]["schema"] = {"type": "object", "required": ["customer"]}
        trigger["operationOptions"] = "EnableSchemaValidation"
        properties = {"definition": workflow["properties"]["definition"]}
        settled.arm("PUT", WORKFLOW_PATH, {"location": "westeurope", "properties": properties})
        trials, _ = run(minutes=90, outputs={"senders": {"notifications": PLAIN}})
        assert trials[0].answer.message.endswith(
            "its caller has to supply values, which Azure's management API does not: nothing was "
            "sent. Prove such a sender with probe: true."
        )
        assert result_of(trials) is Verdict.UNKNOWN

    def test_from_a_denial_where_the_own_mail_cannot_be_sent(self, run, tenant, settled):
        begun = tenant.clock.now()
        sender = OUTPUTS["senders"]["notifications"] | {"ownProbeTrigger": "gone"}
        trials, _ = run(minutes=90, outputs={"senders": {"notifications": sender}})
        assert tenant.clock.now() == begun
        assert "WorkflowTriggerNotFound" in trials[0].answer.message
        assert trials[1].answer.status == 403
        assert {trial.verdict for trial in trials} == {Verdict.UNKNOWN}

    def test_from_a_workflow_that_is_gone(self, run, settled):
        settled.arm("DELETE", WORKFLOW_PATH)
        trials, _ = run(minutes=90)
        assert "ResourceNotFound" in trials[0].answer.message
        assert result_of(trials) is Verdict.UNKNOWN

    def test_with_a_control_mailbox_that_graph_does_not_know(self, run, settled):
        settled.workflow(definition=definition(probe=Probe(SHARED, "alias.of.it@contoso.com")))
        trials, _ = run()
        assert trials[1].answer.code == "ErrorInvalidUser"
        assert result_of(trials) is Verdict.UNKNOWN

    def test_when_the_outputs_are_secured(self, run, settled):
        secured = definition()
        for action in dict(nested(secured["actions"])).values():
            if action["type"] == "Http":
                action["runtimeConfiguration"]["secureData"]["properties"].append("outputs")
        settled.workflow(definition=secured)
        trials, _ = run()
        assert trials[0].answer.message == "Send_to_own_mailbox ended as Succeeded."
        assert result_of(trials) is Verdict.UNKNOWN

    def test_when_another_version_of_the_definition_is_deployed(self, run, settled):
        settled.workflow(definition=definition(probe=None))
        trials, _ = run()
        assert [trial.verdict for trial in trials] == [Verdict.UNKNOWN] * 2
        assert "triggers/Probe/run: 404 WorkflowTriggerNotFound" in trials[1].answer.message
        assert result_of(trials) is Verdict.UNKNOWN

    def test_when_the_trigger_cannot_be_told_it_is_the_mailboxs_own_mail_that_is_sent(
        self, run, tenant, settled
    ):
        changed = definition()
        [choice] = changed["actions"].values()
        choice["expression"]["and"][0]["equals"][1] = "another"
        settled.workflow(definition=changed)
        trials, _ = run()
        assert trials[1].answer.message == "Try_control_mailbox ended as Skipped."
        assert result_of(trials) is Verdict.UNKNOWN
        assert {mail.mailbox for mail in tenant.mail()} == {SHARED}

    def test_while_nobody_answers(self, run, tenant, settled, monkeypatch):
        monkeypatch.setenv("RESOURCE_MANAGER_ADDRESS", "http://127.0.0.1:9")
        trials, shown = run(minutes=3)
        assert "no answer" in shown[0]
        assert result_of(trials) is Verdict.UNKNOWN

    def test_when_nobody_is_signed_in(self, settled):
        class NoCredential:
            def get_token(self, *scopes: str, **_: object) -> AccessToken:
                raise CredentialUnavailableError("Please run 'az login'.\nMore below.")

        trials = trials_of(senders_of(OUTPUTS))
        prove(
            trials,
            WorkflowRuns(Cloud.PUBLIC, credential=NoCredential()),
            timeout=3600,
            show=lambda _: None,
        )
        assert "not signed in: Please run 'az login'. Sign in" in trials[0].answer.message
        assert result_of(trials) is Verdict.UNKNOWN


class TestASenderWithRoles:
    """Denied in the words that are said where nothing opens a mailbox, also before a role acts."""

    DENIED_AS_EVER = Answer(
        403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
    )

    def trials(self, own: Answer, scoping: str = "rbac") -> list[Trial]:
        sender = OUTPUTS["senders"]["notifications"] | {"scoping": scoping}
        trials = trials_of({"notifications": sender})
        trials[0].answer, trials[1].answer = own, self.DENIED_AS_EVER
        return trials

    @pytest.mark.parametrize("scoping", ["rbac", "both"])
    def test_is_confined_once_its_own_mail_was_accepted(self, scoping: str):
        trials = self.trials(Answer(202, "", ""), scoping=scoping)
        assert [trial.verdict for trial in trials] == [Verdict.RIGHT, Verdict.RIGHT]

    def test_is_not_shown_to_be_before_that(self):
        trials = self.trials(self.DENIED_AS_EVER)
        assert [trial.verdict for trial in trials] == [Verdict.WRONG, Verdict.UNKNOWN]

    def test_unlike_one_with_a_policy(self):
        trials = self.trials(Answer(202, "", ""), scoping="applicationAccessPolicy")
        assert trials[1].verdict is Verdict.UNKNOWN

    def test_is_left_alone_for_so_long_that_exchange_reads_its_roles_anew(self):
        waited: list[float] = []
        denied = self.DENIED_AS_EVER

        class Runs:
            def ask(self, workflow_id: str, trigger: str, action: str) -> Answer:
                return denied

        prove(
            self.trials(denied),
            cast(WorkflowRuns, Runs()),
            timeout=2.5 * 3600,
            show=lambda _: None,
            sleep=waited.append,
            now=lambda: sum(waited),
        )
        assert waited[:4] == [31 * 60] * 4
        assert sum(waited) == 2.5 * 3600


class TestADenialInUnknownWords:
    """Such as those of another language, if Graph has any."""

    def test_is_said_and_not_waited_for(self):
        own = Trial("n", SHARED, "w", "t", Answer(202, "", ""))
        control = replace(own, mailbox=CONTROL, own=own)
        denied = Answer(403, "ErrorAccessDenied", "Der Zugriff auf OData ist deaktiviert.")

        class Runs:
            def ask(self, workflow_id: str, trigger: str, action: str) -> Answer:
                return denied

        shown: list[str] = []
        prove([control], cast(WorkflowRuns, Runs()), timeout=5400, show=shown.append, sleep=fail)
        assert control.verdict is Verdict.UNKNOWN
        assert "denied in words that are not known here" in shown[-1]


def fail(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s for what waiting cannot mend")


class TestVerdict:
    @pytest.mark.parametrize(
        ("must_send", "status", "code", "verdict"),
        [
            (True, 202, "", "right"),
            (True, 200, "", "unknown"),
            (True, 403, "ErrorAccessDenied", "wrong"),
            (True, 403, "ErrorSendAsDenied", "wrong"),
            (True, 404, "ErrorInvalidUser", "unknown"),
            (True, 400, "ErrorInvalidRecipients", "unknown"),
            (True, 0, "", "unknown"),
            (False, 403, "ErrorAccessDenied", "unknown"),
            (False, 403, "ExtensionError", "unknown"),
            (False, 202, "", "wrong"),
            (False, 400, "ErrorInvalidRecipients", "wrong"),
            (False, 400, "RequestBodyRead", "unknown"),
            (False, 401, "InvalidAuthenticationToken", "unknown"),
            (False, 404, "ErrorInvalidUser", "unknown"),
            (False, 429, "TooManyRequests", "unknown"),
            (False, 0, "", "unknown"),
        ],
    )
    def test_of_an_answer(self, must_send, status, code, verdict):
        own = Trial("n", "m@contoso.com", "w", "t", Answer(202, "", ""))
        trial = replace(own, answer=Answer(status, code, ""), own=None if must_send else own)
        assert trial.verdict == verdict

    def test_what_is_wrong_outweighs_what_is_unknown(self):
        right, wrong, unknown = (
            Trial("n", "m@contoso.com", "w", "t", Answer(status, "", ""))
            for status in (202, 403, 0)
        )
        assert result_of([right]) is Verdict.RIGHT
        assert result_of([right, unknown]) is Verdict.UNKNOWN
        assert result_of([unknown, wrong, right]) is Verdict.WRONG


class TestNoTokenLeavesForAnotherService:
    """Everything over a recorded transport: whom the client shows its token."""

    def record(self, *answers: httpx.Response) -> tuple[WorkflowRuns, list[httpx.Request]]:
        asked: list[httpx.Request] = []
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return left.pop(0)

        class Credential:
            def get_token(self, *scopes: str, **_: object) -> AccessToken:
                return AccessToken(scopes[0], 0)

        runs = WorkflowRuns(
            Cloud.US_GOVERNMENT_L4,
            credential=Credential(),
            transport=httpx.MockTransport(answer),
            sleep=lambda _: None,
        )
        return runs, asked

    STARTED = httpx.Response(202, headers={"x-ms-workflow-run-id": "r"})
    RUNNING = httpx.Response(200, json={"properties": {"status": "Running"}})
    DONE = httpx.Response(200, json={"properties": {"status": "Failed"}})
    LINK = "https://prod-00.westeurope.logic.azure.com:443/workflows/x?sig=secret"
    ACTION = httpx.Response(
        200, json={"properties": {"status": "Failed", "outputsLink": {"uri": LINK}}}
    )

    def test_but_resource_manager_of_its_cloud(self):
        content = httpx.Response(200, json={"statusCode": 403, "body": {"error": {"code": "E"}}})
        runs, asked = self.record(self.STARTED, self.RUNNING, self.DONE, self.ACTION, content)
        assert runs.ask("/subscriptions/s/w", "Probe", "Try") == Answer(403, "E", "")
        base = "https://management.usgovcloudapi.net"
        for request in asked[:-1]:
            assert str(request.url).startswith(f"{base}/subscriptions/s/w/")
            assert request.headers["Authorization"] == f"Bearer {base}/.default"
        assert asked[-1].url == httpx.URL(self.LINK)
        assert "Authorization" not in asked[-1].headers

    @pytest.mark.parametrize(
        "content",
        [
            httpx.Response(403),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json=[]),
            httpx.Response(200, json={"statusCode": "403"}),
        ],
    )
    def test_a_history_that_cannot_be_read_shows_no_signature(self, content):
        runs, _ = self.record(self.STARTED, self.DONE, self.ACTION, content)
        answer = runs.ask("/subscriptions/s/w", "Probe", "Try")
        assert answer.status == 0
        assert answer.message.startswith("the run's history cannot be read: ")
        assert "secret" not in answer.message

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("text", Answer(502, "", "")),
            ({"error": "text"}, Answer(502, "", "")),
            ({"error": {"code": "C", "message": "a\n b"}}, Answer(502, "C", "a b")),
        ],
    )
    def test_an_answer_of_any_form_is_read(self, body, expected):
        content = httpx.Response(200, json={"statusCode": 502, "body": body})
        runs, _ = self.record(self.STARTED, self.DONE, self.ACTION, content)
        assert runs.ask("/subscriptions/s/w", "Probe", "Try") == expected

    def test_a_run_that_does_not_end_is_given_up(self):
        missing = httpx.Response(404, json={"error": {"code": "WorkflowRunNotFound"}})
        runs, asked = self.record(self.STARTED, *[missing] * 50, *[self.RUNNING] * 50)
        assert "has not ended after 300 s" in runs.ask("/subscriptions/s/w", "t", "a").message
        assert len(asked) == 101

    def test_a_server_error_may_pass(self):
        runs, _ = self.record(httpx.Response(503, text="busy"))
        with pytest.raises(NotStartedError, match="503 Service Unavailable"):
            runs.ask("/subscriptions/s/w", "t", "a")


class TestOutputs:
    def test_of_nothing_deployed(self):
        nothing: list[dict[str, Any]] = [{}, {"senders": {}}, {"senders": "[secret]"}]
        for outputs in nothing:
            with pytest.raises(ProofError, match="nothing is deployed"):
                trials_of(senders_of(outputs))

    def test_of_an_earlier_version(self):
        for missing in ("ownProbeTrigger", "controlMailbox", "workflowId"):
            sender = dict(OUTPUTS["senders"]["notifications"])
            del sender[missing]
            with pytest.raises(ProofError, match=f"have no {missing}: run pulumi up"):
                trials_of({"notifications": sender})

    def test_of_one_sender_only(self):
        outputs = {"senders": dict.fromkeys(("a", "b"), OUTPUTS["senders"]["notifications"])}
        assert list(senders_of(outputs, ["b"])) == ["b"]
        with pytest.raises(ProofError, match="no sender c, only a, b"):
            senders_of(outputs, ["b", "c"])


SENDER_URN = "urn:pulumi:local::scoped-mail-sender::scoped-mail-sender:index:ScopedMailSender"


def state_of(**modified: str) -> dict[str, Any]:
    """A state with a sender of each name, whose workflow was changed at that time."""
    resources: list[dict[str, Any]] = [{"urn": "urn:pulumi:local::x::pulumi:pulumi:Stack::x-local"}]
    for name, time in modified.items():
        sender = f"{SENDER_URN}::{name}"
        app = f"{SENDER_URN}$logic-apps:index:LogicApp::{name}-workflow"
        mailbox = f"{SENDER_URN}$exchange-online:index:SharedMailbox::{name}-mailbox"
        resources += [
            {"urn": sender, "parent": resources[0]["urn"]},
            {"urn": app, "parent": sender},
            {"urn": app.replace("::", "$azure-native:logic:Workflow::"), "parent": app}
            | {"modified": time},
            {"urn": mailbox, "parent": sender},
            # Changed a moment ago, and not what a proof is about.
            {"urn": f"{mailbox}-settings", "parent": mailbox, "modified": "2026-11-26T12:00:00Z"},
        ]
    return {"resources": [{"type": "x", "inputs": {}} | each for each in resources]}


PLAIN = {k: v for k, v in OUTPUTS["senders"]["notifications"].items() if "robe" not in k}
"""The outputs of a sender without a probe."""


class TestWhatIsLeftOut:
    ARGUMENTS = ("--stack", "local", "--timeout", "0", "--without-exchange", "--json")

    @pytest.fixture
    def senders(self, front, settled, monkeypatch):
        def are(deployment: dict[str, Any] | None = None, **senders: dict[str, Any]) -> None:
            monkeypatch.setattr(command, "stack_outputs", lambda stack: {"senders": senders})
            monkeypatch.setattr(command, "stack_deployment", lambda stack: deployment or {})

        return are

    def test_are_recipients_and_what_could_only_send_to_them(self, senders, tenant, capsys):
        senders(plain=PLAIN, probed=OUTPUTS["senders"]["notifications"])
        assert main([*self.ARGUMENTS, "--only-probes"]) == 0
        shown = capsys.readouterr()
        assert {each["sender"] for each in json.loads(shown.out)["answers"]} == {"probed"}
        assert "plain: not proven by sending, since it has no probe: true" in shown.err
        assert recipients(tenant) == [SHARED]

    def test_is_no_reason_to_fail_where_it_is_everything(self, senders, tenant, capsys):
        senders(plain=PLAIN)
        assert main([*self.ARGUMENTS, "--only-probes"]) == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["result"] == "nothing"
        assert "there is nothing to prove by sending" in shown.err
        assert tenant.mail() == []

    def test_is_what_did_not_change(self, senders, capsys):
        probed = OUTPUTS["senders"]["notifications"]
        state = state_of(old="2026-11-26T07:59:59Z", new="2026-11-26T08:00:00Z")
        senders(state, old=probed, new=probed)
        assert main([*self.ARGUMENTS, "--since", "2026-11-26T08:00:00Z"]) == 0
        shown = capsys.readouterr()
        assert {each["sender"] for each in json.loads(shown.out)["answers"]} == {"new"}
        assert "old: not proven again, since nothing of it changed since 2026-11-26" in shown.err

    def test_is_nothing_of_which_the_state_does_not_tell(self):
        state = state_of(a="2026-11-26T07:59:59Z")
        for resource in state["resources"]:
            resource.pop("modified", None)
        assert changed_since(state, datetime(2026, 11, 26, 8, tzinfo=UTC)) == {"a"}

    @pytest.mark.parametrize("time", ["yesterday", "", "8:00"])
    def test_is_refused_by_a_time_that_is_none(self, time, capsys):
        with pytest.raises(SystemExit):
            main([*self.ARGUMENTS, "--since", time])
        assert "write a time such as 2026-11-26T08:00:00Z" in capsys.readouterr().err


PROVEN = json.dumps({"appId": CLIENT_ID, "granted": [SHARED], "denied": [CONTROL]})


@pytest.fixture
def stack(monkeypatch):
    """What Pulumi knows of the stack."""
    monkeypatch.setattr(command, "stack_outputs", lambda stack: OUTPUTS)
    monkeypatch.setattr(command, "stack_deployment", lambda stack: DEPLOYMENT)


@pytest.fixture
def powershell(tmp_path, monkeypatch):
    """Puts a PowerShell on PATH whose script ends so; what it was given is in a file."""
    folder, given = tmp_path / "bin", tmp_path / "given.json"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def ends(code: int = 0, stdout: str = PROVEN, stderr: str = "") -> tuple[Executable, Path]:
        source = (
            f"open({str(given)!r}, 'w').write(sys.stdin.read())\n"
            f"sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); sys.exit({code})"
        )
        return Executable(folder / "pwsh", source), given

    ends()
    return ends


@pytest.mark.usefixtures("stack")
class TestExchangeIsAsked:
    ARGUMENTS = ("--stack", "local", "--timeout", "90")

    def test_by_the_proof_of_the_deployment_without_its_waits(self, front, settled, powershell):
        executable, given = powershell()
        assert main(self.ARGUMENTS) == 0
        [call] = executable.calls()
        script = re.escape(str(Path("components", "exchange", "powershell", "prove-confinement")))
        assert re.fullmatch(rf"-NoProfile -NonInteractive -File /.*{script}\.ps1", call)
        waits = {"timeoutSeconds": 0, "settleSeconds": 0}
        assert json.loads(given.read_text()) == DESIRED | waits

    def test_by_each_proof_of_a_sender_that_both_confine(
        self, front, settled, powershell, monkeypatch
    ):
        roles = command_of("prove-authorization.ps1", DESIRED | {"roles": []})
        monkeypatch.setitem(DEPLOYMENT, "resources", [*DEPLOYMENT["resources"], roles])
        executable, _ = powershell()
        assert main(self.ARGUMENTS) == 0
        asked = [call.rpartition("/")[2] for call in executable.calls()]
        assert asked == ["prove-confinement.ps1", "prove-authorization.ps1"]

    def test_and_its_no_outweighs_a_denial(self, front, settled, tenant, powershell, capsys):
        begun = tenant.clock.now()
        powershell(1, "", "error: proof that x: not proven after 0 s: no policy of the application")
        assert main(self.ARGUMENTS) == 1
        shown = capsys.readouterr().out
        assert re.search(r"notifications +│ not proven after 0 s: no policy .*│ wrong", shown)
        assert "Not confined as it should be" in shown
        # Graph follows Exchange, so that there is nothing to wait for.
        assert tenant.clock.now() == begun

    def test_and_a_policy_that_widens_the_reach_is_no_proof(self, front, settled, powershell):
        powershell(1, "", "error: proof: not confined: policy 'x' reaches Finance as well\n")
        assert main(self.ARGUMENTS) == 1

    def test_and_a_mailbox_that_refuses_graph_by_itself_shows_nothing(
        self, front, settled, powershell, capsys
    ):
        reason = "EwsEnabled is False in Get-CASMailbox"
        powershell(stdout=json.dumps({"appId": CLIENT_ID, "otherReasons": [reason]}))
        assert main([*self.ARGUMENTS, "--json"]) == 2
        printed = json.loads(capsys.readouterr().out)
        assert [answer["verdict"] for answer in printed["answers"]] == ["right", "right"]
        assert printed["exchange"] == [
            {
                "sender": "notifications",
                "text": f"{CONTROL} refuses Graph whatever the policy says: {reason}",
                "verdict": "unknown",
            }
        ]

    @pytest.mark.parametrize(
        ("code", "stderr", "said"),
        [
            (1, "warning: x\nerror: proof: Set exactly one of EXCHANGE_ACCESS_TOKEN\n", "Set exa"),
            (1, "error: standard input: it is empty", "it is empty"),
            (64, "The argument '-File' is not recognized", "exit code 64: The argument"),
            (1, "", "exit code 1"),
        ],
    )
    def test_and_where_it_does_not_answer_nothing_is_sent(
        self, front, settled, tenant, powershell, capsys, code, stderr, said
    ):
        powershell(code, "", stderr)
        assert main(self.ARGUMENTS) == 2
        shown = capsys.readouterr().err
        assert shown.startswith("prove: Exchange could not be asked about notifications: ")
        assert said in shown
        assert "--without-exchange" in shown
        assert tenant.mail() == []

    def test_not_where_there_is_no_powershell(self, front, settled, monkeypatch, capsys):
        monkeypatch.setenv("PATH", "")
        assert main(self.ARGUMENTS) == 2
        assert "there is no pwsh on PATH" in capsys.readouterr().err

    @pytest.mark.parametrize("stdout", ["", "proven", "{", '{"otherReasons": 5}'])
    def test_not_where_the_script_does_not_say_what_it_found(
        self, front, settled, powershell, capsys, stdout
    ):
        powershell(0, stdout)
        assert main(self.ARGUMENTS) == 2
        error = capsys.readouterr().err
        assert "prove-confinement.ps1 succeeded and did not write what it found" in error
        assert "Nothing was sent" in error

    def test_about_an_identity_of_others_too(self, front, settled, monkeypatch, powershell, capsys):
        reader = {"clientId": CLIENT_ID, "controlMailbox": CONTROL, "scoping": "rbac"}
        outputs = OUTPUTS | {"access": {"reader": reader}}
        monkeypatch.setattr(command, "stack_outputs", lambda stack: outputs)
        executable, _ = powershell()
        assert main(self.ARGUMENTS) == 0
        assert len(executable.calls()) == 2
        assert re.search(r"reader +│ confined to its mailboxes +│ right", capsys.readouterr().out)
        assert main([*self.ARGUMENTS, "--sender", "notifications"]) == 0
        assert len(executable.calls()) == 3

    def test_where_a_stack_has_identities_of_others_alone(
        self, front, tenant, monkeypatch, powershell, capsys
    ):
        outputs = {"senders": {}, "access": {"reader": {"clientId": CLIENT_ID}}}
        monkeypatch.setattr(command, "stack_outputs", lambda stack: outputs)
        assert main(self.ARGUMENTS) == 0
        assert "each identity of others is confined" in capsys.readouterr().out
        powershell(1, "", "error: x: not confined: it has further roles")
        assert main(self.ARGUMENTS) == 1
        assert "Not confined as it should be" in capsys.readouterr().out
        assert main([*self.ARGUMENTS, "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["result"] == "wrong"
        assert tenant.mail() == []

    def test_not_of_a_proof_that_was_never_made(self, front, settled, monkeypatch, capsys):
        monkeypatch.setattr(command, "stack_deployment", lambda stack: {})
        assert main(self.ARGUMENTS) == 2
        assert "no proof of the identity of notifications: run pulumi up" in capsys.readouterr().err

    def test_not_where_that_is_left_out(self, front, settled, powershell, capsys):
        executable, _ = powershell(1, "", "error: it was asked")
        assert main([*self.ARGUMENTS, "--without-exchange"]) == 0
        assert executable.calls() == []
        shown = capsys.readouterr().out
        assert "Not proven is what the 403 rests on" in shown
        assert "Proven:" not in shown
        assert main([*self.ARGUMENTS, "--without-exchange", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["exchange"] is None


@pytest.mark.usefixtures("stack", "powershell")
class TestCommand:
    def test_exits_0_and_shows_a_table(self, front, settled, capsys):
        assert main(["--stack", "local", "--timeout", "0"]) == 0
        shown = capsys.readouterr()
        assert re.search(rf"{SHARED} +│ 202 +│ 202 Accepted +│ right", shown.out)
        assert re.search(rf"{CONTROL} +│ 403 +│ 403 ErrorAccessDenied .* │ right", shown.out)
        assert "Proven: " in shown.out
        assert f"notifications as {SHARED}: 202 Accepted" in shown.err

    def test_exits_1_where_too_much_gets_through(self, front, settled, capsys):
        settled.remove_policy(settled.restriction)
        settled.wait_for_policies()
        assert main(["--stack", "local", "--timeout", "0"]) == 1
        assert "Not confined as it should be" in capsys.readouterr().out

    def test_exits_1_where_too_little_gets_through(self, front, settled):
        settled.revoke(settled.assignment)
        assert main(["--stack", "local", "--timeout", "0"]) == 1

    def test_exits_2_where_nobody_answers(self, front, settled, monkeypatch, capsys):
        monkeypatch.setenv("RESOURCE_MANAGER_ADDRESS", "http://127.0.0.1:9")
        assert main(["--stack", "local", "--timeout", "0"]) == 2
        assert "Could not find out" in capsys.readouterr().out

    @pytest.mark.parametrize("address", ["http://[", "http://127.0.0.1:notaport"])
    def test_exits_2_where_it_broke_off(self, front, settled, monkeypatch, capsys, address):
        monkeypatch.setenv("RESOURCE_MANAGER_ADDRESS", address)
        assert main(["--stack", "local", "--timeout", "0"]) == 2
        assert "Traceback" not in capsys.readouterr().err

    def test_exits_2_where_nothing_is_deployed(self, monkeypatch, capsys):
        monkeypatch.setattr(command, "stack_outputs", lambda stack: {})
        assert main(["--stack", "local"]) == 2
        assert capsys.readouterr().err.startswith("prove: nothing is deployed")

    @pytest.mark.parametrize("timeout", ["-1", "x", "nan", "inf"])
    def test_exits_2_for_a_time_that_is_none(self, timeout):
        with pytest.raises(SystemExit) as exited:
            main(["--stack", "local", "--timeout", timeout])
        assert exited.value.code == 2

    def test_prints_json_and_nothing_else(self, front, settled, capsys):
        assert main(["--stack", "local", "--timeout", "0", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert (printed["stack"], printed["result"]) == ("local", "right")
        assert printed["answers"][1] == {
            "sender": "notifications",
            "mailbox": CONTROL,
            "expected": "403 ErrorAccessDenied",
            "status": 403,
            "code": "ErrorAccessDenied",
            "message": "Access to OData is disabled.",
            "verdict": "right",
        }

    def test_shows_an_answer_as_it_is(self, capsys):
        answer = Answer(403, "ErrorAccessDenied", "Access to OData is disabled: [bold] x")
        Console().print(command._table([Trial("n", "m@contoso.com", "w", "t", answer)]), width=200)
        assert "[bold] x" in capsys.readouterr().out


class TestReadingTheStack:
    @pytest.mark.parametrize(
        ("printed", "said"),
        [
            ('{"senders": ', 'does not write a JSON object, but \'{"senders": '),
            ("[]", "does not write a JSON object"),
            ("", "does not write a JSON object"),
            ("[" * 100_000, "does not write a JSON object"),
            ('{"senders": {"n": "text"}}', "the outputs of n are none of a sender: run pulumi up"),
            ('{"senders": {"n": null}}', "the outputs of n are none of a sender"),
        ],
    )
    def test_that_is_none(self, printed, said, tmp_path, monkeypatch, capsys):
        Executable(tmp_path / "bin" / "pulumi", f"sys.stdout.write({printed!r})")
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

        assert main(["--stack", "local", "--timeout", "0"]) == 2

        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith("prove: ")
        assert said in error

    def test_of_a_cloud_that_is_none(self, monkeypatch, capsys):
        monkeypatch.setattr(command, "stack_outputs", lambda stack: OUTPUTS | {"cloud": "moon"})
        assert main(["--stack", "local", "--timeout", "0", "--without-exchange"]) == 2
        assert "output cloud is 'moon', and not one of public" in capsys.readouterr().err

    @pytest.mark.parametrize("stdin", ["{", "[]", "{}", None, {"ciphertext": "x"}])
    def test_of_a_proof_that_is_none(self, stdin, monkeypatch, capsys):
        proof = command_of("prove-confinement.ps1", {}) | {"urn": "urn:pulumi:s::p::t::the-proof"}
        proof["inputs"]["stdin"] = stdin
        monkeypatch.setattr(command, "stack_outputs", lambda stack: OUTPUTS)
        monkeypatch.setattr(command, "stack_deployment", lambda stack: {"resources": [proof]})
        assert main(["--stack", "local", "--timeout", "0"]) == 2
        assert "what the state has as stdin of the-proof is no proof's" in capsys.readouterr().err

    def test_without_pulumi(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ProofError, match="no pulumi on PATH"):
            command.stack_outputs("local")


class TestADenialByPolicyIsTakenInEitherText:
    @pytest.mark.parametrize(
        "message",
        [
            "Access to OData is disabled.",
            "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly "
            "AccessPolicy settings.",
            "[RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.",
        ],
    )
    def test_on_record(self, message: str):
        assert Answer(403, "ErrorAccessDenied", message).denied_by_policy


class TestADenialByPolicyIsToldFromOthers:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer(202, "", ""),
            Answer(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
            Answer(404, "ErrorInvalidUser", "The requested user 'x' is invalid."),
        ],
        ids=str,
    )
    def test_by_its_words(self, answer: Answer):
        assert not answer.denied_by_policy
