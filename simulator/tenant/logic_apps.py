"""Logic Apps (Consumption): saved workflows, a runner for the definitions we deploy, run history.

The runner knows a closed set: Request and Recurrence triggers; actions, one after another, that
call Microsoft Graph with the workflow's identity, compute (Compose) or end the run (Terminate); and
conditions between such. A definition beyond that can be saved where the service would save it, and
its run fails with an error that names the construct.
"""

import ipaddress
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from simulator.tenant.answers import CloudError, ConnectionLostError, NotSimulated, Response
from simulator.tenant.definition import branches, check_change, check_workflow, nested
from simulator.tenant.entra import Entra
from simulator.tenant.expressions import EvaluationError, Scope, beyond, calls_in, evaluated
from simulator.tenant.graph import Graph
from simulator.tenant.identifiers import GRAPH_AUDIENCE, TENANT_ID, new_id
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.paths import Request
from simulator.tenant.recurrence import next_occurrence
from simulator.tenant.store import Document, Store

# Of a range that is kept for documentation: somebody on the internet.
CALLER_ADDRESS = "198.51.100.7"
HOST = "prod-00.westeurope.logic.azure.com:443"
_ENDPOINT_VERSION = "2016-10-01"
_SIGNATURE_VERSION = "1.0"
SIMULATED_INPUTS = {"method", "uri", "headers", "body", "authentication", "retryPolicy"}


class LogicApps:
    """The workflows of the subscription, by their resource id in lower case."""

    def __init__(
        self, store: Store, entra: Entra, graph: Graph, identities: ManagedIdentities
    ) -> None:
        self._store = store
        self._entra = entra
        self._graph = graph
        self._identities = identities

    # Workflows, called by ARM

    def get(self, resource_id: str) -> Document | None:
        return self._store.get("workflow", resource_id.casefold())

    def all_in(self, resource_group_id: str) -> list[Document]:
        prefix = f"{resource_group_id}/".casefold()
        return [w for w in self._store.all("workflow") if w["id"].casefold().startswith(prefix)]

    def save(self, resource_id: str, location: str, body: Document) -> Document:
        """Creates or replaces a workflow from the body of a PUT.

        Raises:
            CloudError: The service refuses the workflow.
        """
        now = self._store.now()
        check_workflow(body, now)
        properties = body["properties"]
        existing = self.get(resource_id)
        if existing is not None:
            check_change(existing["definition"], properties["definition"])
        workflow = existing or {
            "id": resource_id,
            "name": resource_id.rsplit("/", 1)[1],
            "key": secrets.token_urlsafe(32),
            "endpointId": new_id().replace("-", ""),
            "principalId": None,
            "userAssigned": [],
            "created": now.isoformat(),
        }
        workflow |= {
            "location": location,
            "tags": body.get("tags", {}),
            "state": properties.get("state", "Enabled"),
            "definition": properties["definition"],
            "parameters": properties.get("parameters", {}),
            # A PUT without it opens the trigger again: the service's own reading is not documented.
            "accessControl": properties.get("accessControl", {}),
            "changed": now.isoformat(),
            "version": f"{secrets.randbelow(10**20):020}",
        }
        self._set_identity(workflow, body.get("identity"))
        self._schedule(workflow)
        return workflow

    def _set_identity(self, workflow: Document, identity: Document | None) -> None:
        """Follows the identity of a PUT; one that says nothing of it changes nothing."""
        if identity is None:
            return
        kind = identity.get("type", "None")
        assigned = list(identity.get("userAssignedIdentities") or {})
        for resource_id in assigned:
            if self._identities.get(resource_id) is None:
                raise CloudError(
                    400,
                    "FailedIdentityOperation",
                    f"Identity operation for resource '{workflow['id']}' failed with error "
                    "'Failed to perform resource identity operation. Status: 'BadRequest'. "
                    f"Response: 'Resource '{resource_id}' was not found.'.",
                )
        workflow["userAssigned"] = assigned
        if kind != "SystemAssigned" and workflow["principalId"]:
            self._entra.remove_service_principal(workflow["principalId"])
            workflow["principalId"] = None
        if kind == "SystemAssigned" and not workflow["principalId"]:
            principal = self._entra.add_service_principal(
                workflow["name"],
                kind="ManagedIdentity",
                alternative_names=["isExplicit=False", workflow["id"]],
            )
            workflow["principalId"] = principal["id"]

    def set_state(self, workflow: Document, state: str) -> None:
        workflow["state"] = state
        self._schedule(workflow)

    def delete(self, workflow: Document) -> None:
        """Removes the workflow with its identity, that identity's grants, and its runs."""
        if workflow["principalId"]:
            self._entra.remove_service_principal(workflow["principalId"])
        for run in self.runs(workflow):
            self._store.delete("run", run["id"])
        self._store.delete("workflow", workflow["id"].casefold())

    def resource(self, workflow: Document) -> Document:
        """The workflow as ARM returns it."""
        resource: Document = {
            "properties": {
                "provisioningState": "Succeeded",
                "createdTime": workflow["created"],
                "changedTime": workflow["changed"],
                "state": workflow["state"],
                "version": workflow["version"],
                "accessEndpoint": _endpoint(workflow),
                "definition": workflow["definition"],
                "parameters": workflow["parameters"],
                **(
                    {"accessControl": workflow["accessControl"]}
                    if workflow.get("accessControl")
                    else {}
                ),
            },
            "id": workflow["id"],
            "name": workflow["name"],
            "type": "Microsoft.Logic/workflows",
            "location": workflow["location"],
            "tags": workflow["tags"],
        }
        if workflow["principalId"]:
            resource["identity"] = {
                "type": "SystemAssigned",
                "principalId": workflow["principalId"],
                "tenantId": TENANT_ID,
            }
        if workflow["userAssigned"]:
            resource["identity"] = {
                "type": "UserAssigned",
                "userAssignedIdentities": {
                    resource_id: {
                        "principalId": found["principalId"],
                        "clientId": found["clientId"],
                    }
                    if (found := self._identities.get(resource_id))
                    else {}
                    for resource_id in workflow["userAssigned"]
                },
            }
        return resource

    def _put(self, workflow: Document) -> None:
        self._store.put("workflow", workflow["id"].casefold(), workflow)

    # Triggers

    def trigger(self, workflow: Document, name: str) -> Document:
        trigger: Document | None = workflow["definition"].get("triggers", {}).get(name)
        if trigger is None:
            raise CloudError(
                404,
                "WorkflowTriggerNotFound",
                f"The workflow '{workflow['name']}' trigger '{name}' could not be found.",
            )
        return trigger

    def run_trigger(
        self, workflow: Document, name: str, body: Any = None, *, authorization: str | None = None
    ) -> str | None:
        """Fires a trigger now.

        Args:
            workflow: The workflow.
            name: The trigger's name.
            body: What is posted to it; Azure's management API posts nothing.
            authorization: The Authorization header of a call; ``None`` for a call without one.

        Returns:
            The id of the run; ``None`` where the trigger's condition is not met, and nothing runs.

        Raises:
            CloudError: The workflow is switched off, or the body does not match the schema.
        """
        trigger = self.trigger(workflow, name)
        if workflow["state"] != "Enabled":
            raise CloudError(
                400,
                "WorkflowTriggerIsNotEnabled",
                f"Could not execute workflow '{workflow['name']}' trigger '{name}' with state "
                f"'{workflow['state']}': trigger is not enabled.",
            )
        if "EnableSchemaValidation" in _options(trigger):
            _check_schema(name, trigger.get("inputs", {}).get("schema", {}), body)
        headers = {}
        if _SHOWS_HEADER in _options(trigger) and authorization is not None:
            headers["Authorization"] = authorization
        if trigger.get("conditions") == _BY_TOKEN and not headers:
            return None
        return self._fire(workflow, Scope(name, body, headers))

    def callback_url(self, workflow: Document, name: str) -> str:
        """The address that fires a Request trigger. Whoever has it may fire it: a secret."""
        if self.trigger(workflow, name)["type"] != "Request":
            raise CloudError(
                501,
                "NotSimulated",
                "The simulated tenant gives callback addresses of Request triggers only.",
            )
        return (
            f"{_endpoint(workflow)}/triggers/{name}/paths/invoke?api-version={_ENDPOINT_VERSION}"
            f"&sp={quote(_permission(name), safe='')}&sv={_SIGNATURE_VERSION}&sig={workflow['key']}"
        )

    def invoke_callback(
        self,
        url: str,
        body: Any = None,
        *,
        address: str = CALLER_ADDRESS,
        claims: Mapping[str, str] | None = None,
    ) -> Response:
        """POSTs to a callback URL, as a caller outside Azure does.

        Calls of other Logic Apps are not simulated: who allows only those lets in nobody here.

        Args:
            url: The callback URL, without its signature for a caller with a token.
            body: What is posted, as JSON.
            address: The IPv4 address that the call comes from.
            claims: The claims of the Entra token in the Authorization header, which is taken for
                valid; ``None`` for a call without one.
        """
        request = Request.parse("POST", urlsplit(url)._replace(scheme="", netloc="").geturl())

        def effect() -> Response:
            match request.segments:
                case "workflows", endpoint_id, "triggers", name, "paths", "invoke":
                    workflow = self._by_endpoint(endpoint_id)
                case _:
                    raise CloudError(404, "ResourceNotFound", "The requested address is unknown.")
            _check_endpoint_version(request)
            access = workflow.get("accessControl", {}).get("triggers", {})
            _check_address(access.get("allowedCallerIpAddresses"), address)
            if claims is not None and "sig" not in request.query:
                _check_claims(access.get("openAuthenticationPolicies", {}), claims)
            # Both at once are refused too: the service does not choose between the two.
            elif claims is not None or not _is_signed(request, name, workflow["key"]):
                raise CloudError(
                    401,
                    "DirectApiAuthorizationRequired",
                    "The request must be authenticated only by Shared Access scheme.",
                )
            trigger = self.trigger(workflow, name)
            if trigger.get("inputs", {}).get("method", "POST") != "POST":
                raise CloudError(
                    405, "MethodNotAllowed", f"The trigger '{name}' does not take POST requests."
                )
            run_id = self.run_trigger(
                workflow, name, body, authorization=None if claims is None else "Bearer token"
            )
            return started(run_id)

        # The signature is a secret, and the log of calls is shown to people.
        shown = f"/{'/'.join(request.segments)}"
        try:
            return self._store.call("Logic Apps", "POST", shown, effect)
        except CloudError as error:
            return error.response()

    def _by_endpoint(self, endpoint_id: str) -> Document:
        for workflow in self._store.all("workflow"):
            if workflow["endpointId"] == endpoint_id:
                return workflow
        raise CloudError(
            404, "WorkflowNotFound", f"The workflow '{endpoint_id}' could not be found."
        )

    def _schedule(self, workflow: Document) -> None:
        """Sets when the recurrences fire next; without a start time they also fire now."""
        workflow["next"] = {}
        if workflow["state"] == "Enabled":
            for name, trigger in workflow["definition"].get("triggers", {}).items():
                if trigger["type"] == "Recurrence":
                    self._set_next(workflow, name, self._store.now())
                    if "startTime" not in trigger["recurrence"]:
                        self._fire(workflow, Scope(name))
        self._put(workflow)

    def _set_next(self, workflow: Document, name: str, after: datetime) -> None:
        recurrence = workflow["definition"]["triggers"][name]["recurrence"]
        saved = datetime.fromisoformat(workflow["changed"])
        workflow["next"][name] = next_occurrence(recurrence, saved, after).isoformat()

    def _due(self, until: datetime) -> Iterator[tuple[datetime, Document, str]]:
        for workflow in self._store.all("workflow"):
            for name, due in workflow["next"].items():
                if datetime.fromisoformat(due) <= until:
                    yield datetime.fromisoformat(due), workflow, name

    def run_due(self, until: datetime) -> None:
        """Fires every recurrence that falls due up to a moment, each at its own time."""
        while due := min(self._due(until), key=lambda entry: entry[0], default=None):
            moment, workflow, name = due
            # One that fell due between two calls runs late, as the service's own do; time does
            # not go back for it.
            self._store.set_now(max(moment, self._store.now()))
            self._set_next(workflow, name, moment)
            self._put(workflow)
            self._fire(workflow, Scope(name))

    # Runs

    def _fire(self, workflow: Document, scope: Scope) -> str:
        def effect() -> str:
            run_id = f"{secrets.randbelow(10**20):020}{secrets.token_hex(8).upper()}"
            started = self._store.now().isoformat()
            run: Document = {
                "id": run_id,
                "workflowId": workflow["id"].casefold(),
                "trigger": scope.trigger,
                "start": started,
                "key": secrets.token_urlsafe(32),
                "actions": {},
            }
            try:
                _check_simulated(workflow["definition"], scope.trigger)
                actions = workflow["definition"]["actions"]
                run["status"] = self._run_actions(workflow, scope, actions, run["actions"])
                if run["status"] == "Failed":
                    run["error"] = _ACTION_FAILED
            except _Terminated as end:
                run["status"] = end.status
                run["error"] = end.error
            except NotSimulated as limit:
                run["actions"] = {}
                run["status"] = "Failed"
                run["error"] = {"code": "NotSimulated", "message": str(limit)}
            run["end"] = self._store.now().isoformat()
            self._store.put("run", run_id, run)
            return run_id

        return self._store.call("Logic Apps", f"run by {scope.trigger}", workflow["name"], effect)

    def _run_actions(
        self, workflow: Document, scope: Scope, actions: Document, history: Document
    ) -> str:
        """Runs the actions of a definition or branch, adds them to the history of the run.

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
            if all(history[earlier]["status"] in of for earlier, of in _after(action).items()):
                self._run_one(workflow, scope, name, action, history)
            else:
                self._skip({name: action}, history, _NOT_REACHED)
        followed = {earlier for each in actions.values() for earlier in _after(each)}
        last = [name for name in actions if name not in followed]
        return (
            "Failed" if any(_ends_badly(name, actions, history) for name in last) else "Succeeded"
        )

    def _run_one(
        self, workflow: Document, scope: Scope, name: str, action: Document, history: Document
    ) -> None:
        started = self._store.now().isoformat()
        # In the history in the order of their beginnings.
        history[name] = {"start": started, "end": started, "status": "Cancelled", "code": "OK"}
        try:
            match action["type"]:
                case "If":
                    result = self._run_branch(workflow, scope, action, history)
                case "Terminate":
                    history[name]["status"] = "Succeeded"
                    inputs = action["inputs"]
                    raise _Terminated(inputs["runStatus"], inputs.get("runError", {}))
                case "Compose":
                    inputs = evaluated(action["inputs"], scope)
                    result = {"status": "Succeeded", "code": "OK"}
                    if not _secured(action):
                        result |= {"inputs": inputs, "outputs": inputs}
                    scope.outputs[name] = inputs
                case "Wait":
                    seconds = evaluated(action["inputs"]["interval"]["count"], scope)
                    self._store.set_now(self._store.now() + timedelta(seconds=seconds))
                    result = {"status": "Succeeded", "code": "OK"}
                case _:
                    result = self._run_action(workflow, evaluated(action["inputs"], scope))
                    scope.outputs[name] = result.get("outputs")
        except EvaluationError as error:
            text = f"Unable to process template language expressions in action '{name}' inputs at "
            text += f"line '0' and column '0': '{error}'."
            wrong = {"code": "InvalidTemplate", "message": text}
            result = {"status": "Failed", "code": "InvalidTemplate", "error": wrong}
        history[name] = {
            "start": started,
            "end": self._store.now().isoformat(),
            **{part: value for part, value in result.items() if part not in _secured(action)},
        }

    def _run_branch(
        self, workflow: Document, scope: Scope, action: Document, history: Document
    ) -> Document:
        taken, other = branches(action)
        if not _is_met(action["expression"], scope):
            taken, other = other, taken
        self._skip(other, history, _SKIPPED)
        if self._run_actions(workflow, scope, taken, history) == "Failed":
            return {"status": "Failed", "code": _ACTION_FAILED["code"], "error": _ACTION_FAILED}
        return {"status": "Succeeded", "code": "OK"}

    def _skip(self, actions: Document, history: Document, why: Document) -> None:
        now = self._store.now().isoformat()
        for name, _ in nested(actions):
            history[name] = {"start": now, "end": now} | why

    def _run_action(self, workflow: Document, inputs: Document) -> Document:
        shown = {name: value for name, value in inputs.items() if name != "authentication"}
        uri = urlsplit(inputs["uri"])
        if f"{uri.scheme}://{uri.netloc}" != GRAPH_AUDIENCE:
            raise NotSimulated(f"The simulated tenant has nothing at {inputs['uri']}.")
        principal_id = self._principal_of(workflow, inputs["authentication"].get("identity"))
        if not principal_id:
            return _failed(shown, "The workflow has no managed identity to authenticate with.")
        try:
            token = self._entra.managed_identity_token(
                principal_id, inputs["authentication"]["audience"]
            )
        except CloudError as error:
            return _failed(shown, str(error))
        body = inputs.get("body")
        headers = dict(inputs.get("headers", {}))
        if isinstance(body, dict) and not any(n.casefold() == "content-type" for n in headers):
            headers["Content-Type"] = "application/json"
        try:
            answer = self._graph.request(
                inputs["method"],
                f"{uri.path}{'?' if uri.query else ''}{uri.query}",
                body,
                token=token,
                headers=headers,
                by_workflow=True,
            )
        except ConnectionLostError:
            _check_not_repeated(inputs)
            return _failed(shown, _NO_ANSWER["message"], code=_NO_ANSWER["code"])
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            _check_not_repeated(inputs)
        outputs: Document = {"statusCode": answer.status, "headers": answer.headers}
        if answer.body is not None:
            outputs["body"] = answer.body
        return {
            "status": "Succeeded" if answer.status < 400 else "Failed",
            "code": HTTPStatus(answer.status).phrase.replace(" ", ""),
            "inputs": shown,
            "outputs": outputs,
        }

    def _principal_of(self, workflow: Document, identity: str | None) -> str | None:
        """The principal id of the identity that an action names, or of the system-assigned one."""
        if identity is None:
            own: str | None = workflow["principalId"]
            return own
        found = self._identities.get(identity)
        return None if found is None else str(found["principalId"])

    def runs(self, workflow: Document) -> list[Document]:
        """The workflow's runs, newest first."""
        own = workflow["id"].casefold()
        return [run for run in reversed(self._store.all("run")) if run["workflowId"] == own]

    def run_resource(self, workflow: Document, run: Document) -> Document:
        """A run as ARM returns it."""
        properties = {
            "startTime": run["start"],
            "endTime": run["end"],
            "status": run["status"],
            "correlation": {"clientTrackingId": run["id"]},
            "workflow": {"name": workflow["version"]},
            "trigger": {"name": run["trigger"], "startTime": run["start"], "endTime": run["start"]},
            "outputs": {},
        }
        if "error" in run:
            properties |= {"code": run["error"]["code"], "error": run["error"]}
        return {
            "properties": properties,
            "id": f"{workflow['id']}/runs/{run['id']}",
            "name": run["id"],
            "type": "Microsoft.Logic/workflows/runs",
        }

    def action_resources(self, workflow: Document, run: Document) -> list[Document]:
        """A run's actions as ARM returns them: secured inputs and outputs have no link."""
        resources = []
        for name, action in run["actions"].items():
            properties = {
                "startTime": action["start"],
                "endTime": action["end"],
                "status": action["status"],
                "code": action["code"],
                "correlation": {"clientTrackingId": run["id"]},
            }
            if "error" in action:
                properties["error"] = action["error"]
            for part, content in (("inputs", "ActionInputs"), ("outputs", "ActionOutputs")):
                if part in action:
                    properties[f"{part}Link"] = {
                        "uri": f"{_endpoint(workflow)}/runs/{run['id']}/actions/{name}/contents/"
                        f"{content}?api-version={_ENDPOINT_VERSION}&sv={_SIGNATURE_VERSION}"
                        f"&sig={run['key']}"
                    }
            resources.append(
                {
                    "properties": properties,
                    "id": f"{workflow['id']}/runs/{run['id']}/actions/{name}",
                    "name": name,
                    "type": "Microsoft.Logic/workflows/runs/actions",
                }
            )
        return resources

    def content(self, url: str) -> Response:
        """GETs an inputsLink or outputsLink of a run's action."""
        request = Request.parse("GET", urlsplit(url)._replace(scheme="", netloc="").geturl())

        def effect() -> Response:
            match request.segments:
                case "workflows", endpoint_id, "runs", run_id, "actions", name, "contents", what:
                    workflow = self._by_endpoint(endpoint_id)
                case _:
                    raise CloudError(404, "ResourceNotFound", "The requested address is unknown.")
            _check_endpoint_version(request)
            run = next((r for r in self.runs(workflow) if r["id"] == run_id), None)
            part = {"ActionInputs": "inputs", "ActionOutputs": "outputs"}.get(what, "")
            content = run["actions"].get(name, {}).get(part) if run else None
            signed = {"sv": _SIGNATURE_VERSION, "sig": run["key"] if run else None}
            if run is None or content is None or not signed.items() <= request.query.items():
                raise CloudError(404, "ContentNotFound", "The content could not be found.")
            return Response(200, content)

        shown = f"/{'/'.join(request.segments)}"
        try:
            return self._store.call("Logic Apps", "GET", shown, effect)
        except CloudError as error:
            return error.response()


# The form of Microsoft's page, for a call without the header too.
_BY_TOKEN = [
    {
        "expression": "@startsWith(coalesce(triggerOutputs()?['headers']?['Authorization'], ''), "
        "'Bearer ')"
    }
]
_SHOWS_HEADER = "IncludeAuthorizationHeadersInOutputs"


def _options(trigger: Document) -> list[str]:
    return [option.strip() for option in str(trigger.get("operationOptions", "")).split(",")]


def _check_schema(trigger: str, schema: Document, body: Any) -> None:
    """Refuses a body that does not match the schema of a trigger, in the service's words.

    The findings are those of Newtonsoft's Json.NET Schema. What Azure's management API gets, which
    posts no body, is as reported of Power Automate, whose flows are workflows.

    Raises:
        CloudError: 400 ``TriggerInputSchemaMismatch``.
    """
    # Imported only here: it takes longer than a script's process has to spare, which saves nothing.
    from jsonschema import Draft4Validator  # type: ignore[import-untyped]

    if body is None:
        found = " The input body is missing required schema properties."
    else:
        texts = [_schema_finding(error) for error in Draft4Validator(schema).iter_errors(body)]
        if not texts:
            return
        found = f" Error details: '{','.join(texts)}'."
    raise CloudError(
        400,
        "TriggerInputSchemaMismatch",
        f"The input body for trigger '{trigger}' of type 'Request' did not match its schema "
        f"definition.{found}",
    )


_JSON_TYPES = {dict: "Object", list: "Array", str: "String", bool: "Boolean", int: "Integer"} | {
    float: "Number",
    type(None): "Null",
}


def _schema_finding(error: Any) -> str:
    given, expected = error.instance, error.validator_value
    match error.validator:
        case "type":
            return f"Invalid type. Expected {expected.title()} but got {_JSON_TYPES[type(given)]}."
        case "maxLength":
            return f"String '{given}' exceeds maximum length of {expected}."
        case "required":
            missing = [name for name in expected if name not in given]
            return f"Required properties are missing from object: {', '.join(missing)}."
        case "additionalProperties":
            other = next(name for name in given if name not in error.schema["properties"])
            return (
                f"Property '{other}' has not been defined and the schema does not allow "
                "additional properties."
            )
    raise CloudError(
        501, "NotSimulated", f"The simulated tenant checks no {error.validator} of a schema."
    )


def _after(action: Document) -> Document:
    """The actions that one runs after, and what must have come of each."""
    after: Document = action.get("runAfter", {})
    return after


def _ends_badly(name: str, actions: Document, history: Document) -> bool:
    """Whether a branch that ends with an action failed.

    "If a branch ends with a Skipped action, that branch's completion status is based on that
    skipped action's predecessor status":
    https://learn.microsoft.com/azure/logic-apps/error-exception-handling.
    """
    status = history[name]["status"]
    if status == "Skipped":
        return any(_ends_badly(earlier, actions, history) for earlier in _after(actions[name]))
    return bool(status == "Failed")


def _secured(action: Document) -> list[str]:
    """What of an action the history does not show."""
    configuration = action.get("runtimeConfiguration", {})
    secured: list[str] = configuration.get("secureData", {}).get("properties", [])
    return secured


def started(run_id: str | None) -> Response:
    """What the caller of a trigger gets.

    That a call whose condition is not met is accepted, and told of no run, is the stricter reading:
    nothing tells such a caller that nothing runs.
    """
    return Response(202, None, {} if run_id is None else {"x-ms-workflow-run-id": run_id})


def _permission(trigger: str) -> str:
    """What the signature of a callback URL permits: its ``sp``."""
    return f"/triggers/{trigger}/run"


def _is_signed(request: Request, trigger: str, key: str) -> bool:
    """Whether a callback URL has the signature, over what it was made for."""
    signed = {"sp": _permission(trigger), "sv": _SIGNATURE_VERSION, "sig": key}
    return signed.items() <= request.query.items()


def _check_endpoint_version(request: Request) -> None:
    """Checks what an address of a workflow's own endpoint has besides its signature.

    Other options reach a workflow as ``queries`` of its trigger, which nothing here can read.

    Raises:
        CloudError: The version is missing or beyond the simulation, or an option is repeated.
    """
    request.check_options(request.query)
    version = request.query.get("api-version")
    if not version:
        raise CloudError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if version != _ENDPOINT_VERSION:
        raise CloudError(
            501,
            "NotSimulated",
            f"The simulated tenant knows {_ENDPOINT_VERSION} only of callers, not {version}.",
        )


def _check_address(allowed: list[Document] | None, address: str) -> None:
    if allowed is None:
        return
    if not any(
        ipaddress.IPv4Address(address) in ipaddress.IPv4Network(entry["addressRange"])
        for entry in allowed
    ):
        # Reported by https://yourazurecoach.com/2018/03/07/ip-restrictions-in-logic-apps/
        raise CloudError(
            401,
            "AuthorizationFailed",
            f"The client IP address '{address}' is not in the allowed caller IP address ranges "
            "specified in the workflow access control configuration.",
        )


def _check_claims(authentication: Document, claims: Mapping[str, str]) -> None:
    """Lets a token in that has every claim of one of the policies, spelled exactly so."""
    for policy in authentication.get("policies", {}).values():
        if all(claims.get(claim["name"]) == claim["value"] for claim in policy["claims"]):
            return
    # The text is the service's; reports disagree on whether its status is 401 or 403.
    raise CloudError(
        401,
        "MisMatchingOAuthClaims",
        "One or more claims either missing or does not match with the open authentication access "
        "control policy.",
    )


def _endpoint(workflow: Document) -> str:
    return f"https://{HOST}/workflows/{workflow['endpointId']}"


def _failed(
    inputs: Document, message: str, code: str = "ManagedServiceIdentityAuthentication"
) -> Document:
    return {
        "status": "Failed",
        "code": "BadRequest",
        "inputs": inputs,
        "error": {"code": code, "message": message},
    }


# As people quote it of an action whose call was not answered in 120 s. It has no outputs.
_NO_ANSWER = {
    "code": "BadRequest",
    "message": "Http request failed: the server did not respond within the timeout limit. Please "
    "see logic app limits at https://aka.ms/logic-apps-limits-and-config#http-limits.",
}


def _check_not_repeated(inputs: Document) -> None:
    """Lets an action end with an answer that its retry policy would act on only if it has none.

    Raises:
        NotSimulated: The service would ask again, and a mail might be sent twice.
    """
    if inputs.get("retryPolicy", {}).get("type") != "none":
        raise NotSimulated("The simulated tenant repeats no action: give it retryPolicy none.")


_ACTION_FAILED = {
    "code": "ActionFailed",
    "message": "An action failed. No dependent actions succeeded.",
}
_SKIPPED = {"status": "Skipped", "code": "ActionBranchingConditionNotSatisfied"}
_NOT_REACHED = {"status": "Skipped", "code": "ActionSkipped"}


class _Terminated(Exception):  # noqa: N818 - how a run ends, not what went wrong here
    """An action ended the run."""

    def __init__(self, status: str, error: Document) -> None:
        super().__init__(status)
        self.status = status
        self.error = error


def _check_simulated(definition: Document, trigger_name: str) -> None:
    """Refuses a definition that is beyond the closed set.

    Raises:
        NotSimulated: The message names the construct.
    """
    for construct in _constructs_beyond(definition, definition["triggers"][trigger_name]):
        raise NotSimulated(f"The simulated tenant does not run a workflow with {construct}.")


def _is_met(expression: Any, scope: Scope) -> bool:
    """Whether a condition of the forms in :func:`_conditions_beyond` is true."""
    if isinstance(expression, str):
        return bool(evaluated(expression, scope) is True)
    [(operator, operands)] = expression.items()
    match operator:
        case "and":
            return all(_is_met(operand, scope) for operand in operands)
        case "or":
            return any(_is_met(operand, scope) for operand in operands)
        case "not":
            return not _is_met(operands, scope)
    first, second = evaluated(operands, scope)
    # Texts are compared as they are written.
    return type(first) is type(second) and bool(first == second)


def _conditions_beyond(expression: Any) -> Iterator[str]:
    if isinstance(expression, str):
        yield from beyond(expression)
        return
    [(operator, operands)] = expression.items()
    if operator == "not":
        yield from _conditions_beyond(operands)
    elif operator in ("and", "or") and operands:
        for operand in operands:
            yield from _conditions_beyond(operand)
    elif operator == "equals":
        yield from beyond(operands)
    else:
        yield f"the condition {expression}"


def _constructs_beyond(definition: Document, trigger: Document) -> Iterator[str]:
    """Names what is there and not simulated."""
    if trigger["type"] not in ("Request", "Recurrence"):
        yield f"trigger type {trigger['type']}"
    if trigger.get("kind", "Http") != "Http":
        yield f"trigger kind {trigger['kind']}"
    if trigger.get("correlation"):
        yield "trigger correlation"
    if trigger.get("conditions") not in (None, [], _BY_TOKEN):
        yield f"the trigger conditions {trigger['conditions']}"
    # Nothing of a trigger is in the history here, secured or not, and runs come one after another.
    for name in trigger.get("runtimeConfiguration", {}).keys() - {"secureData", "concurrency"}:
        yield f"trigger runtimeConfiguration {name}"
    if trigger.get("inputs", {}).get("relativePath"):
        yield "trigger relativePath"
    for name in ("parameters", "outputs", "staticResults"):
        if definition.get(name):
            yield name
    if not definition.get("actions"):
        yield "0 actions"
    yield from _actions_beyond(definition.get("actions", {}))


def _actions_beyond(actions: Document) -> Iterator[str]:
    for action in actions.values():
        yield from _action_beyond(action)


def _action_beyond(action: Document) -> Iterator[str]:
    for name in ("limit", "trackedProperties"):
        if action.get(name):
            yield f"action {name}"
    for name in action.get("runtimeConfiguration", {}).keys() - {"secureData"}:
        yield f"action runtimeConfiguration {name}"
    match action["type"]:
        case "If":
            yield from _conditions_beyond(action["expression"])
            for branch in branches(action):
                yield from _actions_beyond(branch)
        case "Compose":
            yield from beyond(action["inputs"])
        case "Wait":
            if action["inputs"].get("interval", {}).get("unit") != "Second":
                yield "a Wait that is not of seconds"
            yield from beyond(action["inputs"])
        case "Terminate":
            if list(calls_in(action["inputs"])):
                yield "an expression in a Terminate"
        case "Http":
            yield from _call_beyond(action["inputs"])
        case other:
            yield f"action type {other}"


def _call_beyond(inputs: Document) -> Iterator[str]:
    for name in inputs.keys() - SIMULATED_INPUTS:
        yield f"action input {name}"
    authentication = inputs.get("authentication", {"type": "None"})
    if authentication["type"] != "ManagedServiceIdentity":
        yield f"authentication {authentication['type']}"
    yield from beyond(inputs)
