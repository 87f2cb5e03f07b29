"""Azure Monitor: action groups, rules on metrics of workflows, and where their logs go.

What a rule notifies of is not sent anywhere: :meth:`Monitoring.notifications` tells.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from simulator.tenant.answers import CloudError
from simulator.tenant.arm.exceptions import (
    bad_request,
    location_not_available,
    resource_not_found,
)
from simulator.tenant.logic_apps import LogicApps
from simulator.tenant.store import Document, Store

ACTION_GROUP = "microsoft.insights/actiongroups"
METRIC_ALERT = "microsoft.insights/metricalerts"
DIAGNOSTIC_SETTING = "microsoft.insights/diagnosticsettings"
_SPELLED = {
    ACTION_GROUP: "Microsoft.Insights/ActionGroups",
    METRIC_ALERT: "Microsoft.Insights/metricAlerts",
    DIAGNOSTIC_SETTING: "Microsoft.Insights/diagnosticSettings",
}

# Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-logic-workflows-metrics
# and, for the durations, https://learn.microsoft.com/rest/api/monitor/metric-alerts/create-or-update.
_METRICS = {
    "ActionsFailed": "Total",
    "RunFailurePercentage": "Total",
    "RunsCancelled": "Total",
    "RunsCompleted": "Total",
    "RunsFailed": "Total",
    "RunsStarted": "Total",
    "RunsSucceeded": "Total",
    "TriggersFailed": "Total",
    "TriggersSkipped": "Total",
}
_FREQUENCIES = {"PT1M": 1, "PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60}
_WINDOWS = _FREQUENCIES | {"PT6H": 360, "PT12H": 720, "P1D": 1440}
_LONGEST_SHORT_NAME = 12


@dataclass(frozen=True)
class Notification:
    """What a rule says to somebody of a run.

    Attributes:
        time: When the run ended.
        rule: The name of the rule.
        workflow: The id of the workflow.
        addresses: Who gets it by mail.
    """

    time: datetime
    rule: str
    workflow: str
    addresses: tuple[str, ...]


class Monitoring:
    """The resources of Microsoft.Insights, by their resource id in lower case.

    The methods run inside a call of ARM.
    """

    def __init__(self, store: Store, logic: LogicApps) -> None:
        self._store = store
        self._logic = logic

    def get(self, resource_id: str) -> Document | None:
        return self._store.get("monitor", resource_id.casefold())

    def all_in(self, scope: str) -> list[Document]:
        """What is in a resource group, or on a resource."""
        prefix = f"{scope}/".casefold()
        return [r for r in self._store.all("monitor") if r["id"].casefold().startswith(prefix)]

    def resource(self, resource: Document) -> Document:
        """It is kept as ARM returns it."""
        return resource

    def delete(self, resource: Document) -> None:
        self._store.delete("monitor", resource["id"].casefold())

    def save(self, kind: str, resource_id: str, body: Document, tags: Document) -> Document:
        """Creates a resource, or replaces one.

        Args:
            kind: The resource type in lower case.
            resource_id: Where it is.
            body: What the request has.
            tags: Those that it gets.
        """
        properties = body.get("properties")
        if not isinstance(properties, dict):
            raise bad_request("The request body has no properties.")
        checks = {
            ACTION_GROUP: self._check_action_group,
            METRIC_ALERT: self._check_metric_alert,
            DIAGNOSTIC_SETTING: self._check_diagnostic_setting,
        }
        checks[kind](resource_id, properties)
        resource: Document = {
            "id": resource_id,
            "name": resource_id.rsplit("/", 1)[1],
            "type": _SPELLED[kind],
            "properties": properties,
        }
        if kind != DIAGNOSTIC_SETTING:
            resource |= {"location": _global(body), "tags": tags}
        self._store.put("monitor", resource_id.casefold(), resource)
        return resource

    def _check_action_group(self, _: str, properties: Document) -> None:
        short = properties.get("groupShortName") or ""
        if not short:
            raise bad_request("The action group has no groupShortName.")
        # The words are those of https://github.com/Azure/bellhop/issues/72.
        if len(short) > _LONGEST_SHORT_NAME:
            raise CloudError(
                400,
                "GroupShortNameIsTooLong",
                f"The action group short name '{short}' is too long. Please specify a short name "
                "with '12' or less characters",
            )
        receivers = properties.get("emailReceivers") or []
        names = [receiver.get("name") for receiver in receivers]
        if not all(names) or len({*names}) < len(names):
            raise bad_request(
                "Receiver names of an action group must be given, and be unique within it."
            )
        for receiver in receivers:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", receiver.get("emailAddress") or ""):
                raise bad_request(
                    f"The email address of the receiver '{receiver['name']}' is invalid."
                )

    def _check_metric_alert(self, _: str, properties: Document) -> None:
        for name in ("severity", "enabled", "scopes", "evaluationFrequency", "windowSize"):
            if properties.get(name) is None:
                raise bad_request(f"The alert rule has no {name}.")
        if properties["severity"] not in range(5):
            raise bad_request("The severity of an alert rule is 0 to 4.")
        every, window = properties["evaluationFrequency"], properties["windowSize"]
        if every not in _FREQUENCIES or window not in _WINDOWS:
            raise bad_request(
                f"The durations {every} and {window} are not among the supported ones."
            )
        if _WINDOWS[window] < _FREQUENCIES[every]:
            raise bad_request("The window size is shorter than the evaluation frequency.")
        scopes = properties["scopes"]
        if len(scopes) != 1:
            raise bad_request("A rule on one resource has one scope.")
        if self._logic.get(scopes[0]) is None:
            raise _not_found("Microsoft.Logic/workflows", scopes[0])
        criteria = properties.get("criteria") or {}
        single = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
        if criteria.get("odata.type") != single or not criteria.get("allOf"):
            raise bad_request(f"The criteria of a rule on one resource are of the type {single}.")
        for criterion in criteria["allOf"]:
            metric = criterion.get("metricName")
            if metric not in _METRICS:
                # The words are those of hashicorp/terraform-provider-azurerm#22210.
                raise bad_request(
                    f"Couldn't find a metric named {metric}. Make sure the name is correct."
                )
            if criterion.get("timeAggregation") != _METRICS[metric]:
                raise bad_request(f"The metric {metric} has the aggregation {_METRICS[metric]}.")
        for action in properties.get("actions") or []:
            group = action.get("actionGroupId") or ""
            if self.get(group) is None:
                raise _not_found("Microsoft.Insights/actionGroups", group)

    def _check_diagnostic_setting(self, resource_id: str, properties: Document) -> None:
        workspace = properties.get("workspaceId")
        if not workspace:
            raise bad_request("The diagnostic setting has no destination.")
        if not any(
            workspace.casefold() == known.casefold()
            for known in self._store.setting("workspaces", [])
        ):
            raise _not_found("Microsoft.OperationalInsights/workspaces", workspace)
        # The words are those of hashicorp/terraform-provider-azurerm#2985.
        for log in properties.get("logs") or []:
            if log.get("category") != "WorkflowRuntime":
                raise bad_request(f"Category '{log.get('category')}' is not supported.")
        scope = resource_id.casefold().partition("/providers/microsoft.insights/")[0]
        for other in self.all_in(scope):
            same = other["properties"]["workspaceId"].casefold() == workspace.casefold()
            if same and other["id"].casefold() != resource_id.casefold():
                # The words are those of Azure/bicep-registry-modules#3407.
                raise CloudError(
                    409,
                    "Conflict",
                    f"Data sink '{workspace}' is already used in diagnostic setting "
                    f"'{other['name']}' for category 'WorkflowRuntime'. Data sinks can't be reused "
                    f"in different settings on the same category for the same resource.",
                )

    def notifications(self) -> list[Notification]:
        """What the rules that are there now say of the runs so far, one for each failed run."""
        said = []
        for rule in self._store.all("monitor"):
            if rule["type"] != _SPELLED[METRIC_ALERT] or not rule["properties"]["enabled"]:
                continue
            metrics = {c["metricName"] for c in rule["properties"]["criteria"]["allOf"]}
            workflow = self._logic.get(rule["properties"]["scopes"][0])
            if workflow is None or "RunsFailed" not in metrics:
                continue
            said += [
                Notification(
                    datetime.fromisoformat(run["end"]),
                    rule["name"],
                    workflow["id"],
                    self._addresses(rule),
                )
                for run in self._logic.runs(workflow)
                if run["status"] == "Failed"
            ]
        return said

    def _addresses(self, rule: Document) -> tuple[str, ...]:
        groups = [self.get(a["actionGroupId"]) for a in rule["properties"].get("actions") or []]
        return tuple(
            receiver["emailAddress"]
            for group in groups
            if group is not None and group["properties"].get("enabled")
            for receiver in group["properties"].get("emailReceivers") or []
        )


def _global(body: Document) -> str:
    location = str(body.get("location") or "")
    if location.casefold() != "global":
        raise location_not_available(location, "resource type", "global")
    return location


def _not_found(kind: str, resource_id: str) -> CloudError:
    *_, group, _, _, _, name = ["", "", "", "", *resource_id.split("/")]
    return resource_not_found(kind, name, group)
