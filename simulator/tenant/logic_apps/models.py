"""Workflows as they are saved, and their triggers: when they fire, and by whom."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from simulator.tenant.answers import CloudError
from simulator.tenant.definition import check_change, check_workflow
from simulator.tenant.entra import Entra
from simulator.tenant.expressions import Scope
from simulator.tenant.graph import Graph
from simulator.tenant.identifiers import new_id
from simulator.tenant.logic_apps.runs import Run
from simulator.tenant.logic_apps.triggers import scope_of
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.recurrence import next_occurrence
from simulator.tenant.store import Document, Store


class Workflows:
    """The workflows of the subscription, by their resource id in lower case."""

    def __init__(
        self, store: Store, entra: Entra, graph: Graph, identities: ManagedIdentities
    ) -> None:
        self._store = store
        self._entra = entra
        self._graph = graph
        self._identities = identities

    def get(self, resource_id: str) -> Document | None:
        return self._store.get("workflow", resource_id.casefold())

    def all_in(self, resource_group_id: str) -> list[Document]:
        prefix = f"{resource_group_id}/".casefold()
        return [w for w in self._store.all("workflow") if w["id"].casefold().startswith(prefix)]

    def by_endpoint(self, endpoint_id: str) -> Document:
        for workflow in self._store.all("workflow"):
            if workflow["endpointId"] == endpoint_id:
                return workflow
        raise CloudError(
            404, "WorkflowNotFound", f"The workflow '{endpoint_id}' could not be found."
        )

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
        scope = scope_of(name, trigger, body, authorization)
        return None if scope is None else self._fire(workflow, scope)

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
        run = Run(self._store, self._entra, self._graph, self._identities, workflow, scope)
        return run.fire()

    def runs(self, workflow: Document) -> list[Document]:
        """The workflow's runs, newest first."""
        own = workflow["id"].casefold()
        return [run for run in reversed(self._store.all("run")) if run["workflowId"] == own]
