"""Microsoft Graph as a service: what each request passes on the way to its answer."""

from collections.abc import Mapping
from typing import Any

from simulator.tenant.answers import CloudError, Response
from simulator.tenant.entra import Entra
from simulator.tenant.exchange import Exchange
from simulator.tenant.graph import exceptions
from simulator.tenant.graph.message import check_length
from simulator.tenant.graph.models import Mailboxes
from simulator.tenant.graph.responses import Responses
from simulator.tenant.graph.routes import ROUTES
from simulator.tenant.identifiers import GRAPH_AUDIENCE, new_id
from simulator.tenant.paths import Request, check_headers
from simulator.tenant.store import Document, Store


class Graph:
    """https://graph.microsoft.com, the part of it that the project uses.

    Attributes:
        mailboxes: Who may send as whom.
    """

    def __init__(self, store: Store, entra: Entra, exchange: Exchange) -> None:
        self._store = store
        self._entra = entra
        self._exchange = exchange
        self.mailboxes = Mailboxes(store, entra, exchange)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None,
        headers: Mapping[str, str] | None = None,
        by_workflow: bool = False,
    ) -> Response:
        """Answers one request.

        Args:
            method: The HTTP method.
            path: From ``/v1.0/`` on, with the query.
            body: The JSON value of the body, ``None`` for none.
            token: What the Authorization header bears.
            headers: The other headers; a body needs ``Content-Type: application/json``.
            by_workflow: Whether a workflow asks, in the course of another call.

        Raises:
            ConnectionLostError: No answer gets back, by a planned fault.
        """
        request = Request.parse(method, path)
        given = {name.casefold(): value for name, value in (headers or {}).items()}

        def effect() -> Response:
            check_length(body)
            check_headers(given)
            claims = self._entra.validate(token, GRAPH_AUDIENCE)
            return self._answer(
                Responses(self._entra, self.mailboxes, request, body, given, claims)
            )

        if request.segments[-1] == "sendMail":
            # Apart from the call, of which a refusal leaves nothing.
            with self._store.transaction():
                caller = self._store.get("token", token or "")
                if caller is not None:
                    self._exchange.roles.note_call(caller["principalId"])
        try:
            return self._store.call(
                "Graph", request.method, path, effect, crosses_network=by_workflow
            )
        except CloudError as error:
            response = error.response()
            # Exchange's own answers, those of sendMail, are reported without it.
            if response.body and request.segments[-1] != "sendMail":
                response.body["error"]["innerError"] = self._inner_error(given)
            return response

    def _answer(self, responses: Responses) -> Response:
        request = responses.request
        for route in ROUTES:
            names = route.names(request)
            if names is None:
                continue
            if not set(route.permissions) <= set(responses.claims["roles"]):
                raise exceptions.request_denied()
            if route.options is not None:
                request.check_options(route.options)
            return route.answer(responses, **names)
        raise exceptions.not_simulated(
            f"The simulated tenant does not answer {request.method} {request.path}."
        )

    def _inner_error(self, headers: Mapping[str, str]) -> Document:
        """What the directory's errors say of the request."""
        request_id = new_id()
        with self._store.transaction():
            return {
                "date": self._store.now().strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request_id,
                "client-request-id": headers.get("client-request-id", request_id),
            }
