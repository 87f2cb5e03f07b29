"""Microsoft's own SDKs, unmodified, make the manual procedure's calls to the tenant over TLS."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from azure.identity import DefaultAzureCredential
from azure.mgmt.logic import LogicManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.service_principals.service_principals_request_builder import (
    ServicePrincipalsRequestBuilder,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import (
    SendMailPostRequestBody,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from simulator.front import Front, served
from simulator.http_server import LOOPBACK
from simulator.tenant import GRAPH_APP_ID, GRAPH_AUDIENCE, SUBSCRIPTION_ID, Tenant
from simulator.tenant.identifiers import ARM_AUDIENCE, CONFINABLE_APP_ROLES
from simulator.testing.deployment import NOON, Deployment, connect, workflow_body
from simulator.testing.loops import in_its_own_loop

# The SDK warns of what its own generated code uses.
pytestmark = pytest.mark.filterwarnings("ignore:This class is deprecated:DeprecationWarning")

GROUP, WORKFLOW = "mail", "sender"
SHARED, STRANGER = "reception@contoso.com", "finance@contoso.com"
QUERY = ServicePrincipalsRequestBuilder.ServicePrincipalsRequestBuilderGetQueryParameters
Result = TypeVar("Result")


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    tenant = Tenant(tmp_path / "tenant.sqlite", real_time=lambda: NOON)
    yield tenant
    tenant.close()


@pytest.fixture
def front(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    with served(tenant, tls=tmp_path) as front:
        for name, value in front.variables.items():
            monkeypatch.setenv(name, value)
        yield front


@dataclass
class Azure:
    """The three clients, signed in as the machine's identity."""

    groups: ResourceManagementClient
    logic: LogicManagementClient
    identities: ManagedServiceIdentityClient


def azure_at(address: str) -> Azure:
    def client(kind: Any) -> Any:
        return kind(
            DefaultAzureCredential(),
            SUBSCRIPTION_ID,
            base_url=address,
            credential_scopes=[f"{ARM_AUDIENCE}/.default"],
            retry_total=0,
        )

    return Azure(
        client(ResourceManagementClient),
        client(LogicManagementClient),
        client(ManagedServiceIdentityClient),
    )


@pytest.fixture
def azure(front: Front) -> Azure:
    azure = azure_at(front.variables["RESOURCE_MANAGER_ADDRESS"])
    azure.groups.resource_groups.create_or_update(GROUP, {"location": "westeurope"})
    return azure


@pytest.fixture
def workflow(azure: Azure) -> Any:
    return azure.logic.workflows.create_or_update(GROUP, WORKFLOW, workflow_body(SHARED))


class TokenOfIdentity:
    """The token that the platform gives a managed identity; a machine's only has another one."""

    def __init__(self, tenant: Tenant, principal_id: str) -> None:
        self._tenant, self._principal_id = tenant, principal_id

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        token = self._tenant.entra.managed_identity_token(self._principal_id, GRAPH_AUDIENCE)
        return AccessToken(token, int(time.time()) + 3600)


@pytest.fixture
def graph(front: Front) -> Callable[..., Any]:
    """Has a client of Graph do something, as the deploying identity or another one."""

    def run(
        act: Callable[[GraphServiceClient], Awaitable[Result]],
        credential: TokenCredential | None = None,
    ) -> Result:
        async def acted() -> Result:
            provider = AzureIdentityAuthenticationProvider(
                credential or DefaultAzureCredential(),
                scopes=[f"{GRAPH_AUDIENCE}/.default"],
                allowed_hosts=[LOOPBACK],
            )
            adapter = GraphRequestAdapter(provider)
            adapter.base_url = f"{front.variables['MICROSOFT_GRAPH_ADDRESS']}/v1.0"
            return await act(GraphServiceClient(request_adapter=adapter))

        return in_its_own_loop(acted())

    return run


def mail() -> SendMailPostRequestBody:
    return SendMailPostRequestBody(
        message=Message(
            subject="Graph test mail",
            body=ItemBody(content_type=BodyType.Text, content="Does this work?"),
            to_recipients=[Recipient(email_address=EmailAddress(address="you@contoso.com"))],
        ),
        save_to_sent_items=False,
    )


class TestWithoutTls:
    def test_azures_clients_send_no_token(self, tenant, monkeypatch):
        with served(tenant) as front:
            for name, value in front.variables.items():
                monkeypatch.setenv(name, value)
            azure = azure_at(front.variables["RESOURCE_MANAGER_ADDRESS"])
            with pytest.raises(ServiceRequestError, match="not permitted for non-TLS"):
                azure.groups.resource_groups.get(GROUP)


class TestResourceManager:
    def test_makes_lists_and_removes_groups(self, azure):
        groups = azure.groups.resource_groups
        assert groups.check_existence(GROUP)
        assert [group.name for group in groups.list()] == [GROUP]
        assert groups.get(GROUP).location == "westeurope"
        groups.begin_delete(GROUP).result()
        assert not groups.check_existence(GROUP)
        with pytest.raises(ResourceNotFoundError, match="ResourceGroupNotFound"):
            groups.get(GROUP)

    def test_makes_and_lists_workflows_with_their_identity(self, azure, workflow):
        workflows = azure.logic.workflows
        assert workflow.identity.type == "SystemAssigned"
        assert workflows.get(GROUP, WORKFLOW).identity.principal_id == (
            workflow.identity.principal_id
        )
        for found in (workflows.list_by_resource_group(GROUP), workflows.list_by_subscription()):
            assert [each.name for each in found] == [WORKFLOW]
        resources = azure.groups.resources.list_by_resource_group(GROUP)
        assert [each.type for each in resources] == ["Microsoft.Logic/workflows"]
        workflows.disable(GROUP, WORKFLOW)
        assert workflows.get(GROUP, WORKFLOW).state == "Disabled"
        workflows.delete(GROUP, WORKFLOW)
        assert list(workflows.list_by_resource_group(GROUP)) == []

    def test_makes_and_lists_identities(self, azure):
        identities = azure.identities.user_assigned_identities
        made = identities.create_or_update(GROUP, "own", {"location": "westeurope"})
        assert identities.get(GROUP, "own").client_id == made.client_id
        for found in (identities.list_by_resource_group(GROUP), identities.list_by_subscription()):
            assert [each.principal_id for each in found] == [made.principal_id]
        identities.delete(GROUP, "own")
        with pytest.raises(ResourceNotFoundError):
            identities.get(GROUP, "own")

    def test_runs_a_trigger_and_reads_the_history(self, azure, workflow):
        logic = azure.logic
        logic.workflow_triggers.run(GROUP, WORKFLOW, "manual")
        [run] = logic.workflow_runs.list(GROUP, WORKFLOW, top=5, filter="status eq 'Failed'")
        assert logic.workflow_runs.get(GROUP, WORKFLOW, run.name).trigger.name == "manual"
        [action] = logic.workflow_run_actions.list(GROUP, WORKFLOW, run.name)
        assert (action.status, action.code) == ("Failed", "Forbidden")
        callback = logic.workflow_triggers.list_callback_url(GROUP, WORKFLOW, "manual")
        assert callback.value.startswith("https://127.0.0.1:")

    def test_is_told_what_is_not_simulated(self, azure, workflow):
        for refused in (
            lambda: azure.groups.resource_groups.update(GROUP, {"tags": {"a": "b"}}),
            lambda: azure.logic.workflows.update(GROUP, WORKFLOW),
            lambda: list(azure.groups.resources.list()),
            lambda: list(azure.logic.workflows.list_by_resource_group(GROUP, top=1)),
            lambda: list(azure.logic.workflow_versions.list(GROUP, WORKFLOW)),
        ):
            with pytest.raises(HttpResponseError, match="NotSimulated") as caught:
                refused()
            assert caught.value.status_code == 501


def look_up(graph: Callable[..., Any]) -> Any:
    """Graph's own service principal, found as the procedure finds it."""
    query = QUERY(filter=f"AppId eq '{GRAPH_APP_ID}'", select=["id", "appRoles"])
    configuration = RequestConfiguration(query_parameters=query)
    found = graph(lambda client: client.service_principals.get(configuration))
    [principal] = found.value
    return principal


def assignment(workflow: Any, resource: Any) -> AppRoleAssignment:
    [role] = [role for role in resource.app_roles if role.value == "Mail.Send"]
    return AppRoleAssignment(
        principal_id=UUID(workflow.identity.principal_id),
        resource_id=UUID(resource.id),
        app_role_id=role.id,
    )


def error_of(error: ODataError) -> Any:
    """What Graph says, as the SDK has read it."""
    return error.error


class TestGraph:
    @pytest.fixture
    def confined(self, tenant, workflow):
        """The workflow's identity, confined to its mailbox."""
        deployment = Deployment(tenant, connect(tenant))
        deployment.wait_for_recipients()
        principal_id = workflow.identity.principal_id
        principal = deployment.graph("GET", f"/v1.0/servicePrincipals/{principal_id}").body
        deployment.policy(principal["appId"], deployment.group("Scope", SHARED)["Guid"])
        deployment.wait_for_policies()
        return deployment

    @pytest.mark.usefixtures("confined")
    @pytest.mark.parametrize("side", ["of the principal", "of the resource"])
    def test_grants_reads_and_takes_away_from_either_side(self, graph, workflow, side):
        resource = look_up(graph)
        body = assignment(workflow, resource)

        def assignments(client: GraphServiceClient) -> Any:
            principals = client.service_principals
            if side == "of the resource":
                return principals.by_service_principal_id(resource.id).app_role_assigned_to
            own = workflow.identity.principal_id
            return principals.by_service_principal_id(own).app_role_assignments

        made = graph(lambda client: assignments(client).post(body))
        assert str(made.app_role_id) == CONFINABLE_APP_ROLES["Mail.Send"]
        assert made.principal_display_name == WORKFLOW
        listed = graph(lambda client: assignments(client).get()).value
        assert made.id in [each.id for each in listed]
        with pytest.raises(ODataError, match="already exists") as caught:
            graph(lambda client: assignments(client).post(body))
        assert error_of(caught.value).code == "Request_BadRequest"
        assert error_of(caught.value).inner_error.request_id
        graph(lambda client: assignments(client).by_app_role_assignment_id(made.id).delete())
        listed = graph(lambda client: assignments(client).get()).value
        assert made.id not in [each.id for each in listed]

    @pytest.mark.usefixtures("confined")
    def test_sends_as_the_mailbox_and_is_denied_as_another(self, graph, tenant, workflow):
        resource = look_up(graph)
        body = assignment(workflow, resource)
        graph(
            lambda client: client.service_principals.by_service_principal_id(
                workflow.identity.principal_id
            ).app_role_assignments.post(body)
        )
        identity = TokenOfIdentity(tenant, workflow.identity.principal_id)

        def send(mailbox: str) -> None:
            graph(lambda c: c.users.by_user_id(mailbox).send_mail.post(mail()), identity)

        send(SHARED)
        with pytest.raises(ODataError) as caught:
            send(STRANGER)

        assert caught.value.response_status_code == 403
        assert error_of(caught.value).code == "ErrorAccessDenied"
        assert [sent.mailbox for sent in tenant.mail()] == [SHARED]
        assert tenant.violations() == []

    def test_is_told_that_a_service_principal_is_not_there(self, graph):
        with pytest.raises(ODataError) as caught:
            graph(
                lambda client: client.service_principals.by_service_principal_id(
                    SUBSCRIPTION_ID
                ).get()
            )
        assert error_of(caught.value).code == "Request_ResourceNotFound"
