"""Reads from Azure Resource Manager and Microsoft Graph as whoever is signed in."""

import os
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from components.clouds import ENDPOINTS, Cloud

Document = dict[str, Any]

RESOURCE_MANAGER = "RESOURCE_MANAGER_ADDRESS"
GRAPH = "MICROSOFT_GRAPH_ADDRESS"
"""Environment variables with a base address in place of the cloud's own. Tokens are asked for as
ever, for the cloud's own address."""

_TRANSIENT = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
# Seconds between attempts, where the service does not name them in Retry-After.
_PAUSES = (2.0, 8.0, 30.0)


class CloudRefusedError(Exception):
    """A cloud did not answer a question; the text is one line that names it, and what to do."""


def base_address(variable: str, default: str) -> str:
    """The base address in an environment variable, or the cloud's own.

    Raises:
        CloudRefusedError: A token would travel in clear to another machine.
    """
    address = os.environ.get(variable, default)
    url = httpx.URL(address)
    if url.scheme != "https" and url.host not in {"127.0.0.1", "::1", "localhost"}:
        raise CloudRefusedError(
            f"{variable} is {address}: nothing was asked, since tokens are sent by https only, but "
            "for this machine. Correct it, or unset it for Microsoft's own address."
        )
    return address


class SignedIn:
    """Someone who may read in Azure and Entra. Nothing here writes.

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
        self, identifier: str, *, api_version: str, absent: frozenset[str]
    ) -> Document | None:
        """Something in Azure, by its resource id and a path below it.

        Args:
            identifier: From ``/subscriptions/`` on.
            api_version: The API version.
            absent: The error codes of a 404 that say that there is none.

        Returns:
            What Azure answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Azure answers neither.
        """
        base = base_address(RESOURCE_MANAGER, self._resource_manager)
        address = f"{base}{identifier}?api-version={api_version}"
        return self._get(address, self._resource_manager, absent)

    def directory_object(self, path: str) -> Document | None:
        """Something in Entra, by its path in Graph from ``/v1.0/`` on.

        Returns:
            What Graph answers; ``None`` where there is none.

        Raises:
            CloudRefusedError: Graph answers neither.
        """
        base = base_address(GRAPH, self._graph)
        return self._get(f"{base}{path}", self._graph, frozenset({"Request_ResourceNotFound"}))

    def further(self, page: Document) -> Document | None:
        """The page after this one of a list in Azure or Graph, ``None`` where this is the last.

        Raises:
            CloudRefusedError: It cannot be had.
        """
        for key, audience in (
            ("nextLink", self._resource_manager),
            ("@odata.nextLink", self._graph),
        ):
            if page.get(key):
                return self._get(page[key], audience, frozenset())
        return None

    def _get(self, address: str, audience: str, absent: frozenset[str]) -> Document | None:
        where = f"GET {address.partition('?')[0]}"
        try:
            token = self._credential.get_token(f"{audience}/.default").token
        except AzureError as error:
            reason = str(error).strip().splitlines()[0]
            raise CloudRefusedError(
                f"{where}: not signed in: {reason} Sign in as who deploys, for example by az login."
            ) from None
        for pause in (*_PAUSES, None):
            try:
                response = self._client.get(address, headers={"Authorization": f"Bearer {token}"})
            except httpx.HTTPError as error:
                if pause is None:
                    raise CloudRefusedError(
                        f"{where}: no answer: {error}. Check the network and run this again."
                    ) from None
                wait = pause
            else:
                if pause is None or response.status_code not in _TRANSIENT:
                    return _answer(where, response, absent)
                # The other form of the header, a date, neither of the two services uses.
                wait = float(response.headers.get("Retry-After", pause))
            self._sleep(wait)
        raise AssertionError("unreachable")


def _answer(where: str, response: httpx.Response, absent: frozenset[str]) -> Document | None:
    try:
        body = response.json()
    except ValueError:
        body = {}
    if response.is_success:
        return dict(body)
    error = body.get("error") or {}
    code, message = error.get("code", ""), " ".join(str(error.get("message", "")).split())
    if response.status_code == HTTPStatus.NOT_FOUND and code in absent:
        return None
    raise CloudRefusedError(
        f"{where}: {response.status_code} {code}: {message} Check that this is the tenant and the "
        "subscription of the stack, and that whoever is signed in may read there."
    )
