"""App role assignments and look-ups of service principals behave as those of azuread."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.providers.azuread import AzureAD
from simulator.providers.properties import UNKNOWN, Change
from simulator.providers.server import InitializationError, RefusalError, Resource
from simulator.tenant import DEPLOYMENT_CLIENT_ID, GRAPH_APP_ID, Response, Tenant
from simulator.tenant.faults import RETRY_AFTER_SECONDS, Fault, Kind, Step, steps

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


def requests(tenant: Tenant, since: int) -> list[str]:
    """What was asked of Graph since so many calls."""
    return [
        f"{call.operation} {call.target}"
        for call in tenant.calls()[since:]
        if call.service == "Graph"
    ]


def plan(tenant: Tenant, kind: Kind, method: str, target: str) -> None:
    """Plans a fault at the first such request."""
    resource = target.replace("appRoleAssignedTo", "servicePrincipals/{id}/appRoleAssignedTo")
    tenant.plan_faults([Fault(Step("", "Graph", method, f"/v1.0/{resource}", 1), kind)])


class TestItsToken:
    def test_is_kept_until_shortly_before_it_expires(self, provider: AzureAD, tenant: Tenant):
        def issued() -> int:
            provider.invoke(LOOK_UP, {"clientId": GRAPH_APP_ID})
            return sum(call.operation == "issue token" for call in tenant.calls())

        assert [issued(), issued()] == [1, 1]
        tenant.clock.advance(54 * 60)
        assert issued() == 1
        tenant.clock.advance(2 * 60)
        assert [issued(), issued()] == [2, 2]


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


class TestCreationIsThreeRequests:
    def test_of_which_the_last_reads_the_new_one(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        before = len(tenant.calls())

        identifier, _ = provider.create(assignment, inputs)

        resource = f"/v1.0/servicePrincipals/{inputs['resourceObjectId']}"
        assert requests(tenant, before) == [
            f"GET {resource}",
            f"POST {resource}/appRoleAssignedTo",
            f"GET /v1.0{identifier}",
        ]

    def test_and_one_that_is_not_shown_yet_is_made_and_in_no_state(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        tenant.set_lag("grant", 60)
        before = set(tenant.snapshot()["appRoleAssignments"])

        with pytest.raises(RefusalError) as raised:
            provider.create(assignment, inputs)

        assert type(raised.value) is RefusalError
        assert str(raised.value) == (
            f"expected non-nil error with nil state during Create of {assignment.urn}"
        )
        (made,) = set(tenant.snapshot()["appRoleAssignments"]) - before
        identifier = f"/servicePrincipals/{inputs['resourceObjectId']}/appRoleAssignedTo/{made}"
        assert provider.read(assignment, identifier, {}, {}) is None
        with pytest.raises(RefusalError, match="Permission being assigned already exists"):
            provider.create(assignment, inputs)
        tenant.clock.advance(60)
        assert provider.read(assignment, identifier, {}, {}) is not None

    def test_and_one_that_may_not_be_read_is_in_the_state_and_gone_on_with(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        plan(tenant, Kind.REFUSED, "GET", "appRoleAssignedTo/{id}")

        with pytest.raises(InitializationError) as raised:
            provider.create(assignment, inputs)

        made = raised.value
        assert str(made).startswith(f"creating {assignment.urn}: 1 error occurred:")
        assert "Authorization_RequestDenied" in str(made)
        assert provider.update(assignment, made.identifier, made.outputs, inputs) == inputs

    def test_an_update_of_anything_is_refused(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any]
    ):
        with pytest.raises(RefusalError, match="doesn't support update"):
            provider.update(assignment, "/x", inputs, inputs | {"appRoleId": NOBODY})


class TestARequestIsSentAgain:
    @pytest.mark.parametrize(
        ("lag", "refusal"),
        [("directory", "Request_ResourceNotFound"), ("assignment", "Not a valid reference update")],
    )
    def test_ten_times_while_the_principal_is_not_known_yet(
        self,
        provider: AzureAD,
        assignment: Resource,
        inputs: dict[str, Any],
        tenant: Tenant,
        lag: str,
        refusal: str,
    ):
        tenant.set_lag(lag, 3600)
        stranger = tenant.entra.add_service_principal("new", kind="ManagedIdentity")["id"]
        before, then = len(tenant.calls()), tenant.clock.now()

        with pytest.raises(RefusalError, match=refusal):
            provider.create(assignment, inputs | {"principalObjectId": stranger})

        assert [request[:4] for request in requests(tenant, before)] == ["GET ", *["POST"] * 10]
        waited = (tenant.clock.now() - then).total_seconds()
        assert 246 <= waited < 276, "1 + 2 + 4 + 8 + 16 + 32 + 3 * 61 s, and real time"

    @pytest.mark.parametrize("lag", ["directory", "assignment"])
    def test_until_it_is(
        self,
        provider: AzureAD,
        assignment: Resource,
        inputs: dict[str, Any],
        tenant: Tenant,
        lag: str,
    ):
        tenant.set_lag(lag, 200)
        stranger = tenant.entra.add_service_principal("new", kind="ManagedIdentity")["id"]

        provider.create(assignment, inputs | {"principalObjectId": stranger})

    @pytest.mark.parametrize("kind", [Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER])
    @pytest.mark.parametrize(
        ("method", "target"),
        [("GET", "servicePrincipals/{id}"), ("GET", "appRoleAssignedTo/{id}")],
    )
    def test_where_its_answer_is_lost_and_it_only_reads(
        self,
        provider: AzureAD,
        assignment: Resource,
        inputs: dict[str, Any],
        tenant: Tenant,
        kind: Kind,
        method: str,
        target: str,
    ):
        plan(tenant, kind, method, target)

        provider.create(assignment, inputs)

        assert tenant.faults_happened() == 1

    @pytest.mark.parametrize("kind", [Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER])
    def test_but_not_a_creation_or_a_deletion_whose_answer_is_lost(
        self,
        provider: AzureAD,
        assignment: Resource,
        inputs: dict[str, Any],
        tenant: Tenant,
        kind: Kind,
    ):
        lost = "HTTP response was nil; connection may have been reset"
        identifier, outputs = provider.create(assignment, inputs)
        plan(tenant, kind, "DELETE", "appRoleAssignedTo/{id}")
        before = len(tenant.calls())

        with pytest.raises(RefusalError, match=lost):
            provider.delete(assignment, identifier, outputs)

        assert len(requests(tenant, before)) == 1
        tenant.plan_faults([])
        if kind is Kind.TIMEOUT_BEFORE:
            provider.delete(assignment, identifier, outputs)
        plan(tenant, kind, "POST", "appRoleAssignedTo")
        before = len(tenant.calls())

        with pytest.raises(RefusalError, match=lost):
            provider.create(assignment, inputs)

        assert len(requests(tenant, before)) == 2

    def test_where_the_service_is_busy(
        self, provider: AzureAD, assignment: Resource, inputs: dict[str, Any], tenant: Tenant
    ):
        plan(tenant, Kind.THROTTLED, "POST", "appRoleAssignedTo")
        then = tenant.clock.now()

        provider.create(assignment, inputs)

        assert (tenant.clock.now() - then).total_seconds() >= RETRY_AFTER_SECONDS

    @pytest.mark.parametrize(
        ("status", "again"), [(408, True), (424, True), (429, True), (501, False), (503, True)]
    )
    def test_by_its_status(
        self,
        provider: AzureAD,
        assignment: Resource,
        inputs: dict[str, Any],
        tenant: Tenant,
        monkeypatch: pytest.MonkeyPatch,
        status: int,
        again: bool,
    ):
        sent: list[str] = []

        def answer(method: str, path: str, *_: object, **__: object) -> Response:
            sent.append(path)
            return Response(status, {"error": {"code": "X", "message": "x"}})

        monkeypatch.setattr(tenant.graph, "request", answer)

        with pytest.raises(RefusalError, match=f"unexpected status {status}"):
            provider.delete(assignment, "/servicePrincipals/a/appRoleAssignedTo/b", {})

        assert len(sent) == (10 if again else 1)

    def test_no_longer_than_the_five_minutes_of_the_operation(
        self,
        provider: AzureAD,
        assignment: Resource,
        tenant: Tenant,
        monkeypatch: pytest.MonkeyPatch,
    ):
        def busy(*_: object, **__: object) -> Response:
            return Response(429, {"error": {"code": "X", "message": "x"}}, {"Retry-After": "200"})

        monkeypatch.setattr(tenant.graph, "request", busy)
        then = tenant.clock.now()

        with pytest.raises(RefusalError, match="context deadline exceeded"):
            provider.delete(assignment, "/servicePrincipals/a/appRoleAssignedTo/b", {})

        assert 299 <= (tenant.clock.now() - then).total_seconds() < 330


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
    @pytest.mark.parametrize("key", ["objectId", "clientId", "displayName"])
    def test_ask_the_beta_endpoint_as_well_and_fail_with_it(
        self, provider: AzureAD, tenant: Tenant, key: str
    ):
        graph, _ = provider.invoke(LOOK_UP, {"clientId": GRAPH_APP_ID})
        asked = tenant.calls()[-1]
        assert asked.target == (
            f"/beta/servicePrincipals/{graph['objectId']}?$select=samlMetadataUrl"
        )
        (step,) = steps([asked])
        tenant.plan_faults([Fault(step, Kind.REFUSED)])

        with pytest.raises(RefusalError) as raised:
            provider.invoke(LOOK_UP, {key: graph[key]})

        assert "(beta API): unexpected status 403" in str(raised.value)

    @pytest.mark.parametrize(("key", "found"), [("clientId", True), ("displayName", False)])
    def test_of_two_take_the_first_by_client_id(
        self, provider: AzureAD, tenant: Tenant, key: str, found: bool
    ):
        tenant.set_lag("directory", 0)
        first, _ = (
            tenant.entra.add_service_principal("twice", kind="Application", app_id=NOBODY)["id"]
            for _ in range(2)
        )
        value = {"clientId": NOBODY, "displayName": "twice"}[key]

        if found:
            assert provider.invoke(LOOK_UP, {key: value})[0]["objectId"] == first
        else:
            with pytest.raises(RefusalError, match="Multiple service principals found"):
                provider.invoke(LOOK_UP, {key: value})

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
