"""The simulated tenant over HTTP, on loopback only, for clients that are written for the clouds.

One server, one base address a service: what follows it in a request is what the real service gets.

==============  ====================================================================================
``/arm``        Azure Resource Manager.
``/graph``      Microsoft Graph.
``/exchange``   Exchange Online's cmdlets: ``POST /adminapi/beta/<organization>/InvokeCommand`` with
                ``{"CmdletInput": {"CmdletName", "Parameters"}}``, as the ExchangeOnlineManagement
                module calls it by field reports; Microsoft documents only a part of it.
``/logic``      Logic Apps: callback URLs, and the links to contents of the run history.
``/login``      What Entra tells of a tenant without a sign-in.
``/identity``   The token endpoint of a machine whose managed identity is the deploying identity, in
                App Service's form, which every Azure SDK knows and which may be plain HTTP:
                https://learn.microsoft.com/azure/app-service/overview-managed-identity.
==============  ====================================================================================

Every other request needs a bearer token as the tenant checks it. A call that the tenant leaves
without an answer is left without one here: the connection ends.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.catalogue import catalogue
from simulator.http_server import LOOPBACK, Request, Server
from simulator.powershell.interface import Arguments, CommandError
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    CloudError,
    ExchangeError,
    Response,
    Tenant,
)
from simulator.tenant.logic_apps import HOST
from simulator.tenant.logic_apps.exceptions import signature_required
from simulator.tls import server_context

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
    answers = _Answers(tenant)
    server = Server(answers.answer, port)
    trust: dict[str, str] = {}
    if tls is not None:
        context, trust = server_context(tls, LOOPBACK)
        server.speak_tls(context)
    answers.address = server.address
    with server.serving():
        yield Front(server.address, _variables(answers) | trust)


def _variables(answers: "_Answers") -> dict[str, str]:
    beside_proxies = [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), LOOPBACK]
    no_proxy = ",".join(filter(None, beside_proxies))
    return {
        "RESOURCE_MANAGER_ADDRESS": f"{answers.address}/arm",
        "MICROSOFT_GRAPH_ADDRESS": f"{answers.address}/graph",
        "MICROSOFT_ENTRA_ADDRESS": f"{answers.address}/login",
        "SIMULATED_EXCHANGE_ADDRESS": f"{answers.address}/exchange",
        "EXCHANGE_ACCESS_TOKEN": answers.tenant.entra.issue_token(
            DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE
        ),
        "IDENTITY_ENDPOINT": f"{answers.address}/identity/token",
        "IDENTITY_HEADER": answers.identity_header,
        # So that azure-identity asks nobody else: a person's own token has no business here.
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        "AZURE_CLIENT_ID": "",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


class _Answers:
    """One tenant's answers.

    Attributes:
        address: Where they are given, without a slash at its end.
        identity_header: What a request for a token must show.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.address = ""
        self.identity_header = secrets.token_urlsafe(16)

    def answer(self, request: Request) -> Response:
        """What the tenant answers, with links to Logic Apps leading here."""
        answer = self._answer(request)
        return replace(answer, body=self._linked(answer.body))

    def _linked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._linked(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._linked(entry) for entry in value]
        if isinstance(value, str) and value.startswith(LOGIC_APPS):
            return f"{self.address}/logic/{value.removeprefix(LOGIC_APPS)}"
        return value

    def _answer(self, request: Request) -> Response:
        service, _, rest = request.path.removeprefix("/").partition("/")
        path = f"/{rest.lstrip('/')}"
        tenant, headers = self.tenant, dict(request.headers.items())
        match service:
            case "arm":
                # The tenant takes no token at all for a caller who is signed in.
                return tenant.arm.request(
                    request.method, path, request.body, token=_token(request), headers=headers
                )
            case "graph":
                return tenant.graph.request(
                    request.method, path, request.body, token=_token(request), headers=headers
                )
            case "exchange":
                return self._exchange(path, request)
            case "logic":
                return self._logic(path, request)
            case "login":
                return self._discovery(path, request)
            case "identity":
                return self._identity_token(path, request)
        raise CloudError(
            404, "NotFound", "Nothing is here but arm, graph, exchange, logic, login and identity."
        )

    def _exchange(self, path: str, request: Request) -> Response:
        match [unquote(segment) for segment in urlsplit(path).path.strip("/").split("/")]:
            case ["adminapi", "beta", organization, "InvokeCommand"] if request.method == "POST":
                pass
            case _:
                raise CloudError(
                    501, "NotSimulated", f"Exchange Online answers no {request.method} {path} here."
                )
        match request.body:
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
        session = self.tenant.exchange.connect(token=_token(request), organization=organization)
        try:
            bound = cmdlet.bind(Arguments(named=parameters))
            # Asking back is the matter of the shell in which a cmdlet runs.
            bound.pop("Confirm", None)
            return Response(200, {"value": session.invoke(cmdlet.name, bound)})
        except CommandError as error:
            raise CloudError(400, error.error_id, error.message) from None
        except ExchangeError as error:
            raise CloudError(400, error.exception_type, str(error)) from None

    def _logic(self, path: str, request: Request) -> Response:
        if _token(request):
            raise signature_required()
        logic = self.tenant.logic
        match request.method:
            case "GET":
                return logic.content(path)
            case "POST":
                return logic.invoke_callback(path, request.body)
        raise CloudError(405, "MethodNotAllowed", f"Nothing here takes {request.method}.")

    def _discovery(self, path: str, request: Request) -> Response:
        tenant, _, document = unquote(path.removeprefix("/")).partition("/")
        if (request.method, document) != ("GET", "v2.0/.well-known/openid-configuration"):
            raise CloudError(501, "NotSimulated", f"Entra answers no {request.method} {path} here.")
        try:
            return Response(200, self.tenant.entra.discovery(tenant))
        except CloudError as error:
            # In the form of OAuth, which is not that of Graph.
            return Response(400, {"error": error.code, "error_description": error.message})

    def _identity_token(self, path: str, request: Request) -> Response:
        if request.headers.get("X-IDENTITY-HEADER") != self.identity_header:
            raise CloudError(401, "Unauthorized", "The X-IDENTITY-HEADER is missing or wrong.")
        address = urlsplit(path)
        options = {name: values[0] for name, values in parse_qs(address.query).items()}
        if (request.method, address.path) != ("GET", "/token") or options.keys() != {
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
        token = self.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, resource)
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


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""
