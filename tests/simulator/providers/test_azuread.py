"""App role assignments and look-ups of service principals behave as those of azuread."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.providers.azuread import AzureAD
from simulator.providers.properties import UNKNOWN, Change
from simulator.providers.server import RefusalError, Resource
from simulator.tenant import DEPLOYMENT_CLIENT_ID, GRAPH_APP_ID, Tenant

LOOK_UP = "azuread:index/getServicePrincipal:getServicePrincipal"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def provider(tenant: Tenant) -> AzureAD:
    return AzureAD(tenant)


@pytest.fixture
def assignment(resource_of: Callable[[str], Resource]) -> Resource:
    return resource_of("azuread:index/appRoleAssignment:AppRoleAssignment")


@pytest.fixture
def inputs(provider: AzureAD) -> dict[str, Any]:
    """A grant that does not exist: it confines nothing, and mails reach nobody by it."""
    graph, _ = provider.invoke(LOOK_UP, {"clientId": GRAPH_APP_ID})
    principal, _ = provider.invoke(LOOK_UP, {"clientId": DEPLOYMENT_CLIENT_ID})
    return {
        "appRoleId": graph["appRoleIds"]["User.Read.All"],
        "principalObjectId": principal["objectId"],
        "resourceObjectId": graph["objectId"],
    }


class TestAssignments:
    def test_are_created_under_their_resource(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        identifier, outputs = provider.create(assignment, inputs)

        _, collection, owner, kind, own = identifier.split("/")
        assert (collection, owner) == ("servicePrincipals", inputs["resourceObjectId"])
        assert kind == "appRoleAssignedTo"
        assert own in tenant.snapshot()["appRoleAssignments"]
        assert outputs.items() >= inputs.items()
        assert outputs["principalType"] == "ServicePrincipal"
        assert outputs["resourceDisplayName"] == "Microsoft Graph"

    def test_the_same_one_twice_is_graphs_refusal(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        provider.create(assignment, inputs)

        with pytest.raises(RefusalError) as raised:
            provider.create(assignment, inputs)

        assert str(raised.value) == (
            "1 error occurred:\n\t* Could not create app role assignment: unexpected status 400 "
            "(400 Bad Request) with error: Request_BadRequest: Permission being assigned already "
            "exists on the object\n\n"
        )

    def test_a_resource_that_is_none_is_refused(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        with pytest.raises(RefusalError, match="Service principal not found for resource"):
            provider.create(assignment, inputs | {"resourceObjectId": NOBODY})

    def test_are_deleted(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        before = tenant.snapshot()
        identifier, outputs = provider.create(assignment, inputs)

        provider.delete(assignment, identifier, outputs)

        assert tenant.snapshot() == before

    def test_what_is_gone_already_cannot_be_deleted(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        identifier, outputs = provider.create(assignment, inputs)
        provider.delete(assignment, identifier, outputs)

        with pytest.raises(RefusalError, match="unexpected status 404"):
            provider.delete(assignment, identifier, outputs)

    def test_are_read(self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]):
        identifier, outputs = provider.create(assignment, inputs)

        observed = provider.read(assignment, identifier, inputs, outputs)

        assert observed is not None
        assert (observed.inputs, observed.outputs) == (inputs, outputs)

    def test_what_is_gone_is_gone(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        identifier, outputs = provider.create(assignment, inputs)
        provider.delete(assignment, identifier, outputs)

        assert provider.read(assignment, identifier, inputs, outputs) is None

    @pytest.mark.parametrize("name", ["appRoleId", "principalObjectId", "resourceObjectId"])
    def test_every_change_is_a_replacement(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], name: str
    ):
        difference = provider.compare(assignment, inputs, inputs | {name: UNKNOWN})

        assert difference.changes == {name: Change.UPDATE}
        assert difference.replacing == {name}

    def test_previews_know_the_inputs(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        outputs = provider.preview_create(assignment, inputs)

        assert outputs.items() >= inputs.items()
        assert outputs["principalDisplayName"] == UNKNOWN


class TestChecks:
    def test_an_id_that_is_none_is_refused(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        _, failures = provider.check(assignment, {}, inputs | {"appRoleId": "Mail.Send"})

        assert [failure.reason for failure in failures] == [
            'expected "app_role_id" to be a valid UUID, got Mail.Send'
        ]

    def test_an_unknown_id_is_not(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        _, failures = provider.check(assignment, {}, inputs | {"principalObjectId": UNKNOWN})

        assert failures == []


class TestLookUps:
    def test_by_each_key_find_the_same(self, provider: AzureAD):
        by_client_id, _ = provider.invoke(LOOK_UP, {"clientId": GRAPH_APP_ID})

        for key in ("objectId", "displayName"):
            found, failures = provider.invoke(LOOK_UP, {key: by_client_id[key]})
            assert failures == []
            assert found == by_client_id

    def test_have_the_app_roles_by_name(self, provider: AzureAD):
        graph, _ = provider.invoke(LOOK_UP, {"clientId": GRAPH_APP_ID})

        assert graph["appRoleIds"]["Mail.Send"] == "b633e1c5-b582-4048-a93e-9f11b44c7e96"
        assert graph["id"] == f"/servicePrincipals/{graph['objectId']}"

    def test_of_an_object_id_that_is_unknown(self, provider: AzureAD):
        with pytest.raises(RefusalError) as raised:
            provider.invoke(LOOK_UP, {"objectId": NOBODY})

        assert str(raised.value) == (
            f"invoking {LOOK_UP}: 1 error occurred:\n\t* Service Principal "
            f'(Service Principal: "{NOBODY}") was not found\n\n'
        )

    def test_of_a_client_id_that_is_unknown(self, provider: AzureAD):
        with pytest.raises(RefusalError, match="No service principal found"):
            provider.invoke(LOOK_UP, {"clientId": NOBODY})

    def test_of_a_name_with_a_quote(self, provider: AzureAD):
        with pytest.raises(RefusalError, match="displayName eq 'Finance''s app'"):
            provider.invoke(LOOK_UP, {"displayName": "Finance's app"})

    @pytest.mark.parametrize(
        "arguments", [{}, {"objectId": NOBODY, "clientId": NOBODY}], ids=["none", "two"]
    )
    def test_need_exactly_one_key(self, provider: AzureAD, arguments: dict[str, Any]):
        result, failures = provider.invoke(LOOK_UP, arguments)

        assert result == {}
        assert "`client_id,display_name,object_id`" in failures[0].reason

    def test_of_what_is_no_id(self, provider: AzureAD):
        _, failures = provider.invoke(LOOK_UP, {"objectId": "notifications"})

        assert failures[0].reason == ('expected "object_id" to be a valid UUID, got notifications')
