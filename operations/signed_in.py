"""The one client of Azure Resource Manager and Microsoft Graph, as whoever is signed in.

Signing in is azure-identity's. What comes after is here and not azure-core's pipeline, or the SDKs
on it: they follow the link to a further page to whatever host it names, with the token; they take a
``Retry-After`` that is no number and no date for a programming error, and one of a day for a wait
of a day; and they send no token to the simulated tenant, which has no TLS. See
docs/decisions/0012-recover-by-what-the-cloud-holds.md.
"""

import base64
import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from pydantic import BaseModel, Field, ValidationError

from components.clouds import (
    ENDPOINTS,
    GRAPH_ADDRESS,
    RESOURCE_MANAGER_ADDRESS,
    Cloud,
    base_address,
)

Document = dict[str, Any]
Shape = TypeVar("Shape", bound=BaseModel)

ENTRA_ADDRESS = "MICROSOFT_ENTRA_ADDRESS"
"""Environment variable with a base address in place of the one that issues tokens: they are asked
for there as ever, and only what it tells everybody is asked elsewhere."""

_TRANSIENT = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# Seconds between attempts, where the service does not name them in Retry-After.
_PAUSES = (2.0, 8.0, 30.0)
# Seconds. Nobody watches a command that is silent for longer.
_LONGEST_PAUSE = 120.0
# A list of more is none that a stack makes, but one that does not end.
_MOST_PAGES = 1000


class CloudRefusedError(Exception):
    """A cloud did not answer a question; the text is one line that names it, and what to do."""


class NoAnswerError(CloudRefusedError):
    """No answer came; what was asked for may have been done."""


class _Page(BaseModel):
    """A page of a list, in Azure's form and in Graph's."""

    value: list[Document]
    azure_next: str | None = Field(None, alias="nextLink")
    graph_next: str | None = Field(None, alias="@odata.nextLink")


class Claims(BaseModel):
    """Who a token is of, by what stands in it.

    azure-identity reads the same from each token that it gets, to log it. What a token says to its
    bearer is not judged here: the services do that.
    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference

    Attributes:
        tenant: Id of the tenant.
        client_id: Of the application that got it: the deploying one, or a person's Azure CLI.
        person: Who signed in there, where a person did.
        roles: Application permissions.
        directory_roles: Template ids of a person's roles in Entra, where Entra says them.
        expires: When, in seconds since 1970; 0 where it does not say.
    """

    tenant: str = Field(alias="tid")
    client_id: str = Field("", alias="appid")
    person: str = Field("", alias="upn")
    roles: list[str] = Field([])
    directory_roles: list[str] = Field([], alias="wids")
    expires: int = Field(0, alias="exp")

    @property
    def name(self) -> str:
        """Who it is, for people."""
        return self.person or f"application {self.client_id}"


def claims_in(token: str) -> Claims:
    """What stands in a token.

    Raises:
        ValueError: It is no token that says anything.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("it has no claims to read")
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    return Claims.model_validate(json.loads(base64.urlsafe_b64decode(padded)))


class _Discovery(BaseModel):
    """What is read of what Entra tells everybody of a tenant."""

    issuer: str


def _base_address(variable: str, default: str) -> str:
    try:
        return base_address(variable, default)
    except ValueError as error:
        raise CloudRefusedError(str(error)) from None


class SignedIn:
    """Someone who may read in Azure and Entra, and start what can be started there.

    Args:
        cloud: The Microsoft cloud of the tenant.
        credential: Where tokens come from; by default what azure-identity finds: the environment,
            a managed identity, the Azure CLI, …
        transport: What carries the requests, for tests.
        sleep: Lets seconds pass between attempts.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        credential: TokenCredential | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        endpoints = ENDPOINTS[cloud]
        self._resource_manager = endpoints.resource_manager
        self._graph = endpoints.graph
        self._authority = f"https://{endpoints.authority}"
        self._credential = credential or DefaultAzureCredential(authority=endpoints.authority)
        self._client = httpx.Client(transport=transport, timeout=60)
        self._sleep = sleep

    def resource(
        self, identifier: str, shape: type[Shape], *, api_version: str, absent: frozenset[str]
    ) -> Shape | None:
        """Something in Azure, by its resource id and a path below it.

        Args:
            identifier: From ``/subscriptions/`` on.
            shape: What is read of the answer.
            api_version: The API version.
            absent: The error codes of a 404 that say that there is none.

        Returns:
            What Azure answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Azure answers neither.
        """
        address = self._in_azure(identifier, api_version)
        return self._read(address, self._resource_manager, shape, absent)

    def resources(
        self, identifier: str, shape: type[Shape], *, api_version: str, absent: frozenset[str]
    ) -> list[Shape]:
        """All entries of a list in Azure; see :meth:`resource`. None where there is no list."""
        address = self._in_azure(identifier, api_version)
        return self._read_all(address, self._resource_manager, shape, absent)

    def directory_object(self, path: str, shape: type[Shape]) -> Shape | None:
        """Something in Entra, by its path in Graph from ``/v1.0/`` on.

        Returns:
            What Graph answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Graph answers neither.
        """
        return self._read(
            f"{_base_address(GRAPH_ADDRESS, self._graph)}{path}", self._graph, shape, _NO_ONE
        )

    def directory_objects(self, path: str, shape: type[Shape]) -> list[Shape]:
        """All entries of a list in Graph; see :meth:`directory_object`."""
        address = f"{_base_address(GRAPH_ADDRESS, self._graph)}{path}"
        return self._read_all(address, self._graph, shape, _NO_ONE)

    def who_in_azure(self) -> Claims:
        """Who is signed in to Azure.

        Raises:
            CloudRefusedError: Nobody is, or it cannot be told who.
        """
        return self._who("Azure", self._resource_manager)

    def who_in_entra(self) -> Claims:
        """Who is signed in to Microsoft Graph; see :meth:`who_in_azure`."""
        return self._who("Microsoft Graph", self._graph)

    def tenant_of(self, domain: str) -> str:
        """Id of the tenant that a domain is of; empty where it is of none. Needs no sign-in.

        https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc

        Raises:
            CloudRefusedError: Entra does not tell.
        """
        base = _base_address(ENTRA_ADDRESS, self._authority)
        address = f"{base}/{domain}/v2.0/.well-known/openid-configuration"
        where = _where("GET", address)
        response = self._persistently(address, None)
        if response.status_code == HTTPStatus.BAD_REQUEST and _error_in(_json_of(response))[1] == (
            "invalid_tenant"
        ):
            return ""
        found = _answer(where, response, _Discovery, frozenset())
        return httpx.URL(found.issuer).path.strip("/").partition("/")[0] if found else ""

    def _who(self, service: str, audience: str) -> Claims:
        token = self._token(service, audience)
        try:
            return claims_in(token)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise CloudRefusedError(
                f"{service}: the token does not tell who is signed in: {reason}. Sign in anew, for "
                "example by az login."
            ) from None

    def start(self, identifier: str, *, api_version: str) -> httpx.Response:
        """Has Azure do something, once: who starts it twice may have it done twice.

        Raises:
            NoAnswerError: It may have been done.
            CloudRefusedError: Nobody is signed in.
        """
        address = self._in_azure(identifier, api_version)
        return self._send(
            "POST", address, self._token(f"POST {identifier}", self._resource_manager)
        )

    def linked(self, link: str) -> httpx.Response:
        """What a signed link leads to; a token is refused beside the signature.

        Raises:
            NoAnswerError: It cannot be had. The text does not have the signature.
        """
        return self._send("GET", link, None)

    def _in_azure(self, identifier: str, api_version: str) -> str:
        base = _base_address(RESOURCE_MANAGER_ADDRESS, self._resource_manager)
        return f"{base}{identifier}?api-version={api_version}"

    def _read_all(
        self, address: str, audience: str, shape: type[Shape], absent: frozenset[str]
    ) -> list[Shape]:
        found: list[Shape] = []
        seen = {address}
        page = self._read(address, audience, _Page, absent)
        while page is not None:
            found += [_shaped(_where("GET", address), shape, entry) for entry in page.value]
            link = page.azure_next or page.graph_next
            if link is None:
                break
            if not _has_origin_of(link, address):
                raise CloudRefusedError(
                    f"{_where('GET', address)}: the next page of the list is said to be at "
                    f"{link.partition('?')[0]}, which is another host or not https: no token was "
                    "sent there. Check what answers in place of the cloud, such as a proxy."
                )
            if link in seen or len(seen) == _MOST_PAGES:
                raise CloudRefusedError(
                    f"{_where('GET', address)}: the list does not end: its page {len(seen)} leads "
                    f"{'back to an earlier one' if link in seen else 'on and on'}. Run this again; "
                    "if it lasts, check what answers in place of the cloud, such as a proxy."
                )
            seen.add(link)
            page = self._read(link, audience, _Page, frozenset())
        return found

    def _read(
        self, address: str, audience: str, shape: type[Shape], absent: frozenset[str]
    ) -> Shape | None:
        where = _where("GET", address)
        token = self._token(where, audience)
        return _answer(where, self._persistently(address, token), shape, absent)

    def _persistently(self, address: str, token: str | None) -> httpx.Response:
        """What is answered to a GET in the end."""
        where = _where("GET", address)
        for pause in (*_PAUSES, None):
            try:
                response = self._send("GET", address, token)
            except NoAnswerError:
                if pause is None:
                    raise
                wait = pause
            else:
                if pause is None or response.status_code not in _TRANSIENT:
                    return response
                wait = _wait_asked_for(response, pause)
                if wait > _LONGEST_PAUSE:
                    raise CloudRefusedError(
                        f"{where}: {refusal_of(response)}: it asks to be left alone for "
                        f"{wait:.0f} s. Run this again after that."
                    )
            self._sleep(wait)
        raise AssertionError("unreachable")

    def _send(self, method: str, address: str, token: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return self._client.request(method, address, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Where httpx quotes the address, its query may hold a signature.
            reason = " ".join(str(error).replace(address, address.partition("?")[0]).split())
            raise NoAnswerError(
                f"{_where(method, address)}: no answer: {reason or type(error).__name__}. Check "
                "the network and run this again."
            ) from None

    def _token(self, where: str, audience: str) -> str:
        try:
            return self._credential.get_token(f"{audience}/.default").token
        except AzureError as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise CloudRefusedError(
                f"{where}: not signed in: {reason} Sign in as who deploys, for example by az login."
            ) from None


_NO_ONE = frozenset({"Request_ResourceNotFound"})


def _where(method: str, address: str) -> str:
    return f"{method} {address.partition('?')[0]}"


def _has_origin_of(link: str, address: str) -> bool:
    """Whether a link leads to the host, by the scheme and at the port, of an address."""
    try:
        there, here = httpx.URL(link), httpx.URL(address)
    except httpx.InvalidURL:
        return False
    return (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)


def _wait_asked_for(response: httpx.Response, otherwise: float) -> float:
    """Seconds that an answer asks to wait, by a number or a date; ``otherwise`` where by neither.

    https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    asked = response.headers.get("Retry-After", "")
    try:
        seconds = float(asked)
    except ValueError:
        try:
            # The service's own clock, where it tells: the one here may be wrong.
            now = response.headers.get("Date")
            since = parsedate_to_datetime(now) if now else datetime.now(UTC)
            seconds = (parsedate_to_datetime(asked) - since).total_seconds()
        except (ValueError, TypeError):
            return otherwise
    return max(seconds, 0.0) if not math.isnan(seconds) else otherwise


def _answer(
    where: str, response: httpx.Response, shape: type[Shape], absent: frozenset[str]
) -> Shape | None:
    body = _json_of(response)
    if response.status_code == HTTPStatus.OK and isinstance(body, dict):
        return _shaped(where, shape, body)
    if response.status_code == HTTPStatus.NOT_FOUND and _error_in(body)[0] in absent:
        return None
    refusal = refusal_of(response)
    if not isinstance(body, dict):
        kind = response.headers.get("Content-Type", "").partition(";")[0] or "no type"
        raise CloudRefusedError(
            f"{where}: {refusal}, and the answer is no JSON object but {len(response.content)} "
            f"bytes of {kind}: something other than the cloud answered, such as a proxy or a "
            "sign-in page. Check the network, and run this again."
        )
    if response.status_code in _TRANSIENT:
        raise CloudRefusedError(f"{where}: {refusal} Run this again in some minutes.")
    raise CloudRefusedError(
        f"{where}: {refusal} Check that this is the tenant and the subscription of the stack, and "
        "that whoever is signed in may read there."
    )


def _shaped(where: str, shape: type[Shape], document: Document) -> Shape:
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise CloudRefusedError(
            f"{where}: the answer is not what is documented: {at}: {first['msg']}. Nothing is made "
            "of it. Run this again; if it lasts, check what answers in place of the cloud, such as "
            "a proxy."
        ) from None


def _json_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _error_in(body: Any) -> tuple[str, str]:
    """Code and message of an error; empty where there are none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    code, message = (error.get(key) for key in ("code", "message"))
    return code if isinstance(code, str) else "", message if isinstance(message, str) else ""


def refusal_of(response: httpx.Response) -> str:
    """Status, code and message of an answer that is none, in one line."""
    code, message = _error_in(_json_of(response))
    known = f"{code}: {message}" if code else message or response.reason_phrase
    return f"{response.status_code} {' '.join(known.split())}"
