import base64
import json

import pytest

from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    GRAPH_APP_ID,
    GRAPH_AUDIENCE,
    CloudError,
)
from simulator.tenant.identifiers import CONFINABLE_APP_ROLES, seeded_id
from simulator.testing.deployment import JSON, WORKFLOW_PATH, message, workflow_body

PAYROLL = seeded_id("payroll")
FINANCE = seeded_id("finance")
PAYROLL_REPORTS = seeded_id("Payroll Reports client")
SEND = CONFINABLE_APP_ROLES["Mail.Send"]


def shown(response):
    """What an answer shows, without saying what kind of answer it is."""
    return {name: value for name, value in response.body.items() if name != "@odata.context"}


def error(response):
    return response.status, response.body["error"]["code"], response.body["error"]["message"]


class TestANewServicePrincipalIsNotFoundAtOnce:
    def test_by_id_by_filter_or_as_a_principal(self, tenant, deployment):
        deployment.resource_group()
        created = deployment.arm("PUT", WORKFLOW_PATH, workflow_body())
        principal_id = created.body["identity"]["principalId"]
        one = f"/v1.0/servicePrincipals/{principal_id}"
        named = "/v1.0/servicePrincipals?$filter=displayName eq 'sender'"
        tenant.clock.advance(1.999)
        status, code, text = error(deployment.graph("GET", one))
        assert (status, code) == (404, "Request_ResourceNotFound")
        assert text == (
            f"Resource '{principal_id}' does not exist or one of its queried reference-property "
            "objects are not present."
        )
        assert shown(deployment.graph("GET", named)) == {"value": []}
        assert deployment.grant({"id": principal_id}).status == 404
        tenant.clock.advance(0.001)
        assert deployment.graph("GET", one).body["servicePrincipalType"] == "ManagedIdentity"
        assert len(deployment.graph("GET", named).body["value"]) == 1
        assert deployment.grant({"id": principal_id}).status == 201


class TestServicePrincipals:
    def test_are_found_by_client_id(self, deployment):
        graph = deployment.graph_principal()
        assert graph["displayName"] == "Microsoft Graph"
        roles = {role["value"]: role["id"] for role in graph["appRoles"]}
        assert CONFINABLE_APP_ROLES.items() <= roles.items()

    def test_show_nothing_that_graph_does_not_have(self, deployment):
        assert "visibleAt" not in deployment.graph_principal()

    def test_other_queries_are_not_guessed(self, deployment):
        for query in (
            "$filter=tags eq 'x'",
            "$filter=startswith(displayName, 'x')",
            "$select=tags",
            "$top=1",
            "$expand=owners",
            "$orderby=displayName",
            "$count=true",
            "$skip=1",
            "filter=appId eq 'x'",
        ):
            answer = deployment.graph("GET", f"/v1.0/servicePrincipals?{query}")
            assert error(answer)[:2] == (501, "NotSimulated"), query
        own = f"/v1.0/servicePrincipals/{deployment.graph_principal()['id']}"
        for path in (f"{own}/appRoleAssignedTo?$top=1", f"{own}?$expand=owners"):
            assert deployment.graph("GET", path).status == 501

    def test_an_option_that_is_given_twice_is_refused(self, deployment):
        query = f"$filter=appId eq '{GRAPH_APP_ID}'&$filter=displayName eq 'x'"
        answer = deployment.graph("GET", f"/v1.0/servicePrincipals?{query}")
        assert error(answer)[:2] == (400, "BadRequest")

    def test_are_found_as_people_write_it_and_shown_as_far_as_they_ask(self, deployment):
        query = f"$filter=AppId eq '{GRAPH_APP_ID.upper()}'&$select=id,appId&$top=5"
        answer = deployment.graph("GET", f"/v1.0/servicePrincipals?{query}")
        identifier = deployment.graph_principal()["id"]
        assert answer.body == {
            "@odata.context": (
                "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals(id,appId)"
            ),
            "value": [{"id": identifier, "appId": GRAPH_APP_ID}],
        }
        one = deployment.graph("GET", f"/v1.0/servicePrincipals/{identifier.upper()}?$select=appId")
        assert shown(one) == {"appId": GRAPH_APP_ID}
        assert str(one.body["@odata.context"]).endswith("#servicePrincipals(appId)/$entity")

    @pytest.mark.parametrize("size", ["0", "1000", "all", "1\u0661"])
    def test_pages_have_a_size_that_graph_takes(self, deployment, size):
        answer = deployment.graph("GET", f"/v1.0/servicePrincipals?$top={size}")
        assert error(answer)[:2] == (400, "Request_BadRequest")

    @pytest.mark.parametrize("spelling", ["{{{}}}", "urn:uuid:{}"])
    def test_an_id_in_another_form_is_none(self, deployment, spelling):
        path = f"/v1.0/servicePrincipals/{spelling.format(FINANCE)}"
        assert error(deployment.graph("GET", path))[:2] == (400, "Request_BadRequest")

    def test_errors_say_which_request_it_was(self, tenant):
        token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
        answer = tenant.graph.request(
            "GET",
            f"/v1.0/servicePrincipals/{FINANCE}",
            token=token,
            headers={"client-request-id": "mine"},
        )
        inner = answer.body["error"]["innerError"]
        assert inner["client-request-id"] == "mine"
        assert inner["date"] == "2026-11-02T12:00:00"
        assert inner["request-id"]

    def test_have_one_property_in_beta(self, deployment):
        path = f"/beta/servicePrincipals/{deployment.graph_principal()['id']}"
        assert deployment.graph("GET", f"{path}?$select=samlMetadataUrl").status == 200
        assert deployment.graph("GET", path).status == 501
        unknown = f"/beta/servicePrincipals/{FINANCE}?$select=samlMetadataUrl"
        assert deployment.graph("GET", unknown).status == 404

    def test_an_id_must_be_a_guid(self, deployment):
        assert error(deployment.graph("GET", "/v1.0/servicePrincipals/sender")) == (
            400,
            "Request_BadRequest",
            "Invalid object identifier 'sender'.",
        )


class TestAppRoleAssignments:
    @pytest.fixture
    def principal(self, deployment):
        principal = deployment.workflow()
        deployment.policy(principal["appId"], "finance@contoso.com")
        return principal

    def test_are_read_from_both_sides_and_removed(self, deployment, principal):
        created = deployment.grant(principal)
        assignment = shown(created)
        own = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignments"
        graph = f"/v1.0/servicePrincipals/{deployment.graph_principal()['id']}/appRoleAssignedTo"
        assert deployment.graph("GET", own).body["value"] == [assignment]
        assert assignment in deployment.graph("GET", graph).body["value"]
        assert created.body["principalType"] == "ServicePrincipal"
        assert deployment.revoke(created).status == 204
        assert deployment.graph("GET", own).body["value"] == []
        assert assignment not in deployment.graph("GET", graph).body["value"]
        assert deployment.revoke(created).status == 404

    def test_are_made_and_removed_from_the_side_of_the_principal_as_in_the_procedure(
        self, deployment, principal
    ):
        resource = deployment.graph_principal()["id"]
        own = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignments"
        body = {
            "principalId": principal["id"].upper(),
            "resourceId": resource.upper(),
            "appRoleId": SEND.upper(),
        }
        created = deployment.graph("POST", own, body)
        assert created.status == 201
        assert str(created.body["@odata.context"]).endswith("#appRoleAssignments/$entity")
        assert created.body["principalId"] == principal["id"]
        one = f"{own}/{created.body['id']}"
        assert shown(deployment.graph("GET", one)) == shown(created)
        assert deployment.graph("DELETE", one).status == 204
        assert deployment.graph("GET", one).status == 404

    def test_of_another_principal_than_the_addressed_one_are_refused(self, deployment, principal):
        resource = deployment.graph_principal()["id"]
        body = {"principalId": principal["id"], "resourceId": resource, "appRoleId": SEND}
        path = f"/v1.0/servicePrincipals/{resource}/appRoleAssignments"
        assert error(deployment.graph("POST", path, body))[0] == 400

    def test_a_second_one_of_the_same_role_is_refused(self, deployment, principal):
        deployment.grant(principal)
        assert error(deployment.grant(principal)) == (
            400,
            "Request_BadRequest",
            "Permission being assigned already exists on the object",
        )
        assert deployment.grant(principal, "Mail.Read").status == 201

    def test_a_role_that_the_resource_has_not_is_refused(self, deployment, principal):
        status, code, text = error(deployment.grant(principal, role_id=FINANCE))
        assert (status, code) == (400, "Request_BadRequest")
        assert text.startswith("Permission being assigned was not found on application")

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"principalId": FINANCE}, 404),
            ({"principalId": "sender"}, 400),
            ({"resourceId": FINANCE}, 400),
            ({"appRoleId": None}, 400),
            ({"principalType": "ServicePrincipal"}, 400),
        ],
    )
    def test_a_wrong_body_is_refused(self, deployment, principal, change, status):
        resource = deployment.graph_principal()["id"]
        body = {"principalId": principal["id"], "resourceId": resource, "appRoleId": SEND}
        path = f"/v1.0/servicePrincipals/{resource}/appRoleAssignedTo"
        assert deployment.graph("POST", path, body | change).status == status
        assert deployment.graph("POST", path, body).status == 201

    def test_a_body_may_name_its_type_as_the_azuread_provider_does(self, deployment, principal):
        resource = deployment.graph_principal()["id"]
        body = {"principalId": principal["id"], "resourceId": resource, "appRoleId": SEND}
        path = f"/v1.0/servicePrincipals/{resource}/appRoleAssignedTo"
        wrong = {"@odata.type": "#microsoft.graph.user"}
        right = {"@odata.type": "#microsoft.graph.appRoleAssignment"}
        assert deployment.graph("POST", path, body | wrong).status == 400
        created = deployment.graph("POST", path, body | right)
        assert created.status == 201
        assert "@odata.type" not in created.body

    def test_one_is_read_by_its_id(self, deployment, principal):
        created = deployment.grant(principal).body
        path = f"/v1.0/servicePrincipals/{created['resourceId']}/appRoleAssignedTo"
        assert deployment.graph("GET", f"{path}/{created['id']}").body == created
        assert error(deployment.graph("GET", f"{path}/x"))[:2] == (404, "Request_ResourceNotFound")

    def test_a_new_one_is_shown_to_nobody_while_the_directory_lags_and_counts(
        self, tenant, deployment, principal
    ):
        tenant.set_lag("grant", 60)
        created = shown(deployment.grant(principal))
        assert "visibleAt" not in created
        own = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignments"
        granted = f"/v1.0/servicePrincipals/{created['resourceId']}/appRoleAssignedTo"
        lists = (own, granted)
        assert deployment.graph("GET", f"{granted}/{created['id']}").status == 404
        assert not any(created in deployment.graph("GET", path).body["value"] for path in lists)
        assert error(deployment.grant(principal)) == (
            400,
            "Request_BadRequest",
            "Permission being assigned already exists on the object",
        )
        tenant.clock.advance(60)
        assert shown(deployment.graph("GET", f"{granted}/{created['id']}")) == created
        assert all(created in deployment.graph("GET", path).body["value"] for path in lists)

    def test_an_unknown_resource_is_not_found(self, deployment, principal):
        path = f"/v1.0/servicePrincipals/{FINANCE}/appRoleAssignedTo"
        body = {"principalId": principal["id"], "resourceId": FINANCE, "appRoleId": SEND}
        assert deployment.graph("POST", path, body).status == 404

    def test_go_with_the_workflow_while_the_policy_stays(self, tenant, deployment, principal):
        assignment = deployment.grant(principal).body
        deployment.arm("DELETE", WORKFLOW_PATH)
        snapshot = tenant.snapshot()
        assert assignment["id"] not in snapshot["appRoleAssignments"]
        assert principal["id"] not in snapshot["servicePrincipals"]
        assert principal["appId"] in [
            policy["appId"] for policy in snapshot["applicationAccessPolicies"].values()
        ]


class TestTokens:
    def test_of_another_audience_is_refused(self, tenant):
        token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)
        assert error(tenant.graph.request("GET", "/v1.0/servicePrincipals", token=token)) == (
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure. Invalid audience.",
        )

    def test_missing_or_made_up_is_refused(self, tenant):
        for token in (None, "", "made up"):
            response = tenant.graph.request("GET", "/v1.0/servicePrincipals", token=token)
            assert response.status == 401

    def test_expires_after_an_hour(self, tenant):
        token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE)
        tenant.clock.advance(3599)
        assert tenant.graph.request("GET", "/v1.0/servicePrincipals", token=token).status == 200
        tenant.clock.advance(1)
        assert error(tenant.graph.request("GET", "/v1.0/servicePrincipals", token=token)) == (
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired.",
        )

    def test_are_not_issued_to_strangers_or_for_unknown_resources(self, tenant, deployment):
        identity = deployment.workflow()["appId"]
        for client, audience in (
            (FINANCE, GRAPH_AUDIENCE),
            (identity, GRAPH_AUDIENCE),
            (DEPLOYMENT_CLIENT_ID, "https://graph.microsoft.com/"),
            (DEPLOYMENT_CLIENT_ID, "https://graph.microsoft.us"),
        ):
            with pytest.raises(CloudError, match="AADSTS"):
                tenant.entra.issue_token(client, audience)

    def test_carry_the_roles_of_the_moment_of_issue(self, tenant, deployment):
        roles = {role["value"]: role["id"] for role in deployment.graph_principal()["appRoles"]}
        early = tenant.entra.issue_token(PAYROLL_REPORTS, GRAPH_AUDIENCE)
        deployment.grant({"id": seeded_id("Payroll Reports")}, role_id=roles["User.Read.All"])
        late = tenant.entra.issue_token(PAYROLL_REPORTS, GRAPH_AUDIENCE)
        user = f"/v1.0/users/{FINANCE}"
        assert tenant.graph.request("GET", user, token=early).status == 403
        assert shown(tenant.graph.request("GET", user, token=late)) == {
            "id": FINANCE,
            "displayName": "Finance",
            "mail": "finance@contoso.com",
            "userPrincipalName": "finance@contoso.com",
        }
        assert tenant.graph.request("GET", f"/v1.0/users/{GRAPH_APP_ID}", token=late).status == 404

    @pytest.mark.parametrize(
        ("method", "address", "body"),
        [
            ("GET", "/v1.0/servicePrincipals", None),
            ("GET", f"/v1.0/servicePrincipals/{FINANCE}", None),
            ("GET", f"/v1.0/servicePrincipals/{FINANCE}/appRoleAssignments", None),
            ("GET", f"/v1.0/servicePrincipals/{FINANCE}/appRoleAssignedTo", None),
            ("POST", f"/v1.0/servicePrincipals/{FINANCE}/appRoleAssignedTo", {}),
            ("DELETE", f"/v1.0/servicePrincipals/{FINANCE}/appRoleAssignedTo/x", None),
            ("GET", f"/v1.0/users/{FINANCE}", None),
        ],
    )
    def test_without_the_role_for_it_open_nothing(self, tenant, method, address, body):
        token = tenant.entra.issue_token(PAYROLL_REPORTS, GRAPH_AUDIENCE)
        response = tenant.graph.request(method, address, body, token=token, headers=JSON)
        assert error(response) == (
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )


FILE = {
    "@odata.type": "#microsoft.graph.fileAttachment",
    "name": "terms.pdf",
    "contentType": "application/pdf",
    "contentBytes": "JVBERg==",
}


class TestSendMail:
    """Payroll Reports may send, and its policy confines it to payroll@contoso.com."""

    def send(self, tenant, user=PAYROLL, body=None, client=PAYROLL_REPORTS, headers=JSON):
        token = tenant.entra.issue_token(client, GRAPH_AUDIENCE)
        return tenant.graph.request(
            "POST",
            f"/v1.0/users/{user}/sendMail",
            message() if body is None else body,
            token=token,
            headers=headers,
        )

    def test_takes_its_parameters_in_either_case_and_types_by_name(self, tenant):
        plain = message()
        body = {
            "Message": {"@odata.type": "#microsoft.graph.message", **plain["message"]},
            "SaveToSentItems": False,
        }
        assert self.send(tenant, body=body).status == 202
        assert tenant.mail()[0].save_to_sent_items is False

    def test_takes_a_subject_of_255_characters_and_no_more(self, tenant):
        assert self.send(tenant, body=message(subject="x" * 255)).status == 202
        refused = error(self.send(tenant, body=message(subject="x" * 256)))
        assert refused[:2] == (400, "ErrorInvalidRequest")

    def test_answers_as_exchange_does_without_an_inner_error(self, tenant):
        assert list(self.send(tenant, FINANCE).body["error"]) == ["code", "message"]

    def test_answers_202_without_a_body_and_keeps_the_message_as_received(self, tenant):
        body = message("a@fabrikam.com", importance="high")
        response = self.send(tenant, body=body)
        assert (response.status, response.body) == (202, None)
        [mail] = tenant.mail()
        assert mail.message == body["message"]
        assert (mail.mailbox, mail.mailbox_id, mail.app_id) == (
            "payroll@contoso.com",
            PAYROLL,
            PAYROLL_REPORTS,
        )
        assert mail.save_to_sent_items is False

    def test_takes_a_user_principal_name_too(self, tenant):
        assert self.send(tenant, "payroll@contoso.com").status == 202

    def test_is_denied_outside_the_policy(self, tenant):
        assert error(self.send(tenant, FINANCE)) == (
            403,
            "ErrorAccessDenied",
            "Access to OData is disabled.",
        )
        assert tenant.mail() == []

    def test_is_denied_without_the_permission(self, tenant):
        assert error(self.send(tenant, client=DEPLOYMENT_CLIENT_ID)) == (
            403,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        )

    @pytest.mark.parametrize(
        "user", [seeded_id("nobody"), "nobody@contoso.com", "AllStaff@contoso.com"]
    )
    def test_needs_a_user(self, tenant, user):
        assert error(self.send(tenant, user)) == (
            404,
            "ErrorInvalidUser",
            f"The requested user '{user}' is invalid.",
        )

    def test_needs_a_mailbox_that_exists_by_now(self, tenant, deployment):
        [mailbox] = deployment.session.invoke("New-Mailbox", {"Shared": True, "Name": "New"})
        user = mailbox["ExternalDirectoryObjectId"]
        assert error(self.send(tenant, user))[1] == "ErrorInvalidUser"
        tenant.clock.advance(tenant.lags["directory"])
        assert error(self.send(tenant, user))[1] == "MailboxNotEnabledForRESTAPI"
        deployment.wait_for_recipients()
        assert error(self.send(tenant, user))[1] == "ErrorAccessDenied"

    def test_a_removed_mailbox_is_no_user(self, tenant, deployment):
        deployment.session.invoke("Remove-Mailbox", {"Identity": "payroll@contoso.com"})
        assert error(self.send(tenant))[1] == "ErrorInvalidUser"

    @pytest.mark.parametrize(
        "change",
        [
            {"toRecipients": []},
            {"toRecipients": [], "replyTo": [{"emailAddress": {"address": "a@contoso.com"}}]},
            {"toRecipients": [{"emailAddress": {"address": "nobody"}}]},
            {"toRecipients": [{"emailAddress": {}}]},
            {"ccRecipients": [{"emailAddress": {"address": "a b@contoso.com"}}]},
        ],
    )
    def test_refuses_recipients_that_are_none(self, tenant, change):
        status, code, _ = error(self.send(tenant, body=message(**change)))
        assert (status, code) == (400, "ErrorInvalidRecipients")
        assert tenant.mail() == []

    @pytest.mark.parametrize(
        "change",
        [
            {"subjct": "x"},
            {"subject": 5},
            {"body": "text"},
            {"body": {"contentType": "Markdown", "content": "x"}},
            {"body": {"contentType": "Text", "text": "x"}},
            {"importance": "urgent"},
            {"toRecipients": {"emailAddress": {"address": "a@contoso.com"}}},
            {"toRecipients": [{"address": "a@contoso.com"}]},
            {"toRecipients": [{"emailAddress": {"address": "a@contoso.com", "mail": "x"}}]},
        ],
    )
    def test_refuses_a_malformed_message(self, tenant, change):
        status, code, _ = error(self.send(tenant, body=message(**change)))
        assert (status, code) == (400, "RequestBodyRead")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            "text",
            message() | {"Message": message()["message"]},
            {"message": {"Subject": "x", **message()["message"]}},
            {"message": {"@odata.type": "#microsoft.graph.event", **message()["message"]}},
            message() | {"saveToSent": True},
            message() | {"saveToSentItems": "no"},
            message() | {"saveToSentItems": 0},
        ],
    )
    def test_refuses_a_malformed_body(self, tenant, body):
        status, code, _ = error(self.send(tenant, body=body))
        assert (status, code) == (400, "RequestBodyRead")

    @pytest.mark.parametrize(
        ("given", "kept"), [("false", False), ("True", True), (True, True), (None, True)]
    )
    def test_sent_items_can_be_text_as_in_graphs_own_example(self, tenant, given, kept):
        body = message()
        del body["saveToSentItems"]
        self.send(tenant, body=body if given is None else body | {"saveToSentItems": given})
        assert tenant.mail()[0].save_to_sent_items is kept

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
    def test_needs_a_content_type(self, tenant, headers):
        assert self.send(tenant, headers=headers).status == 400
        with_charset = {"content-type": "application/json; charset=utf-8"}
        assert self.send(tenant, headers=with_charset).status == 202

    def test_takes_500_recipients_in_all(self, tenant):
        many = [{"emailAddress": {"address": f"a{n}@fabrikam.com"}} for n in range(251)]
        body = message("b@fabrikam.com", ccRecipients=many[:249], replyTo=many)
        body["message"]["bccRecipients"] = many[:250]
        assert self.send(tenant, body=body).status == 202
        body["message"]["bccRecipients"] = many
        assert error(self.send(tenant, body=body)) == (
            400,
            "ErrorInvalidRecipients",
            "The message has more than 500 recipients.",
        )

    @pytest.mark.parametrize(("character", "size"), [("a", 1), ("é", 6)])
    def test_takes_4_mb(self, tenant, character, size):
        body = message("a@fabrikam.com")
        body["message"]["body"] = {"contentType": "Text", "content": ""}
        most = (4 * 1024 * 1024 - len(json.dumps(body))) // size
        body["message"]["body"]["content"] = character * most
        assert self.send(tenant, body=body).status == 202
        body["message"]["body"]["content"] += character
        assert error(self.send(tenant, body=body)) == (
            400,
            "BadRequest",
            "The maximum request length supported is 4MB.",
        )

    def test_as_another_sender_is_denied(self, tenant):
        other = {"from": {"emailAddress": {"address": "finance@contoso.com"}}}
        assert error(self.send(tenant, body=message(**other)))[1] == "ErrorSendAsDenied"
        own = {"from": {"emailAddress": {"address": "Payroll@contoso.com"}}}
        assert self.send(tenant, body=message(**own)).status == 202

    def test_properties_beyond_the_simulation_are_not_dropped(self, tenant):
        assert self.send(tenant, body=message(categories=[])).status == 501

    def test_files_are_attached(self, tenant):
        assert self.send(tenant, body=message(attachments=[FILE])).status == 202
        assert tenant.mail()[0].message["attachments"] == [FILE]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"@odata.type": None}, 400),
            ({"@odata.type": "#microsoft.graph.itemAttachment"}, 501),
            ({"name": None}, 400),
            ({"contentBytes": None}, 400),
            ({"contentBytes": "no base64!"}, 400),
            ({"contentBytes": 5}, 400),
            ({"content": "JVBERg=="}, 400),
            ({"contentBytes": base64.b64encode(bytes(3_000_000)).decode()}, 400),
            ({"contentBytes": base64.b64encode(bytes(2_999_999)).decode()}, 202),
        ],
    )
    def test_and_others_are_refused(self, tenant, changes, status):
        file = {name: value for name, value in (FILE | changes).items() if value is not None}
        assert self.send(tenant, body=message(attachments=[file])).status == status

    def test_what_is_attached_is_a_list_of_such(self, tenant):
        assert self.send(tenant, body=message(attachments={})).status == 400
        assert self.send(tenant, body=message(attachments=["terms.pdf"])).status == 400


class TestGraphLearnsOfPoliciesLate:
    def send_as_finance(self, tenant):
        token = tenant.entra.issue_token(PAYROLL_REPORTS, GRAPH_AUDIENCE)
        return tenant.graph.request(
            "POST", f"/v1.0/users/{FINANCE}/sendMail", message(), token=token, headers=JSON
        ).status

    def test_of_a_new_one_and_of_a_removed_one(self, tenant, deployment):
        policy = deployment.policy(PAYROLL_REPORTS, "finance@contoso.com")
        assert deployment.test_policy(PAYROLL_REPORTS, "finance@contoso.com") == "Granted"
        tenant.clock.advance(1799.999)
        assert self.send_as_finance(tenant) == 403
        tenant.clock.advance(0.001)
        assert self.send_as_finance(tenant) == 202
        deployment.remove_policy(policy)
        assert deployment.test_policy(PAYROLL_REPORTS, "finance@contoso.com") == "Denied"
        tenant.clock.advance(1799.999)
        assert self.send_as_finance(tenant) == 202
        tenant.clock.advance(0.001)
        assert self.send_as_finance(tenant) == 403

    def test_never_of_one_that_went_before_it_came(self, tenant, deployment):
        policy = deployment.policy(PAYROLL_REPORTS, "finance@contoso.com")
        tenant.clock.advance(900)
        deployment.remove_policy(policy)
        tenant.clock.advance(1000)
        assert self.send_as_finance(tenant) == 403


def test_an_unknown_path_is_not_guessed(deployment):
    assert deployment.graph("GET", f"/v1.0/users/{FINANCE}/messages").status == 501
    assert deployment.graph("PATCH", f"/v1.0/servicePrincipals/{FINANCE}").status == 501
