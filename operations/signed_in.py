"""Asks Azure Resource Manager and Microsoft Graph as whoever is signed in.

The one place where an answer of either is read. An answer counts only where it has the form that is
asked for: what a proxy, a portal or a broken connection puts in its place is an error that says so,
never an empty list and never "it is there".
"""

import json
import math
import os
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from components.clouds import ENDPOINTS, Cloud

RESOURCE_MANAGER = "RESOURCE_MANAGER_ADDRESS"
GRAPH = "MICROSOFT_GRAPH_ADDRESS"
"""Environment variables with a base address in place of the cloud's own. Tokens are asked for as
ever, for the cloud's own address."""

_TRANSIENT = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# Seconds between attempts, where the service does not name them in Retry-After.
_PAUSES = (2.0, 8.0, 30.0)
# Seconds. What a service names beyond is not waited for: somebody sits in front of this.
_LONGEST_PAUSE = 120.0
_LONGEST_MESSAGE = 300


class Answered(BaseModel):
    """What is read of an answer; the rest of it may be anything."""

    model_config = ConfigDict(extra="ignore", strict=True)


Form = TypeVar("Form", bound=Answered)


class CloudRefusedError(Exception):
    """A cloud did not answer a question; the text is one line that names it, and what to do."""


class CloudUnavailableError(CloudRefusedError):
    """It did not answer at this moment, and may later."""


def base_address(variable: str, default: str) -> str:
    """The base address in an environment variable, or the cloud's own.

    Raises:
        CloudRefusedError: It is none, or a token would travel in clear to another machine.
    """
    address = os.environ.get(variable, default)
    if not _is_private(address):
        raise CloudRefusedError(
            f"{variable} is {address}: nothing was asked, since tokens are sent by https only, but "
            "for this machine. Correct it, or unset it for Microsoft's own address."
        )
    return address


class SignedIn:
    """Someone who may read in Azure and Entra, and run workflows.

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
        self._credential = credential or DefaultAzureCredential(authority=endpoints.authority)
        self._client = httpx.Client(transport=transport, timeout=60)
        self._sleep = sleep

    def resource(
        self, identifier: str, form: type[Form], *, api_version: str, absent: Collection[str] = ()
    ) -> Form | None:
        """Something in Azure, by its resource id.

        Args:
            identifier: From ``/subscriptions/`` on.
            form: What is read of it.
            api_version: The API version.
            absent: The error codes of a 404 that say that there is none.

        Returns:
            What Azure answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Azure answers neither.
        """
        address = f"{self._azure}{identifier}?api-version={api_version}"
        return self._get(address, self._resource_manager, form, absent)

    def resources(
        self, identifier: str, form: type[Form], *, api_version: str, absent: Collection[str] = ()
    ) -> list[Form]:
        """All of a list in Azure; the arguments are those of :meth:`resource`.

        Returns:
            Its entries; none where what it belongs to is absent.

        Raises:
            CloudRefusedError: It cannot be read to its end.
        """
        address = f"{self._azure}{identifier}?api-version={api_version}"
        return self._list(address, self._resource_manager, form, absent)

    def directory_object(self, path: str, form: type[Form]) -> Form | None:
        """Something in Entra, by its path in Graph from ``/v1.0/`` on.

        Returns:
            What Graph answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Graph answers neither.
        """
        return self._get(f"{self._directory}{path}", self._graph, form, _NO_DIRECTORY_OBJECT)

    def directory_objects(self, path: str, form: type[Form]) -> list[Form]:
        """All of a list in Entra, by its path in Graph; none where what it belongs to is absent.

        Raises:
            CloudRefusedError: It cannot be read to its end.
        """
        return self._list(f"{self._directory}{path}", self._graph, form, _NO_DIRECTORY_OBJECT)

    def act(self, identifier: str, *, api_version: str) -> Mapping[str, str]:
        """Has Azure do something, by a POST without a body, and once: it may not be idempotent.

        Args:
            identifier: From ``/subscriptions/`` on, the action included.
            api_version: The API version.

        Returns:
            The headers of the answer.

        Raises:
            CloudUnavailableError: It may go better later, or may have been done.
            CloudRefusedError: It will not go better by itself.
        """
        address = f"{self._azure}{identifier}?api-version={api_version}"
        where = f"POST {identifier}"
        response = self._send("POST", address, where, self._token(where, self._resource_manager))
        if response.is_success:
            return response.headers
        kind = CloudUnavailableError if response.status_code in _TRANSIENT else CloudRefusedError
        raise kind(f"{where}: {_refusal(response)}")

    def linked(self, address: str) -> Any:
        """The JSON at an address that is signed, and so gets no token.

        Raises:
            CloudRefusedError: It cannot be had; the text does not quote the signature.
        """
        where = "the link"
        if not _is_private(address):
            raise CloudRefusedError(f"{where} is not of https")
        response = self._send("GET", address, where, None)
        if not response.is_success:
            raise CloudRefusedError(f"{response.status_code} {response.reason_phrase}".strip())
        return _json(where, response)

    @property
    def _azure(self) -> str:
        return base_address(RESOURCE_MANAGER, self._resource_manager)

    @property
    def _directory(self) -> str:
        return base_address(GRAPH, self._graph)

    def _list(
        self, address: str, audience: str, form: type[Form], absent: Collection[str]
    ) -> list[Form]:
        page_of: Any = create_model("Page", __base__=_Page, value=(list[form], ...))  # type: ignore[valid-type]
        entries: list[Form] = []
        asked: list[str] = []
        following: str | None = address
        while following:
            if following in asked or _origin(following) != _origin(address):
                # With a token in it, the request would show it to whoever is there.
                raise CloudRefusedError(
                    f"GET {_shown(address)}: the list goes on at {_shown(following)}, which is not "
                    "another page of the same service: it was not read further. Run this again, "
                    "and look who answers in the service's place if it stays so."
                )
            asked.append(following)
            page: Any = self._get(following, audience, page_of, absent)
            if page is None:
                break
            entries += page.value
            following = page.azure_next or page.graph_next
        return entries

    def _get(
        self, address: str, audience: str, form: type[Form], absent: Collection[str]
    ) -> Form | None:
        where = f"GET {_shown(address)}"
        token = self._token(where, audience)
        response = self._asked(address, where, token)
        if response.status_code == HTTPStatus.NOT_FOUND and _error_in(response)[0] in absent:
            return None
        if response.status_code != HTTPStatus.OK:
            raise CloudRefusedError(
                f"{where}: {_refusal(response)} Check that this is the tenant and the subscription "
                "of the stack, and that whoever is signed in may read there."
            )
        try:
            return form.model_validate(_json(where, response))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "all of it"
            raise CloudRefusedError(
                f"{where}: the answer is not what the service documents ({place}: {first['msg']}). "
                "Run this again, and look who answers in the service's place if it stays so."
            ) from None

    def _asked(self, address: str, where: str, token: str) -> httpx.Response:
        """The answer to a question, which may be asked again."""
        for pause in _PAUSES:
            wait = pause
            try:
                response = self._send("GET", address, where, token)
                if response.status_code not in _TRANSIENT:
                    return response
                wait = _retry_after(response, pause)
            except CloudUnavailableError:
                pass
            self._sleep(wait)
        return self._send("GET", address, where, token)

    def _token(self, where: str, audience: str) -> str:
        try:
            return self._credential.get_token(f"{audience}/.default").token
        except AzureError as error:
            reason = _one_line(str(error).strip().partition("\n")[0])
            raise CloudRefusedError(
                f"{where}: not signed in: {reason} Sign in as who deploys, for example by az login."
            ) from None

    def _send(self, method: str, address: str, where: str, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            return self._client.request(method, address, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CloudUnavailableError(
                f"{where}: no answer: {_one_line(str(error)) or type(error).__name__}. Check the "
                "network and run this again."
            ) from None


_NO_DIRECTORY_OBJECT = ("Request_ResourceNotFound",)


class _Page(Answered):
    """One page of a list; Azure and Graph name the next one differently."""

    azure_next: str | None = Field(None, alias="nextLink")
    graph_next: str | None = Field(None, alias="@odata.nextLink")


def _origin(address: str) -> tuple[str, str, int | None] | None:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return None
    return (url.scheme, url.host, url.port)


def _is_private(address: str) -> bool:
    """Whether what is sent there can be read by who is meant only."""
    origin = _origin(address)
    return origin is not None and (
        (origin[0] == "https" and bool(origin[1]))
        or (origin[0] == "http" and origin[1] in {"127.0.0.1", "::1", "localhost"})
    )


def _shown(address: str) -> str:
    return _one_line(address.partition("?")[0])


def _json(where: str, response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        kind = response.headers.get("Content-Type", "no type")
        raise CloudRefusedError(
            f"{where}: {response.status_code} with {len(response.content)} bytes of {kind}, which "
            "are not JSON. Run this again, and look who answers in the service's place if it "
            "stays so."
        ) from None


def _error_in(response: httpx.Response) -> tuple[str, str]:
    """Code and message of a refusal, as far as there are any: proxies have forms of their own."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return "", ""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", error if isinstance(error, str) else ""
    code, message = error.get("code"), error.get("message")
    return (
        code if isinstance(code, str) else "",
        message if isinstance(message, str) else json.dumps(message) if message else "",
    )


def _refusal(response: httpx.Response) -> str:
    code, message = _error_in(response)
    if not code:
        text = f"{response.status_code} {response.reason_phrase}".strip()
        return f"{text}: {_one_line(message)}" if message else f"{text}."
    return f"{response.status_code} {_one_line(code)}: {_one_line(message)}"


def _retry_after(response: httpx.Response, otherwise: float) -> float:
    """Seconds to wait, from a header that has seconds or a date; bounded."""
    given = response.headers.get("Retry-After", "")
    try:
        seconds = float(given)
    except ValueError:
        try:
            date = parsedate_to_datetime(given)
        except ValueError:
            return otherwise
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE) if math.isfinite(seconds) else otherwise


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]} …"
