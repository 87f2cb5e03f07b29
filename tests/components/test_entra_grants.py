"""What an identity holds in Entra beside its roles in Exchange."""

import functools
import json
from typing import Any

import httpx
import pulumi
import pytest

from components import entra_grants
from components.clouds import Cloud
from components.entra_grants import EXCHANGE_CLIENT_ID, refuse_grants
from components.graph_permission import GRAPH_CLIENT_ID
from simulator.testing.loops import in_its_own_loop

OFFERED = {
    "graph": (GRAPH_CLIENT_ID, ["Mail.Send", "User.Read.All", "AppRoleAssignment.ReadWrite.All"]),
    "exchange": (EXCHANGE_CLIENT_ID, ["Mail.Send", "full_access_as_app", "SMTP.SendAsApp"]),
    "own": ("app", ["Mail.Send"]),
}
LIST = "https://graph.microsoft.com/v1.0/servicePrincipals/p/appRoleAssignments"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks, and gets the given answers; returns what was asked for."""

    async def look_up(parent: object, function: str, **arguments: str) -> dict[str, str]:
        assert function == "azure-native:authorization:getClientToken"
        return {"token": f"for {arguments['endpoint']}"}

    async def get_service_principal(parent: object, *, objectId: str) -> Any:  # noqa: N803
        client_id, roles = OFFERED[objectId]
        return {"clientId": client_id, "appRoleIds": {role: f"id of {role}" for role in roles}}

    async def no_wait(seconds: float) -> None:
        waits.append(seconds)

    waits: list[float] = []
    monkeypatch.setattr(entra_grants, "look_up", look_up)
    monkeypatch.setattr(entra_grants, "get_service_principal", get_service_principal)
    monkeypatch.setattr(entra_grants, "sleep", no_wait)

    def run(*answers: httpx.Response, expected: tuple[str, ...] = ()) -> list[httpx.Request]:
        asked: list[httpx.Request] = []
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return left.pop(0)

        transport = httpx.MockTransport(answer)
        client = functools.partial(httpx.AsyncClient, transport=transport)
        with monkeypatch.context() as patched:
            patched.setattr(httpx, "AsyncClient", client)
            parent: Any = None
            in_its_own_loop(
                refuse_grants(
                    parent, "p", cloud=Cloud.PUBLIC, otherwise="it stops", expected=expected
                )
            )
        return asked

    return run


def page(*held: tuple[str, str], more: str = "") -> httpx.Response:
    value = [
        {"id": f"{role} to p", "resourceId": resource, "appRoleId": f"id of {role}"}
        for resource, role in held
    ]
    body: dict[str, Any] = {"value": value} | ({"@odata.nextLink": more} if more else {})
    return httpx.Response(200, text=json.dumps(body))


class TestAnIdentity:
    def test_without_grants_is_let_be_and_asked_about_with_the_token_of_the_run(self, ask: Any):
        (asked,) = ask(page(("own", "Mail.Send"), ("graph", "User.Read.All")))

        assert str(asked.url) == LIST
        assert asked.headers["Authorization"] == "Bearer for https://graph.microsoft.com"

    @pytest.mark.parametrize(
        ("resource", "role"),
        [
            ("graph", "Mail.Send"),
            ("graph", "AppRoleAssignment.ReadWrite.All"),
            ("graph", "one that is not listed any more"),
            ("exchange", "full_access_as_app"),
            ("exchange", "SMTP.SendAsApp"),
        ],
    )
    def test_with_a_grant_that_voids_the_scope_is_refused(self, ask: Any, resource: str, role: str):
        with pytest.raises(pulumi.RunError, match=role) as refused:
            ask(
                page(("graph", "User.Read.All"), more=f"{LIST}?$skiptoken=2"),
                page((resource, role)),
            )
        assert f"az rest --method DELETE --url {LIST}/{role} to p" in str(refused.value)
        assert "So it stops." in str(refused.value)

    def test_may_hold_what_a_policy_confines_and_only_of_graph(self, ask: Any):
        ask(page(("graph", "Mail.Send")), expected=("Mail.Send",))
        with pytest.raises(pulumi.RunError, match=r"Mail\.Send"):
            ask(page(("exchange", "Mail.Send")), expected=("Mail.Send",))


class TestAnAnswer:
    def test_that_passes_is_waited_for(self, ask: Any):
        absent = httpx.Response(404, text='{"error":{"code":"Request_ResourceNotFound"}}')
        assert len(ask(absent, httpx.Response(503), page())) == 3

    @pytest.mark.parametrize(
        ("answers", "why"),
        [
            ([httpx.Response(403, text="Authorization_RequestDenied")], "403 Authorization_R"),
            ([httpx.Response(404, text="none")] * 4, "404 none"),
            ([httpx.Response(200, text="<html>Sign in</html>")], "<html>Sign in</html>"),
            ([httpx.Response(200, text='{"value":[{"id":"x"}]}')], '"id":"x"'),
            ([page(more="https://contoso.com/v1.0/more")], "GET https://contoso.com/v1.0/more"),
            ([page(more=LIST)], "a page of the list leads there"),
        ],
    )
    def test_that_is_none_lets_nothing_pass(
        self, ask: Any, answers: list[httpx.Response], why: str
    ):
        with pytest.raises(pulumi.RunError, match="could not be found out") as refused:
            ask(*answers)
        assert why in str(refused.value)
