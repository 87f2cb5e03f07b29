"""Azure Resource Manager: resource groups, identities, workflows, and what watches them."""

import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from simulator.tenant.answers import CloudError, Response
from simulator.tenant.entra import Entra
from simulator.tenant.identifiers import (
    ARM_AUDIENCE,
    DEPLOYMENT_CLIENT_ID,
    SUBSCRIPTION_ID,
    TENANT_ID,
)
from simulator.tenant.logic_apps import LogicApps, started
from simulator.tenant.managed_identities import ManagedIdentities
from simulator.tenant.monitoring import (
    ACTION_GROUP,
    DIAGNOSTIC_SETTING,
    METRIC_ALERT,
    MONITOR_VERSIONS,
    Monitoring,
)
from simulator.tenant.paths import Request, check_headers
from simulator.tenant.store import Document, Store
from simulator.tenant.tags import NO_TAG_POLICIES, checked_tags, disallowed

RESOURCE_GROUP_VERSIONS = (
    "2019-10-01",
    "2020-06-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
)
# The service still answers older ones. They take other definitions, which nothing here checks.
WORKFLOW_VERSIONS = ("2019-05-01",)
SUBSCRIPTION_VERSIONS = ("2020-01-01", "2022-12-01")
PROVIDER_VERSIONS = ("2021-04-01", "2022-09-01")
PROVIDERS = ("Microsoft.Insights", "Microsoft.Logic", "Microsoft.ManagedIdentity")
PERMISSION_VERSIONS = ("2018-07-01", "2022-04-01")
IDENTITY_VERSIONS = ("2018-11-30", "2023-01-31", "2024-11-30")
LOCATIONS = (
    "australiaeast",
    "brazilsouth",
    "canadacentral",
    "centralus",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "japaneast",
    "northeurope",
    "norwayeast",
    "southeastasia",
    "swedencentral",
    "switzerlandnorth",
    "uksouth",
    "westeurope",
    "westus2",
    "westus3",
)
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
CONTRIBUTOR: Document = {
    "actions": ["*"],
    "notActions": [
        "Microsoft.Authorization/*/Delete",
        "Microsoft.Authorization/*/Write",
        "Microsoft.Authorization/elevateAccess/Action",
        "Microsoft.Blueprint/blueprintAssignments/write",
        "Microsoft.Blueprint/blueprintAssignments/delete",
        "Microsoft.Compute/galleries/share/action",
        "Microsoft.Purview/consents/write",
        "Microsoft.Purview/consents/delete",
    ],
}
_OF_MOST_ROLES = [
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
]
ROLES_ON_A_GROUP: dict[str, list[str]] = {
    "Logic App Contributor": ["Microsoft.Logic/*", *_OF_MOST_ROLES],
    "Managed Identity Contributor": [
        *(
            f"Microsoft.ManagedIdentity/userAssignedIdentities/{verb}"
            for verb in ("read", "write", "delete")
        ),
        *_OF_MOST_ROLES,
    ],
    "Managed Identity Operator": [
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
        *_OF_MOST_ROLES,
    ],
    "Monitoring Contributor": [
        "*/read",
        "Microsoft.Insights/ActionGroups/*",
        "Microsoft.Insights/DiagnosticSettings/*",
        "Microsoft.Insights/MetricAlerts/*",
        "Microsoft.Support/*",
    ],
}
"""The roles that documents name, each with what it allows of what is simulated."""
GROUPS_PATH = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups"


class Arm:
    """https://management.azure.com, for one subscription."""

    def __init__(
        self,
        store: Store,
        entra: Entra,
        logic: LogicApps,
        identities: ManagedIdentities,
        monitoring: Monitoring,
    ) -> None:
        self._store = store
        self._entra = entra
        self._logic = logic
        self._identities = identities
        self._monitoring = monitoring

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Answers one request.

        Args:
            method: The HTTP method.
            path: From ``/subscriptions/`` on, with ``?api-version=``.
            body: The JSON value of the body, ``None`` for none.
            token: What the Authorization header bears; ``None`` stands for a caller who is signed
                in to Azure with rights on the subscription. Azure's role assignments are not
                simulated, so that any valid token may do everything.
            headers: The other headers, where the request has any; a body then needs
                ``Content-Type: application/json``.
        """
        request = Request.parse(method, path)
        given = {name.casefold(): value for name, value in (headers or {}).items()}

        def effect() -> Response:
            if token is not None:
                self._authenticate(token)
            check_headers(given)
            if headers is not None and body is not None:
                _check_content_type(given.get("content-type", ""))
            return self._route(request, body)

        try:
            return self._store.call("ARM", request.method, path, effect)
        except CloudError as error:
            return error.response()

    def _authenticate(self, token: str) -> None:
        try:
            self._entra.validate(token, ARM_AUDIENCE)
        except CloudError as error:
            raise CloudError(401, "InvalidAuthenticationToken", error.message) from None

    def _authorize(self, request: Request) -> None:
        """Refuses what roles on one resource group do not allow, where the caller has no others."""
        group = self._store.setting("only resource group", None)
        # Everybody may list the subscriptions in which they have a role.
        if group is None or len(request.segments) == 1:
            return
        scope, own = _path(request).casefold(), f"{GROUPS_PATH}/{group}".casefold()
        is_in_it = scope.startswith(f"{own}/") and self._is_allowed(request)
        if is_in_it or (scope == own and request.method == "GET"):
            return
        raise CloudError(
            403,
            "AuthorizationFailed",
            f"The client '{DEPLOYMENT_CLIENT_ID}' with object id '{DEPLOYMENT_CLIENT_ID}' does not "
            f"have authorization to perform this action over scope '{_path(request)}' or the scope "
            "is invalid. If access was recently granted, please refresh your credentials.",
        )

    def _is_allowed(self, request: Request) -> bool:
        """Whether the roles on the one resource group allow what is asked of a resource in it."""
        wanted = _operation(request).casefold()
        return any(
            fnmatchcase(wanted, action.casefold())
            for granted in self._permissions()
            for action in granted["actions"]
        )

    def _permissions(self) -> list[Document]:
        """What the caller may do in the resource group, a role an entry."""
        if self._store.setting("only resource group", None) is None:
            return [CONTRIBUTOR]
        roles = self._store.setting("roles on resource group", list(ROLES_ON_A_GROUP))
        return [{"actions": ROLES_ON_A_GROUP[role], "notActions": []} for role in roles]

    def _check_locks(self, request: Request) -> None:
        """Refuses what a lock of the scope, or of one above it, forbids.

        https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources. Which
        requests a ReadOnly lock lets pass besides GET differs by resource: here none.
        """
        scope = _path(request)
        for locked, level in self._store.setting("locks", {}).items():
            if not f"{scope}/".casefold().startswith(f"{locked}/".casefold()):
                continue
            if request.method == "DELETE" or (level == "ReadOnly" and request.method != "GET"):
                operation = "delete" if request.method == "DELETE" else "write"
                raise CloudError(
                    409,
                    "ScopeLocked",
                    f"The scope '{scope}' cannot perform {operation} operation because following "
                    f"scope(s) are locked: '{locked}'. Please remove the lock and try again.",
                )

    def _route(self, request: Request, body: Any) -> Response:
        folded = tuple(segment.casefold() for segment in request.segments)
        if folded[:1] == ("subscriptions",) and folded[1:2] not in ((), (SUBSCRIPTION_ID,)):
            raise CloudError(
                404,
                "SubscriptionNotFound",
                f"The subscription '{request.segments[1]}' could not be found.",
            )
        self._authorize(request)
        self._check_locks(request)
        self._check_registration(request)
        match folded:
            case ("subscriptions",):
                self._check(request, "subscriptions", SUBSCRIPTION_VERSIONS)
                return self._list(request, [_subscription()])
            case "subscriptions", _, "providers", namespace:
                self._check(request, "providers", PROVIDER_VERSIONS)
                return self._provider(request, namespace)
            case (
                "subscriptions",
                _,
                *scope,
                "providers",
                "microsoft.authorization",
                "permissions",
            ) if len(scope) in (0, 2):
                self._check(request, "permissions", PERMISSION_VERSIONS)
                self._scopes(request)
                return self._list(request, self._permissions())
            case "subscriptions", _, "resourcegroups":
                self._check(request, "resourceGroups", RESOURCE_GROUP_VERSIONS)
                return self._list(request, self._store.all("resourceGroup"))
            case "subscriptions", _, "resourcegroups", _:
                self._check(request, "resourceGroups", RESOURCE_GROUP_VERSIONS)
                return self._resource_group(request, body)
            case "subscriptions", _, "resourcegroups", _, "resources":
                self._check(request, "resourceGroups", RESOURCE_GROUP_VERSIONS)
                group = self._existing_group(request.segments[3])
                return self._list(request, self._resources_in(group))
            case (
                "subscriptions",
                _,
                *scope,
                "providers",
                "microsoft.managedidentity",
                "userassignedidentities",
            ) if len(scope) in (0, 2):
                self._check(request, "userAssignedIdentities", IDENTITY_VERSIONS)
                return self._list(
                    request,
                    [
                        self._identities.resource(identity)
                        for scope_id in self._scopes(request)
                        for identity in self._identities.all_in(scope_id)
                    ],
                )
            case (
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.managedidentity",
                "userassignedidentities",
                _,
            ):
                self._check(request, "userAssignedIdentities", IDENTITY_VERSIONS)
                return self._managed_identity(request, body)
            case (
                "subscriptions",
                _,
                *scope,
                "providers",
                "microsoft.logic",
                "workflows",
            ) if len(scope) in (0, 2):
                self._check(request, "workflows", WORKFLOW_VERSIONS)
                return self._list(
                    request,
                    [
                        self._logic.resource(workflow)
                        for scope_id in self._scopes(request)
                        for workflow in self._logic.all_in(scope_id)
                    ],
                )
            case (
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.insights",
                "actiongroups" | "metricalerts" as collection,
                _,
            ):
                group = self._existing_group(request.segments[3])
                kind = ACTION_GROUP if collection == "actiongroups" else METRIC_ALERT
                return self._monitor(
                    request,
                    kind,
                    f"{group['id']}/providers/{'/'.join(request.segments[5:])}",
                    body,
                )
            case (
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.logic",
                "workflows",
                _,
                "providers",
                "microsoft.insights",
                "diagnosticsettings",
                _,
            ):
                workflow = self._existing_workflow("/" + "/".join(request.segments[:8]))
                return self._monitor(
                    request,
                    DIAGNOSTIC_SETTING,
                    f"{workflow['id']}/{'/'.join(request.segments[8:])}",
                    body,
                )
            case (
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.logic",
                "workflows",
                _,
                *below,
            ):
                known = ("$filter", "$top") if below == ["runs"] else ()
                self._check(request, "workflows", WORKFLOW_VERSIONS, known)
                group = self._existing_group(request.segments[3])
                resource_id = (
                    f"{group['id']}/providers/Microsoft.Logic/workflows/{request.segments[7]}"
                )
                if below:
                    return self._of_workflow(request, resource_id)
                return self._workflow(request, group, resource_id, body)
        # Much else exists there; a 404 would say of it that there is none.
        raise _not_simulated(request)

    def _check(
        self,
        request: Request,
        resource_type: str,
        versions: tuple[str, ...],
        known: Collection[str] = (),
    ) -> None:
        _check_version(request, resource_type, versions)
        request.check_options(("api-version", *known))

    def _list(self, request: Request, resources: list[Document]) -> Response:
        if request.method != "GET":
            raise _not_simulated(request)
        return Response(200, {"value": resources})

    def _scopes(self, request: Request) -> list[str]:
        """Ids of the resource groups that a list is about: the one that is named, or all."""
        if request.segments[2].casefold() == "resourcegroups":
            return [self._existing_group(request.segments[3])["id"]]
        return [group["id"] for group in self._store.all("resourceGroup")]

    # Resource providers

    def _provider(self, request: Request, namespace: str) -> Response:
        known = {each.casefold(): each for each in PROVIDERS}
        if request.method != "GET" or namespace not in known:
            raise _not_simulated(request)
        state = "NotRegistered" if self._is_unregistered(namespace) else "Registered"
        name = known[namespace]
        return Response(
            200,
            {
                "id": f"/subscriptions/{SUBSCRIPTION_ID}/providers/{name}",
                "namespace": name,
                "registrationState": state,
                "registrationPolicy": "RegistrationRequired",
            },
        )

    def _is_unregistered(self, namespace: str) -> bool:
        unregistered = self._store.setting("unregistered providers", [])
        return namespace.casefold() in {each.casefold() for each in unregistered}

    def _check_registration(self, request: Request) -> None:
        """Refuses to make what is of a provider that the subscription was never registered for.

        https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
        """
        if request.method != "PUT" or "providers" not in request.segments:
            return
        namespace = request.segments[request.segments.index("providers") + 1]
        if self._is_unregistered(namespace):
            raise CloudError(
                409,
                "MissingSubscriptionRegistration",
                f"The subscription is not registered to use namespace '{namespace}'. See "
                "https://aka.ms/rps-not-found for how to register subscriptions.",
            )

    # Resource groups

    def _group(self, name: str) -> Document | None:
        return self._store.get("resourceGroup", name.casefold())

    def _existing_group(self, name: str) -> Document:
        group = self._group(name)
        if group is None:
            raise CloudError(
                404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found."
            )
        return group

    def _resource_group(self, request: Request, body: Any) -> Response:
        name = request.segments[3]
        match request.method:
            case "GET":
                return Response(200, self._existing_group(name))
            case "HEAD":
                return Response(204 if self._group(name) else 404)
            case "PUT":
                return self._put_resource_group(name, body)
            case "DELETE":
                group = self._existing_group(name)
                for workflow in self._logic.all_in(group["id"]):
                    self._logic.delete(workflow)
                for identity in self._identities.all_in(group["id"]):
                    self._identities.delete(identity)
                for resource in self._monitoring.all_below(group["id"]):
                    self._monitoring.delete(resource)
                self._store.delete("resourceGroup", name.casefold())
                # The service answers 202 and takes its time; the wait is not simulated.
                return Response(200)
        raise _not_simulated(request)

    def _put_resource_group(self, name: str, body: Any) -> Response:
        if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", name):
            raise CloudError(
                400,
                "InvalidResourceGroup",
                f"The provided resource group name '{name}' has these invalid characters or is "
                "too long: 1 to 90 letters, digits, '_', '-', '.', '(' and ')', not ending with "
                "'.'.",
            )
        resource = _object(
            body,
            ("location", "tags", "properties", "id", "name", "type"),
            "ResourceGroupDefinition",
        )
        location = _location(resource, "resource group")
        existing = self._group(name)
        if existing and existing["location"] != location:
            raise CloudError(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already "
                f"exists in location '{existing['location']}'.",
            )
        group: Document = existing or {
            "id": f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "properties": {"provisioningState": "Succeeded"},
        }
        group["tags"] = self._tags(name, resource)
        self._store.put("resourceGroup", name.casefold(), group)
        return Response(200 if existing else 201, group)

    def _resources_in(self, group: Document) -> list[Document]:
        resources = [self._logic.resource(w) for w in self._logic.all_in(group["id"])]
        resources += [self._identities.resource(i) for i in self._identities.all_in(group["id"])]
        # What has no location is a setting of another resource.
        resources += [r for r in self._monitoring.all_below(group["id"]) if "location" in r]
        return [
            {name: resource[name] for name in ("id", "name", "type", "location")}
            for resource in resources
        ]

    def _tags(self, name: str, resource: Document) -> Document:
        """The tags of what a PUT writes, after the policies of the subscription."""
        tags: Document = dict(checked_tags(resource.get("tags") or {}))
        policies = self._store.setting("tag policies", NO_TAG_POLICIES)
        # Azure Policy changes a request before it judges it.
        for tag, value in policies["add"].items():
            if tag.casefold() not in {given.casefold() for given in tags}:
                tags[tag] = value
        for tag in policies["require"]:
            if tag.casefold() not in {given.casefold() for given in tags}:
                raise CloudError(403, "RequestDisallowedByPolicy", disallowed(name, tag))
        return tags

    # What watches workflows

    def _monitor(self, request: Request, kind: str, resource_id: str, body: Any) -> Response:
        self._check(request, kind.rpartition("/")[2], MONITOR_VERSIONS[kind])
        existing, name = self._monitoring.get(resource_id), request.segments[-1]
        match request.method:
            case "PUT":
                if not isinstance(body, dict):
                    raise CloudError(400, "BadRequest", "The request body is missing or invalid.")
                tags = {} if kind == DIAGNOSTIC_SETTING else self._tags(name, body)
                saved = self._monitoring.save(kind, resource_id, body, tags)
                created = existing is None and kind == ACTION_GROUP
                return Response(201 if created else 200, saved)
            case "GET" if existing is not None:
                return Response(200, existing)
            case "GET":
                raise CloudError(
                    404,
                    "ResourceNotFound",
                    f"The Resource '{kind}/{name}' under resource group '{request.segments[3]}' "
                    "was not found. For more details please go to "
                    "https://aka.ms/ARMResourceNotFoundFix",
                )
            case "DELETE":
                if existing is None:
                    return Response(204)
                self._monitoring.delete(existing)
                return Response(200)
        raise _not_simulated(request)

    # User-assigned identities

    def _managed_identity(self, request: Request, body: Any) -> Response:
        group_name, name = request.segments[3], request.segments[7]
        group = self._existing_group(group_name)
        resource_id = (
            f"{group['id']}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        )
        identity = self._identities.get(resource_id)
        if request.method == "PUT":
            return self._put_managed_identity(resource_id, identity, body)
        if request.method not in {"GET", "DELETE"}:
            raise _not_simulated(request)
        if identity is None and request.method == "DELETE":
            return Response(204)
        if identity is None:
            raise CloudError(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/{name}' under "
                f"resource group '{group_name}' was not found. For more details please go to "
                "https://aka.ms/ARMResourceNotFoundFix",
            )
        if request.method == "GET":
            return Response(200, self._identities.resource(identity))
        self._identities.delete(identity)
        return Response(200)

    def _put_managed_identity(
        self, resource_id: str, existing: Document | None, body: Any
    ) -> Response:
        name = resource_id.rsplit("/", 1)[1]
        # Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", name):
            raise CloudError(
                400,
                "BadRequest",
                f"The resource name '{name}' is invalid: 3 to 128 letters, digits, '-' and '_', "
                "beginning with a letter or digit.",
            )
        resource = _object(
            body, ("location", "tags", "properties", "id", "name", "type"), "Identity"
        )
        location = _location(resource, "resource type")
        if existing and existing["location"] != location:
            raise CloudError(
                409,
                "InvalidResourceLocation",
                f"The resource '{name}' already exists in location '{existing['location']}'. A "
                f"resource with the same name cannot be created in location '{location}'. Please "
                "select a new resource name.",
            )
        identity = self._identities.save(resource_id, location, self._tags(name, resource))
        return Response(200 if existing else 201, self._identities.resource(identity))

    # Workflows

    def _existing_workflow(self, resource_id: str) -> Document:
        workflow = self._logic.get(resource_id)
        if workflow is None:
            group, name = resource_id.split("/")[4], resource_id.rsplit("/", 1)[1]
            raise CloudError(
                404,
                "ResourceNotFound",
                f"The Resource 'Microsoft.Logic/workflows/{name}' under resource group '{group}' "
                "was not found. For more details please go to "
                "https://aka.ms/ARMResourceNotFoundFix",
            )
        return workflow

    def _workflow(self, request: Request, group: Document, resource_id: str, body: Any) -> Response:
        match request.method:
            case "GET":
                return Response(200, self._logic.resource(self._existing_workflow(resource_id)))
            case "HEAD":
                return Response(204 if self._logic.get(resource_id) else 404)
            case "PUT":
                return self._put_workflow(group, resource_id, body)
            case "DELETE":
                workflow = self._logic.get(resource_id)
                if workflow is None:
                    return Response(204)
                self._logic.delete(workflow)
                return Response(200)
        raise _not_simulated(request)

    def _put_workflow(self, group: Document, resource_id: str, body: Any) -> Response:
        name = resource_id.rsplit("/", 1)[1]
        if not re.fullmatch(r"[A-Za-z0-9._()-]{1,80}", name):
            raise CloudError(
                400,
                "InvalidResourceName",
                f"The workflow name '{name}' is invalid: 1 to 80 letters, digits, '.', '_', '(', "
                "')' and '-'.",
            )
        if not isinstance(body, dict):
            raise CloudError(
                400, "InvalidRequestContent", "The request content was invalid: no JSON object."
            )
        location = _location(body, "resource type")
        existing = self._logic.get(resource_id)
        if existing and existing["location"] != location:
            raise CloudError(
                409,
                "InvalidResourceLocation",
                f"The resource '{name}' already exists in location '{existing['location']}' in "
                f"resource group '{group['name']}'. A resource with the same name cannot be "
                f"created in location '{location}'. Please select a new resource name.",
            )
        body = body | {"tags": self._tags(name, body)}
        workflow = self._logic.save(existing["id"] if existing else resource_id, location, body)
        return Response(200 if existing else 201, self._logic.resource(workflow))

    def _of_workflow(self, request: Request, resource_id: str) -> Response:
        workflow = self._existing_workflow(resource_id)
        match request.method, *request.segments[8:]:
            case "POST", "enable":
                self._logic.set_state(workflow, "Enabled")
                return Response(200)
            case "POST", "disable":
                self._logic.set_state(workflow, "Disabled")
                return Response(200)
            case "POST", "triggers", trigger, "run":
                return started(self._logic.run_trigger(workflow, trigger))
            case "POST", "triggers", trigger, "listCallbackUrl":
                url = self._logic.callback_url(workflow, trigger)
                return Response(
                    200, {"value": url, "method": "POST", "basePath": url.split("?")[0]}
                )
            case "GET", "runs":
                runs = _selected_runs(self._logic.runs(workflow), request.query)
                return Response(
                    200, {"value": [self._logic.run_resource(workflow, run) for run in runs]}
                )
            case "GET", "runs", run_id:
                run = self._run(workflow, run_id)
                return Response(200, self._logic.run_resource(workflow, run))
            case "GET", "runs", run_id, "actions":
                run = self._run(workflow, run_id)
                return Response(200, {"value": self._logic.action_resources(workflow, run)})
            case "GET", "runs", run_id, "actions", action:
                run = self._run(workflow, run_id)
                return Response(200, self._action(workflow, run, action))
        raise _not_simulated(request)

    def _action(self, workflow: Document, run: Document, name: str) -> Document:
        for action in self._logic.action_resources(workflow, run):
            if action["name"] == name:
                return action
        raise CloudError(
            404,
            "WorkflowRunActionNotFound",
            f"The workflow '{workflow['name']}' run '{run['id']}' action '{name}' could not be "
            "found.",
        )

    def _run(self, workflow: Document, run_id: str) -> Document:
        for run in self._logic.runs(workflow):
            if run["id"] == run_id:
                return run
        raise CloudError(
            404,
            "WorkflowRunNotFound",
            f"The workflow '{workflow['name']}' run '{run_id}' could not be found.",
        )


def _path(request: Request) -> str:
    return "/" + "/".join(request.segments)


def _operation(request: Request) -> str:
    """The operation that a role has to allow: ``Microsoft.Logic/workflows/write``."""
    if "providers" not in request.segments:
        return "Microsoft.Resources/subscriptions/resourceGroups/read"
    # What is set on a resource has its provider after that of the resource.
    start = len(request.segments) - request.segments[::-1].index("providers")
    provider, *below = request.segments[start:]
    kinds, last = below[::2], ""
    if request.method == "POST":
        *kinds, last = below[::2] if len(below) % 2 else [*below[::2], below[-1]]
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(request.method, "write")
    return "/".join([provider, *kinds, *([last, "action"] if last else [verb])])


def _subscription() -> Document:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION_ID}",
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": TENANT_ID,
        "displayName": "Contoso",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
    }


def _check_version(request: Request, resource_type: str, supported: tuple[str, ...]) -> None:
    version = request.query.get("api-version")
    if not version:
        raise CloudError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if version in supported:
        return
    if resource_type == "resourceGroups":
        raise CloudError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. The supported versions are "
            f"'{','.join(supported)}'.",
        )
    raise CloudError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for API version '{version}' for type "
        f"'{resource_type}'. The supported api-versions are '{', '.join(supported)}'.",
    )


def _object(body: Any, members: tuple[str, ...], kind: str) -> Document:
    unknown = sorted(body.keys() - set(members)) if isinstance(body, dict) else ["the body"]
    if unknown:
        raise CloudError(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Could not find "
            f"member '{unknown[0]}' on object of type '{kind}'.",
        )
    resource: Document = body
    return resource


def _location(resource: Document, what: str) -> str:
    given = resource.get("location")
    if not given:
        raise CloudError(
            400, "LocationRequired", "The location property is required for this definition."
        )
    location = str(given).replace(" ", "").casefold()
    if location not in LOCATIONS:
        code = what.title().replace(" ", "")
        raise CloudError(
            400,
            f"LocationNotAvailableFor{code}",
            f"The provided location '{given}' is not available for {what}. List of available "
            f"regions is '{','.join(LOCATIONS)}'.",
        )
    return location


def _not_simulated(request: Request) -> CloudError:
    return CloudError(
        501,
        "NotSimulated",
        f"The simulated tenant does not answer {request.method} /{'/'.join(request.segments)}.",
    )


def _check_content_type(content_type: str) -> None:
    if content_type.split(";")[0].strip().casefold() != "application/json":
        raise CloudError(
            415,
            "UnsupportedMediaType",
            f"The content media type '{content_type or '<null>'}' is not supported. Only "
            "'application/json' is supported.",
        )


_STATUS_FILTER = re.compile(r"\s*status\s+eq\s+'(?P<status>\w+)'\s*", re.IGNORECASE)


def _selected_runs(runs: list[Document], query: Mapping[str, str]) -> list[Document]:
    """The runs that ``$filter`` and ``$top`` leave, of those that are newest first."""
    if "$filter" in query:
        match = _STATUS_FILTER.fullmatch(query["$filter"])
        if match is None:
            raise CloudError(
                501,
                "NotSimulated",
                "The simulated tenant filters runs by status eq '…' only: " + query["$filter"],
            )
        runs = [run for run in runs if run["status"] == match["status"]]
    if "$top" not in query:
        return runs
    if not re.fullmatch(r"[1-9][0-9]{0,3}", query["$top"]):
        raise CloudError(400, "InvalidTop", f"The value '{query['$top']}' of $top is not valid.")
    if int(query["$top"]) < len(runs):
        raise CloudError(501, "NotSimulated", "The simulated tenant has no pages: a larger $top.")
    return runs
