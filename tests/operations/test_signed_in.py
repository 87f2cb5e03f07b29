"""What a client of Azure and Graph does with answers that are none."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.identity import CredentialUnavailableError
from pydantic import RootModel

from components.clouds import ENDPOINTS, GRAPH_ADDRESS, Cloud
from operations.cloud_look_up import Kind, LeftBehind
from operations.signed_in import CloudRefusedError, SignedIn

GROUP = "/subscriptions/s/resourceGroups/g"
ABSENT = frozenset({"ResourceGroupNotFound"})


class Anything(RootModel[dict[str, Any]]):
    """What an answer is read as where a test is not about that."""


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
    found = signed_in.resource(GROUP, Anything, api_version="2021-04-01", absent=ABSENT)
    return found and found.root


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
        signed_in, asked = client(throttled, lost, httpx.Response(200, json={"id": 1}), waits=waits)

        assert group(signed_in) == {"id": 1}
        assert waits == [17, 8]
        assert len(asked) == 3

    def test_is_given_up_in_the_end(self):
        signed_in, asked = client(*[httpx.ReadError("reset")] * 4)
        with pytest.raises(CloudRefusedError, match="no answer: reset"):
            group(signed_in)
        assert len(asked) == 4


class TestSigningIn:
    def test_asks_for_a_token_of_the_service_that_is_read(self):
        signed_in, asked = client(*[httpx.Response(200, json={})] * 2)
        group(signed_in)
        signed_in.directory_object("/v1.0/x", Anything)
        tokens = [request.headers["Authorization"] for request in asked]
        assert tokens == [
            "Bearer https://management.azure.com/.default",
            "Bearer https://graph.microsoft.com/.default",
        ]

    def test_goes_to_another_address_where_the_environment_names_one(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv(GRAPH_ADDRESS, "http://127.0.0.1:8080/graph")
        signed_in, asked = client(httpx.Response(200, json={}))
        signed_in.directory_object("/v1.0/x", Anything)
        assert str(asked[0].url) == "http://127.0.0.1:8080/graph/v1.0/x"

    @pytest.mark.parametrize("address", ["http://192.0.2.1/graph", "http://localhost.contoso.com"])
    def test_sends_no_token_in_clear_to_another_machine(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ):
        monkeypatch.setenv(GRAPH_ADDRESS, address)
        signed_in, asked = client(httpx.Response(200, json={}))
        with pytest.raises(CloudRefusedError, match="https only"):
            signed_in.directory_object("/v1.0/x", Anything)
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
