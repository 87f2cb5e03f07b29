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
from pydantic import Field

from components.clouds import Cloud
from operations.signed_in import Answered, CloudRefusedError, CloudUnavailableError, SignedIn

_API_VERSION = "2019-05-01"
_GONE = ("ResourceNotFound", "ResourceGroupNotFound")
_UNFINISHED = {"NotSpecified", "Paused", "Running", "Waiting"}
# Seconds. The HTTP action gives up after 120, and a run may wait for its turn.
_LONGEST_RUN = 300
_LOOK_EVERY = 3


class _State(Answered):
    state: str


class _Workflow(Answered):
    properties: _State


class _Status(Answered):
    status: str


class _Run(Answered):
    properties: _Status


class _Link(Answered):
    uri: str


class _Failure(Answered):
    message: str = ""


class _Result(_Status):
    outputs: _Link | None = Field(None, alias="outputsLink")
    error: _Failure | None = None


class _Action(Answered):
    properties: _Result


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
        return (self.status, self.code) == (HTTPStatus.FORBIDDEN, "ErrorAccessDenied") and any(
            sign in self.message for sign in ("Access to OData is disabled", "[RAOP]")
        )

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
        self._azure = SignedIn(cloud, credential=credential, transport=transport, sleep=sleep)
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
                run, _Run, api_version=_API_VERSION, absent=("WorkflowRunNotFound",)
            )
            if found is not None and found.properties.status not in _UNFINISHED:
                return self._answer(run, action)
            self._sleep(_LOOK_EVERY)
        return Answer(0, "", f"the run has not ended after {_LONGEST_RUN} s: {run}")

    def _start(self, workflow_id: str, trigger: str) -> str:
        """The id of the run that a trigger starts."""
        path = f"{workflow_id}/triggers/{trigger}/run"
        try:
            headers = self._azure.act(path, api_version=_API_VERSION)
        except CloudUnavailableError as error:
            raise NotStartedError(str(error)) from None
        except CloudRefusedError as error:
            self._must_be_on(workflow_id, path)
            raise CloudRefusedError(
                f"{error} Check that the stack is deployed, and that whoever is signed in may run "
                "it."
            ) from None
        run = headers.get("x-ms-workflow-run-id")
        if run is None:
            raise CloudRefusedError(f"POST {path}: the answer does not say which run it started.")
        return run

    def _must_be_on(self, workflow_id: str, path: str) -> None:
        workflow = self._azure.resource(
            workflow_id, _Workflow, api_version=_API_VERSION, absent=_GONE
        )
        if workflow is not None and workflow.properties.state != "Enabled":
            raise CloudRefusedError(
                f"POST {path}: the workflow is switched off (state {workflow.properties.state}): "
                "nothing was sent, and nothing is proven. Switch it on, and prove then."
            )

    def _answer(self, run: str, action: str) -> Answer:
        found = self._azure.resource(
            f"{run}/actions/{action}",
            _Action,
            api_version=_API_VERSION,
            absent=("WorkflowRunActionNotFound",),
        )
        if found is None:
            return Answer(0, "", f"the run has no action {action}: {run}")
        result = found.properties
        if result.outputs is None:
            why = result.error.message if result.error else ""
            return Answer(0, "", f"{action} ended as {result.status}. {why}".strip())
        try:
            # The link is signed, and a token is refused beside it.
            outputs = self._azure.linked(result.outputs.uri)
        except CloudRefusedError as error:
            return Answer(0, "", f"the run's history cannot be read: {error}")
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
