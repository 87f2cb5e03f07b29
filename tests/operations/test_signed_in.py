"""What a client of Azure and Graph does with answers that are none."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError

from components.clouds import ENDPOINTS, Cloud
from operations.left_behind import Kind, LeftBehind
from operations.signed_in import GRAPH, Answered, CloudRefusedError, SignedIn

PRINCIPAL = "/v1.0/servicePrincipals/graph"
GROUP = "/subscriptions/s/resourceGroups/g"
ABSENT = frozenset({"ResourceGroupNotFound"})


class Thing(Answered):
    """What is read here."""

    id: str


class Credential:
    """Gives the scope back as the token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(scopes[0], 0)


class NoCredential:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise CredentialUnavailableError("Please run 'az login'.\nMore below.")


def client(
    *answers: httpx.Response | Exception, waits: list[float] | None = None, credential: Any = None
) -> tuple[SignedIn, list[httpx.Request]]:
    """A client that gets these answers, and what it asks."""
    asked: list[httpx.Request] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    sleep: Callable[[float], None] = (waits if waits is not None else []).append
    signed_in = SignedIn(
        Cloud.PUBLIC,
        credential=credential or Credential(),
        transport=httpx.MockTransport(answer),
        sleep=sleep,
    )
    return signed_in, asked


def refusal(status: int, code: str, message: str = "No.") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


def group(signed_in: SignedIn) -> Any:
    return signed_in.resource(GROUP, Thing, api_version="2021-04-01", absent=ABSENT)


class TestAbsence:
    def test_is_what_the_service_says_of_the_object(self):
        signed_in, _ = client(refusal(404, "ResourceGroupNotFound"))
        assert group(signed_in) is None

    @pytest.mark.parametrize(
        ("status", "code"), [(404, "SubscriptionNotFound"), (403, "AuthorizationFailed")]
    )
    def test_is_no_other_refusal(self, status: int, code: str):
        signed_in, _ = client(refusal(status, code, "Two\nlines."))
        with pytest.raises(CloudRefusedError) as raised:
            group(signed_in)
        assert str(raised.value).startswith(
            f"GET https://management.azure.com{GROUP}: {status} {code}: Two lines. Check that"
        )
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceGroupNotFound"])
    def test_of_a_resource_is_either_its_own_or_that_of_its_group(self, code: str):
        inputs = {"resourceGroupName": "g", "workflowName": "w"}
        signed_in, _ = client(refusal(404, code))
        assert LeftBehind(signed_in, "s", []).find(Kind.WORKFLOW, inputs) is None

    def test_of_a_grant_is_not_believed_in_a_strange_tenant(self):
        signed_in, _ = client(refusal(404, "Request_ResourceNotFound"))
        inputs = {"resourceObjectId": "graph", "principalObjectId": "p", "appRoleId": "r"}
        with pytest.raises(CloudRefusedError, match="Sign in to the tenant of the stack"):
            LeftBehind(signed_in, "s", []).is_gone(Kind.GRANT, "/x/y", inputs)


class TestATransientAnswer:
    def test_is_asked_for_again_after_the_wait_that_the_service_names(self):
        waits: list[float] = []
        throttled = httpx.Response(429, headers={"Retry-After": "17"})
        lost = httpx.ReadError("reset")
        found = httpx.Response(200, json={"id": GROUP, "more": 1})
        signed_in, asked = client(throttled, lost, found, waits=waits)

        assert group(signed_in) == Thing(id=GROUP)
        assert waits == [17, 8]
        assert len(asked) == 3

    def test_is_given_up_in_the_end(self):
        signed_in, asked = client(*[httpx.ReadError("reset")] * 4)
        with pytest.raises(CloudRefusedError, match="no answer: reset"):
            group(signed_in)
        assert len(asked) == 4


class TestSigningIn:
    def test_asks_for_a_token_of_the_service_that_is_read(self):
        signed_in, asked = client(*[httpx.Response(200, json={"id": "x"})] * 2)
        group(signed_in)
        signed_in.directory_object("/v1.0/x", Thing)
        tokens = [request.headers["Authorization"] for request in asked]
        assert tokens == [
            "Bearer https://management.azure.com/.default",
            "Bearer https://graph.microsoft.com/.default",
        ]

    def test_goes_to_another_address_where_the_environment_names_one(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv(GRAPH, "http://127.0.0.1:8080/graph")
        signed_in, asked = client(httpx.Response(200, json={"id": "x"}))
        signed_in.directory_object("/v1.0/x", Thing)
        assert str(asked[0].url) == "http://127.0.0.1:8080/graph/v1.0/x"

    @pytest.mark.parametrize(
        "address",
        [
            "http://192.0.2.1/graph",
            "http://localhost.contoso.com",
            "https://",
            "http://[",
            "graph.microsoft.com",
            "http://127.0.0.1:notaport",
        ],
    )
    def test_sends_no_token_in_clear_to_another_machine(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ):
        monkeypatch.setenv(GRAPH, address)
        signed_in, asked = client(httpx.Response(200, json={}))
        with pytest.raises(CloudRefusedError, match="https only"):
            signed_in.directory_object("/v1.0/x", Thing)
        assert asked == []

    def test_that_fails_is_one_line(self):
        signed_in, _ = client(credential=NoCredential())
        with pytest.raises(CloudRefusedError, match=r"signed in: Please run 'az login'\. Sign"):
            group(signed_in)

    @pytest.mark.parametrize("cloud", Cloud)
    def test_is_at_the_authority_of_the_cloud(self, cloud: Cloud):
        SignedIn(cloud)  # azure-identity refuses an authority that is no host name.
        assert ENDPOINTS[cloud].resource_manager.startswith("https://management.")


def test_a_list_is_read_to_its_last_page():
    pages = [
        httpx.Response(200, json={"id": "graph"}),
        httpx.Response(
            200, json={"value": [], "@odata.nextLink": "https://graph.microsoft.com/next"}
        ),
        httpx.Response(
            200,
            json={
                "value": [{"id": "g", "principalId": "p", "appRoleId": "r", "resourceId": "graph"}]
            },
        ),
    ]
    signed_in, asked = client(*pages)
    inputs = {"resourceObjectId": "graph", "principalObjectId": "p", "appRoleId": "r"}

    found = LeftBehind(signed_in, "s", []).find(Kind.GRANT, inputs)

    assert found is not None
    assert found.identifier == "/servicePrincipals/graph/appRoleAssignedTo/g"
    assert str(asked[-1].url) == "https://graph.microsoft.com/next"


def grants(signed_in: SignedIn) -> Any:
    inputs = {"resourceObjectId": "graph", "principalObjectId": "p", "appRoleId": "r"}
    return LeftBehind(signed_in, "s", []).find(Kind.GRANT, inputs)


def group_in_a_state(signed_in: SignedIn) -> Any:
    return LeftBehind(signed_in, "s", []).is_gone(Kind.RESOURCE_GROUP, GROUP, {})


def strangers(signed_in: SignedIn) -> Any:
    return signed_in.resources(f"{GROUP}/resources", Thing, api_version="2021-04-01")


READERS = [group, group_in_a_state, strangers, grants]
HTML = {"Content-Type": "text/html"}
ODD: dict[str, httpx.Response] = {
    "nothing": httpx.Response(200),
    "no content": httpx.Response(204),
    "accepted": httpx.Response(202),
    "truncated": httpx.Response(200, content=b'{"id": "/subscr'),
    "a page of a proxy": httpx.Response(200, headers=HTML, text="<html>Sign in</html>"),
    "an empty object": httpx.Response(200, json={}),
    "a list": httpx.Response(200, json=[{"id": GROUP}]),
    "a text": httpx.Response(200, json="ok"),
    "a number": httpx.Response(200, json=7),
    "null": httpx.Response(200, content=b"null"),
    "another type of id": httpx.Response(200, json={"id": 7, "value": 7}),
    "no id": httpx.Response(200, json={"id": None, "value": None}),
    "entries without ids": httpx.Response(200, json={"value": [{}]}),
    "entries that are none": httpx.Response(200, json={"value": [None, "x"]}),
    "a refusal with 200": httpx.Response(200, json={"error": {"code": "X"}}),
    "not UTF-8": httpx.Response(200, content=b'{"id": "\xff\xfe"'),
    "too deep": httpx.Response(200, content=b"[" * 100_000),
    "a redirection": httpx.Response(302, headers={"Location": "https://contoso.com/"}),
    "an error that is a text": httpx.Response(400, json={"error": "text"}),
    "an error that is a list": httpx.Response(400, json={"error": ["text"]}),
    "an error of other types": httpx.Response(400, json={"error": {"code": 7, "message": [1]}}),
    "an error without one": httpx.Response(403, json={}),
    "a list as an error": httpx.Response(403, json=[1]),
    "a page as an error": httpx.Response(403, headers=HTML, text="<html>\n</html>"),
    "absence in a page": httpx.Response(404, headers=HTML, text="<html>ResourceGroupNotFound"),
    "absence of something else": refusal(404, "SubscriptionNotFound"),
    "absence as a text": httpx.Response(404, json={"error": "ResourceGroupNotFound"}),
    "a very long message": refusal(400, "X", "long " * 10_000),
    "no status that is known": httpx.Response(299, json={"id": GROUP, "value": []}),
    "busy for ever": httpx.Response(503, headers=HTML, text="<html>"),
}


class TestAnOddAnswer:
    @pytest.mark.parametrize("reader", READERS)
    @pytest.mark.parametrize("answer", ODD.values(), ids=list(ODD))
    def test_is_an_error_in_one_line_and_never_an_absence(
        self, reader: Callable[[SignedIn], Any], answer: httpx.Response
    ):
        signed_in, _ = client(*[answer] * 4)
        with pytest.raises(CloudRefusedError) as raised:
            reader(signed_in)
        said = str(raised.value)
        assert said.startswith("GET https://")
        assert "\n" not in said
        assert len(said) < 700

    def test_about_something_else_is_no_object(self):
        for identifier in ("/subscriptions/s/resourceGroups/other", "x"):
            signed_in, _ = client(httpx.Response(200, json={"id": identifier}))
            with pytest.raises(CloudRefusedError, match=f"the answer is about {identifier}"):
                group_in_a_state(signed_in)
        signed_in, _ = client(httpx.Response(200, json={"id": GROUP.upper()}))
        assert not group_in_a_state(signed_in)
        signed_in, _ = client(httpx.Response(200, json={"id": "another"}))
        with pytest.raises(CloudRefusedError, match="Sign in to the tenant of the stack"):
            grants(signed_in)

    @pytest.mark.parametrize(
        "address",
        [
            "https://management.azure.com.contoso.com/next",
            "http://management.azure.com/next",
            "https://management.azure.com:444/next",
            "https://graph.microsoft.com/next",
            "//contoso.com/next",
            "/next",
            "not an address [",
        ],
    )
    def test_sends_no_token_where_a_list_leads_to_another_place(self, address: str):
        signed_in, asked = client(httpx.Response(200, json={"value": [], "nextLink": address}))
        with pytest.raises(CloudRefusedError, match="not another page of the same service"):
            strangers(signed_in)
        assert len(asked) == 1

    def test_in_a_circle_ends(self):
        links = ["2", "3", "2"]
        pages = [
            httpx.Response(
                200, json={"value": [], "nextLink": f"https://management.azure.com/{link}"}
            )
            for link in links
        ]
        signed_in, asked = client(*pages)
        with pytest.raises(CloudRefusedError, match="not another page of the same service"):
            strangers(signed_in)
        assert len(asked) == 3

    @pytest.mark.parametrize(
        ("header", "waits"),
        [
            ("17", 17),
            ("1.5", 1.5),
            ("0", 0),
            ("-5", 0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("Wed, 21 Oct 2015 07:28:00", 0),
            ("Wed, 21 Oct 2115 07:28:00 GMT", 120),
            ("86400", 120),
            ("nan", 2),
            ("inf", 2),
            ("soon", 2),
            ("", 2),
        ],
    )
    def test_of_how_long_to_wait_is_bounded(self, header: str, waits: float):
        waited: list[float] = []
        busy = httpx.Response(429, headers={"Retry-After": header})
        signed_in, _ = client(busy, httpx.Response(200, json={"id": GROUP}), waits=waited)
        group(signed_in)
        assert waited == [waits]
