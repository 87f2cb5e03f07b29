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
from pydantic import AliasPath, BaseModel, Field

from components.clouds import Cloud
from components.provider_errors import ABSENT
from operations.signed_in import CloudRefusedError, NoAnswerError, SignedIn, refusal_of

_API_VERSION = "2019-05-01"
_UNFINISHED = {"NotSpecified", "Paused", "Running", "Waiting"}
_TOO_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
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
    def denied_for_want_of_a_permission(self) -> bool:
        """Whether Graph denies in the words that it has where no grant and no role opens a mailbox.

        So it denies what is out of a role's scope, and everything before a new role acts.
        """
        return self._denied and "Access is denied" in self.message

    @property
    def denied_in_other_words(self) -> bool:
        """Whether Graph denies in words that are neither those nor of a missing permission.

        Exchange speaks the language of the organisation in places; whether here, nobody has said.
        """
        known = self.denied_by_policy or self.denied_for_want_of_a_permission
        return self._denied and not known

    @property
    def _denied(self) -> bool:
        return (self.status, self.code) == (HTTPStatus.FORBIDDEN, "ErrorAccessDenied")

    def __str__(self) -> str:
        if self.status == 0:
            return f"no answer: {self.message}"
        if not self.code:
            return f"{self.status} {httpx.codes.get_reason_phrase(self.status)}".strip()
        return f"{self.status} {self.code} {self.message}"


class _Run(BaseModel):
    status: str = Field(validation_alias=AliasPath("properties", "status"))


class _Action(BaseModel):
    status: str = Field(validation_alias=AliasPath("properties", "status"))
    link: str | None = Field(None, validation_alias=AliasPath("properties", "outputsLink", "uri"))
    why: str = Field("", validation_alias=AliasPath("properties", "error", "message"))


class _Workflow(BaseModel):
    state: str = Field(validation_alias=AliasPath("properties", "state"))


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
                run, _Run, api_version=_API_VERSION, absent=frozenset({"WorkflowRunNotFound"})
            )
            if found is not None and found.status not in _UNFINISHED:
                return self._answer(run, action)
            self._sleep(_LOOK_EVERY)
        return Answer(0, "", f"the run has not ended after {_LONGEST_RUN} s: {run}")

    def _start(self, workflow_id: str, trigger: str) -> str:
        """The id of the run that a trigger starts."""
        path = f"{workflow_id}/triggers/{trigger}/run"
        where = f"POST {path}"
        try:
            response = self._azure.start(path, api_version=_API_VERSION)
        except NoAnswerError as error:
            raise NotStartedError(str(error)) from None
        if response.is_success:
            run: str | None = response.headers.get("x-ms-workflow-run-id")
            if run is None:
                raise CloudRefusedError(
                    f"{where}: {refusal_of(response)}, and the answer does not say which run it "
                    "started. A mail may have been sent. Check what answers in place of Azure, "
                    "such as a proxy. Of a trigger with signature: refused Azure starts none: "
                    "prove such a sender with probe: true."
                )
            return run
        text = f"{where}: {refusal_of(response)}"
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error:
            raise NotStartedError(text)
        workflow = self._azure.resource(
            workflow_id, _Workflow, api_version=_API_VERSION, absent=ABSENT
        )
        if "TriggerInputSchemaMismatch" in text:
            raise CloudRefusedError(
                f"{where}: its caller has to supply values, which Azure's management API does not: "
                "nothing was sent. Prove such a sender with probe: true."
            )
        state = "Enabled" if workflow is None else workflow.state
        if state != "Enabled":
            raise CloudRefusedError(
                f"{where}: the workflow is switched off (state {state}): nothing was sent, and "
                "nothing is proven. Switch it on, and prove then."
            )
        raise CloudRefusedError(
            f"{text} Check that the stack is deployed, and that whoever is signed in may run it."
        )

    def _answer(self, run: str, action: str) -> Answer:
        """What Graph answered to an action, or to its last repetition where it was too busy."""
        found = self._action(run, action)
        answer = self._answer_to(run, action, found)
        attempt = 2
        while answer.status in _TOO_BUSY:
            again = f"{action}_{attempt}"
            found = self._action(run, again)
            if found is None or found.status == "Skipped":
                break
            answer = self._answer_to(run, again, found)
            attempt += 1
        return answer

    def _action(self, run: str, action: str) -> _Action | None:
        return self._azure.resource(
            f"{run}/actions/{action}",
            _Action,
            api_version=_API_VERSION,
            absent=frozenset({"WorkflowRunActionNotFound"}),
        )

    def _answer_to(self, run: str, action: str, found: _Action | None) -> Answer:
        if found is None:
            return Answer(0, "", f"the run has no action {action}: {run}")
        if found.link is None:
            return Answer(0, "", f"{action} ended as {found.status}. {found.why}".strip())
        try:
            response = self._azure.linked(found.link)
            outputs = response.json() if response.is_success else None
        except (NoAnswerError, ValueError, RecursionError) as error:
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
