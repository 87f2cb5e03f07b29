"""The steps of the deploying identity, and the requests that they are made of."""

from datetime import UTC, datetime

import pytest

from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    GRAPH_APP_ID,
    GRAPH_AUDIENCE,
    ORGANIZATION,
    SUBSCRIPTION_ID,
)
from simulator.tenant.definition import SCHEMA
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
GROUP_PATH = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/mail"
WORKFLOW_PATH = f"{GROUP_PATH}/providers/Microsoft.Logic/workflows/sender"
JSON = {"Content-Type": "application/json"}


def connect(tenant, organization=ORGANIZATION):
    """A connection of the deploying identity to Exchange Online."""
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
    return tenant.exchange.connect(token=token, organization=organization)


class Deployment:
    """The steps of the deploying identity, one a method."""

    def __init__(self, tenant, session):
        self.tenant = tenant
        self.session = session

    def graph(self, method, path, body=None):
        token = self.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
        headers = {} if body is None else JSON
        return self.tenant.graph.request(method, path, body, token=token, headers=headers)

    def arm(self, method, path, body=None, version="2019-05-01"):
        return self.tenant.arm.request(method, f"{path}?api-version={version}", body)

    def wait_for_recipients(self):
        self.tenant.clock.advance(self.tenant.lags["exchange"])

    def wait_for_policies(self):
        self.tenant.clock.advance(self.tenant.lags["policy"])

    def mailbox(self, name="Notifications", **parameters):
        """A shared mailbox that every cmdlet finds."""
        [mailbox] = self.session.invoke(
            "New-Mailbox",
            {"Shared": True, "Name": name, "Alias": name.replace(" ", "")} | parameters,
        )
        self.wait_for_recipients()
        return mailbox

    def group(self, name="Scope", *members, **parameters):
        """A mail-enabled security group that every cmdlet finds."""
        [group] = self.session.invoke(
            "New-DistributionGroup",
            {"Name": name, "Type": "Security", "Members": list(members)} | parameters,
        )
        self.wait_for_recipients()
        return group

    def policy(self, app_id, scope, access_right="RestrictAccess"):
        [policy] = self.session.invoke(
            "New-ApplicationAccessPolicy",
            {"AccessRight": access_right, "AppId": [app_id], "PolicyScopeGroupId": scope},
        )
        return policy

    def remove_policy(self, policy):
        self.session.invoke("Remove-ApplicationAccessPolicy", {"Identity": policy["Identity"]})

    def test_policy(self, app_id, mailbox):
        [result] = self.session.invoke(
            "Test-ApplicationAccessPolicy", {"AppId": app_id, "Identity": mailbox}
        )
        return result["AccessCheckResult"]

    def resource_group(self):
        return self.arm("PUT", GROUP_PATH, {"location": "westeurope"}, version="2024-03-01")

    def workflow(self, user="reception@contoso.com", **changes):
        """A workflow whose identity look-ups find; returns that identity."""
        self.resource_group()
        response = self.arm("PUT", WORKFLOW_PATH, workflow_body(user, **changes))
        assert response.status in (200, 201), response
        self.tenant.clock.advance(self.tenant.lags["directory"])
        principal_id = response.body["identity"]["principalId"]
        return self.graph("GET", f"/v1.0/servicePrincipals/{principal_id}").body

    def grant(self, principal, permission="Mail.Send", role_id=None):
        graph = self.graph_principal()
        return self.graph(
            "POST",
            f"/v1.0/servicePrincipals/{graph['id']}/appRoleAssignedTo",
            {
                "principalId": principal["id"],
                "resourceId": graph["id"],
                "appRoleId": role_id or CONFINABLE_APP_ROLES[permission],
            },
        )

    def revoke(self, assignment):
        graph = self.graph_principal()
        return self.graph(
            "DELETE",
            f"/v1.0/servicePrincipals/{graph['id']}/appRoleAssignedTo/{assignment.body['id']}",
        )

    def graph_principal(self):
        filtered = f"/v1.0/servicePrincipals?$filter=appId eq '{GRAPH_APP_ID}'"
        [principal] = self.graph("GET", filtered).body["value"]
        return principal

    def run(self, trigger="manual"):
        """Runs the workflow once; returns the run and, where it has one, its action's answer."""
        started = self.arm("POST", f"{WORKFLOW_PATH}/triggers/{trigger}/run")
        assert started.status == 202, started
        run_path = f"{WORKFLOW_PATH}/runs/{started.headers['x-ms-workflow-run-id']}"
        run = self.arm("GET", run_path).body["properties"]
        for action in self.arm("GET", f"{run_path}/actions").body["value"]:
            link = action["properties"].get("outputsLink")
            return run, action["properties"], link and self.tenant.logic.content(link["uri"]).body
        return run, None, None


def message(*to, **changes):
    """A body of sendMail that Graph accepts."""
    return {
        "message": {
            "subject": "Graph test mail",
            "body": {"contentType": "Text", "content": "Does this work?"},
            "toRecipients": [
                {"emailAddress": {"address": address}} for address in to or ("you@contoso.com",)
            ],
        }
        | changes,
        "saveToSentItems": False,
    }


def definition(user="reception@contoso.com", **parts):
    """A definition of the kind that is deployed; parts replace its members."""
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {"schema": {}}}},
        "actions": {"Send_mail": action(user)},
    } | parts


def action(user="reception@contoso.com", inputs=None, **members):
    """The action that sends; given inputs and members replace or add."""
    return {
        "type": "Http",
        "runAfter": {},
        "inputs": {
            "method": "POST",
            "uri": f"https://graph.microsoft.com/v1.0/users/{user}/sendMail",
            "headers": {"Content-Type": "application/json"},
            "body": message(),
            "authentication": {
                "type": "ManagedServiceIdentity",
                "audience": "https://graph.microsoft.com",
            },
            "retryPolicy": {"type": "none"},
        }
        | (inputs or {}),
        "operationOptions": "DisableAsyncPattern",
        "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
    } | members


def choosing(name="Probe", **members):
    """A definition that takes its action by the name of the trigger that fired."""
    condition = {
        "type": "If",
        "expression": {"and": [{"equals": ["@trigger()?['name']", name]}]},
        "actions": {"Try": action("control.mailbox@contoso.com")},
        "else": {"actions": {"Send_mail": action()}},
    }
    start = {"frequency": "Month", "interval": 16, "startTime": "2070-01-01T00:00:00Z"}
    return definition(
        triggers={
            "manual": {"type": "Request", "kind": "Http"},
            "Probe": {"type": "Recurrence", "recurrence": start},
        },
        actions={"Choose": condition | members},
    )


def workflow_body(user="reception@contoso.com", **changes):
    """The body of a PUT; ``definition``, ``state``, ``accessControl`` go to its properties."""
    properties = {
        "state": changes.pop("state", "Enabled"),
        "definition": changes.pop("definition", definition(user)),
    }
    if "accessControl" in changes:
        properties["accessControl"] = changes.pop("accessControl")
    return {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": properties,
    } | changes


def refusal(call, *arguments, **named):
    """The error that a call raises, whatever its class."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the tests assert on what is returned
        call(*arguments, **named)
    return caught.value
