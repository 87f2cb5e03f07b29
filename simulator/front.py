"""The simulated tenant over HTTP, on loopback only, for clients that are written for the clouds.

One server, one base address a service: what follows it in a request is what the real service gets.

==============  ====================================================================================
``/arm``        Azure Resource Manager.
``/graph``      Microsoft Graph.
``/exchange``   Exchange Online's cmdlets: ``POST /adminapi/beta/<organization>/InvokeCommand`` with
                ``{"CmdletInput": {"CmdletName", "Parameters"}}``, as the ExchangeOnlineManagement
                module calls it by field reports; Microsoft documents only a part of it.
``/logic``      Logic Apps: callback URLs, and the links to contents of the run history.
``/identity``   The token endpoint of a machine whose managed identity is the deploying identity, in
                App Service's form, which every Azure SDK knows and which may be plain HTTP:
                https://learn.microsoft.com/azure/app-service/overview-managed-identity.
==============  ====================================================================================

Every other request needs a bearer token as the tenant checks it. A call that the tenant leaves
without an answer is left without one here: the connection ends.
"""

import json
import os
import secrets
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.catalogue import catalogue
from simulator.powershell.interface import Arguments, CommandError
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    CloudError,
    ConnectionLostError,
    ExchangeError,
    NotSimulated,
    Response,
    Tenant,
)
from simulator.tenant.logic_apps import HOST
from simulator.tls import server_context

LOOPBACK = "127.0.0.1"
LOGIC_APPS = f"https://{HOST}/"

# The tenant's clock may be moved on, and its tokens then expire before their time. SDKs ask anew
# for one that has five minutes left.
_TOKEN_SECONDS = 300


@dataclass(frozen=True)
class Front:
    """Where the served tenant answers.

    Attributes:
        address: Base address of all services, without a slash at its end.
        variables: Environment variables by which clients find it instead of the clouds.
    """

    address: str
    variables: dict[str, str]


@contextmanager
def served(tenant: Tenant, port: int = 0, *, tls: Path | None = None) -> Iterator[Front]:
    """Serves a tenant for the duration of a ``with`` block.

    Args:
        tenant: What answers.
        port: The port; 0 takes a free one.
        tls: The folder for the file by which clients trust the server, which then speaks TLS.

    Raises:
        OSError: The port is taken.
    """
    server = _Server(tenant, port)
    trust: dict[str, str] = {}
    if tls is not None:
        context, trust = server_context(tls, LOOPBACK)
        server.speak_tls(context)
    # It looks that often, in seconds, whether it is to end.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Front(server.address, _variables(server, tenant) | trust)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _variables(server: "_Server", tenant: Tenant) -> dict[str, str]:
    beside_proxies = [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), LOOPBACK]
    no_proxy = ",".join(filter(None, beside_proxies))
    return {
        "RESOURCE_MANAGER_ADDRESS": f"{server.address}/arm",
        "MICROSOFT_GRAPH_ADDRESS": f"{server.address}/graph",
        "SIMULATED_EXCHANGE_ADDRESS": f"{server.address}/exchange",
        "EXCHANGE_ACCESS_TOKEN": tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE),
        "IDENTITY_ENDPOINT": f"{server.address}/identity/token",
        "IDENTITY_HEADER": server.identity_header,
        # So that azure-identity asks nobody else: a person's own token has no business here.
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "AZURE_CLIENT_ID": "",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


class _Server(ThreadingHTTPServer):
    """One tenant's server.

    Attributes:
        identity_header: What a request for a token must show.
    """

    # Connections that wait to be taken; the library's five are too few for a script that asks in
    # parallel, and the rest would be reset.
    request_queue_size = 512

    def __init__(self, tenant: Tenant, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.tenant = tenant
        self.address = f"http://{LOOPBACK}:{self.server_address[1]}"
        self.identity_header = secrets.token_urlsafe(16)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says in one line what became of a connection; nothing of a client that went away."""
        error = sys.exception()
        if not isinstance(error, OSError):
            sys.stderr.write(f"simulator: a request was not answered: {error!r}\n")

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Answers over TLS only, from the first connection on."""
        # Each connection shakes hands in its own thread: one that does not must not stop the rest.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.address = self.address.replace("http://", "https://")


class _Handler(BaseHTTPRequestHandler):
    """Takes one request apart, has the tenant answer it, and writes the answer.

    HTTP/1.0, so that no connection outlives its answer, or the front.
    """

    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        try:
            answer = self._answer()
        except CloudError as error:
            answer = error.response()
        except NotSimulated as limit:
            answer = CloudError(501, "NotSimulated", str(limit)).response()
        except ConnectionLostError:
            return
        except Exception as error:  # noqa: BLE001 - without an answer nobody would look here
            answer = CloudError(
                500, "InternalServerError", f"The simulated tenant has a defect: {error!r}"
            ).response()
        self._write(answer)

    def _write(self, answer: Response) -> None:
        content = b"" if answer.body is None else json.dumps(self._linked(answer.body)).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _linked(self, value: Any) -> Any:
        """The value with links to Logic Apps leading here."""
        if isinstance(value, dict):
            return {name: self._linked(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._linked(entry) for entry in value]
        if isinstance(value, str) and value.startswith(LOGIC_APPS):
            return f"{self.server.address}/logic/{value.removeprefix(LOGIC_APPS)}"
        return value

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Writes nothing: addresses carry signatures, and the tenant keeps a log of calls."""

    # What the tenant is asked

    def _answer(self) -> Response:
        body = self._body()
        service, _, rest = self.path.removeprefix("/").partition("/")
        path = f"/{rest.lstrip('/')}"
        tenant, headers = self.server.tenant, dict(self.headers.items())
        match service:
            case "arm":
                # The tenant takes no token at all for a caller who is signed in.
                return tenant.arm.request(
                    self.command, path, body, token=self._token(), headers=headers
                )
            case "graph":
                return tenant.graph.request(
                    self.command, path, body, token=self._token(), headers=headers
                )
            case "exchange":
                return self._exchange(path, body)
            case "logic":
                return self._logic(path, body)
            case "identity":
                return self._identity_token(path)
        raise CloudError(
            404, "NotFound", "Nothing is here but arm, graph, exchange, logic and identity."
        )

    def _body(self) -> Any:
        """The JSON value of the body, ``None`` for none."""
        if "Transfer-Encoding" in self.headers:
            raise CloudError(411, "LengthRequired", "The request needs a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise CloudError(400, "BadRequest", "The Content-Length is no number.")
        content = self.rfile.read(int(length))
        if not content:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise CloudError(
                400, "InvalidRequestContent", "The request content is not valid JSON."
            ) from None

    def _token(self) -> str:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.casefold() == "bearer" else ""

    def _exchange(self, path: str, body: Any) -> Response:
        match [unquote(segment) for segment in urlsplit(path).path.strip("/").split("/")]:
            case ["adminapi", "beta", organization, "InvokeCommand"] if self.command == "POST":
                pass
            case _:
                raise CloudError(
                    501, "NotSimulated", f"Exchange Online answers no {self.command} {path} here."
                )
        match body:
            case {"CmdletInput": {"CmdletName": str(name), **given}}:
                parameters = given.pop("Parameters", {})
            case _:
                raise CloudError(400, "BadRequest", "The body needs CmdletInput with CmdletName.")
        if given or not isinstance(parameters, dict):
            raise CloudError(400, "BadRequest", "CmdletInput has CmdletName and Parameters only.")
        cmdlet = catalogue().get(name.casefold())
        if cmdlet is None:
            raise CloudError(
                400,
                "CommandNotFound",
                f"The term '{name}' is not recognized as the name of a cmdlet.",
            )
        session = self.server.tenant.exchange.connect(
            token=self._token(), organization=organization
        )
        try:
            bound = cmdlet.bind(Arguments(named=parameters))
            # Asking back is the matter of the shell in which a cmdlet runs.
            bound.pop("Confirm", None)
            return Response(200, {"value": session.invoke(cmdlet.name, bound)})
        except CommandError as error:
            raise CloudError(400, error.error_id, error.message) from None
        except ExchangeError as error:
            raise CloudError(400, error.exception_type, str(error)) from None

    def _logic(self, path: str, body: Any) -> Response:
        if self._token():
            raise CloudError(
                401,
                "DirectApiAuthorizationRequired",
                "The request must be authenticated only by Shared Access scheme.",
            )
        logic = self.server.tenant.logic
        match self.command:
            case "GET":
                return logic.content(path)
            case "POST":
                return logic.invoke_callback(path, body)
        raise CloudError(405, "MethodNotAllowed", f"Nothing here takes {self.command}.")

    def _identity_token(self, path: str) -> Response:
        if self.headers.get("X-IDENTITY-HEADER") != self.server.identity_header:
            raise CloudError(401, "Unauthorized", "The X-IDENTITY-HEADER is missing or wrong.")
        address = urlsplit(path)
        options = {name: values[0] for name, values in parse_qs(address.query).items()}
        if (self.command, address.path) != ("GET", "/token") or options.keys() != {
            "api-version",
            "resource",
        }:
            raise CloudError(
                501,
                "NotSimulated",
                "The machine has one identity, and gives tokens for GET …/identity/token with "
                "api-version and resource.",
            )
        resource = options["resource"]
        token = self.server.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, resource)
        return Response(
            200,
            {
                "access_token": token,
                "client_id": DEPLOYMENT_CLIENT_ID,
                "expires_on": str(int(time.time()) + _TOKEN_SECONDS),
                "resource": resource,
                "token_type": "Bearer",
            },
        )
