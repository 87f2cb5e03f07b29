"""The routes of Azure Resource Manager: which response answers which request.

Paths are spelled as in Azure's reference; a name in braces stands for one part.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.tenant.answers import Response
from simulator.tenant.arm.models import IDENTITY, WORKFLOW
from simulator.tenant.arm.monitoring import ACTION_GROUP, DIAGNOSTIC_SETTING, METRIC_ALERT
from simulator.tenant.arm.responses import Asked, Responses
from simulator.tenant.paths import Request


@dataclass(frozen=True)
class ResourceType:
    """A resource type with the api-versions that it is asked for in."""

    name: str
    versions: tuple[str, ...]


SUBSCRIPTIONS = ResourceType("Microsoft.Resources/subscriptions", ("2020-01-01", "2022-12-01"))
PROVIDERS = ResourceType("Microsoft.Resources/providers", ("2021-04-01", "2022-09-01"))
PERMISSIONS = ResourceType("Microsoft.Authorization/permissions", ("2018-07-01", "2022-04-01"))
RESOURCE_GROUPS = ResourceType(
    "Microsoft.Resources/resourceGroups",
    (
        "2019-10-01",
        "2020-06-01",
        "2021-04-01",
        "2022-09-01",
        "2023-07-01",
        "2024-03-01",
        "2024-07-01",
        "2024-11-01",
        "2025-04-01",
    ),
)
IDENTITIES = ResourceType(IDENTITY, ("2018-11-30", "2023-01-31", "2024-11-30"))
# The service still answers older ones. They take other definitions, which nothing here checks.
WORKFLOWS = ResourceType(WORKFLOW, ("2019-05-01",))
ACTION_GROUPS = ResourceType(
    ACTION_GROUP, ("2018-03-01", "2021-09-01", "2023-01-01", "2024-10-01-preview")
)
METRIC_ALERTS = ResourceType(METRIC_ALERT, ("2018-03-01",))
DIAGNOSTIC_SETTINGS = ResourceType(DIAGNOSTIC_SETTING, ("2021-05-01-preview",))

ANY = "any method"


@dataclass(frozen=True)
class Route:
    """One way to an answer.

    Attributes:
        method: The HTTP method, or :data:`ANY`, which also takes every path further below.
        type: What is asked for there, whatever the method.
        options: Query options beside ``api-version`` that are followed.
    """

    method: str
    path: str
    type: ResourceType
    answer: Callable[[Responses, Asked], Response]
    options: tuple[str, ...] = ()

    @property
    def is_to_insights(self) -> bool:
        """Whether it leads to a service that is asked only where there is something to watch."""
        return self.type.name.startswith("microsoft.insights/")

    def names(self, request: Request) -> dict[str, str] | None:
        """What a request has for the names in braces; nothing if its path, in any case, differs."""
        if self.method == ANY:
            request = replace(request, segments=request.segments[: self.path.count("/")])
        return request.names(self.path, any_case=True)

    def takes(self, request: Request) -> bool:
        """Whether a request of this path is answered so: not what a workflow does, misspelt."""
        below = self.path[1:].split("/")[8:] if self.type is WORKFLOWS else []
        return self.method in (request.method, ANY) and all(
            part.startswith("{") or part == segment
            for part, segment in zip(below, request.segments[8:], strict=False)
        )


_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_PERMISSIONS = "/providers/Microsoft.Authorization/permissions"
_IDENTITIES = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_IDENTITY = _GROUP + _IDENTITIES + "/{identity}"
_WORKFLOWS = "/providers/Microsoft.Logic/workflows"
_WORKFLOW = _GROUP + _WORKFLOWS + "/{workflow}"
_TRIGGER = _WORKFLOW + "/triggers/{trigger}"
_ACTION_GROUP = _GROUP + "/providers/Microsoft.Insights/actionGroups/{name}"
_ALERT = _GROUP + "/providers/Microsoft.Insights/metricAlerts/{name}"
_SETTING = _WORKFLOW + "/providers/Microsoft.Insights/diagnosticSettings/{name}"

ROUTES = (
    Route("GET", "/subscriptions", SUBSCRIPTIONS, Responses.list_subscriptions),
    Route("GET", _SUBSCRIPTION + "/providers/{namespace}", PROVIDERS, Responses.provider),
    Route("GET", _SUBSCRIPTION + _PERMISSIONS, PERMISSIONS, Responses.list_permissions),
    Route("GET", _GROUP + _PERMISSIONS, PERMISSIONS, Responses.list_permissions),
    Route("GET", _SUBSCRIPTION + "/resourceGroups", RESOURCE_GROUPS, Responses.list_groups),
    Route("GET", _GROUP, RESOURCE_GROUPS, Responses.group),
    Route("HEAD", _GROUP, RESOURCE_GROUPS, Responses.has_group),
    Route("PUT", _GROUP, RESOURCE_GROUPS, Responses.put_group),
    Route("DELETE", _GROUP, RESOURCE_GROUPS, Responses.delete_group),
    Route("GET", _GROUP + "/resources", RESOURCE_GROUPS, Responses.list_resources),
    Route("GET", _SUBSCRIPTION + _IDENTITIES, IDENTITIES, Responses.list_in_group_or_all),
    Route("GET", _GROUP + _IDENTITIES, IDENTITIES, Responses.list_in_group_or_all),
    Route("GET", _IDENTITY, IDENTITIES, Responses.resource),
    Route("PUT", _IDENTITY, IDENTITIES, Responses.put_identity),
    Route("DELETE", _IDENTITY, IDENTITIES, Responses.delete),
    Route("GET", _ACTION_GROUP, ACTION_GROUPS, Responses.resource),
    Route("PUT", _ACTION_GROUP, ACTION_GROUPS, Responses.put_monitor),
    Route("DELETE", _ACTION_GROUP, ACTION_GROUPS, Responses.delete),
    Route("GET", _ALERT, METRIC_ALERTS, Responses.resource),
    Route("PUT", _ALERT, METRIC_ALERTS, Responses.put_monitor),
    Route("DELETE", _ALERT, METRIC_ALERTS, Responses.delete),
    Route("GET", _SETTING, DIAGNOSTIC_SETTINGS, Responses.resource),
    Route("PUT", _SETTING, DIAGNOSTIC_SETTINGS, Responses.put_monitor),
    Route("DELETE", _SETTING, DIAGNOSTIC_SETTINGS, Responses.delete),
    Route("GET", _SUBSCRIPTION + _WORKFLOWS, WORKFLOWS, Responses.list_in_group_or_all),
    Route("GET", _GROUP + _WORKFLOWS, WORKFLOWS, Responses.list_in_group_or_all),
    Route("GET", _WORKFLOW, WORKFLOWS, Responses.workflow),
    Route("HEAD", _WORKFLOW, WORKFLOWS, Responses.has_workflow),
    Route("PUT", _WORKFLOW, WORKFLOWS, Responses.put_workflow),
    Route("DELETE", _WORKFLOW, WORKFLOWS, Responses.delete),
    Route("POST", _WORKFLOW + "/enable", WORKFLOWS, Responses.set_state),
    Route("POST", _WORKFLOW + "/disable", WORKFLOWS, Responses.set_state),
    Route("POST", _TRIGGER + "/run", WORKFLOWS, Responses.run_trigger),
    Route("POST", _TRIGGER + "/listCallbackUrl", WORKFLOWS, Responses.callback_url),
    Route("GET", _WORKFLOW + "/runs", WORKFLOWS, Responses.list_runs, ("$filter", "$top")),
    Route("GET", _WORKFLOW + "/runs/{run}", WORKFLOWS, Responses.run),
    Route("GET", _WORKFLOW + "/runs/{run}/actions", WORKFLOWS, Responses.list_actions),
    Route("GET", _WORKFLOW + "/runs/{run}/actions/{action}", WORKFLOWS, Responses.action),
    # For anything else a workflow has to be there before it is said to be not simulated.
    Route(ANY, _WORKFLOW + "/{below}", WORKFLOWS, Responses.refuse),
)
