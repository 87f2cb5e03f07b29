"""What Azure Resource Manager answers, one method a route: reads the request, asks the models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.tenant.answers import Response
from simulator.tenant.arm import exceptions
from simulator.tenant.arm.authorization import permissions
from simulator.tenant.arm.models import LOCATIONS, NAMESPACES, Subscription
from simulator.tenant.arm.monitoring import ACTION_GROUP, DIAGNOSTIC_SETTING
from simulator.tenant.identifiers import SUBSCRIPTION_ID, TENANT_ID
from simulator.tenant.logic_apps import started
from simulator.tenant.paths import Request
from simulator.tenant.store import Document


@dataclass(frozen=True)
class Asked:
    """A request that nothing stands in the way of.

    Attributes:
        type: The resource type that it is about.
        names: What its path has in the places of the names in braces of its route.
        within: The workflow or resource group that its path goes on below; empty without one.
    """

    request: Request
    body: Any
    type: str
    names: Mapping[str, str]
    within: Document

    @property
    def name(self) -> str:
        return self.request.segments[-1]

    @property
    def resource_id(self) -> str:
        return f"{self.within['id']}/providers/{self.type}/{self.name}"


@dataclass(frozen=True)
class Responses:
    """The answers of a subscription. They are given inside a call of ARM."""

    subscription: Subscription

    def refuse(self, asked: Asked) -> Response:
        raise exceptions.not_answered(asked.request)

    # The subscription

    def list_subscriptions(self, _: Asked) -> Response:
        subscription = {
            "id": f"/subscriptions/{SUBSCRIPTION_ID}",
            "subscriptionId": SUBSCRIPTION_ID,
            "tenantId": TENANT_ID,
            "displayName": "Contoso",
            "state": "Enabled",
            "authorizationSource": "RoleBased",
        }
        return _list([subscription])

    def provider(self, asked: Asked) -> Response:
        known = {each.casefold(): each for each in NAMESPACES}
        name = known.get(asked.name.casefold())
        if name is None:
            raise exceptions.not_answered(asked.request)
        registered = self.subscription.is_registered(name)
        return Response(
            200,
            {
                "id": f"/subscriptions/{SUBSCRIPTION_ID}/providers/{name}",
                "namespace": name,
                "registrationState": "Registered" if registered else "NotRegistered",
                "registrationPolicy": "RegistrationRequired",
            },
        )

    def list_permissions(self, _: Asked) -> Response:
        return _list(permissions(self.subscription.store))

    # Resource groups

    def list_groups(self, _: Asked) -> Response:
        return _list(self.subscription.groups())

    def group(self, asked: Asked) -> Response:
        return Response(200, self.subscription.existing_group(asked.name))

    def has_group(self, asked: Asked) -> Response:
        return Response(204 if self.subscription.group(asked.name) else 404)

    def put_group(self, asked: Asked) -> Response:
        if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", asked.name):
            raise exceptions.invalid_group_name(asked.name)
        resource = _object(asked.body, "ResourceGroupDefinition")
        location = _location(resource, "resource group")
        group, is_new = self.subscription.save_group(asked.name, location, resource.get("tags"))
        return Response(201 if is_new else 200, group)

    def delete_group(self, asked: Asked) -> Response:
        self.subscription.delete_group(self.subscription.existing_group(asked.name))
        # The service answers 202 and takes its time; the wait is not simulated.
        return Response(200)

    def list_resources(self, asked: Asked) -> Response:
        return _list(self.subscription.resources_in(asked.within))

    # Resources of all types

    def list_in_group_or_all(self, asked: Asked) -> Response:
        service = self.subscription.service_of(asked.type)
        groups = [asked.within] if asked.within else self.subscription.groups()
        found = [each for group in groups for each in service.all_in(group["id"])]
        return _list([service.resource(each) for each in found])

    def resource(self, asked: Asked) -> Response:
        service = self.subscription.service_of(asked.type)
        found = service.get(asked.resource_id)
        if found is None:
            raise exceptions.resource_not_found(asked.type, asked.name, asked.names["group"])
        return Response(200, service.resource(found))

    def delete(self, asked: Asked) -> Response:
        service = self.subscription.service_of(asked.type)
        found = service.get(asked.resource_id)
        if found is None:
            return Response(204)
        service.delete(found)
        return Response(200)

    # What is particular to one

    def put_identity(self, asked: Asked) -> Response:
        name = asked.resource_id.rpartition("/")[2]
        # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", name):
            raise exceptions.invalid_identity_name(name)
        resource = _object(asked.body, "Identity")
        location = _location(resource, "resource type")
        existing = self.subscription.identities.get(asked.resource_id)
        if existing and existing["location"] != location:
            place = f"location '{existing['location']}'"
            raise exceptions.invalid_location(name, place, location)
        tags = self.subscription.tags(name, resource.get("tags"))
        identity = self.subscription.identities.save(asked.resource_id, location, tags)
        return Response(200 if existing else 201, self.subscription.identities.resource(identity))

    def put_monitor(self, asked: Asked) -> Response:
        kind, body = asked.type, asked.body
        # In the spelling of the request, from the provider on.
        resource_id = f"{asked.within['id']}/{'/'.join(asked.request.segments[-4:])}"
        existing = self.subscription.monitoring.get(resource_id)
        if not isinstance(body, dict):
            raise exceptions.bad_request("The request body is missing or invalid.")
        tagged = kind != DIAGNOSTIC_SETTING
        tags = self.subscription.tags(asked.name, body.get("tags")) if tagged else {}
        saved = self.subscription.monitoring.save(kind, resource_id, body, tags)
        return Response(201 if existing is None and kind == ACTION_GROUP else 200, saved)

    def workflow(self, asked: Asked) -> Response:
        workflow = self.subscription.existing_workflow(asked.resource_id)
        return Response(200, self.subscription.logic.resource(workflow))

    def has_workflow(self, asked: Asked) -> Response:
        return Response(204 if self.subscription.logic.get(asked.resource_id) else 404)

    def put_workflow(self, asked: Asked) -> Response:
        name, body = asked.resource_id.rpartition("/")[2], asked.body
        if not re.fullmatch(r"[A-Za-z0-9._()-]{1,80}", name):
            raise exceptions.invalid_workflow_name(name)
        if not isinstance(body, dict):
            raise exceptions.invalid_content("no JSON object.")
        location = _location(body, "resource type")
        existing = self.subscription.logic.get(asked.resource_id)
        if existing and existing["location"] != location:
            place = f"location '{existing['location']}' in resource group '{asked.within['name']}'"
            raise exceptions.invalid_location(name, place, location)
        body = body | {"tags": self.subscription.tags(name, body.get("tags"))}
        resource_id = existing["id"] if existing else asked.resource_id
        workflow = self.subscription.logic.save(resource_id, location, body)
        return Response(200 if existing else 201, self.subscription.logic.resource(workflow))

    def set_state(self, asked: Asked) -> Response:
        states = {"enable": "Enabled", "disable": "Disabled"}
        self.subscription.logic.set_state(asked.within, states[asked.name])
        return Response(200)

    def run_trigger(self, asked: Asked) -> Response:
        return started(self.subscription.logic.run_trigger(asked.within, asked.names["trigger"]))

    def callback_url(self, asked: Asked) -> Response:
        url = self.subscription.logic.callback_url(asked.within, asked.names["trigger"])
        return Response(200, {"value": url, "method": "POST", "basePath": url.split("?")[0]})

    def list_runs(self, asked: Asked) -> Response:
        runs = _selected_runs(self.subscription.logic.runs(asked.within), asked.request.query)
        return _list([self.subscription.logic.run_resource(asked.within, run) for run in runs])

    def run(self, asked: Asked) -> Response:
        return Response(200, self.subscription.logic.run_resource(asked.within, self._run(asked)))

    def list_actions(self, asked: Asked) -> Response:
        return _list(self.subscription.logic.action_resources(asked.within, self._run(asked)))

    def action(self, asked: Asked) -> Response:
        workflow, run = asked.within, self._run(asked)
        for action in self.subscription.logic.action_resources(workflow, run):
            if action["name"] == asked.name:
                return Response(200, action)
        raise exceptions.action_not_found(workflow["name"], run["id"], asked.name)

    def _run(self, asked: Asked) -> Document:
        workflow, run_id = asked.within, asked.names["run"]
        for run in self.subscription.logic.runs(workflow):
            if run["id"] == run_id:
                return run
        raise exceptions.run_not_found(workflow["name"], run_id)


def _list(resources: list[Document]) -> Response:
    return Response(200, {"value": resources})


def _object(body: Any, kind: str) -> Document:
    members = {"location", "tags", "properties", "id", "name", "type"}
    unknown = sorted(body.keys() - members) if isinstance(body, dict) else ["the body"]
    if unknown:
        raise exceptions.unknown_member(unknown[0], kind)
    resource: Document = body
    return resource


def _location(resource: Document, what: str) -> str:
    given = resource.get("location")
    if not given:
        raise exceptions.location_required()
    location = str(given).replace(" ", "").casefold()
    if location not in LOCATIONS:
        raise exceptions.location_not_available(given, what, *LOCATIONS)
    return location


_STATUS_FILTER = re.compile(r"\s*status\s+eq\s+'(?P<status>\w+)'\s*", re.IGNORECASE)


def _selected_runs(runs: list[Document], query: Mapping[str, str]) -> list[Document]:
    """The runs that ``$filter`` and ``$top`` leave, of those that are newest first."""
    if "$filter" in query:
        match = _STATUS_FILTER.fullmatch(query["$filter"])
        if match is None:
            what = f"filters runs by status eq '…' only: {query['$filter']}"
            raise exceptions.not_simulated(what)
        runs = [run for run in runs if run["status"] == match["status"]]
    if "$top" not in query:
        return runs
    if not re.fullmatch(r"[1-9][0-9]{0,3}", query["$top"]):
        raise exceptions.invalid_top(query["$top"])
    if int(query["$top"]) < len(runs):
        raise exceptions.not_simulated("has no pages: a larger $top.")
    return runs
