from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator.tenant.expressions import Scope, evaluated
from simulator.tenant.faults import Fault, Kind, Step
from simulator.testing.deployment import (
    NOON,
    WORKFLOW_PATH,
    action,
    choosing,
    definition,
    message,
    workflow_body,
)


def recurring(start="2020-01-01T09:00:00Z", **recurrence):
    recurrence = {"frequency": "Day", "interval": 1, "startTime": start} | recurrence
    return definition(triggers={"daily": {"type": "Recurrence", "recurrence": recurrence}})


class TestARunSendsAsItsMailboxOnly:
    def test_as_the_confined_mailbox_it_is_accepted(self, tenant, sender):
        run, done, answer = sender.run()
        assert (run["status"], done["status"], done["code"]) == (
            "Succeeded",
            "Succeeded",
            "Accepted",
        )
        assert answer["statusCode"] == 202
        assert "body" not in answer
        assert [mail.mailbox for mail in tenant.mail()] == ["reception@contoso.com"]

    def test_as_any_other_mailbox_it_is_forbidden(self, tenant, sender):
        sender.workflow("control.mailbox@contoso.com")
        run, done, answer = sender.run()
        assert (run["status"], done["status"], done["code"]) == ("Failed", "Failed", "Forbidden")
        assert answer == {
            "statusCode": 403,
            "headers": {},
            "body": {
                "error": {"code": "ErrorAccessDenied", "message": "Access to OData is disabled."}
            },
        }
        assert tenant.mail() == []

    def test_as_nobody_it_is_not_found(self, sender):
        sender.workflow("nobody@contoso.com")
        _, done, answer = sender.run()
        assert (done["code"], answer["statusCode"]) == ("NotFound", 404)

    def test_the_mail_is_the_definitions_own_with_escapes_undone(self, tenant, sender):
        body = action()["inputs"]["body"]
        body["message"] |= {"subject": "@@everyone", "body": {"content": "5 @@{curly}"}}
        sender.workflow(definition=definition(actions={"Send": action(inputs={"body": body})}))
        sender.run()
        assert tenant.mail()[0].message["subject"] == "@everyone"
        assert tenant.mail()[0].message["body"] == {"content": "5 @{curly}"}


class TestAManagedIdentitysTokenIsCachedForADay:
    def test_a_permission_granted_after_the_first_run_comes_a_day_late(self, tenant, deployment):
        principal = deployment.workflow()
        group = deployment.group("Scope", "reception@contoso.com")
        deployment.policy(principal["appId"], group["Guid"])
        deployment.wait_for_policies()
        assert deployment.run()[1]["code"] == "Forbidden"
        deployment.grant(principal)
        tenant.clock.advance(24 * 3600 - 1 - 0.5)
        assert deployment.run()[1]["code"] == "Forbidden"
        tenant.clock.advance(1.5)
        assert deployment.run()[1]["code"] == "Accepted"

    def test_and_one_taken_away_lives_on(self, tenant, deployment):
        principal = deployment.workflow()
        group = deployment.group("Scope", "reception@contoso.com")
        deployment.policy(principal["appId"], group["Guid"])
        deployment.wait_for_policies()
        assignment = deployment.grant(principal)
        assert deployment.run()[1]["code"] == "Accepted"
        deployment.revoke(assignment)
        tenant.clock.advance(24 * 3600 - 1)
        assert deployment.run()[1]["code"] == "Accepted"
        tenant.clock.advance(1)
        assert deployment.run()[1]["code"] == "Forbidden"

    def test_a_new_identity_has_no_cached_token(self, sender):
        sender.run()
        sender.arm("DELETE", WORKFLOW_PATH)
        sender.workflow()
        _, _, answer = sender.run()
        assert answer["body"]["error"]["message"] == (
            "Access is denied. Check credentials and try again."
        )


class TestRunHistory:
    def test_lists_the_newest_first_and_goes_with_the_workflow(self, tenant, sender):
        sender.run()
        tenant.clock.advance(60)
        sender.run()
        runs = sender.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"]
        starts = [run["properties"]["startTime"] for run in runs]
        assert starts == sorted(starts, reverse=True)
        assert len(set(starts)) == 2
        assert runs[0]["properties"]["trigger"]["name"] == "manual"
        sender.arm("DELETE", WORKFLOW_PATH)
        sender.workflow()
        assert sender.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"] == []

    def test_is_filtered_by_status_and_not_otherwise(self, sender):
        sender.run()
        sender.workflow("control.mailbox@contoso.com")
        sender.run()

        def statuses(query):
            runs = sender.tenant.arm.request(
                "GET", f"{WORKFLOW_PATH}/runs?api-version=2019-05-01&{query}"
            )
            if runs.status != 200:
                return runs.status
            return [run["properties"]["status"] for run in runs.body["value"]]

        assert statuses("$top=2") == ["Failed", "Succeeded"]
        assert statuses("$filter=status eq 'Succeeded'&$top=1") == ["Succeeded"]
        assert statuses("$filter=Status eq 'Running'") == []
        assert statuses("$filter=startTime ge 2026-01-01T00:00:00Z") == 501
        assert statuses("$top=1") == 501
        assert statuses("$top=0") == 400
        assert statuses("$top=1\u0661") == 400
        assert statuses("$skiptoken=x") == 501

    @pytest.mark.parametrize(
        ("secured", "visible"),
        [([], {"inputs", "outputs"}), (["inputs"], {"outputs"}), (["inputs", "outputs"], set())],
    )
    def test_hides_what_is_secured(self, tenant, sender, secured, visible):
        secure = {"secureData": {"properties": secured}}
        sender.workflow(
            definition=definition(actions={"Send": action(runtimeConfiguration=secure)})
        )
        _, done, _ = sender.run()
        assert {part for part in ("inputs", "outputs") if f"{part}Link" in done} == visible
        if "inputs" in visible:
            inputs = tenant.logic.content(done["inputsLink"]["uri"]).body
            assert inputs["body"] == action()["inputs"]["body"]
            assert "authentication" not in inputs
        runs = sender.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"]
        assert "Does this work?" not in str(runs)

    def test_one_action_can_be_read_by_name(self, sender):
        sender.run()
        [run] = sender.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"]
        path = f"{WORKFLOW_PATH}/runs/{run['name']}/actions"
        [listed] = sender.arm("GET", path).body["value"]
        assert sender.arm("GET", f"{path}/Send_mail").body == listed
        assert sender.arm("GET", f"{path}/Other").body["error"]["code"] == (
            "WorkflowRunActionNotFound"
        )
        missing = sender.arm("GET", f"{WORKFLOW_PATH}/runs/0815")
        assert missing.body["error"]["code"] == "WorkflowRunNotFound"

    def test_a_link_leads_to_its_own_run(self, tenant, sender):
        _, accepted, _ = sender.run()
        sender.workflow("control.mailbox@contoso.com")
        _, forbidden, _ = sender.run()
        answers = [tenant.logic.content(a["outputsLink"]["uri"]) for a in (accepted, forbidden)]
        assert [answer.body["statusCode"] for answer in answers] == [202, 403]

    def test_content_needs_the_links_signature(self, tenant, sender):
        _, done, _ = sender.run()
        link = done["outputsLink"]["uri"]
        assert tenant.logic.content(link).status == 200
        assert tenant.logic.content(link[:-1]).status == 404
        assert tenant.logic.content(link.replace("ActionOutputs", "ActionInputs")).status == 404
        assert tenant.logic.content("https://elsewhere.example.com/").status == 404


class TestAConditionOnTheTriggerThatFired:
    def run(self, deployment, trigger):
        started = deployment.arm("POST", f"{WORKFLOW_PATH}/triggers/{trigger}/run")
        path = f"{WORKFLOW_PATH}/runs/{started.headers['x-ms-workflow-run-id']}"
        actions = deployment.arm("GET", f"{path}/actions").body["value"]
        run = deployment.arm("GET", path).body["properties"]
        return run, {entry["name"]: entry["properties"] for entry in actions}

    def test_takes_one_action_and_skips_the_other(self, tenant, sender):
        sender.workflow(definition=choosing())
        run, actions = self.run(sender, "manual")
        assert (run["status"], run["trigger"]["name"]) == ("Succeeded", "manual")
        assert {name: entry["status"] for name, entry in actions.items()} == {
            "Choose": "Succeeded",
            "Send_mail": "Succeeded",
            "Try": "Skipped",
        }
        assert actions["Try"]["code"] == "ActionBranchingConditionNotSatisfied"
        assert "outputsLink" not in actions["Try"]
        assert len(tenant.mail()) == 1

    def test_or_the_other(self, tenant, sender):
        sender.workflow(definition=choosing())
        run, actions = self.run(sender, "Probe")
        assert (run["status"], run["error"]["code"]) == ("Failed", "ActionFailed")
        assert {name: entry["status"] for name, entry in actions.items()} == {
            "Choose": "Failed",
            "Try": "Failed",
            "Send_mail": "Skipped",
        }
        assert actions["Try"]["code"] == "Forbidden"
        answer = tenant.logic.content(actions["Try"]["outputsLink"]["uri"]).body
        assert answer["statusCode"] == 403
        assert tenant.mail() == []

    def test_compares_names_as_they_are_written(self, sender):
        sender.workflow(definition=choosing("probe"))
        assert self.run(sender, "Probe")[1]["Send_mail"]["status"] == "Succeeded"

    def test_a_message_without_recipients_tells_allowed_from_denied(self, tenant, sender):
        nobody = message()
        nobody["message"]["toRecipients"] = []
        for mailbox, status in (
            ("reception@contoso.com", 400),
            ("control.mailbox@contoso.com", 403),
        ):
            probe = {"Try": action(mailbox, inputs={"body": nobody})}
            sender.workflow(definition=choosing(actions=probe))
            _, actions = self.run(sender, "Probe")
            answer = tenant.logic.content(actions["Try"]["outputsLink"]["uri"]).body
            assert answer["statusCode"] == status
        assert tenant.mail() == []

    @pytest.mark.parametrize(
        "expression",
        [
            "@equals(trigger()?['name'], 'Probe')",
            {"or": [{"equals": [1, 2]}, {"equals": ["@trigger()['name']", "Probe"]}]},
            {"not": {"equals": ["@trigger()?['name']", "manual"]}},
            {"and": [{"equals": [True, True]}, "@equals('Probe', trigger().name)"]},
        ],
        ids=str,
    )
    def test_or_by_another_condition(self, tenant, sender, expression):
        sender.workflow(definition=choosing(expression=expression))
        assert self.run(sender, "Probe")[1]["Send_mail"]["status"] == "Skipped"
        assert self.run(sender, "manual")[1]["Send_mail"]["status"] == "Succeeded"

    @pytest.mark.parametrize(
        ("expression", "named"),
        [
            ({"and": [{"startsWith": ["@trigger()?['name']", "Probe"]}]}, "the condition"),
            ({"and": []}, "the condition"),
            ("@equals(utcNow(), 'x')", "the function utcNow()"),
            ({"equals": ["@@@x", 1]}, "open meaning"),
        ],
        ids=str,
    )
    def test_no_other_condition_is_evaluated(self, tenant, sender, expression, named):
        sender.workflow(definition=choosing(expression=expression))
        run, actions = self.run(sender, "manual")
        assert run["error"]["code"] == "NotSimulated"
        assert named in run["error"]["message"]
        assert (actions, tenant.mail()) == ({}, [])

    def test_what_a_branch_has_beyond_the_known_is_refused_before_anything_runs(
        self, tenant, sender
    ):
        sender.workflow(definition=choosing(actions={"Loop": {"type": "Until"}}))
        run, _ = self.run(sender, "manual")
        assert "action type Until" in run["error"]["message"]
        assert tenant.mail() == []

    def test_a_branch_may_be_empty(self, tenant, sender):
        sender.workflow(definition=choosing(**{"else": {"actions": {}}}))
        assert self.run(sender, "manual")[0]["status"] == "Succeeded"
        assert tenant.mail() == []

    def test_a_run_that_cannot_be_finished_leaves_no_action(self, sender):
        expression = action(inputs={"body": {"x": "@{json('[]')}"}})
        sender.workflow(definition=choosing(**{"else": {"actions": {"Send_mail": expression}}}))
        run, actions = self.run(sender, "manual")
        assert (run["error"]["code"], actions) == ("NotSimulated", {})


class TestCallback:
    def url(self, deployment, trigger="manual"):
        path = f"{WORKFLOW_PATH}/triggers/{trigger}/listCallbackUrl"
        return deployment.arm("POST", path)

    def test_fires_for_whoever_has_the_address(self, tenant, sender):
        response = tenant.logic.invoke_callback(self.url(sender).body["value"], {"any": "body"})
        assert (response.status, response.body) == (202, None)
        run_id = response.headers["x-ms-workflow-run-id"]
        run = sender.arm("GET", f"{WORKFLOW_PATH}/runs/{run_id}").body
        assert run["properties"]["status"] == "Succeeded"

    def test_needs_its_signature(self, tenant, sender):
        url = self.url(sender).body["value"]
        for wrong in (url[:-1], url.split("&sig=")[0]):
            assert tenant.logic.invoke_callback(wrong).status == 401
        assert tenant.mail() == []

    def test_is_dead_once_the_workflow_is_gone_or_off(self, tenant, sender):
        url = self.url(sender).body["value"]
        sender.arm("POST", f"{WORKFLOW_PATH}/disable")
        off = tenant.logic.invoke_callback(url)
        assert (off.status, off.body["error"]["code"]) == (400, "WorkflowTriggerIsNotEnabled")
        sender.arm("DELETE", WORKFLOW_PATH)
        assert tenant.logic.invoke_callback(url).status == 404

    @pytest.mark.parametrize(
        ("part", "other", "status"),
        [
            ("api-version=2016-10-01&", "", 400),
            ("api-version=2016-10-01", "api-version=2020-01-01", 501),
            ("sp=%2Ftriggers%2Fmanual%2Frun", "sp=%2Ftriggers%2Fother%2Frun", 401),
            ("&sp=%2Ftriggers%2Fmanual%2Frun", "", 401),
            ("sv=1.0", "sv=2.0", 401),
            ("&sv=1.0", "", 401),
            ("&sv=1.0", "&sv=1.0&sv=1.0", 400),
        ],
    )
    def test_every_part_of_it_counts(self, tenant, sender, part, other, status):
        url = self.url(sender).body["value"]
        assert part in url
        assert tenant.logic.invoke_callback(url.replace(part, other)).status == status
        assert tenant.logic.invoke_callback(f"{url}&colour=red").status == 202

    def test_the_signature_is_not_written_to_the_log_of_calls(self, tenant, sender):
        url = self.url(sender).body["value"]
        tenant.logic.invoke_callback(url)
        assert url.split("&sig=")[1] not in str(tenant.calls())

    def test_a_trigger_for_another_method_refuses(self, tenant, deployment):
        trigger = {"type": "Request", "inputs": {"method": "GET"}}
        deployment.workflow(definition=definition(triggers={"manual": trigger}))
        url = self.url(deployment).body["value"]
        assert tenant.logic.invoke_callback(url).status == 405

    def test_unknown_triggers_have_none(self, deployment):
        deployment.workflow()
        assert self.url(deployment, "other").status == 404
        assert deployment.arm("POST", f"{WORKFLOW_PATH}/triggers/other/run").status == 404


ISSUER = "https://sts.windows.net/00000000-0000-4000-8000-000000000001/"
CLAIMS = {"iss": ISSUER, "aud": "api://mail"}


def callers(*ranges, **policies):
    """An accessControl for triggers: address ranges, and policies by name as their claims."""
    access: dict[str, Any] = {
        "allowedCallerIpAddresses": [{"addressRange": each} for each in ranges]
    }
    if policies:
        access["openAuthenticationPolicies"] = {
            "policies": {
                name: {
                    "type": "AAD",
                    "claims": [{"name": n, "value": v} for n, v in claims.items()],
                }
                for name, claims in policies.items()
            }
        }
    return {"triggers": access}


class TestWhoMayCallATrigger:
    def call(self, tenant, deployment, access, *, signed=True, definition=None, **options):
        properties = {} if definition is None else {"definition": definition}
        deployment.workflow(accessControl=access, **properties)
        path = f"{WORKFLOW_PATH}/triggers/manual/listCallbackUrl"
        url = deployment.arm("POST", path).body["value"]
        answer = tenant.logic.invoke_callback(
            url if signed else url.partition("&sig=")[0], **options
        )
        return answer.status, (answer.body or {}).get("error", {}).get("code")

    def test_an_address_of_an_allowed_range_may(self, tenant, deployment):
        access = callers("203.0.113.0/24", "198.51.100.7/32")
        for address in ("203.0.113.9", "198.51.100.7"):
            assert self.call(tenant, deployment, access, address=address) == (202, None)

    def test_any_other_may_not_though_it_has_the_signature(self, tenant, deployment):
        access = callers("203.0.113.0/24")
        assert self.call(tenant, deployment, access, address="203.0.114.1") == (
            401,
            "AuthorizationFailed",
        )
        assert tenant.mail() == []

    def test_an_empty_list_lets_no_address_in(self, tenant, deployment):
        assert self.call(tenant, deployment, callers())[0] == 401

    def test_the_address_counts_for_a_token_too(self, tenant, deployment):
        access = callers("203.0.113.0/24", erp=CLAIMS)
        for address, expected in (("203.0.113.9", 202), ("203.0.114.1", 401)):
            status, _ = self.call(
                tenant, deployment, access, address=address, claims=CLAIMS, signed=False
            )
            assert status == expected

    @pytest.mark.parametrize(
        "claims", [{}, {"iss": ISSUER}, CLAIMS | {"aud": "api://other"}, {"aud": CLAIMS["aud"]}]
    )
    def test_a_token_with_other_claims_is_refused(self, tenant, deployment, claims):
        access = callers("198.51.100.0/24", erp=CLAIMS)
        assert self.call(tenant, deployment, access, claims=claims, signed=False) == (
            401,
            "MisMatchingOAuthClaims",
        )

    def test_a_token_without_a_policy_is_refused(self, tenant, deployment):
        access = callers("198.51.100.0/24")
        assert self.call(tenant, deployment, access, claims=CLAIMS, signed=False)[0] == 401

    def test_a_policy_does_not_close_the_signed_url(self, tenant, deployment):
        access = callers("198.51.100.0/24", erp=CLAIMS)
        assert self.call(tenant, deployment, access) == (202, None)

    def by_token(self, **changes):
        """A definition whose trigger asks for a token, as Microsoft's page has it."""
        trigger = {
            "type": "Request",
            "kind": "Http",
            "inputs": {"schema": {}},
            "conditions": [
                {
                    "expression": "@startsWith(coalesce(triggerOutputs()?['headers']?"
                    "['Authorization'], ''), 'Bearer ')"
                }
            ],
            "operationOptions": "IncludeAuthorizationHeadersInOutputs",
            "runtimeConfiguration": {"secureData": {"properties": ["outputs"]}},
        }
        return definition(triggers={"manual": trigger | changes})

    def runs(self, deployment):
        return len(deployment.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"])

    @pytest.mark.parametrize(
        ("changes", "signed", "expected"),
        [
            ({}, False, 1),
            ({}, True, 0),
            # The header is not among the outputs, so the condition does not see it.
            ({"operationOptions": ""}, False, 0),
        ],
    )
    def test_a_condition_on_the_token_is_met_by_a_token_alone(
        self, tenant, deployment, changes, signed, expected
    ):
        access = callers("198.51.100.0/24", erp=CLAIMS)
        options = {} if signed else {"claims": CLAIMS}
        answer = self.call(
            tenant,
            deployment,
            access,
            signed=signed,
            definition=self.by_token(**changes),
            **options,
        )
        # Nothing tells the caller.
        assert answer == (202, None)
        assert self.runs(deployment) == expected

    def test_and_not_by_azure_resource_manager(self, deployment):
        deployment.workflow(definition=self.by_token())
        started = deployment.arm("POST", f"{WORKFLOW_PATH}/triggers/manual/run")
        assert (started.status, started.headers) == (202, {})
        assert self.runs(deployment) == 0

    def test_any_other_condition_is_not_simulated(self, deployment):
        other = [{"expression": "@equals(1, 2)"}]
        deployment.workflow(definition=self.by_token(conditions=other))
        run = deployment.run()[0]
        assert run["error"]["code"] == "NotSimulated"
        assert "conditions" in run["error"]["message"]

    @pytest.mark.parametrize(
        "conditions", ["@true", [{}], [{"expression": "true"}], [{"expression": "@true", "a": 1}]]
    )
    def test_what_is_no_condition_cannot_be_saved(self, deployment, conditions):
        with pytest.raises(AssertionError, match="InvalidTemplate"):
            deployment.workflow(definition=self.by_token(conditions=conditions))

    def test_signature_and_token_together_are_refused(self, tenant, deployment):
        access = callers("198.51.100.0/24", erp=CLAIMS)
        assert self.call(tenant, deployment, access, claims=CLAIMS)[0] == 401

    def test_azure_resource_manager_may_start_it_all_the_same(self, deployment):
        deployment.workflow(accessControl=callers("203.0.113.0/24"))
        assert deployment.run()[0]["trigger"]["name"] == "manual"

    def test_a_put_that_says_nothing_of_it_opens_the_trigger(self, tenant, deployment):
        access = callers("203.0.113.0/24")
        deployment.workflow(accessControl=access)
        read = deployment.arm("GET", WORKFLOW_PATH).body["properties"]
        assert read["accessControl"] == access
        deployment.workflow()
        assert "accessControl" not in deployment.arm("GET", WORKFLOW_PATH).body["properties"]


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "sure": {"type": "boolean"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


class TestASchemaOfATrigger:
    def call(self, tenant, sender, body, schema=SCHEMA, **members):
        sent = {"subject": "@{triggerBody()?['name']}"}
        trigger = {"type": "Request", "kind": "Http", "inputs": {"schema": schema}} | members
        sender.workflow(
            definition=definition(
                triggers={"manual": trigger},
                actions={"Send": action(inputs={"body": message(**sent)})},
            )
        )
        path = f"{WORKFLOW_PATH}/triggers/manual/listCallbackUrl"
        return tenant.logic.invoke_callback(sender.arm("POST", path).body["value"], body)

    @pytest.mark.parametrize(
        ("body", "finding"),
        [
            ({}, "Required properties are missing from object: name."),
            ({"name": 5}, "Invalid type. Expected String but got Integer."),
            ({"name": None}, "Invalid type. Expected String but got Null."),
            ({"name": "ab", "count": 5.0}, "Invalid type. Expected Integer but got Number."),
            ({"name": "ab", "count": True}, "Invalid type. Expected Integer but got Boolean."),
            ({"name": "ab", "sure": "true"}, "Invalid type. Expected Boolean but got String."),
            ({"name": "abcdef"}, "String 'abcdef' exceeds maximum length of 5."),
            (
                {"name": "ab", "other": 1},
                "Property 'other' has not been defined and the schema does not allow additional "
                "properties.",
            ),
            (["name"], "Invalid type. Expected Object but got Array."),
            ("name", "Invalid type. Expected Object but got String."),
        ],
    )
    def test_refuses_what_does_not_match_it(self, tenant, sender, body, finding):
        answer = self.call(tenant, sender, body, operationOptions="EnableSchemaValidation")
        assert (answer.status, answer.body) == (
            400,
            {
                "error": {
                    "code": "TriggerInputSchemaMismatch",
                    "message": "The input body for trigger 'manual' of type 'Request' did not "
                    f"match its schema definition. Error details: '{finding}'.",
                }
            },
        )
        assert sender.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"] == []

    def test_lets_in_what_matches(self, tenant, sender):
        body = {"name": "ab", "count": 5, "share": 0.5, "sure": True}
        assert self.call(
            tenant, sender, body, operationOptions="EnableSchemaValidation"
        ).status == (202)
        assert tenant.mail()[0].message["subject"] == "ab"

    def test_is_not_looked_at_without_the_option(self, tenant, sender):
        assert self.call(tenant, sender, {"name": 5}).status == 202
        assert tenant.mail()[0].message["subject"] == "5"

    def test_refuses_a_call_without_a_body_and_of_azure_resource_manager(self, tenant, sender):
        options = "IncludeAuthorizationHeadersInOutputs, EnableSchemaValidation"
        answer = self.call(tenant, sender, None, operationOptions=options)
        assert answer.status == 400
        assert answer.body["error"]["message"].endswith("missing required schema properties.")
        started = sender.arm("POST", f"{WORKFLOW_PATH}/triggers/manual/run")
        assert started.body["error"]["code"] == "TriggerInputSchemaMismatch"

    def test_with_another_keyword_is_not_simulated(self, tenant, sender):
        schema = {"properties": {"name": {"pattern": "^x"}}}
        options = {"operationOptions": "EnableSchemaValidation"}
        answer = self.call(tenant, sender, {"name": "ab"}, schema, **options)
        assert answer.status == 501


def after(name, **members):
    return {"runAfter": {name: ["Succeeded"]}} | members


COMPUTED = {"type": "Compose", "runAfter": {}, "inputs": {"subject": "@trigger()['name']"}}
SUBJECT = {"subject": "By @{outputs('Computed')['subject']}"}


class TestActionsOneAfterAnother:
    def run(self, sender, actions):
        sender.workflow(definition=definition(actions=actions))
        started = sender.arm("POST", f"{WORKFLOW_PATH}/triggers/manual/run")
        path = f"{WORKFLOW_PATH}/runs/{started.headers['x-ms-workflow-run-id']}"
        found = sender.arm("GET", f"{path}/actions").body["value"]
        run = sender.arm("GET", path).body["properties"]
        return run, {entry["name"]: entry["properties"] for entry in found}

    def test_read_what_was_computed(self, tenant, sender):
        send = action(inputs={"body": message(**SUBJECT)}, **after("Computed"))
        run, actions = self.run(sender, {"Send": send, "Computed": COMPUTED})
        assert run["status"] == "Succeeded"
        assert list(actions) == ["Computed", "Send"]
        assert "outputsLink" in actions["Computed"]
        assert tenant.mail()[0].message["subject"] == "By manual"

    def test_that_are_secured_are_not_shown(self, sender):
        secured = {"runtimeConfiguration": {"secureData": {"properties": ["inputs"]}}}
        _, actions = self.run(sender, {"Computed": COMPUTED | secured})
        assert not {"inputsLink", "outputsLink"} & actions["Computed"].keys()

    def test_are_skipped_after_one_that_failed(self, tenant, sender):
        failing = COMPUTED | {"inputs": "@split(trigger()?['x'], ',')"}
        run, actions = self.run(sender, {"Computed": failing, "Send": action(**after("Computed"))})
        assert run["status"] == "Failed"
        assert actions["Computed"]["error"]["code"] == "InvalidTemplate"
        assert "in action 'Computed' inputs" in actions["Computed"]["error"]["message"]
        assert actions["Send"]["status"] == "Skipped"
        assert tenant.mail() == []

    @pytest.mark.parametrize(
        ("handled", "status"),
        [
            # Whoever deals with the failure decides.
            (["Failed"], "Succeeded"),
            # It is skipped, and so what came before it decides.
            (["Succeeded"], "Failed"),
            (["TimedOut"], "Failed"),
        ],
    )
    def test_come_to_what_their_last_came_to(self, sender, handled, status):
        failing = COMPUTED | {"inputs": "@split(trigger()?['x'], ',')"}
        actions = {"A": failing, "B": COMPUTED | {"runAfter": {"A": handled}}}
        assert self.run(sender, actions)[0]["status"] == status
        assert self.run(sender, {"A": failing})[0]["status"] == "Failed"

    def test_wait(self, tenant, sender):
        interval = {"count": "@int('90')", "unit": "Second"}
        wait = {"type": "Wait", "inputs": {"interval": interval}}
        _, actions = self.run(sender, {"Wait": wait, "Send": action(**after("Wait"))})
        begun, ended = (
            datetime.fromisoformat(actions["Wait"][at]) for at in ("startTime", "endTime")
        )
        assert ended - begun >= timedelta(seconds=90)
        assert tenant.mail()[0].time >= ended

    def test_end_with_one_that_ends_the_run(self, tenant, sender):
        error = {"code": "NotToday", "message": "Nothing is sent today."}
        end = {"type": "Terminate", "inputs": {"runStatus": "Failed", "runError": error}}
        choice = {"type": "If", "expression": "@false", "else": {"actions": {"End": end}}}
        run, actions = self.run(
            sender, {"Choose": choice | {"actions": {}}, "Send": action(**after("Choose"))}
        )
        assert (run["status"], run["error"]) == ("Failed", error)
        assert "Send" not in actions
        assert tenant.mail() == []

    def test_end_with_one_that_ends_the_run_without_an_error(self, sender):
        run, _ = self.run(
            sender, {"End": {"type": "Terminate", "inputs": {"runStatus": "Cancelled"}}}
        )
        assert run["status"] == "Cancelled"
        assert "error" not in run

    @pytest.mark.parametrize(
        ("changed", "finding"),
        [
            ({"Send": {"runAfter": {}}}, "cannot reference action 'Computed'"),
            ({"Computed": {"inputs": "@outputs('Nothing')"}}, "are not defined in the template"),
            ({"Computed": {"inputs": "@outputs('Send')"}}, "cannot reference action 'Send'"),
            ({"Computed": {"inputs": "@concat('a'"}}, "expression is not valid"),
            ({"Computed": {"inputs": "@"}}, "expression is not valid"),
            (
                {"Computed": {"runtimeConfiguration": {"secureData": {"properties": ["outputs"]}}}},
                "must be one of inputs",
            ),
            ({"Send": {"runAfter": {"Other": ["Succeeded"]}}}, "could not find 'Other'"),
        ],
    )
    def test_cannot_be_saved_where_one_is_wrong(self, sender, changed, finding):
        send = action(inputs={"body": message(**SUBJECT)}, **after("Computed"))
        actions = {"Send": send, "Computed": COMPUTED}
        for name, members in changed.items():
            actions[name] = actions[name] | members
        with pytest.raises(AssertionError, match=f"InvalidTemplate.*{finding}"):
            sender.workflow(definition=definition(actions=actions))

    def test_read_from_within_a_branch_what_ran_before_it(self, tenant, sender):
        send = action(inputs={"body": message(**SUBJECT)})
        choice = {"type": "If", "expression": "@true", "actions": {"Send": send}}
        run, _ = self.run(sender, {"Choose": choice | after("Computed"), "Computed": COMPUTED})
        assert run["status"] == "Succeeded"
        assert len(tenant.mail()) == 1


class TestConcurrencyOfATrigger:
    def saved(self, sender, concurrency, **others):
        runtime = {"runtimeConfiguration": {"concurrency": concurrency}} if concurrency else {}
        triggers = {"manual": {"type": "Request", "kind": "Http"} | runtime} | others
        body = workflow_body(definition=definition(triggers=triggers))
        answer = sender.arm("PUT", WORKFLOW_PATH, body)
        return answer.status, (answer.body.get("error") or {}).get("message", "")

    def test_lets_a_run_begin(self, tenant, sender):
        assert self.saved(sender, {"runs": 4, "maximumWaitingRuns": 100})[0] == 200
        assert sender.run()[0]["status"] == "Succeeded"

    @pytest.mark.parametrize(
        ("concurrency", "finding"),
        [
            ({"runs": 0}, "minimum of 1"),
            ({"runs": 101}, "maximum of 100"),
            ({"runs": 4, "maximumWaitingRuns": 101}, "maximum of 100"),
            ({"runs": 4, "maximumWaitingRuns": 13}, "at least 10 more"),
            ({"runs": 4, "waiting": 20}, "could not find member 'waiting'"),
        ],
    )
    def test_has_its_limits(self, sender, concurrency, finding):
        status, message = self.saved(sender, concurrency)
        assert status == 400
        assert finding in message

    def test_is_that_of_the_only_trigger(self, sender):
        start = {"frequency": "Month", "interval": 16, "startTime": "2070-01-01T00:00:00Z"}
        probe = {"type": "Recurrence", "recurrence": start}
        status, message = self.saved(sender, {"runs": 4}, Probe=probe)
        assert status == 400
        assert "only a single trigger with concurrency control is supported" in message

    def test_stays(self, sender):
        assert self.saved(sender, {"runs": 4})[0] == 200
        assert self.saved(sender, {"runs": 5})[0] == 200
        status, message = self.saved(sender, {})
        assert (status, "cannot be disabled" in message) == (400, True)
        sender.arm("DELETE", WORKFLOW_PATH)
        assert self.saved(sender, {})[0] == 201


class TestRecurrence:
    def starts(self, deployment):
        runs = deployment.arm("GET", f"{WORKFLOW_PATH}/runs").body["value"]
        return [run["properties"]["startTime"][:19] for run in reversed(runs)]

    def test_with_a_start_in_the_past_waits_for_its_next_time(self, tenant, deployment):
        deployment.workflow(definition=recurring())
        assert self.starts(deployment) == []
        tenant.clock.advance(3 * 24 * 3600)
        assert self.starts(deployment) == [
            "2026-11-03T09:00:00",
            "2026-11-04T09:00:00",
            "2026-11-05T09:00:00",
        ]
        assert tenant.clock.now() == NOON + timedelta(days=3, seconds=2)

    def test_without_a_start_fires_when_saved_which_is_before_the_grant(self, tenant, deployment):
        recurrence = {"frequency": "Hour", "interval": 1}
        trigger = {"hourly": {"type": "Recurrence", "recurrence": recurrence}}
        principal = deployment.workflow(definition=definition(triggers=trigger))
        assert self.starts(deployment) == ["2026-11-02T12:00:00"]
        deployment.policy(principal["appId"], "reception@contoso.com")
        deployment.grant(principal)
        tenant.clock.advance(2 * 3600)
        assert self.starts(deployment)[1:] == ["2026-11-02T13:00:00", "2026-11-02T14:00:00"]
        # The token of the first run carries no permission, and is kept.
        assert tenant.mail() == []

    def test_does_not_fire_while_disabled(self, tenant, deployment):
        deployment.workflow(definition=recurring(), state="Disabled")
        tenant.clock.advance(24 * 3600)
        assert self.starts(deployment) == []
        deployment.arm("POST", f"{WORKFLOW_PATH}/enable")
        assert self.starts(deployment) == []
        tenant.clock.advance(24 * 3600)
        assert self.starts(deployment) == ["2026-11-04T09:00:00"]

    def test_stops_when_disabled(self, tenant, deployment):
        deployment.workflow(definition=recurring())
        deployment.arm("POST", f"{WORKFLOW_PATH}/disable")
        tenant.clock.advance(24 * 3600)
        assert self.starts(deployment) == []

    def test_a_changed_schedule_counts_from_then_on(self, tenant, deployment):
        deployment.workflow(definition=recurring())
        deployment.workflow(definition=recurring("2020-01-01T15:00:00Z"))
        tenant.clock.advance(24 * 3600)
        assert self.starts(deployment) == ["2026-11-02T15:00:00"]

    def test_a_trigger_that_is_gone_fires_no_more(self, tenant, deployment):
        deployment.workflow(definition=recurring())
        deployment.workflow(definition=definition(triggers={"daily": {"type": "Request"}}))
        tenant.clock.advance(24 * 3600)
        assert self.starts(deployment) == []

    def test_stops_with_the_workflow(self, tenant, deployment):
        deployment.workflow(definition=recurring())
        deployment.arm("DELETE", WORKFLOW_PATH)
        tenant.clock.advance(24 * 3600)
        assert not [call for call in tenant.calls() if call.operation == "run by daily"]

    def test_can_be_run_by_hand(self, deployment):
        deployment.workflow(definition=recurring())
        assert deployment.run("daily")[0]["trigger"]["name"] == "daily"

    def test_has_no_callback_here(self, deployment):
        deployment.workflow(definition=recurring())
        path = f"{WORKFLOW_PATH}/triggers/daily/listCallbackUrl"
        assert deployment.arm("POST", path).status == 501


class TestWhatTheRunnerDoesNotKnowFailsTheRun:
    @pytest.mark.parametrize(
        ("beyond", "named"),
        [
            (definition(actions={}), "0 actions"),
            (definition(actions={"Loop": {"type": "Until"}}), "Until"),
            (
                definition(
                    actions={
                        "a": {
                            "type": "Wait",
                            "inputs": {"interval": {"count": 1, "unit": "Hour"}},
                        }
                    }
                ),
                "not of seconds",
            ),
            (definition(parameters={"p": {"type": "String"}}), "parameters"),
            (definition(outputs={"o": {"type": "String", "value": "x"}}), "outputs"),
            (definition(actions={"a": action(limit={"timeout": "PT1M"})}), "limit"),
            (definition(actions={"a": action(inputs={"queries": {"a": "b"}})}), "queries"),
            (
                definition(
                    actions={"a": action(runtimeConfiguration={"staticResult": {"name": "x"}})}
                ),
                "staticResult",
            ),
            (
                definition(
                    actions={
                        "a": action(
                            inputs={
                                "authentication": {
                                    "type": "Basic",
                                    "username": "a",
                                    "password": "b",
                                }
                            }
                        )
                    }
                ),
                "authentication Basic",
            ),
            (
                definition(actions={"a": action(inputs={"uri": "https://contoso.com/x"})}),
                "https://contoso.com/x",
            ),
            (
                definition(actions={"a": action(inputs={"body": {"x": "@guid()"}})}),
                "the function guid()",
            ),
            (
                definition(
                    triggers={
                        "manual": {"type": "Request", "conditions": [{"expression": "@null"}]}
                    }
                ),
                "conditions",
            ),
            (definition(triggers={"manual": {"type": "Request", "kind": "Button"}}), "Button"),
            (definition(triggers={"manual": {"type": "Batch"}}), "Batch"),
        ],
    )
    def test_and_is_named(self, tenant, deployment, beyond, named):
        deployment.workflow(definition=beyond)
        run, done, _ = deployment.run()
        assert (run["status"], run["error"]["code"]) == ("Failed", "NotSimulated")
        assert named in run["error"]["message"]
        assert done is None
        assert tenant.mail() == []


class TestAuthentication:
    @pytest.mark.parametrize(
        "audience", ["https://graph.microsoft.com/", "https://graph.windows.net", "x"]
    )
    def test_the_audience_must_match_exactly(self, deployment, audience):
        authentication = {"type": "ManagedServiceIdentity", "audience": audience}
        deployment.workflow(
            definition=definition(actions={"a": action(inputs={"authentication": authentication})})
        )
        run, done, answer = deployment.run()
        assert (run["status"], done["status"], answer) == ("Failed", "Failed", None)
        assert "AADSTS500011" in done["error"]["message"]

    def test_a_token_for_another_service_opens_no_mailbox(self, sender):
        audience = "https://outlook.office365.com"
        authentication = {"type": "ManagedServiceIdentity", "audience": audience}
        sender.workflow(
            definition=definition(actions={"a": action(inputs={"authentication": authentication})})
        )
        assert sender.run()[1]["code"] == "Unauthorized"

    def test_needs_an_identity(self, deployment):
        deployment.resource_group()
        deployment.arm("PUT", WORKFLOW_PATH, workflow_body(identity={"type": "None"}))
        run, done, _ = deployment.run()
        assert run["status"] == "Failed"
        assert "no managed identity" in done["error"]["message"]


class TestLiteralText:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("plain", "plain"),
            ("a@contoso.com", "a@contoso.com"),
            ("@@x", "@x"),
            ("@@", "@"),
            ("a @@{x} @@{y", "a @{x} @{y"),
            ("@@{x}", "@{x}"),
            ("a @@ b", "a @@ b"),
            ({"a": ["@@x", 1, None, True]}, {"a": ["@x", 1, None, True]}),
        ],
    )
    def test_has_its_escapes_undone(self, written, meant):
        assert evaluated(written, Scope("manual")) == meant

    @pytest.mark.parametrize(
        "text",
        [
            "@@@x",
            "@@@@x",
            "a @@@{x}",
            "@@a @@{x}",
            "@@{a} @@{b}",
            "@@a @{x}",
            "a @@{x} @{y}",
            "@concat('@{')",
        ],
    )
    def test_escapes_that_microsoft_does_not_explain_are_refused(self, text):
        with pytest.raises(Exception, match="does not say what this text means"):
            evaluated(text, Scope("manual"))

    def test_an_escape_in_a_text_longer_than_an_expression_is_refused(self):
        assert len(evaluated("a @@{" + "x" * 8187, Scope("manual"))) == 8191
        with pytest.raises(Exception, match="more than 8192 characters"):
            evaluated("a @@{" + "x" * 8188, Scope("manual"))


class TestAnAnswerThatARetryPolicyActsOn:
    @pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.TIMEOUT_AFTER])
    def test_is_beyond_the_simulation_unless_the_action_has_none(self, tenant, sender, kind):
        policy = {"type": "fixed", "interval": "PT5S", "count": 2}
        repeating = action(inputs={"retryPolicy": policy})
        sender.workflow(definition=definition(actions={"Send": repeating}))
        step = Step("", "Graph", "POST", "/v1.0/users/reception@contoso.com/sendMail", 1)
        tenant.plan_faults([Fault(step, kind)])
        run, done, _ = sender.run()
        assert done is None
        assert run["error"]["code"] == "NotSimulated"
        assert "retryPolicy none" in run["error"]["message"]
