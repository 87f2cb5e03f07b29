import pytest

from simulator.testing.deployment import GROUP_PATH, WORKFLOW_PATH

ACTION_GROUP = f"{GROUP_PATH}/providers/Microsoft.Insights/actionGroups/operations"
ALERT = f"{GROUP_PATH}/providers/microsoft.insights/metricAlerts/failed"
SETTING = f"{WORKFLOW_PATH}/providers/Microsoft.Insights/diagnosticSettings/history"
WORKSPACE = f"{GROUP_PATH}/providers/Microsoft.OperationalInsights/workspaces/log"
VERSIONS = {ACTION_GROUP: "2023-01-01", ALERT: "2018-03-01", SETTING: "2021-05-01-preview"}
RECEIVER = {"name": "it", "emailAddress": "it@contoso.com"}


def code(response):
    return response.status, response.body["error"]["code"]


def action_group(**properties):
    given = {"groupShortName": "mail", "enabled": True, "emailReceivers": [RECEIVER]}
    return {"location": "Global", "properties": given | properties}


def alert(criterion=None, **properties):
    failed = {"metricName": "RunsFailed", "timeAggregation": "Total"} | (criterion or {})
    given = {
        "severity": 1,
        "enabled": True,
        "scopes": [WORKFLOW_PATH],
        "evaluationFrequency": "PT5M",
        "windowSize": "PT15M",
        "criteria": {
            "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            "allOf": [failed],
        },
        "actions": [{"actionGroupId": ACTION_GROUP}],
    }
    return {"location": "global", "properties": given | properties}


def setting(category="WorkflowRuntime", workspace=WORKSPACE):
    logs = [{"category": category, "enabled": True}]
    return {"properties": {"workspaceId": workspace, "logs": logs}}


@pytest.fixture
def arm(deployment, tenant):
    """Requests to the resources above, beside a workflow."""
    deployment.workflow()
    tenant.set_workspaces(WORKSPACE)
    return lambda method, path, body=None: deployment.arm(method, path, body, VERSIONS[path])


def test_each_is_made_read_and_removed(arm):
    bodies = {ACTION_GROUP: action_group(), ALERT: alert(), SETTING: setting()}
    for path, body in bodies.items():
        assert code(arm("GET", path)) == (404, "ResourceNotFound")
        assert arm("PUT", path, body).status in (200, 201)
        read = arm("GET", path).body
        assert read["id"] == path
        assert read["properties"] == body["properties"]
    for path in bodies:
        assert [arm("DELETE", path).status for _ in range(2)] == [200, 204]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (ACTION_GROUP, action_group(groupShortName="mail senders!"), "is too long"),
        (ACTION_GROUP, action_group(groupShortName=None), "has no groupShortName"),
        (ACTION_GROUP, action_group(emailReceivers=[RECEIVER, RECEIVER]), "unique within it"),
        (
            ACTION_GROUP,
            action_group(emailReceivers=[{"name": "it", "emailAddress": "it"}]),
            "is invalid",
        ),
        (ACTION_GROUP, action_group() | {"location": "westeurope"}, "is not available"),
        (ACTION_GROUP, {"location": "global"}, "has no properties"),
        (ALERT, alert(severity=5), "is 0 to 4"),
        (ALERT, alert(scopes=None), "has no scopes"),
        (ALERT, alert(scopes=[WORKFLOW_PATH, WORKFLOW_PATH]), "has one scope"),
        (ALERT, alert(scopes=[f"{WORKFLOW_PATH}-2"]), "Microsoft.Logic/workflows/sender-2'"),
        (ALERT, alert(evaluationFrequency="PT2M"), "not among the supported ones"),
        (ALERT, alert(windowSize="PT1M"), "shorter than the evaluation"),
        (ALERT, alert(criteria={"allOf": []}), "are of the type"),
        (ALERT, alert({"metricName": "RunsLost"}), "Couldn't find a metric named RunsLost."),
        (ALERT, alert({"timeAggregation": "Average"}), "has the aggregation Total"),
        (ALERT, alert(actions=[{"actionGroupId": "x"}]), "Microsoft.Insights/actionGroups/x'"),
        (SETTING, setting("Audit"), "Category 'Audit' is not supported."),
        (SETTING, setting(workspace=f"{WORKSPACE}-2"), "workspaces/log-2' under resource group"),
        (SETTING, {"properties": {}}, "has no destination"),
    ],
)
def test_what_azure_refuses(arm, path, body, said):
    arm("PUT", ACTION_GROUP, action_group())
    before = arm("GET", path).body
    refused = arm("PUT", path, body)
    assert refused.status in (400, 404)
    assert said in refused.body["error"]["message"]
    assert arm("GET", path).body == before


def test_a_workspace_gets_one_category_of_a_workflow_once(arm, deployment):
    arm("PUT", SETTING, setting())
    assert arm("PUT", SETTING, setting()).status == 200
    second = deployment.arm("PUT", f"{SETTING}-2", setting(), VERSIONS[SETTING])
    assert code(second) == (409, "Conflict")
    assert "is already used in diagnostic setting 'history'" in second.body["error"]["message"]


def test_a_failed_run_is_told_while_rule_and_group_are_on(arm, tenant, deployment):
    deployment.run()  # Nothing is granted: Graph refuses.
    assert tenant.notifications() == []
    arm("PUT", ACTION_GROUP, action_group())
    arm("PUT", ALERT, alert())
    [notified] = tenant.notifications()
    assert (notified.rule, notified.addresses) == ("failed", ("it@contoso.com",))
    arm("PUT", ACTION_GROUP, action_group(enabled=False))
    assert tenant.notifications()[0].addresses == ()
    arm("PUT", ALERT, alert(enabled=False))
    assert tenant.notifications() == []


def test_a_setting_outlives_its_workflow_and_all_go_with_the_resource_group(
    arm, deployment, tenant
):
    for path, body in ((ACTION_GROUP, action_group()), (ALERT, alert()), (SETTING, setting())):
        arm("PUT", path, body)
    listed = deployment.arm("GET", f"{GROUP_PATH}/resources", version="2024-03-01").body["value"]
    kinds = {each["type"] for each in listed}
    assert {"Microsoft.Insights/ActionGroups", "Microsoft.Insights/metricAlerts"} < kinds
    deployment.arm("DELETE", WORKFLOW_PATH)
    assert len(tenant.snapshot()["monitoring"]) == 3
    deployment.arm("DELETE", GROUP_PATH, version="2024-03-01")
    assert tenant.snapshot()["monitoring"] == {}
