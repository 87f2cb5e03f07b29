"""Runs of workflows: the actions, one after another, and the history that is kept of them."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from simulator.tenant.answers import CloudError, ConnectionLostError, NotSimulated
from simulator.tenant.definition import branches, nested
from simulator.tenant.entra import Entra
from simulator.tenant.expressions import EvaluationError, Scope, evaluated
from simulator.tenant.graph import Graph
from simulator.tenant.identifiers import GRAPH_AUDIENCE
from simulator.tenant.logic_apps.limits import check_simulated
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.store import Document, Store

_ACTION_FAILED = {
    "code": "ActionFailed",
    "message": "An action failed. No dependent actions succeeded.",
}
_SUCCEEDED = {"status": "Succeeded", "code": "OK"}
_SKIPPED = {"status": "Skipped", "code": "ActionBranchingConditionNotSatisfied"}
_NOT_REACHED = {"status": "Skipped", "code": "ActionSkipped"}
# As people quote it of an action whose call was not answered in 120 s. It has no outputs.
_NO_ANSWER = (
    "Http request failed: the server did not respond within the timeout limit. Please "
    "see logic app limits at https://aka.ms/logic-apps-limits-and-config#http-limits."
)


class _Terminated(Exception):  # noqa: N818 - how a run ends, not what went wrong here
    """An action ended the run, with this status and this error."""


@dataclass(frozen=True)
class Run:
    """One run of a workflow.

    Attributes:
        scope: What expressions can read.
        history: What came of the actions, by name in the order of their beginnings.
    """

    store: Store
    entra: Entra
    graph: Graph
    identities: ManagedIdentities
    workflow: Document
    scope: Scope
    history: Document = field(default_factory=dict)

    def fire(self) -> str:
        """Runs the workflow; returns the id of the run."""
        operation = f"run by {self.scope.trigger}"
        return self.store.call("Logic Apps", operation, self.workflow["name"], self._run)

    def _run(self) -> str:
        run_id = f"{secrets.randbelow(10**20):020}{secrets.token_hex(8).upper()}"
        run: Document = {
            "id": run_id,
            "workflowId": self.workflow["id"].casefold(),
            "trigger": self.scope.trigger,
            "start": self._now(),
            "key": secrets.token_urlsafe(32),
            "actions": self.history,
        }
        try:
            check_simulated(self.workflow["definition"], self.scope.trigger)
            run["status"] = self._run_all(self.workflow["definition"]["actions"])
            if run["status"] == "Failed":
                run["error"] = _ACTION_FAILED
        except _Terminated as end:
            run["status"], error = end.args
            # What is Cancelled has none.
            if error is not None:
                run["error"] = error
        except NotSimulated as limit:
            error = {"code": "NotSimulated", "message": str(limit)}
            run |= {"actions": {}, "status": "Failed", "error": error}
        run["end"] = self._now()
        self.store.put("run", run_id, run)
        return run_id

    def _now(self) -> str:
        return self.store.now().isoformat()

    def _run_all(self, actions: Document) -> str:
        """Runs the actions of a definition or branch, and adds them to the history.

        Returns:
            What came of them together.

        Raises:
            _Terminated: One of them ended the run.
        """
        waiting = dict(actions)
        while waiting:
            name = next(
                name for name, each in waiting.items() if not waiting.keys() & _after(each).keys()
            )
            action = waiting.pop(name)
            if all(self.history[earlier]["status"] in of for earlier, of in _after(action).items()):
                self._run_one(name, action)
            else:
                self._skip({name: action}, _NOT_REACHED)
        followed = {earlier for each in actions.values() for earlier in _after(each)}
        last = [name for name in actions if name not in followed]
        return "Failed" if any(self._ended_badly(name, actions) for name in last) else "Succeeded"

    def _ended_badly(self, name: str, actions: Document) -> bool:
        """Whether a branch that ends with an action failed.

        "If a branch ends with a Skipped action, that branch's completion status is based on that
        skipped action's predecessor status":
        https://learn.microsoft.com/azure/logic-apps/error-exception-handling.
        """
        status = self.history[name]["status"]
        if status == "Skipped":
            return any(self._ended_badly(earlier, actions) for earlier in _after(actions[name]))
        return bool(status == "Failed")

    def _run_one(self, name: str, action: Document) -> None:
        started = self._now()
        # In the history in the order of their beginnings.
        self.history[name] = {"start": started, "end": started, "status": "Cancelled", "code": "OK"}
        secured = action.get("runtimeConfiguration", {}).get("secureData", {}).get("properties", [])
        try:
            match action["type"]:
                case "If":
                    result = self._run_branch(action)
                case "Terminate":
                    self.history[name]["status"] = "Succeeded"
                    inputs = action["inputs"]
                    raise _Terminated(inputs["runStatus"], inputs.get("runError"))
                case "Compose":
                    inputs = evaluated(action["inputs"], self.scope)
                    shown = {} if secured else {"inputs": inputs, "outputs": inputs}
                    result = _SUCCEEDED | shown
                    self.scope.outputs[name] = inputs
                case "Wait":
                    seconds = evaluated(action["inputs"]["interval"]["count"], self.scope)
                    self.store.set_now(self.store.now() + timedelta(seconds=seconds))
                    result = _SUCCEEDED
                case _:
                    result = self._call(evaluated(action["inputs"], self.scope))
                    self.scope.outputs[name] = result.get("outputs")
        except EvaluationError as error:
            text = f"Unable to process template language expressions in action '{name}' inputs at "
            text += f"line '0' and column '0': '{error}'."
            wrong = {"code": "InvalidTemplate", "message": text}
            result = {"status": "Failed", "code": "InvalidTemplate", "error": wrong}
        self.history[name] = {
            "start": started,
            "end": self._now(),
            **{part: value for part, value in result.items() if part not in secured},
        }

    def _run_branch(self, action: Document) -> Document:
        taken, other = branches(action)
        if not self._is_met(action["expression"]):
            taken, other = other, taken
        self._skip(other, _SKIPPED)
        if self._run_all(taken) == "Failed":
            return {"status": "Failed", "code": _ACTION_FAILED["code"], "error": _ACTION_FAILED}
        return _SUCCEEDED

    def _is_met(self, expression: Any) -> bool:
        """Whether a condition is true, of the forms that ``limits`` lets pass."""
        if isinstance(expression, str):
            return bool(evaluated(expression, self.scope) is True)
        [(operator, operands)] = expression.items()
        match operator:
            case "and":
                return all(self._is_met(operand) for operand in operands)
            case "or":
                return any(self._is_met(operand) for operand in operands)
            case "not":
                return not self._is_met(operands)
        first, second = evaluated(operands, self.scope)
        # Texts are compared as they are written.
        return type(first) is type(second) and bool(first == second)

    def _skip(self, actions: Document, why: Document) -> None:
        now = self._now()
        for name, _ in nested(actions):
            self.history[name] = {"start": now, "end": now} | why

    def _call(self, inputs: Document) -> Document:
        """Calls Microsoft Graph, with the identity that an action names or the workflow's own."""
        shown = {name: value for name, value in inputs.items() if name != "authentication"}
        uri = urlsplit(inputs["uri"])
        if f"{uri.scheme}://{uri.netloc}" != GRAPH_AUDIENCE:
            raise NotSimulated(f"The simulated tenant has nothing at {inputs['uri']}.")
        authentication = inputs["authentication"]
        named = authentication.get("identity")
        identity = self.workflow if named is None else self.identities.get(named)
        if identity is None or not identity["principalId"]:
            return _failed(shown, "The workflow has no managed identity to authenticate with.")
        try:
            token = self.entra.managed_identity_token(
                identity["principalId"], authentication["audience"]
            )
        except CloudError as error:
            return _failed(shown, str(error))
        body = inputs.get("body")
        headers = dict(inputs.get("headers", {}))
        if isinstance(body, dict) and not any(n.casefold() == "content-type" for n in headers):
            headers["Content-Type"] = "application/json"
        try:
            answer = self.graph.request(
                inputs["method"],
                f"{uri.path}{'?' if uri.query else ''}{uri.query}",
                body,
                token=token,
                headers=headers,
                by_workflow=True,
            )
        except ConnectionLostError:
            answer = None
        repeated = answer is None or answer.status == HTTPStatus.TOO_MANY_REQUESTS
        if repeated and inputs.get("retryPolicy", {}).get("type") != "none":
            # The service would ask again, and a mail might be sent twice.
            raise NotSimulated("The simulated tenant repeats no action: give it retryPolicy none.")
        if answer is None:
            return _failed(shown, _NO_ANSWER, code="BadRequest")
        outputs: Document = {"statusCode": answer.status, "headers": answer.headers}
        if answer.body is not None:
            outputs["body"] = answer.body
        return {
            "status": "Succeeded" if answer.status < 400 else "Failed",
            "code": HTTPStatus(answer.status).phrase.replace(" ", ""),
            "inputs": shown,
            "outputs": outputs,
        }


def _after(action: Document) -> Document:
    """The actions that one runs after, and what must have come of each."""
    return dict(action.get("runAfter", {}))


def _failed(
    inputs: Document, message: str, code: str = "ManagedServiceIdentityAuthentication"
) -> Document:
    return {
        "status": "Failed",
        "code": "BadRequest",
        "inputs": inputs,
        "error": {"code": code, "message": message},
    }
