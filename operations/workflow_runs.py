"""Fires triggers of workflows by Azure's management API, and reads what came of it.

https://learn.microsoft.com/rest/api/logic/, API version 2019-05-01. It needs the rights to run
triggers and to read runs of the workflow, which Logic App Contributor has.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from components.clouds import ENDPOINTS, Cloud
from operations.signed_in import (
    RESOURCE_MANAGER,
    CloudRefusedError,
    Document,
    SignedIn,
    base_address,
)

_API_VERSION = "2019-05-01"
_GONE = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})
_UNFINISHED = {"NotSpecified", "Paused", "Running", "Waiting"}
# Seconds. The HTTP action gives up after 120, and a run may wait for its turn.
_LONGEST_RUN = 300
_LOOK_EVERY = 3


class NotStartedError(Exception):
    """A run could not be started at this moment, or perhaps was; the text is one line."""


@dataclass(frozen=True)
class Answer:
    """What Graph answered to an action.

    Attributes:
        status: HTTP status; 0 where there is no answer of Graph.
        code: Graph's error code, empty where there is none.
        message: Graph's error message; why there is no answer where there is none.
    """

    status: int
    code: str
    message: str

    @property
    def accepted(self) -> bool:
        """Whether Graph took the mail."""
        return self.status == HTTPStatus.ACCEPTED

    @property
    def denied_by_policy(self) -> bool:
        """Whether Graph denies in the words that it has for an application access policy.

        Microsoft's page has the first text, field reports the second behind it. A token without
        the permission is denied by the same status and code, and in other words.
        """
        return self._denied and any(
            sign in self.message for sign in ("Access to OData is disabled", "[RAOP]")
        )

    @property
    def denied_in_other_words(self) -> bool:
        """Whether Graph denies in words that are neither those nor of a missing permission.

        Exchange speaks the language of the organisation in places; whether here, nobody has said.
        """
        return self._denied and not self.denied_by_policy and "Access is denied" not in self.message

    @property
    def _denied(self) -> bool:
        return (self.status, self.code) == (HTTPStatus.FORBIDDEN, "ErrorAccessDenied")

    def __str__(self) -> str:
        if self.status == 0:
            return f"no answer: {self.message}"
        if not self.code:
            return f"{self.status} {httpx.codes.get_reason_phrase(self.status)}".strip()
        return f"{self.status} {self.code} {self.message}"


class WorkflowRuns:
    """The workflows of a subscription, for who may run them.

    Args:
        cloud: The Microsoft cloud that they are in.
        credential: Where tokens come from; by default what azure-identity finds.
        transport: What carries the requests, for tests.
        sleep: Lets seconds pass.
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
        self._credential = credential or DefaultAzureCredential(authority=endpoints.authority)
        self._azure = SignedIn(cloud, credential=self._credential, transport=transport, sleep=sleep)
        self._client = httpx.Client(transport=transport, timeout=60)
        self._sleep = sleep

    def ask(self, workflow_id: str, trigger: str, action: str) -> Answer:
        """Fires a trigger once, and waits for the answer that an action of the run gets.

        Raises:
            NotStartedError: It may go better later.
            CloudRefusedError: It will not go better by itself.
        """
        run = f"{workflow_id}/runs/{self._start(workflow_id, trigger)}"
        for _ in range(0, _LONGEST_RUN, _LOOK_EVERY):
            # Right after its start a run may not be found yet.
            found = self._azure.resource(
                run, api_version=_API_VERSION, absent=frozenset({"WorkflowRunNotFound"})
            )
            if found is not None and found["properties"]["status"] not in _UNFINISHED:
                return self._answer(run, action)
            self._sleep(_LOOK_EVERY)
        return Answer(0, "", f"the run has not ended after {_LONGEST_RUN} s: {run}")

    def _start(self, workflow_id: str, trigger: str) -> str:
        """The id of the run that a trigger starts."""
        base = base_address(RESOURCE_MANAGER, self._resource_manager)
        where = f"POST {workflow_id}/triggers/{trigger}/run"
        try:
            token = self._credential.get_token(f"{self._resource_manager}/.default").token
            response = self._client.post(
                f"{base}{workflow_id}/triggers/{trigger}/run",
                params={"api-version": _API_VERSION},
                headers={"Authorization": f"Bearer {token}"},
            )
        except AzureError as error:
            reason = str(error).strip().splitlines()[0]
            raise CloudRefusedError(
                f"{where}: not signed in: {reason} Sign in as who may run the workflow, for "
                "example by az login."
            ) from None
        except httpx.HTTPError as error:
            raise NotStartedError(f"{where}: no answer: {error}") from None
        if response.is_success:
            run: str | None = response.headers.get("x-ms-workflow-run-id")
            if run is None:
                raise CloudRefusedError(f"{where}: the answer does not say which run it started.")
            return run
        text = f"{where}: {response.status_code} {_error_of(response)}"
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error:
            raise NotStartedError(text)
        workflow = self._azure.resource(workflow_id, api_version=_API_VERSION, absent=_GONE)
        state = "Enabled" if workflow is None else workflow["properties"]["state"]
        if state != "Enabled":
            raise CloudRefusedError(
                f"{where}: the workflow is switched off (state {state}): nothing was sent, and "
                "nothing is proven. Switch it on, and prove then."
            )
        raise CloudRefusedError(
            f"{text} Check that the stack is deployed, and that whoever is signed in may run it."
        )

    def _answer(self, run: str, action: str) -> Answer:
        found = self._azure.resource(
            f"{run}/actions/{action}",
            api_version=_API_VERSION,
            absent=frozenset({"WorkflowRunActionNotFound"}),
        )
        if found is None:
            return Answer(0, "", f"the run has no action {action}: {run}")
        properties: Document = found["properties"]
        link = (properties.get("outputsLink") or {}).get("uri")
        if link is None:
            why = (properties.get("error") or {}).get("message", "")
            return Answer(0, "", f"{action} ended as {properties['status']}. {why}".strip())
        try:
            # The link is signed, and a token is refused beside it.
            response = self._client.get(link)
            outputs = response.json() if response.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            return Answer(0, "", f"the run's history cannot be read: {error}")
        if outputs is None:
            # Not httpx's own error: that quotes the link, and with it the signature.
            reason = f"{response.status_code} {response.reason_phrase}"
            return Answer(0, "", f"the run's history cannot be read: {reason}")
        return _answer_in(outputs)


def _answer_in(outputs: Any) -> Answer:
    """What Graph answered, from the outputs of an HTTP action."""
    if not isinstance(outputs, dict) or not isinstance(outputs.get("statusCode"), int):
        return Answer(0, "", "the run's history cannot be read: the outputs have no statusCode")
    body = outputs.get("body")
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        error = {}
    message = " ".join(str(error.get("message", "")).split())
    return Answer(outputs["statusCode"], str(error.get("code", "")), message)


def _error_of(response: httpx.Response) -> str:
    try:
        error = response.json()["error"]
        return f"{error['code']}: {' '.join(str(error['message']).split())}"
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
