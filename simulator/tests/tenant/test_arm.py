import pytest

from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    GRAPH_AUDIENCE,
    SUBSCRIPTION_ID,
    TENANT_ID,
)
from simulator.tenant.arm.authorization import operation as operation_of
from simulator.tenant.identifiers import ARM_AUDIENCE
from simulator.tenant.paths import Request
from simulator.testing.deployment import (
    GROUP_PATH,
    WORKFLOW_PATH,
    action,
    choosing,
    definition,
    workflow_body,
)


def code(response):
    return response.status, response.body["error"]["code"]


def policy(**members):
    """An accessControl with one policy for tokens."""
    entry = {"type": "AAD", "claims": []} | members
    return {"triggers": {"openAuthenticationPolicies": {"policies": {"erp": entry}}}}


class TestResourceGroup:
    def put(self, deployment, path=GROUP_PATH, version="2024-03-01", **body):
        return deployment.arm("PUT", path, {"location": "westeurope"} | body, version)

    def test_is_created_updated_read_and_deleted(self, deployment):
        assert self.put(deployment, location="West Europe").status == 201
        assert self.put(deployment, tags={"a": "b"}).status == 200
        read = deployment.arm(
            "GET",
            GROUP_PATH.upper().replace("/SUBSCRIPTIONS", "/subscriptions"),
            version="2024-03-01",
        )
        assert read.body == {
            "id": GROUP_PATH,
            "name": "mail",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "tags": {"a": "b"},
            "properties": {"provisioningState": "Succeeded"},
        }
        assert deployment.arm("HEAD", GROUP_PATH, version="2024-03-01").status == 204
        assert deployment.arm("DELETE", GROUP_PATH, version="2024-03-01").status == 200
        assert code(deployment.arm("GET", GROUP_PATH, version="2024-03-01")) == (
            404,
            "ResourceGroupNotFound",
        )
        assert deployment.arm("HEAD", GROUP_PATH, version="2024-03-01").status == 404
        assert deployment.arm("DELETE", GROUP_PATH, version="2024-03-01").status == 404

    def test_cannot_move(self, deployment):
        self.put(deployment)
        assert code(self.put(deployment, location="northeurope")) == (
            409,
            "InvalidResourceGroupLocation",
        )

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"location": "atlantis"}, "LocationNotAvailableForResourceGroup"),
            ({"location": None}, "LocationRequired"),
            ({"colour": "blue"}, "InvalidRequestContent"),
        ],
    )
    def test_wrong_content_is_refused(self, deployment, body, expected):
        assert code(self.put(deployment, **body)) == (400, expected)

    @pytest.mark.parametrize("name", ["x" * 91, "ends.with.dot.", "a b", "a$b"])
    def test_wrong_names_are_refused(self, deployment, name):
        path = GROUP_PATH.replace("/mail", f"/{name}")
        assert code(self.put(deployment, path)) == (400, "InvalidResourceGroup")

    def test_deleting_it_deletes_what_is_inside_and_nothing_else(self, tenant, deployment):
        other = GROUP_PATH.replace("/mail", "/mail2")
        principal = deployment.workflow()
        self.put(deployment, other)
        deployment.arm("PUT", WORKFLOW_PATH.replace("/mail/", "/mail2/"), workflow_body())
        deployment.arm("DELETE", GROUP_PATH, version="2024-03-01")
        snapshot = tenant.snapshot()
        assert list(snapshot["resourceGroups"]) == [other]
        assert [w.casefold().split("/")[4] for w in snapshot["workflows"]] == ["mail2"]
        assert principal["id"] not in snapshot["servicePrincipals"]


SUBSCRIPTION_PATH = f"/subscriptions/{SUBSCRIPTION_ID}"


class TestLists:
    def test_name_what_is_in_a_group_and_in_the_subscription(self, deployment):
        deployment.workflow()
        other = GROUP_PATH.replace("/mail", "/other")
        deployment.arm("PUT", other, {"location": "westeurope"}, version="2024-03-01")
        identities = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
        deployment.arm(
            "PUT", f"{other}/{identities}/own", {"location": "westeurope"}, version="2023-01-31"
        )

        def names(path, version):
            return [
                each["name"] for each in deployment.arm("GET", path, version=version).body["value"]
            ]

        assert names(f"{SUBSCRIPTION_PATH}/resourcegroups", "2024-03-01") == ["mail", "other"]
        workflows = "providers/Microsoft.Logic/workflows"
        for scope, found in (
            (SUBSCRIPTION_PATH, ["sender"]),
            (GROUP_PATH, ["sender"]),
            (other, []),
        ):
            assert names(f"{scope}/{workflows}", "2019-05-01") == found
        for scope, found in ((SUBSCRIPTION_PATH, ["own"]), (GROUP_PATH, []), (other, ["own"])):
            assert names(f"{scope}/{identities}", "2023-01-31") == found
        missing = GROUP_PATH.replace("/mail", "/missing")
        assert code(deployment.arm("GET", f"{missing}/{workflows}")) == (
            404,
            "ResourceGroupNotFound",
        )


class TestRequests:
    def test_need_an_api_version_that_exists(self, tenant, deployment):
        assert code(tenant.arm.request("GET", GROUP_PATH)) == (400, "MissingApiVersionParameter")
        assert code(deployment.arm("GET", GROUP_PATH, version="1999-01-01")) == (
            400,
            "InvalidApiVersionParameter",
        )
        assert code(deployment.arm("GET", WORKFLOW_PATH, version="2016-06-01")) == (
            400,
            "NoRegisteredProviderFound",
        )

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            (GROUP_PATH.replace(SUBSCRIPTION_ID, TENANT_ID), "SubscriptionNotFound"),
            (WORKFLOW_PATH, "ResourceGroupNotFound"),
        ],
    )
    def test_to_nowhere_are_not_found(self, deployment, path, expected):
        assert code(deployment.arm("GET", path)) == (404, expected)

    def test_for_something_else_than_what_is_simulated_are_not_guessed(self, deployment):
        deployment.workflow()
        assert deployment.arm("POST", f"{WORKFLOW_PATH}/regenerateAccessKey").status == 501
        assert deployment.arm("PATCH", WORKFLOW_PATH, {}).status == 501
        assert deployment.arm("PATCH", GROUP_PATH, {}, version="2024-03-01").status == 501

    @pytest.mark.parametrize(
        "path",
        [
            SUBSCRIPTION_PATH,
            f"{SUBSCRIPTION_PATH}/resources",
            f"{GROUP_PATH}/providers/Microsoft.Storage/storageAccounts",
            f"{GROUP_PATH}/providers/Microsoft.Logic/integrationAccounts/a",
            f"{GROUP_PATH}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i/"
            "federatedIdentityCredentials",
        ],
    )
    def test_for_what_exists_in_azure_do_not_say_that_there_is_none(self, deployment, path):
        assert code(deployment.arm("GET", path, version="2024-03-01")) == (501, "NotSimulated")

    def test_that_end_amid_a_path_are_answered(self, tenant, deployment):
        path = f"{GROUP_PATH}/providers"
        assert code(deployment.arm("PUT", path, {}, version="2024-03-01")) == (501, "NotSimulated")
        tenant.set_only_resource_group(GROUP_PATH.rpartition("/")[2])
        assert code(deployment.arm("PUT", path, {}, version="2024-03-01")) == (501, "NotSimulated")

    def test_with_an_option_that_would_change_the_answer_are_not_answered_without_it(
        self, tenant, deployment
    ):
        deployment.workflow()
        for path, version, option in (
            (WORKFLOW_PATH.rpartition("/")[0], "2019-05-01", "$top=1"),
            (f"{WORKFLOW_PATH}/runs", "2019-05-01", "$skip=1"),
            (f"{GROUP_PATH}/resources", "2024-03-01", "$filter=name eq 'x'"),
            (f"{GROUP_PATH}/resources", "2024-03-01", "$expand=createdTime"),
            (GROUP_PATH, "2024-03-01", "forceDeletionTypes=x"),
        ):
            answer = tenant.arm.request("GET", f"{path}?api-version={version}&{option}")
            assert code(answer) == (501, "NotSimulated")
        twice = tenant.arm.request("GET", f"{GROUP_PATH}?api-version=x&api-version=2024-03-01")
        assert code(twice) == (400, "BadRequest")

    @pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
    def test_that_are_conditional_are_not_answered_unconditionally(self, tenant, header):
        answer = tenant.arm.request(
            "PUT",
            f"{GROUP_PATH}?api-version=2024-03-01",
            {"location": "westeurope"},
            headers={header: "*", "Content-Type": "application/json"},
        )
        assert code(answer) == (501, "NotSimulated")
        assert tenant.snapshot()["resourceGroups"] == {}

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
    def test_with_content_need_its_type(self, tenant, headers):
        path = f"{GROUP_PATH}?api-version=2024-03-01"
        answer = tenant.arm.request("PUT", path, {"location": "westeurope"}, headers=headers)
        assert code(answer) == (415, "UnsupportedMediaType")

    def test_with_a_token_need_one_for_azure(self, tenant, deployment):
        deployment.resource_group()
        path = f"{GROUP_PATH}?api-version=2024-03-01"
        for audience, status in ((GRAPH_AUDIENCE, 401), (ARM_AUDIENCE, 200)):
            token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, audience)
            assert tenant.arm.request("GET", path, token=token).status == status
        assert tenant.arm.request("GET", path, token="made up").status == 401


class TestWorkflow:
    def test_is_created_updated_read_and_deleted(self, deployment):
        deployment.resource_group()
        assert code(deployment.arm("GET", WORKFLOW_PATH)) == (404, "ResourceNotFound")
        created = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(tags={"a": "b"}))
        assert created.status == 201
        read = deployment.arm("GET", WORKFLOW_PATH).body
        assert read == created.body
        assert read["id"] == WORKFLOW_PATH
        assert read["tags"] == {"a": "b"}
        assert read["properties"]["definition"] == definition()
        assert read["properties"]["state"] == "Enabled"
        assert read["identity"]["tenantId"] == TENANT_ID
        updated = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(state="Disabled"))
        assert updated.status == 200
        assert updated.body["properties"]["state"] == "Disabled"
        assert updated.body["tags"] == {}
        assert deployment.arm("HEAD", WORKFLOW_PATH).status == 204
        assert deployment.arm("DELETE", WORKFLOW_PATH).status == 200
        assert deployment.arm("DELETE", WORKFLOW_PATH).status == 204
        assert deployment.arm("HEAD", WORKFLOW_PATH).status == 404

    def test_keeps_its_identity_when_updated_and_gets_a_new_one_when_created_again(
        self, deployment
    ):
        first = deployment.workflow()
        assert deployment.workflow("finance@contoso.com") == first
        deployment.arm("DELETE", WORKFLOW_PATH)
        second = deployment.workflow()
        assert (first["displayName"], second["displayName"]) == ("sender", "sender")
        assert first["id"] != second["id"]
        assert first["appId"] != second["appId"]

    def test_loses_its_identity_when_told_so_and_only_then(self, tenant, deployment):
        principal = deployment.workflow()
        body = workflow_body()
        del body["identity"]
        kept = deployment.arm("PUT", WORKFLOW_PATH, body)
        assert kept.body["identity"]["principalId"] == principal["id"]
        gone = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(identity={"type": "None"}))
        assert "identity" not in gone.body
        assert principal["id"] not in tenant.snapshot()["servicePrincipals"]

    def test_cannot_move(self, deployment):
        deployment.workflow()
        moved = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(location="northeurope"))
        assert code(moved) == (409, "InvalidResourceLocation")

    @pytest.mark.parametrize("name", ["x" * 81, "a b", "ü"])
    def test_wrong_names_are_refused(self, deployment, name):
        deployment.resource_group()
        path = WORKFLOW_PATH.replace("/sender", f"/{name}")
        assert code(deployment.arm("PUT", path, workflow_body())) == (400, "InvalidResourceName")

    def test_is_enabled_and_disabled(self, deployment):
        deployment.workflow()
        for step, state in (("disable", "Disabled"), ("enable", "Enabled")):
            assert deployment.arm("POST", f"{WORKFLOW_PATH}/{step}").status == 200
            assert deployment.arm("GET", WORKFLOW_PATH).body["properties"]["state"] == state

    def test_a_put_without_a_state_switches_it_on(self, deployment):
        deployment.resource_group()
        deployment.arm("PUT", WORKFLOW_PATH, workflow_body(state="Disabled"))
        updated = deployment.arm("PUT", WORKFLOW_PATH, workflow_body())
        assert updated.body["properties"]["state"] == "Enabled"


def http(**inputs):
    return definition(actions={"Send_mail": action(inputs=inputs)})


def acting(**members):
    return definition(actions={"Send_mail": action(**members)})


def nesting(depth):
    """A definition whose innermost action lies that deep."""
    actions = {"Send_mail": action()}
    for number in range(1, depth):
        [choice] = choosing(actions=actions, **{"else": {"actions": {}}})["actions"].values()
        actions = {f"Choose_{number}": choice}
    return definition(actions=actions)


def triggered(**trigger):
    return definition(triggers={"manual": {"type": "Request"} | trigger})


def retrying(**policy):
    return http(retryPolicy=policy)


class TestAWrongWorkflowIsRefusedWhenSaved:
    @pytest.mark.parametrize(
        "body",
        [
            {"colour": "blue"},
            {"identity": {"type": "Automatic"}},
            {"identity": {"kind": "SystemAssigned"}},
            {"properties": {"definition": definition(), "status": "Enabled"}},
            {"properties": {"definition": definition(), "state": "On"}},
            {"properties": {"definition": definition(), "parameters": {"a": 1}}},
            {"properties": []},
        ],
    )
    def test_as_a_resource(self, tenant, deployment, body):
        self.check(tenant, deployment, workflow_body() | body, "InvalidRequestContent")

    def test_without_a_definition(self, tenant, deployment):
        body = workflow_body() | {"properties": {"state": "Enabled"}}
        self.check(tenant, deployment, body, "WorkflowDefinitionMissing")

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            (definition(**{"$schema": "x"}), "$schema"),
            (definition(contentVersion="2.0.0.0"), "contentVersion"),
            (definition(steps={}), "steps"),
            (definition(triggers=[]), "triggers"),
            (definition(parameters=[]), "parameters"),
            (
                definition(triggers={f"t{n}": {"type": "Request"} for n in range(11)}),
                "more than 10",
            ),
            (definition(actions={"x" * 81: action()}), "80 characters"),
            (definition(actions={"a/b": action()}), "a/b"),
            (definition(actions={"a": "b"}), "must be an object"),
            (triggered(type="Manual"), "Manual"),
            (triggered(kind="Https"), "Https"),
            (triggered(schema={}), "schema"),
            (triggered(inputs={"method": "SEND"}), "SEND"),
            (triggered(inputs={"body": {}}), "body"),
            (triggered(operationOptions="DisableAsyncPattern"), "DisableAsyncPattern"),
            (triggered(type="Recurrence", recurrence={"frequency": "Day"}), "interval"),
            (
                triggered(
                    type="Recurrence",
                    recurrence={"frequency": "Day", "interval": 1},
                    runtimeConfiguration={"secureData": {"properties": ["inputs"]}},
                ),
                "secureData",
            ),
            (acting(type="HTTP"), "HTTP"),
            (acting(colour="blue"), "colour"),
            (acting(runAfter={"Nothing": ["Succeeded"]}), "Nothing"),
            (acting(runAfter={"Send_mail": ["Done"]}), "Done"),
            (acting(runAfter={"Send_mail": None}), "Send_mail"),
            (acting(operationOptions="DisableAsync"), "DisableAsync"),
            (acting(runtimeConfiguration={"secureData": {"properties": ["body"]}}), "body"),
            (acting(runtimeConfiguration={"secureData": {}}), "properties"),
            (acting(runtimeConfiguration={"secure": {}}), "secure"),
            (http(method="send"), "send"),
            (http(uri="graph.microsoft.com"), "uri"),
            (http(uri=None), "uri"),
            (http(url="https://graph.microsoft.com"), "url"),
            (http(authentication={"type": "ManagedIdentity"}), "ManagedIdentity"),
            (http(authentication={"type": "ManagedServiceIdentity"}), "audience"),
            (
                http(authentication={"type": "ManagedServiceIdentity", "audience": "x", "y": 1}),
                "'y'",
            ),
            (retrying(type="never"), "never"),
            (retrying(type="none", count=1), "count"),
            (retrying(type="fixed", count=0, interval="PT10S"), "count"),
            (retrying(type="fixed", count=91, interval="PT10S"), "count"),
            (retrying(type="fixed", count=1.0, interval="PT10S"), "count"),
            (retrying(type="fixed", count=True, interval="PT10S"), "count"),
            (retrying(type="fixed", count=1), "interval"),
            (retrying(type="fixed", count=1, interval="10 s"), "interval"),
            (retrying(type="fixed", count=1, interval="PT1\u0660S"), "interval"),
            (retrying(type="fixed", count=1, interval="PT4S"), "PT5S"),
            (retrying(type="fixed", count=1, interval="P1DT1S"), "P1D"),
            (retrying(type="exponential", count=1, interval="PT5S", maximumInterval="P"), "P"),
            (choosing(extra=1), "could not find member 'extra'"),
            (choosing(actions=[]), "'actions' must be an object"),
            (choosing(**{"else": []}), "'else' must be an object"),
            (choosing(**{"else": {"actions": {}, "x": 1}}), "could not find member 'x'"),
            (choosing(**{"else": {"actions": 1}}), "'else.actions' must be an object"),
            (choosing(actions={"Send_mail": action()}), "'Send_mail' is there more than once"),
            (choosing(actions={"a": {"type": "Htpp"}}), "Htpp"),
            (choosing(actions={"a": action(runAfter={"Choose": ["Failed"]})}), "Choose"),
            (choosing(actions={"a/b": action()}), "a/b"),
            (choosing(expression=None), "expression"),
            (choosing(expression="trigger()"), "expression"),
            (choosing(expression={"and": {}}), "must be a list"),
            (choosing(expression={"xor": []}), "xor"),
            (choosing(expression={"and": [{"equals": ["@a()"]}]}), "two operands"),
            (choosing(expression={"not": {"is": []}}), "'is'"),
            (choosing(expression={"and": [], "or": []}), "one operator"),
            (nesting(9), "nested deeper than 8"),
        ],
    )
    def test_as_a_definition(self, tenant, deployment, wrong, named):
        body = workflow_body(definition=wrong)
        text = self.check(tenant, deployment, body, "InvalidTemplate")
        assert text.startswith("The template validation failed: 'The template ")
        assert named in text

    def check(self, tenant, deployment, body, expected):
        deployment.resource_group()
        before = tenant.snapshot()
        response = deployment.arm("PUT", WORKFLOW_PATH, body)
        assert code(response) == (400, expected)
        assert tenant.snapshot() == before
        return response.body["error"]["message"]

    @pytest.mark.parametrize(
        "right",
        [
            definition(triggers={}, actions={}),
            definition(description="what it is for"),
            triggered(kind="Http", inputs={"schema": {}, "method": "POST"}),
            acting(operationOptions="DisableAsyncPattern, DisableAutomaticDecompression"),
            definition(actions={"Wait": {"type": "Wait", "inputs": {}, "runAfter": {}}}),
            choosing(),
            choosing(expression={"not": {"or": [{"greater": ["@a()", 1]}, "@b()"]}}),
            nesting(8),
            retrying(type="default"),
            retrying(type="fixed", count=90, interval="PT5S"),
            retrying(type="exponential", count=1, interval="PT1M30S", maximumInterval="P1D"),
        ],
    )
    def test_and_a_right_one_is_not(self, deployment, right):
        deployment.workflow(definition=right)


IDENTITY_PATH = f"{GROUP_PATH}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-sender"
IDENTITY_VERSION = "2023-01-31"


class TestAWrongAccessControlIsRefusedWhenSaved:
    @pytest.mark.parametrize(
        ("access", "named"),
        [
            ({"trigger": {}}, "could not find member 'trigger'"),
            ({"triggers": {"sasAuthenticationPolicy": {}}}, "'sasAuthenticationPolicy'"),
            ({"triggers": {"allowedCallerIpAddresses": "203.0.113.0/24"}}, "must be a list"),
            ({"triggers": {"allowedCallerIpAddresses": [{"address": "x"}]}}, "'address'"),
            (
                {"triggers": {"allowedCallerIpAddresses": [{"addressRange": "203.0.113.1/24"}]}},
                "address range '203.0.113.1/24'",
            ),
            ({"triggers": {"allowedCallerIpAddresses": [{}]}}, "address range 'None'"),
            (policy(type="OAuth"), "policies.erp.type' 'OAuth' must be one of AAD"),
            (policy(claims=[{"name": "aud", "value": "api"}]), "no claim iss"),
            (policy(claims=[{"name": "iss", "value": "https://contoso.com"}]), "no claim iss"),
            (policy(claims=[{"name": "iss", "value": "x" * 151}]), "longer than 150"),
            (policy(claims=[{"name": "iss", "values": []}]), "'values'"),
            (policy(claims=[{"name": str(n), "value": "x"} for n in range(11)]), "more than 10"),
            (
                {"triggers": {"openAuthenticationPolicies": {"policies": dict.fromkeys("abcdef")}}},
                "more than 5",
            ),
        ],
    )
    def test_and_the_finding_is_named(self, deployment, access, named):
        deployment.resource_group()
        refused = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(accessControl=access))
        assert code(refused) == (400, "InvalidRequestContent")
        assert named in refused.body["error"]["message"]

    def test_what_is_not_simulated_says_so(self, deployment):
        deployment.resource_group()
        body = workflow_body(accessControl={"contents": {"allowedCallerIpAddresses": []}})
        assert code(deployment.arm("PUT", WORKFLOW_PATH, body)) == (501, "NotSimulated")


class TestUserAssignedIdentity:
    @pytest.fixture
    def identity(self, deployment):
        deployment.resource_group()
        body = {"location": "westeurope"}
        created = deployment.arm("PUT", IDENTITY_PATH, body, version=IDENTITY_VERSION)
        assert created.status == 201
        return created.body

    def test_has_a_service_principal_as_long_as_it_exists(self, tenant, deployment, identity):
        principal = tenant.snapshot()["servicePrincipals"][identity["properties"]["principalId"]]
        assert principal["appId"] == identity["properties"]["clientId"]
        assert principal["displayName"] == "id-sender"
        read = deployment.arm("GET", IDENTITY_PATH, version=IDENTITY_VERSION)
        assert read.body == identity
        again = deployment.arm(
            "PUT", IDENTITY_PATH, {"location": "westeurope"}, version=IDENTITY_VERSION
        )
        assert (again.status, again.body) == (200, identity)
        deleted = [
            deployment.arm("DELETE", IDENTITY_PATH, version=IDENTITY_VERSION).status
            for _ in range(2)
        ]
        assert deleted == [200, 204]
        assert principal["id"] not in tenant.snapshot()["servicePrincipals"]
        gone = deployment.arm("GET", IDENTITY_PATH, version=IDENTITY_VERSION)
        assert code(gone) == (404, "ResourceNotFound")

    def test_goes_with_its_group(self, tenant, deployment, identity):
        deployment.arm("DELETE", GROUP_PATH, version="2024-03-01")
        assert tenant.snapshot()["managedIdentities"] == {}

    @pytest.mark.parametrize("name", ["id", "-id", "id.sender", "x" * 129])
    def test_takes_only_names_that_azure_takes(self, deployment, name):
        deployment.resource_group()
        path = f"{IDENTITY_PATH.rsplit('/', 1)[0]}/{name}"
        refused = deployment.arm("PUT", path, {"location": "westeurope"}, version=IDENTITY_VERSION)
        assert code(refused) == (400, "BadRequest")

    def test_is_what_a_workflow_runs_as(self, tenant, deployment, identity):
        assigned = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY_PATH: {}}}
        saved = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(identity=assigned))
        (entry,) = saved.body["identity"]["userAssignedIdentities"].values()
        assert entry["principalId"] == identity["properties"]["principalId"]
        assert len(tenant.snapshot()["servicePrincipals"]) == 6

    @pytest.mark.parametrize(
        ("assigned", "expected"),
        [
            ({"type": "UserAssigned"}, (400, "InvalidRequestContent")),
            (
                {
                    "type": "UserAssigned",
                    "userAssignedIdentities": {IDENTITY_PATH: {}, f"{IDENTITY_PATH}-2": {}},
                },
                (400, "InvalidRequestContent"),
            ),
            (
                {"type": "SystemAssigned", "userAssignedIdentities": {IDENTITY_PATH: {}}},
                (400, "InvalidRequestContent"),
            ),
            (
                {"type": "UserAssigned", "userAssignedIdentities": {f"{IDENTITY_PATH}-2": {}}},
                (400, "FailedIdentityOperation"),
            ),
        ],
    )
    def test_is_one_that_exists_and_the_only_one(self, deployment, identity, assigned, expected):
        refused = deployment.arm("PUT", WORKFLOW_PATH, workflow_body(identity=assigned))
        assert code(refused) == expected


class TestTags:
    """Of resource groups, workflows and identities alike: one check serves all three."""

    def put(self, deployment, tags, path=GROUP_PATH):
        version = "2024-03-01" if path == GROUP_PATH else "2023-01-31"
        return deployment.arm("PUT", path, {"location": "westeurope", "tags": tags}, version)

    @pytest.mark.parametrize(
        "tags", [{f"t{n}": "" for n in range(50)}, {"n" * 512: "v" * 256}, {"cost center": "é"}]
    )
    def test_as_azure_takes_them(self, deployment, tags):
        assert self.put(deployment, tags).body["tags"] == tags

    @pytest.mark.parametrize(
        ("tags", "error"),
        [
            ({f"t{n}": "" for n in range(51)}, "InvalidTags"),
            *(({f"a{character}b": ""}, "InvalidTagNameCharacters") for character in "<>%&\\?/\n"),
            ({"": "v"}, "InvalidTagNameCharacters"),
            ({"n" * 513: "v"}, "InvalidTagName"),
            ({"name": "v" * 257}, "InvalidTagValueLength"),
            ({"Azure": "v"}, "InvalidTagNamePrefix"),
            ({"owner": "a", "Owner": "b"}, "InvalidTags"),
            ({"owner": 1}, "InvalidRequestContent"),
            (["owner"], "InvalidRequestContent"),
        ],
    )
    def test_others_are_refused(self, tenant, deployment, tags, error):
        assert code(self.put(deployment, tags)) == (400, error)
        assert tenant.snapshot()["resourceGroups"] == {}

    def test_are_changed_by_azure_policy_before_it_judges(self, tenant, deployment):
        tenant.set_tag_policies(require=["costCenter", "owner"], add={"costCenter": "0"})
        refused = self.put(deployment, {})
        assert code(refused) == (403, "RequestDisallowedByPolicy")
        assert refused.body["error"]["message"].startswith(
            "Resource 'mail' was disallowed by policy. Policy identifiers: "
            '\'[{"policyAssignment":{"name":"Require the tag owner"'
        )
        put = self.put(deployment, {"Owner": "finance", "CostCenter": "1"})
        assert put.body["tags"] == {"Owner": "finance", "CostCenter": "1"}
        assert self.put(deployment, {"owner": "a"}).body["tags"] == {
            "owner": "a",
            "costCenter": "0",
        }

    def test_of_workflows_and_identities_are_checked_too(self, tenant, deployment):
        deployment.resource_group()
        tenant.set_tag_policies(require=["owner"])
        identity = f"{GROUP_PATH}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/it-1"
        workflow = deployment.arm("PUT", WORKFLOW_PATH, workflow_body("reception@contoso.com"))
        assert code(workflow) == (403, "RequestDisallowedByPolicy")
        assert code(self.put(deployment, {}, identity)) == (403, "RequestDisallowedByPolicy")


class TestALock:
    IDENTITY = f"{GROUP_PATH}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/it-1"

    @pytest.fixture
    def locked(self, tenant, deployment):
        def lock(level):
            deployment.workflow()
            tenant.set_locks(mail=level)

        return lock

    def test_against_deletion_lets_everything_else_pass(self, deployment, locked):
        locked("CanNotDelete")
        refused = deployment.arm("DELETE", WORKFLOW_PATH)
        assert code(refused) == (409, "ScopeLocked")
        assert refused.body["error"]["message"] == (
            f"The scope '{WORKFLOW_PATH}' cannot perform delete operation because following "
            f"scope(s) are locked: '{GROUP_PATH}'. Please remove the lock and try again."
        )
        deployment.workflow()
        assert deployment.arm("GET", WORKFLOW_PATH).status == 200

    def test_that_only_lets_read_refuses_every_other_request(self, deployment, locked):
        locked("ReadOnly")
        body = workflow_body("reception@contoso.com")
        run = f"{WORKFLOW_PATH}/triggers/manual/run"
        for method, path, given in (
            ("PUT", WORKFLOW_PATH, body),
            ("POST", run, None),
            ("DELETE", WORKFLOW_PATH, None),
        ):
            assert code(deployment.arm(method, path, given)) == (409, "ScopeLocked")
        assert deployment.arm("GET", WORKFLOW_PATH).status == 200

    def test_is_none_of_a_group_whose_name_begins_alike(self, tenant, deployment):
        tenant.set_locks(mai="ReadOnly")
        deployment.workflow()


class TestProviders:
    def test_that_are_not_registered_make_nothing(self, tenant, deployment):
        deployment.resource_group()
        address = f"{SUBSCRIPTION_PATH}/providers/microsoft.logic"
        answer = deployment.arm("GET", address, version="2021-04-01")
        assert answer.body["registrationState"] == "Registered"
        tenant.set_unregistered_providers("Microsoft.Logic")
        answer = deployment.arm("GET", address, version="2021-04-01")
        assert answer.body["registrationState"] == "NotRegistered"
        refused = deployment.arm("PUT", WORKFLOW_PATH, workflow_body("reception@contoso.com"))
        assert code(refused) == (409, "MissingSubscriptionRegistration")
        other = f"{SUBSCRIPTION_PATH}/providers/Microsoft.Storage"
        assert deployment.arm("GET", other, version="2021-04-01").status == 501


class TestPermissions:
    SCOPED = "/providers/Microsoft.Authorization/permissions"

    def test_are_those_of_contributor(self, tenant, deployment):
        deployment.resource_group()
        for scope in (SUBSCRIPTION_PATH, GROUP_PATH):
            answer = deployment.arm("GET", f"{scope}{self.SCOPED}", version="2022-04-01")
            [granted] = answer.body["value"]
            assert granted["actions"] == ["*"]
            assert "Microsoft.Authorization/*/Write" in granted["notActions"]
        gone = f"{GROUP_PATH}x{self.SCOPED}"
        answer = deployment.arm("GET", gone, version="2022-04-01")
        assert code(answer) == (404, "ResourceGroupNotFound")

    def test_are_those_of_the_roles_on_one_group_and_are_kept_to(self, tenant, deployment):
        deployment.resource_group()
        tenant.set_only_resource_group("mail", ["Managed Identity Contributor"])
        answer = deployment.arm("GET", f"{GROUP_PATH}{self.SCOPED}", version="2022-04-01")
        [granted] = answer.body["value"]
        assert "Microsoft.ManagedIdentity/userAssignedIdentities/write" in granted["actions"]
        refused = deployment.arm("PUT", WORKFLOW_PATH, workflow_body("reception@contoso.com"))
        assert code(refused) == (403, "AuthorizationFailed")
        identity = f"{GROUP_PATH}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
        body = {"location": "westeurope"}
        assert deployment.arm("PUT", identity + "deas", body, version="2023-01-31").status == 201
        answer = deployment.arm("GET", SUBSCRIPTION_PATH + self.SCOPED, version="2022-04-01")
        assert code(answer) == (403, "AuthorizationFailed")

    def test_do_not_hide_the_subscription(self, tenant, deployment):
        tenant.set_only_resource_group("mail")
        [listed] = deployment.arm("GET", "/subscriptions", version="2022-12-01").body["value"]
        assert (listed["subscriptionId"], listed["tenantId"]) == (SUBSCRIPTION_ID, TENANT_ID)

    @pytest.mark.parametrize(
        ("method", "below", "operation"),
        [
            ("POST", "workflows/w/triggers/manual/run", "workflows/triggers/run/action"),
            ("POST", "workflows/w/enable", "workflows/enable/action"),
            ("GET", "workflows/w/runs", "workflows/runs/read"),
            ("DELETE", "workflows/w", "workflows/delete"),
            ("PUT", "workflows/w", "workflows/write"),
            ("PUT", "workflows/w/providers/Other/settings/s", "/settings/write"),
        ],
    )
    def test_are_asked_for_by_operation(self, method, below, operation):
        request = Request.parse(method, f"{GROUP_PATH}/providers/Microsoft.Logic/{below}")
        provider = "Other" if operation.startswith("/") else "Microsoft.Logic/"
        assert operation_of(request) == provider + operation


class TestRolesOnOneResourceGroup:
    def test_write_in_it_and_read_it_and_nothing_else(self, tenant, deployment):
        deployment.resource_group()
        tenant.set_only_resource_group("mail")
        body = workflow_body("reception@contoso.com")
        assert deployment.arm("PUT", WORKFLOW_PATH, body).status == 201
        assert deployment.arm("GET", GROUP_PATH, version="2024-03-01").status == 200
        elsewhere = WORKFLOW_PATH.replace("/mail/", "/other/")
        for method, path, given, version in (
            ("PUT", GROUP_PATH, {"location": "westeurope"}, "2024-03-01"),
            ("DELETE", GROUP_PATH, None, "2024-03-01"),
            ("GET", GROUP_PATH.replace("/mail", "/other"), None, "2024-03-01"),
            ("PUT", elsewhere, body, "2019-05-01"),
        ):
            answer = deployment.arm(method, path, given, version=version)
            assert code(answer) == (403, "AuthorizationFailed")
