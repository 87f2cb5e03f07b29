"""Has somebody learn of a run of a workflow that failed: of a mail that was not sent.

Owns a rule of Azure Monitor on the workflow, the action group that it notifies, where none is
named, and on request the setting that has the run history kept in a Log Analytics workspace.

The rule goes by the metric ``RunsFailed``. Not by ``TriggersFailed``: a caller who sends what the
trigger does not take is told so by its answer, and would be noticed here for each of its attempts.
Not by ``RunFailurePercentage``: one lost mail is one too many, however many others were sent.
Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-logic-workflows-metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_azure_native as azure_native

from .inputs import child_options, inputs_of
from .provider_errors import error_hooks

METRIC = "RunsFailed"
LOG_CATEGORY = "WorkflowRuntime"
"""The one that Microsoft.Logic/workflows has. Source:
https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-logic-workflows-logs."""

_SHORT_NAME = "mail sender"
"""What stands before each notification; Azure takes 12 characters. Source:
https://github.com/Azure/azure-rest-api-specs/issues/2840."""


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Who is notified of a failed run: one of the two.

    Attributes:
        addresses: Mail addresses, for which an action group is made.
        action_group: Azure resource id of an action group that exists.
    """

    addresses: Sequence[str] = ()
    action_group: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowAlertsArgs:
    """Inputs of a :class:`WorkflowAlerts`.

    Attributes:
        workflow_name: The workflow's name in Azure, from which those of the rule and of the action
            group derive.
        workflow_id: Its Azure resource id.
        resource_group_name: Where rule and action group are made.
        alerts: Who is notified; ``None`` for nobody.
        diagnostics: Azure resource id of the Log Analytics workspace that the run history goes to;
            ``None`` for none. It tells of runs and actions, and holds no mail.
        tags: What rule and action group are tagged with.
    """

    workflow_name: str
    workflow_id: pulumi.Input[str]
    resource_group_name: pulumi.Input[str]
    alerts: Alerts | None = None
    diagnostics: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class WorkflowAlerts(pulumi.ComponentResource):
    """What tells of failed runs of one workflow."""

    def __init__(
        self, name: str, args: WorkflowAlertsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("azure-monitor:index:WorkflowAlerts", name, inputs_of(args), opts)
        self._name, self._args, self._opts = name, args, opts
        if args.alerts is not None:
            self._rule(args.alerts)
        if args.diagnostics is not None:
            self._diagnostics(args.diagnostics)
        self.register_outputs({})

    def _rule(self, alerts: Alerts) -> None:
        args, monitor = self._args, azure_native.monitor
        criterion = monitor.MetricCriteriaArgs(
            name=METRIC,
            criterion_type="StaticThresholdCriterion",
            metric_namespace="Microsoft.Logic/workflows",
            metric_name=METRIC,
            operator=monitor.Operator.GREATER_THAN,
            threshold=0,
            time_aggregation=monitor.AggregationTypeEnum.TOTAL,
        )
        monitor.MetricAlert(
            self._name,
            rule_name=f"{args.workflow_name}-failed",
            resource_group_name=args.resource_group_name,
            # Rules on metrics, and action groups, are in no region.
            location="global",
            description=f"A run of the workflow {args.workflow_name} failed: a mail was not sent. "
            "The run history says why.",
            enabled=True,
            severity=1,
            scopes=[args.workflow_id],
            criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
                odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
                all_of=[criterion],
            ),
            # Longer than from one look to the next: a count that comes late is seen by a later one.
            evaluation_frequency="PT5M",
            window_size="PT15M",
            # It notifies once, and once more when no run has failed for a while.
            auto_mitigate=True,
            actions=[
                monitor.MetricAlertActionArgs(
                    action_group_id=alerts.action_group or self._action_group(alerts.addresses)
                )
            ],
            tags=args.tags,
            opts=self._options("alert"),
        )

    def _diagnostics(self, workspace: str) -> None:
        args, monitor = self._args, azure_native.monitor
        monitor.DiagnosticSetting(
            f"{self._name}-diagnostics",
            name=args.workflow_name,
            resource_uri=args.workflow_id,
            workspace_id=workspace,
            logs=[monitor.DiagnosticsLogSettingsArgs(category=LOG_CATEGORY, enabled=True)],
            opts=self._options("diagnostics"),
        )

    def _action_group(self, addresses: Sequence[str]) -> pulumi.Output[str]:
        args = self._args
        group = azure_native.monitor.ActionGroup(
            f"{self._name}-group",
            action_group_name=f"{args.workflow_name}-alerts",
            resource_group_name=args.resource_group_name,
            location="global",
            group_short_name=_SHORT_NAME,
            enabled=True,
            email_receivers=[
                azure_native.monitor.MicrosoftCommonEmailReceiverArgs(
                    name=address, email_address=address, use_common_alert_schema=True
                )
                for address in addresses
            ],
            tags=args.tags,
            opts=self._options("action group"),
        )
        return group.id

    def _options(self, what: str) -> pulumi.ResourceOptions:
        return child_options(
            self,
            self._opts,
            # Their names are their ids: where a replacement stopped halfway and the former name is
            # given back, the engine would make one and then remove it as the one that it replaced.
            delete_before_replace=True,
            hooks=error_hooks(f"{what} {self._name}"),
        )
