"""How Logic Apps answers: Azure Resource Manager, and callers at the addresses of workflows."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from simulator.tenant.answers import CloudError, Response
from simulator.tenant.identifiers import TENANT_ID
from simulator.tenant.logic_apps.callbacks import (
    CALLER_ADDRESS,
    check_caller,
    check_endpoint_version,
    content_url,
    endpoint,
    is_signed,
    trigger_url,
)
from simulator.tenant.logic_apps.exceptions import address_unknown, not_simulated
from simulator.tenant.logic_apps.models import Workflows
from simulator.tenant.paths import Request
from simulator.tenant.store import Document


class LogicApps(Workflows):
    """Workflows as others see them."""

    # As Azure Resource Manager returns them

    def resource(self, workflow: Document) -> Document:
        resource: Document = {
            "properties": {
                "provisioningState": "Succeeded",
                "createdTime": workflow["created"],
                "changedTime": workflow["changed"],
                "state": workflow["state"],
                "version": workflow["version"],
                "accessEndpoint": endpoint(workflow),
                "definition": workflow["definition"],
                "parameters": workflow["parameters"],
            },
            "id": workflow["id"],
            "name": workflow["name"],
            "type": "Microsoft.Logic/workflows",
            "location": workflow["location"],
            "tags": workflow["tags"],
        }
        if workflow.get("accessControl"):
            resource["properties"]["accessControl"] = workflow["accessControl"]
        if workflow["principalId"]:
            resource["identity"] = {
                "type": "SystemAssigned",
                "principalId": workflow["principalId"],
                "tenantId": TENANT_ID,
            }
        if workflow["userAssigned"]:
            found = {each: self._identities.get(each) for each in workflow["userAssigned"]}
            resource["identity"] = {
                "type": "UserAssigned",
                "userAssignedIdentities": {
                    each: {name: identity[name] for name in ("principalId", "clientId")}
                    if identity
                    else {}
                    for each, identity in found.items()
                },
            }
        return resource

    def run_resource(self, workflow: Document, run: Document) -> Document:
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
        """A run's actions: secured inputs and outputs have no link."""
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
                    uri = content_url(workflow, run, name, content)
                    properties[f"{part}Link"] = {"uri": uri}
            resources.append(
                {
                    "properties": properties,
                    "id": f"{workflow['id']}/runs/{run['id']}/actions/{name}",
                    "name": name,
                    "type": "Microsoft.Logic/workflows/runs/actions",
                }
            )
        return resources

    def callback_url(self, workflow: Document, name: str) -> str:
        """The address that fires a Request trigger."""
        if self.trigger(workflow, name)["type"] != "Request":
            raise not_simulated(
                "The simulated tenant gives callback addresses of Request triggers only."
            )
        return trigger_url(workflow, name)

    # At addresses of a workflow's own

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

        def answer(request: Request) -> Response:
            match request.segments:
                case "workflows", endpoint_id, "triggers", name, "paths", "invoke":
                    workflow = self.by_endpoint(endpoint_id)
                case _:
                    raise address_unknown()
            check_endpoint_version(request)
            check_caller(request, workflow, name, address, claims)
            trigger = self.trigger(workflow, name)
            if trigger.get("inputs", {}).get("method", "POST") != "POST":
                raise CloudError(
                    405, "MethodNotAllowed", f"The trigger '{name}' does not take POST requests."
                )
            authorization = None if claims is None else "Bearer token"
            return started(self.run_trigger(workflow, name, body, authorization=authorization))

        return self._call("POST", url, answer)

    def content(self, url: str) -> Response:
        """GETs an inputsLink or outputsLink of a run's action."""

        def answer(request: Request) -> Response:
            match request.segments:
                case "workflows", endpoint_id, "runs", run_id, "actions", name, "contents", what:
                    workflow = self.by_endpoint(endpoint_id)
                case _:
                    raise address_unknown()
            check_endpoint_version(request)
            run = next((r for r in self.runs(workflow) if r["id"] == run_id), None)
            part = {"ActionInputs": "inputs", "ActionOutputs": "outputs"}.get(what, "")
            content = run["actions"].get(name, {}).get(part) if run else None
            if run is None or content is None or not is_signed(request, run["key"]):
                raise CloudError(404, "ContentNotFound", "The content could not be found.")
            return Response(200, content)

        return self._call("GET", url, answer)

    def _call(self, method: str, url: str, answer: Callable[[Request], Response]) -> Response:
        request = Request.parse(method, urlsplit(url)._replace(scheme="", netloc="").geturl())
        # The signature is a secret, and the log of calls is shown to people.
        try:
            return self._store.call("Logic Apps", method, request.path, lambda: answer(request))
        except CloudError as error:
            return error.response()


def started(run_id: str | None) -> Response:
    """What the caller of a trigger gets.

    That a call whose condition is not met is accepted, and told of no run, is the stricter reading:
    nothing tells such a caller that nothing runs.
    """
    return Response(202, None, {} if run_id is None else {"x-ms-workflow-run-id": run_id})
