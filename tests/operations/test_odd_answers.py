"""Readers of the clouds end in one line, whatever answers: what failed, on what, and what to do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken

from components.clouds import Cloud
from components.workflow_definition import OWN_PROBE_ACTION, PROBE_ACTION
from operations import prove
from operations.cloud_look_up import Kind, LeftBehind
from operations.signed_in import CloudRefusedError, SignedIn
from operations.workflow_runs import WorkflowRuns
from tests.operations.odd_answers import AZURE, LINKS, NO_OBJECT

GROUP = "/subscriptions/s/resourceGroups/g"
WORKFLOW = f"{GROUP}/providers/Microsoft.Logic/workflows/w"
GRANT = {"resourceObjectId": "graph", "principalObjectId": "p", "appRoleId": "r"}
NAMES = {"resourceGroupName": "g", "workflowName": "w", "location": "westeurope"}
IS_GROUP = {
    "id": GROUP,
    "type": "Microsoft.Resources/resourceGroups",
    "location": "westeurope",
}

Given = Callable[[], httpx.Response]


class Credential:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("secret", 0)


class Clouds:
    """Answers by what is asked, and otherwise oddly; takes down who is shown a token."""

    def __init__(self, odd: Given, known: dict[str, Any]) -> None:
        self.odd = odd
        self.known = known
        self.shown_to: set[str] = set()
        self.waits: list[float] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def signed_in(self) -> SignedIn:
        return SignedIn(
            Cloud.PUBLIC,
            credential=Credential(),
            transport=self.transport,
            sleep=self.waits.append,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if "Authorization" in request.headers:
            self.shown_to.add(f"{request.url.scheme}://{request.url.netloc.decode()}")
        known = self.known.get(request.url.path)
        return self.odd() if known is None else httpx.Response(200, json=known)


def _looks(clouds: Clouds) -> LeftBehind:
    return LeftBehind(clouds.signed_in(), "s", [])


# By what is read: what the cloud knows before the odd answer, who reads, and what the line names.
READERS: dict[str, tuple[dict[str, Any], Callable[[Clouds], object], str]] = {
    "a workflow": ({}, lambda c: _looks(c).find(Kind.WORKFLOW, NAMES), WORKFLOW),
    "what may be gone": ({}, lambda c: _looks(c).is_gone(Kind.WORKFLOW, WORKFLOW, {}), WORKFLOW),
    "what a group holds": (
        {GROUP: IS_GROUP},
        lambda c: _looks(c).find(Kind.RESOURCE_GROUP, NAMES),
        f"{GROUP}/resources",
    ),
    "Microsoft Graph in the tenant": (
        {},
        lambda c: _looks(c).is_gone(Kind.GRANT, "/servicePrincipals/graph/x/y", GRANT),
        "/v1.0/servicePrincipals/graph",
    ),
    "the grants of an identity": (
        {"/v1.0/servicePrincipals/graph": {"id": "graph"}},
        lambda c: _looks(c).find(Kind.GRANT, GRANT),
        "/v1.0/servicePrincipals/p/appRoleAssignments",
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("answer", NO_OBJECT)
def test_an_odd_answer_is_one_line(reader: str, answer: str):
    known, read, subject = READERS[reader]
    clouds = Clouds(NO_OBJECT[answer], known)

    with pytest.raises(CloudRefusedError) as raised:
        read(clouds)

    line = str(raised.value)
    assert subject in line
    assert "\n" not in line
    assert line.endswith(".")
    # What to do is the last thing that is said.
    assert any(advice in line for advice in ("Run this again", "run this again", "Check that"))
    assert "secret" not in line
    assert all(0 <= wait <= 120 for wait in clouds.waits)


@pytest.mark.parametrize("of", ["resources", "grants"])
@pytest.mark.parametrize("link", LINKS)
def test_no_token_follows_a_list_to_another_place(of: str, link: str):
    address = LINKS[link]
    if of == "grants":
        known, read, subject = READERS["the grants of an identity"]
        page = {
            "value": [],
            "@odata.nextLink": address.replace("management.azure", "graph.microsoft"),
        }
    else:
        known, read, subject = READERS["what a group holds"]
        page = {"value": [], "nextLink": address}
    clouds = Clouds(lambda: httpx.Response(200, json=page), known)

    with pytest.raises(CloudRefusedError, match="no token was sent there") as raised:
        read(clouds)

    assert subject in str(raised.value)
    assert len(clouds.shown_to) == 1
    assert clouds.shown_to < {AZURE, "https://graph.microsoft.com"}


def test_a_list_goes_on_at_the_standard_port_by_name():
    """As Azure writes it: ``https://management.azure.com:443/…``."""
    known, read, _ = READERS["what a group holds"]
    following = {"value": [], "nextLink": f"{AZURE}:443/next"}
    clouds = Clouds(lambda: httpx.Response(200, json=following), known | {"/next": {"value": []}})
    assert read(clouds) is not None


def _same() -> Iterator[str]:
    while True:
        yield f"{AZURE}{GROUP}/resources?page=2"


def _others() -> Iterator[str]:
    page = 1
    while True:
        page += 1
        yield f"{AZURE}{GROUP}/resources?page={page}"


@pytest.mark.parametrize("links", [_same, _others])
def test_a_list_that_does_not_end_is_given_up(links: Callable[[], Iterator[str]]):
    known, read, subject = READERS["what a group holds"]
    following = links()
    clouds = Clouds(
        lambda: httpx.Response(200, json={"value": [], "nextLink": next(following)}), known
    )
    with pytest.raises(CloudRefusedError, match="the list does not end") as raised:
        read(clouds)
    assert subject in str(raised.value)


def test_the_object_that_answers_is_the_one_that_was_asked_for():
    other = f"{GROUP}/providers/Microsoft.Logic/workflows/other"
    body = {"id": other, "type": "Microsoft.Logic/workflows", "location": "westeurope"}
    clouds = Clouds(lambda: httpx.Response(200, json=body), {})
    with pytest.raises(CloudRefusedError, match=r"Azure answers with .*/other: nothing is made"):
        _looks(clouds).find(Kind.WORKFLOW, NAMES)


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("17", 17),
        ("0", 0),
        ("-5", 0),
        ("Thu, 26 Nov 2026 12:01:00 GMT", 60),
        ("Thu, 26 Nov 2026 11:00:00 GMT", 0),
        ("soon", 2),
        ("nan", 2),
    ],
)
def test_a_wait_is_asked_for_in_seconds_or_by_a_date(asked: str, waited: float):
    headers = {"Retry-After": asked, "Date": "Thu, 26 Nov 2026 12:00:00 GMT"}
    answers = [
        httpx.Response(429, headers=headers),
        httpx.Response(404, json={"error": {"code": "ResourceNotFound"}}),
    ]
    clouds = Clouds(lambda: answers.pop(0), {})
    assert _looks(clouds).find(Kind.WORKFLOW, NAMES) is None
    assert clouds.waits == [waited]


OUTPUTS: dict[str, Any] = {
    "cloud": "public",
    "senders": {
        "n": {
            "workflowId": WORKFLOW,
            "mailboxAddress": "notifications@contoso.com",
            "controlMailbox": "control@contoso.com",
            "clientId": "c",
            "trigger": "manual",
            "ownProbeTrigger": "OwnProbe",
            "probeTrigger": "Probe",
        }
    },
}
RUN = f"{WORKFLOW}/runs/r"
ENDED: dict[str, Any] = {RUN: {"properties": {"status": "Failed"}}}
LINK = "https://prod-00.westeurope.logic.azure.com/outputs?sig=secret"
LINKED: dict[str, Any] = {
    f"{RUN}/actions/{action}": {"properties": {"status": "x", "outputsLink": {"uri": LINK}}}
    for action in (OWN_PROBE_ACTION, PROBE_ACTION)
}


class TestTheProofBySending:
    """Each odd answer at each of its questions; a proof that broke off must not look like one."""

    @pytest.mark.parametrize("known", [{}, ENDED, ENDED | LINKED], ids=["run", "action", "outputs"])
    @pytest.mark.parametrize("answer", NO_OBJECT)
    def test_could_not_find_out(
        self,
        answer: str,
        known: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        clouds = Clouds(NO_OBJECT[answer], known)

        def started(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return httpx.Response(202, headers={"x-ms-workflow-run-id": "r"})
            return clouds._answer(request)

        self.prove_with(started, monkeypatch)

        assert prove.main(["--stack", "s", "--timeout", "0", "--without-exchange", "--json"]) == 2

        shown = capsys.readouterr()
        messages = [entry["message"] for entry in json.loads(shown.out)["answers"]]
        assert all(messages)
        assert all("\n" not in message for message in messages)
        assert "secret" not in shown.out + shown.err
        assert "Traceback" not in shown.err
        assert "prove: " not in shown.err

    @pytest.mark.parametrize("answer", NO_OBJECT)
    def test_could_not_begin(
        self,
        answer: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ):
        self.prove_with(lambda _: NO_OBJECT[answer](), monkeypatch)

        assert prove.main(["--stack", "s", "--timeout", "0", "--without-exchange", "--json"]) == 2

        shown = capsys.readouterr()
        for entry in json.loads(shown.out)["answers"]:
            assert f"{WORKFLOW}" in entry["message"]
            assert "\n" not in entry["message"]
        assert "prove: " not in shown.err

    def prove_with(
        self, answer: Callable[[httpx.Request], httpx.Response], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prove, "stack_outputs", lambda stack: OUTPUTS)
        monkeypatch.setattr(
            prove,
            "WorkflowRuns",
            lambda cloud: WorkflowRuns(
                cloud,
                credential=Credential(),
                transport=httpx.MockTransport(answer),
                sleep=lambda _: None,
            ),
        )
