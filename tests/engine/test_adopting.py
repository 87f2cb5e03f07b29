"""What was set up by hand, by the manual procedure's own steps, is taken over by a stack."""

from typing import Any

import pytest

from configuration import load_configuration
from operations.check import SCRIPT, Plan, rows_of_clouds, rows_of_exchange
from operations.prove import Verdict
from simulator.engine import SimulatedStack
from simulator.sending import pass_policy_lag, send_as
from simulator.tenant import SUBSCRIPTION_ID, Tenant
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES
from simulator.testing.deployment import Deployment, connect
from tests.components.exchange.conftest import Scripts
from tests.engine.conftest import SENDER, Configuration, StackIn, succeeded
from tests.engine.signed_in import signed_in_to
from tests.engine.test_recover import recovered

pytestmark = pytest.mark.engine

GROUP_PATH = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail-sender"
WORKFLOW_PATH = f"{GROUP_PATH}/providers/Microsoft.Logic/workflows/notifications"
MAILBOX, GROUP = SENDER["mailbox"]["address"], SENDER["group"]["address"]


def portal_definition(mailbox_id: str) -> dict[str, Any]:
    """What the designer writes: names, authentication and retries are its own."""
    return {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
        "2016-06-01/workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "actions": {
            "HTTP": {
                "type": "Http",
                "runAfter": {},
                "inputs": {
                    "method": "POST",
                    "uri": f"https://graph.microsoft.com/v1.0/users/{mailbox_id}/sendMail",
                    "body": {
                        "message": {
                            "subject": "Graph test mail",
                            "body": {"contentType": "Text", "content": "Does this work?"},
                            "toRecipients": [
                                {"emailAddress": {"address": "reception@contoso.com"}}
                            ],
                        },
                        "saveToSentItems": "false",
                    },
                    "authentication": {
                        "type": "ManagedServiceIdentity",
                        "audience": "https://graph.microsoft.com",
                    },
                },
            }
        },
    }


def follow_the_procedure(tenant: Tenant) -> dict[str, Any]:
    """Its steps in its order, as a person does them; returns the identity's service principal."""
    session = connect(tenant)
    deployment = Deployment(tenant, session)
    deployment.arm("PUT", GROUP_PATH, {"location": "westeurope"}, version="2024-03-01")
    logic_app: dict[str, Any] = {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {"definition": portal_definition("reception@contoso.com")},
    }
    made = deployment.arm("PUT", WORKFLOW_PATH, logic_app)
    tenant.clock.advance(tenant.lags["directory"])
    object_id = made.body["identity"]["principalId"]
    graph = deployment.graph_principal()
    granted = deployment.graph(
        "POST",
        f"/v1.0/servicePrincipals/{object_id}/appRoleAssignments",
        {
            "principalId": object_id,
            "resourceId": graph["id"],
            "appRoleId": CONFINABLE_APP_ROLES["Mail.Send"],
        },
    )
    assert granted.status == 201

    name, scope = SENDER["mailbox"]["name"], SENDER["group"]["name"]
    [mailbox] = session.invoke(
        "New-Mailbox",
        {
            "Shared": True,
            "Name": name,
            "DisplayName": name,
            "Alias": name.replace(" ", ""),
            "PrimarySmtpAddress": MAILBOX,
        },
    )
    [group] = session.invoke(
        "New-DistributionGroup",
        {
            "Name": scope,
            "Alias": scope.replace(" ", ""),
            "Type": "Security",
            "PrimarySmtpAddress": GROUP,
        },
    )
    deployment.wait_for_recipients()
    # A person owns what they made, and needs no bypass.
    member = {"Identity": group["Identity"], "Member": mailbox["Identity"]}
    session.invoke(
        "Add-DistributionGroupMember", member | {"BypassSecurityGroupManagerCheck": True}
    )

    principal: dict[str, Any] = deployment.graph("GET", f"/v1.0/servicePrincipals/{object_id}").body
    session.invoke(
        "New-ApplicationAccessPolicy",
        {
            "AppId": [principal["appId"]],
            "PolicyScopeGroupId": GROUP,
            "AccessRight": "RestrictAccess",
            "Description": "Restrict this app's permissions to members of distribution group "
            f"{GROUP}",
        },
    )
    deployment.wait_for_policies()
    mailbox_id = mailbox["ExternalDirectoryObjectId"]
    logic_app["properties"]["definition"] = portal_definition(mailbox_id)
    deployment.arm("PUT", WORKFLOW_PATH, logic_app)
    pass_policy_lag(tenant)
    return principal


def taking_over(sender: Configuration) -> None:
    sender["mailbox"]["adopt"] = sender["group"]["adopt"] = True
    sender["trigger"] = {"type": "httpRequest"}


def callback_url(tenant: Tenant) -> str:
    path = f"{WORKFLOW_PATH}/triggers/manual/listCallbackUrl?api-version=2019-05-01"
    answer = tenant.arm.request("POST", path)
    assert answer.body is not None
    return str(answer.body["value"])


def sends(tenant: Tenant, mailbox: str = MAILBOX) -> bool:
    return send_as(tenant, WORKFLOW_PATH, mailbox).accepted


def could_send(tenant: Tenant, principal: dict[str, Any]) -> bool:
    """Whether a run that began now would find everything in its place."""
    snapshot = tenant.snapshot()
    [workflow] = snapshot["workflows"].values()
    [mailbox] = [m for m in snapshot["mailboxes"].values() if m["addresses"][0] == MAILBOX]
    [grant] = [
        g for g in snapshot["appRoleAssignments"].values() if g["principalId"] == principal["id"]
    ]
    uri = str(workflow["definition"]["actions"])
    claims = {
        "principalId": principal["id"],
        "appId": principal["appId"],
        "roles": ["Mail.Send"] if grant else [],
    }
    with tenant._store.transaction():
        admitted = tenant.graph.mailboxes.would_admit(mailbox["id"], claims)
    return workflow["state"] == "Enabled" and mailbox["id"] in uri and admitted


def in_the_way(stack: SimulatedStack) -> list[str]:
    """What `operations.check` says is wrong."""
    scripts = Scripts(stack.tenant)
    scripts.folder = SCRIPT.parent
    plan = Plan(stack.stack, load_configuration(stack.settings()), "", stack.exported_state())
    rows = [
        *rows_of_clouds(plan, signed_in_to(stack.tenant)),
        *rows_of_exchange(
            plan, lambda script, asked: scripts.run(script.name, dict(asked)).observed
        ),
    ]
    return [row.subject for row in rows if row.verdict is not Verdict.RIGHT]


def test_is_taken_over_without_a_moment_unconfined_or_silent(fresh: StackIn):
    stack: SimulatedStack = fresh(change=taking_over, deletion="retain")
    tenant = stack.tenant
    principal = follow_the_procedure(tenant)
    assert sends(tenant)
    assert not sends(tenant, "reception@contoso.com")
    # The procedure grants first: it was unconfined until the policy acted.
    of_the_procedure = tenant.violations()
    assert of_the_procedure
    before, url = tenant.snapshot(), callback_url(tenant)

    assert in_the_way(stack) == ["workflow notifications"]

    # Nothing is taken over that nobody asked to have taken over.
    code, shown = recovered(stack)
    assert code == 3
    assert "not made by this program; run this with --adopt" in shown

    code, shown = recovered(stack, adopt=True)
    assert code == 0, shown
    assert "up gives it the configured definition" in shown
    assert tenant.snapshot() == before
    assert sends(tenant)
    assert in_the_way(stack) == []

    trials = []
    stack.show = lambda line: trials.append(could_send(tenant, principal))
    succeeded(stack.up())
    stack.show = None
    assert len(trials) > 20
    assert all(trials)
    for kind in ("mailboxes", "groups", "workflows", "applicationAccessPolicies"):
        assert tenant.snapshot()[kind].keys() == before[kind].keys()
    assert tenant.snapshot()["appRoleAssignments"] == before["appRoleAssignments"]
    assert sends(tenant)
    assert not sends(tenant, "reception@contoso.com")
    assert callback_url(tenant) == url

    assert succeeded(stack.up()).changes == []

    # What was adopted stays, whatever the stack says of what it made.
    refused = stack.destroy()
    assert not refused.succeeded
    assert "protected" in refused.output
    succeeded(stack.destroy(exclude_protected=True))
    after = tenant.snapshot()
    for kind in ("mailboxes", "groups", "applicationAccessPolicies"):
        assert after[kind].keys() == before[kind].keys()
    assert after["workflows"] == {}
    assert tenant.violations() == of_the_procedure
