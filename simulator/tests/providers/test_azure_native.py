"""Resource groups and workflows behave as those of azure-native."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.providers.azure_native import AzureNative
from simulator.providers.properties import UNKNOWN, Change
from simulator.providers.server import RefusalError, Resource
from simulator.tenant import SUBSCRIPTION_ID, ConnectionLostError, Response, Tenant
from simulator.testing.deployment import definition

GROUP = {
    "resourceGroupName": "rg-mail",
    "location": "westeurope",
    "azureApiVersion": "2024-03-01",
}
GROUP_ID = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-mail"
WORKFLOW_ID = f"{GROUP_ID}/providers/Microsoft.Logic/workflows/notifications"


def workflow_inputs(**changes: Any) -> dict[str, Any]:
    return {
        "resourceGroupName": "rg-mail",
        "workflowName": "notifications",
        "location": "westeurope",
        "azureApiVersion": "2019-05-01",
        "identity": {"type": "SystemAssigned"},
        "state": "Enabled",
        "definition": definition(),
    } | changes


@pytest.fixture
def provider(tenant: Tenant) -> AzureNative:
    return AzureNative(tenant)


@pytest.fixture
def group(resource_of: Callable[[str], Resource]) -> Resource:
    return resource_of("azure-native:resources:ResourceGroup")


@pytest.fixture
def workflow(
    provider: AzureNative, group: Resource, resource_of: Callable[[str], Resource]
) -> Resource:
    """A workflow that does not exist yet, in a group that does."""
    provider.create(group, GROUP)
    return resource_of("azure-native:logic:Workflow")


class TestCheckCompletesInputs:
    def test_a_name_is_made_up_where_none_is_given(self, provider: AzureNative, group: Resource):
        inputs, failures = provider.check(group, {}, {"location": "westeurope"})

        assert failures == []
        assert inputs["resourceGroupName"].startswith("made")
        assert inputs["resourceGroupName"] != "made"

    def test_a_made_up_name_is_kept(self, provider: AzureNative, group: Resource):
        first, _ = provider.check(group, {}, {"location": "westeurope"})
        second, _ = provider.check(group, first, {"location": "westeurope"})

        assert first == second

    def test_the_location_is_the_groups(self, provider: AzureNative, workflow: Resource):
        inputs, failures = provider.check(workflow, {}, {"resourceGroupName": "rg-mail"})

        assert failures == []
        assert inputs["location"] == "westeurope"

    def test_the_location_is_unknown_while_the_group_is(
        self, provider: AzureNative, workflow: Resource
    ):
        inputs, _ = provider.check(workflow, {}, {"resourceGroupName": UNKNOWN})

        assert inputs["location"] == UNKNOWN

    def test_the_location_is_the_configured_one_before_the_groups(
        self, provider: AzureNative, workflow: Resource
    ):
        provider.configure({"location": "northeurope"})
        inputs = workflow_inputs()
        del inputs["location"]

        completed, failures = provider.check(workflow, {}, inputs)
        kept, _ = provider.check(workflow, {"location": "westus"}, inputs)

        assert failures == []
        assert completed["location"] == "northeurope"
        assert kept["location"] == "westus"

    def test_another_subscription_is_not_simulated(self, provider: AzureNative):
        provider.configure({"subscriptionId": SUBSCRIPTION_ID})

        with pytest.raises(RefusalError, match="has one subscription"):
            provider.configure({"subscriptionId": "00000000-0000-4000-8000-000000000009"})

    @pytest.mark.parametrize(
        ("name", "reasons"),
        [
            ("g" * 90, []),
            ("g" * 91, ["'resourceGroupName' is too long (91): at most 90 characters allowed"]),
            (
                "rg mail",
                [r"'resourceGroupName' does not match expression '^[-\w\._\(\)]+$'"],
            ),
            (UNKNOWN, []),
        ],
    )
    def test_a_name_is_checked_before_anything_is_asked_of_azure(
        self,
        provider: AzureNative,
        group: Resource,
        workflow: Resource,
        name: str,
        reasons: list[str],
    ):
        for resource, inputs in ((group, GROUP), (workflow, workflow_inputs())):
            _, failures = provider.check(resource, {}, inputs | {"resourceGroupName": name})

            assert [failure.reason for failure in failures] == reasons

    def test_a_group_without_location_is_refused(self, provider: AzureNative, group: Resource):
        _, failures = provider.check(group, {}, {"resourceGroupName": "rg-mail"})

        assert [failure.reason for failure in failures] == [
            "missing required property 'location'. Either set it explicitly or configure it with "
            "'pulumi config set azure-native:location <value>'."
        ]

    def test_the_api_version_is_the_sdks(self, provider: AzureNative, workflow: Resource):
        inputs, _ = provider.check(workflow, {}, {"resourceGroupName": "rg-mail"})

        assert inputs["azureApiVersion"] == "2019-05-01"

    def test_a_wrong_enumeration_is_refused(self, provider: AzureNative, workflow: Resource):
        _, failures = provider.check(workflow, {}, workflow_inputs(state="enabled"))

        assert [failure.property for failure in failures] == ["state"]


class TestComparison:
    def test_a_changed_text_is_an_update_of_that_text(
        self, provider: AzureNative, workflow: Resource
    ):
        changed = workflow_inputs()
        message = changed["definition"]["actions"]["Send_mail"]["inputs"]["body"]["message"]
        message["subject"] = "Another"

        difference = provider.compare(workflow, workflow_inputs(), changed)

        path = "definition.actions.Send_mail.inputs.body.message.subject"
        assert difference.changes == {path: Change.UPDATE}
        assert difference.replacing == frozenset()

    @pytest.mark.parametrize(
        ("name", "value"),
        [("workflowName", "other"), ("resourceGroupName", "other"), ("location", "northeurope")],
    )
    def test_what_can_only_be_replaced_is_replaced_old_one_first(
        self, provider: AzureNative, workflow: Resource, name: str, value: str
    ):
        difference = provider.compare(workflow, workflow_inputs(), workflow_inputs(**{name: value}))

        assert difference.replacing == {name}
        assert difference.delete_before_replace

    def test_a_made_up_name_allows_the_new_one_first(self, provider: AzureNative, group: Resource):
        old, _ = provider.check(group, {}, {"location": "westeurope"})

        difference = provider.compare(group, old, old | {"location": "northeurope"})

        assert difference.replacing == {"location"}
        assert not difference.delete_before_replace

    def test_spellings_of_one_location_do_not_differ(self, provider: AzureNative, group: Resource):
        difference = provider.compare(group, GROUP, GROUP | {"location": "West Europe"})

        assert difference.changes == {}


class TestPreviews:
    def test_of_a_creation_know_what_was_asked_for_and_nothing_else(
        self, provider: AzureNative, workflow: Resource
    ):
        outputs = provider.preview_create(workflow, workflow_inputs())

        assert outputs["definition"] == workflow_inputs()["definition"]
        assert outputs["location"] == "westeurope"
        assert outputs["name"] == UNKNOWN
        assert outputs["identity"] == {
            "type": "SystemAssigned",
            "principalId": UNKNOWN,
            "tenantId": UNKNOWN,
            "userAssignedIdentities": UNKNOWN,
        }

    def test_of_an_update_know_name_and_location_besides(
        self, provider: AzureNative, workflow: Resource
    ):
        _, state = provider.create(workflow, workflow_inputs())

        outputs = provider.preview_update(workflow, state, workflow_inputs(state="Disabled"))

        assert (outputs["name"], outputs["location"]) == ("notifications", "westeurope")
        assert outputs["state"] == "Disabled"
        assert outputs["identity"]["principalId"] == UNKNOWN
        assert outputs["version"] == UNKNOWN

    def test_change_nothing(self, provider: AzureNative, workflow: Resource, tenant: Tenant):
        before = tenant.snapshot()

        provider.preview_create(workflow, workflow_inputs())

        assert tenant.snapshot() == before


class TestCreate:
    def test_id_and_outputs_are_the_services(self, provider: AzureNative, workflow: Resource):
        identifier, outputs = provider.create(workflow, workflow_inputs())

        assert identifier == WORKFLOW_ID
        assert outputs["identity"]["principalId"]
        assert outputs["type"] == "Microsoft.Logic/workflows"
        assert "id" not in outputs

    def test_what_exists_is_refused(self, provider: AzureNative, group: Resource):
        provider.create(group, GROUP)

        with pytest.raises(RefusalError) as raised:
            provider.create(group, GROUP)

        assert str(raised.value) == f"cannot create already existing resource '{GROUP_ID}'"

    def test_the_services_refusal_is_passed_on(self, provider: AzureNative, workflow: Resource):
        inputs = workflow_inputs(definition={"actions": {}})

        with pytest.raises(RefusalError, match=r'^Status=400 Code="InvalidTemplate" Message="'):
            provider.create(workflow, inputs)

    def test_a_missing_group_is_the_services_refusal(
        self, provider: AzureNative, workflow: Resource
    ):
        inputs = workflow_inputs(resourceGroupName="rg-elsewhere")

        with pytest.raises(RefusalError, match='Code="ResourceGroupNotFound"'):
            provider.create(workflow, inputs)


class TestUpdate:
    def test_keeps_the_identity(self, provider: AzureNative, workflow: Resource):
        identifier, before = provider.create(workflow, workflow_inputs())

        after = provider.update(workflow, identifier, before, workflow_inputs(state="Disabled"))

        assert after["state"] == "Disabled"
        assert after["identity"] == before["identity"]


class TestALookAfterAWrite:
    """One that fails is a warning, and what the write has answered is kept."""

    @pytest.fixture
    def looks(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Every request; a GET after the first PUT is refused."""
        seen: list[str] = []
        answer = tenant.arm.request

        def request(method: str, path: str, *rest: Any, **named: Any) -> Response:
            seen.append(method)
            if method == "GET" and "PUT" in seen:
                return Response(403, {"error": {"code": "AuthorizationFailed", "message": "no"}})
            return answer(method, path, *rest, **named)

        monkeypatch.setattr(tenant.arm, "request", request)
        return seen

    def test_of_a_creation(
        self, provider: AzureNative, workflow: Resource, looks: list[str], warnings: list[str]
    ):
        identifier, outputs = provider.create(workflow, workflow_inputs())

        assert identifier == WORKFLOW_ID
        assert outputs["identity"]["principalId"]
        assert looks == ["GET", "PUT", "GET"]
        (warning,) = warnings
        assert warning.startswith("Failed to read resource after Create. Please report this")

    def test_of_an_update(
        self, provider: AzureNative, workflow: Resource, tenant: Tenant, warnings: list[str]
    ):
        identifier, before = provider.create(workflow, workflow_inputs())
        assert warnings == []
        with pytest.MonkeyPatch.context() as patched:
            answer = tenant.arm.request
            patched.setattr(
                tenant.arm,
                "request",
                lambda method, *rest: (
                    Response(404, {"error": {"code": "ResourceNotFound", "message": "no"}})
                    if method == "GET"
                    else answer(method, *rest)
                ),
            )
            outputs = provider.update(
                workflow, identifier, before, workflow_inputs(state="Disabled")
            )

        assert outputs["state"] == "Disabled"
        assert outputs["identity"] == before["identity"]
        assert warnings[0].startswith("Failed to read resource after Update.")


class TestARequestIsSentAgain:
    @pytest.mark.parametrize(
        ("status", "code", "headers", "attempts"),
        [
            (408, "X", {}, 4),
            (424, "X", {}, 1),
            (429, "X", {"Retry-After": "17"}, 4),
            (429, "X", {"Retry-After": "121"}, 1),
            (500, "X", {}, 4),
            (501, "X", {}, 1),
            (503, "X", {}, 4),
            (409, "AnotherOperationInProgress", {}, 4),
            (409, "Conflict", {}, 1),
        ],
    )
    def test_by_its_answer(
        self,
        provider: AzureNative,
        workflow: Resource,
        tenant: Tenant,
        monkeypatch: pytest.MonkeyPatch,
        status: int,
        code: str,
        headers: dict[str, str],
        attempts: int,
    ):
        sent: list[str] = []

        def answer(method: str, *_: object) -> Response:
            sent.append(method)
            return Response(status, {"error": {"code": code, "message": "x"}}, headers)

        monkeypatch.setattr(tenant.arm, "request", answer)

        with pytest.raises(RefusalError, match=f"Status={status}"):
            provider.delete(workflow, WORKFLOW_ID, {})

        assert len(sent) == attempts

    def test_where_nothing_answers_whatever_its_method(
        self,
        provider: AzureNative,
        workflow: Resource,
        tenant: Tenant,
        monkeypatch: pytest.MonkeyPatch,
    ):
        sent: list[str] = []

        def lose(method: str, *_: object) -> Response:
            sent.append(method)
            raise ConnectionLostError("read: connection reset by peer")

        monkeypatch.setattr(tenant.arm, "request", lose)
        then = tenant.clock.now()

        with pytest.raises(RefusalError, match="connection reset by peer"):
            provider.delete(workflow, WORKFLOW_ID, {})

        assert sent == ["DELETE"] * 4
        assert (tenant.clock.now() - then).total_seconds() >= 20 + 60 + 120


class TestDelete:
    def test_what_is_gone_already_is_fine(self, provider: AzureNative, workflow: Resource):
        provider.delete(workflow, WORKFLOW_ID, {})

    def test_removes(self, provider: AzureNative, workflow: Resource, tenant: Tenant):
        identifier, outputs = provider.create(workflow, workflow_inputs())

        provider.delete(workflow, identifier, outputs)

        assert tenant.snapshot()["workflows"] == {}


class TestRead:
    def test_an_unchanged_resource_keeps_its_inputs(
        self, provider: AzureNative, workflow: Resource
    ):
        identifier, outputs = provider.create(workflow, workflow_inputs())

        observed = provider.read(workflow, identifier, workflow_inputs(), outputs)

        assert observed is not None
        assert observed.inputs == workflow_inputs()
        assert observed.outputs == outputs

    def test_what_somebody_changed_shows_in_the_inputs(
        self, provider: AzureNative, workflow: Resource, tenant: Tenant
    ):
        identifier, outputs = provider.create(workflow, workflow_inputs())
        tenant.arm.request("POST", f"{identifier}/disable?api-version=2019-05-01")

        observed = provider.read(workflow, identifier, workflow_inputs(), outputs)

        assert observed is not None
        assert observed.inputs == workflow_inputs(state="Disabled")

    def test_what_is_gone_is_gone(self, provider: AzureNative, workflow: Resource):
        assert provider.read(workflow, WORKFLOW_ID, workflow_inputs(), {}) is None

    def test_an_import_finds_inputs_that_change_nothing(
        self, provider: AzureNative, workflow: Resource
    ):
        identifier, _ = provider.create(workflow, workflow_inputs())

        observed = provider.read(workflow, identifier, {}, {})

        assert observed is not None
        inputs, failures = provider.check(workflow, observed.inputs, observed.inputs)
        assert failures == []
        assert provider.compare(workflow, observed.inputs, inputs).changes == {}
        assert inputs["workflowName"] == "notifications"


class TestFunctions:
    def test_get_workflow(self, provider: AzureNative, workflow: Resource):
        _, created = provider.create(workflow, workflow_inputs())
        names = {"resourceGroupName": "rg-mail", "workflowName": "notifications"}

        result, failures = provider.invoke("azure-native:logic:getWorkflow", names)

        assert failures == []
        assert result == created | {"id": WORKFLOW_ID}

    def test_get_workflow_of_none(self, provider: AzureNative, workflow: Resource):
        names = {"resourceGroupName": "rg-mail", "workflowName": "notifications"}

        with pytest.raises(RefusalError) as raised:
            provider.invoke("azure-native:logic:getWorkflow", names)

        assert str(raised.value).startswith(
            f'request failed {WORKFLOW_ID}: Status=404 Code="ResourceNotFound" Message="'
        )

    def test_the_callback_url(self, provider: AzureNative, workflow: Resource):
        provider.create(workflow, workflow_inputs())

        result, _ = provider.invoke(
            "azure-native:logic:listWorkflowTriggerCallbackUrl",
            {
                "resourceGroupName": "rg-mail",
                "workflowName": "notifications",
                "triggerName": "manual",
            },
        )

        assert "sig=" in result["value"]

    def test_a_missing_argument_is_named(self, provider: AzureNative):
        _, failures = provider.invoke(
            "azure-native:logic:getWorkflow", {"resourceGroupName": "rg-mail"}
        )

        assert [failure.reason for failure in failures] == [
            "missing required property 'workflowName'"
        ]

    def test_a_token_for_graph_is_the_deploying_identitys(
        self, provider: AzureNative, tenant: Tenant
    ):
        token, _ = provider.invoke(
            "azure-native:authorization:getClientToken", {"endpoint": "https://graph.microsoft.com"}
        )

        answer = tenant.graph.request("GET", "/v1.0/servicePrincipals", token=token["token"])
        assert answer.status == 200
        with pytest.raises(RefusalError, match="AADSTS"):
            provider.invoke(
                "azure-native:authorization:getClientToken", {"endpoint": "https://contoso.com"}
            )

    def test_an_unknown_function_is_refused(self, provider: AzureNative):
        with pytest.raises(RefusalError, match="has no function azure-native:web:getWebApp"):
            provider.invoke("azure-native:web:getWebApp", {})
