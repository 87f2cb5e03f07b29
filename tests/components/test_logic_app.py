"""The look-up of the workflow's identity, which the directory may not know yet."""

from typing import Any

import pulumi
import pytest

from components import service_principal
from components.logic_app import LogicApp, LogicAppArgs
from tests.components import recording as mocks

NOT_FOUND = "Service principal not found"


def deployed(**changes: Any) -> LogicApp:
    arguments: dict[str, Any] = {
        "workflow_name": "notifications",
        "resource_group_name": "mail-senders",
        "location": "westeurope",
        "definition": {},
    }
    return LogicApp("app", LogicAppArgs(**arguments | changes))


@pytest.fixture
def waits(monkeypatch):
    seconds: list[int] = []

    async def sleep(delay):
        seconds.append(delay)

    monkeypatch.setattr(service_principal, "sleep", sleep)
    return seconds


def look_up(monkeypatch, failures):
    """Deploys a workflow whose identity is found after some failed look-ups."""
    remaining = iter(failures)
    answer = mocks._Mocks.call

    def call(self, args):
        if args.args.get("objectId") and (failure := next(remaining, None)):
            return {}, [("objectId", failure)]
        return answer(self, args)

    monkeypatch.setattr(mocks._Mocks, "call", call)
    found: list[str] = []

    def program():
        app = deployed()
        app.client_id.apply(found.append)

    mocks.record(program)
    return found


class TestWaitsForTheDirectory:
    def test_until_it_shows_the_identity(self, monkeypatch, waits):
        assert look_up(monkeypatch, [NOT_FOUND] * 7) == [mocks.CLIENT_ID]
        assert waits == [1, 2, 4, 8, 16, 30, 30]

    def test_but_not_for_ever(self, monkeypatch, waits):
        with pytest.raises(pulumi.RunError, match="run `pulumi up` again"):
            look_up(monkeypatch, [NOT_FOUND] * 1000)
        assert sum(waits) == sum(service_principal.DIRECTORY_DELAYS)

    def test_and_not_for_any_other_error(self, monkeypatch, waits):
        with pytest.raises(Exception, match="Insufficient privileges"):
            look_up(monkeypatch, ["Insufficient privileges to complete the operation"])
        assert waits == []


def workflow_with(**access):
    """The inputs of a workflow whose trigger may be called by these."""
    return mocks.record(lambda: deployed(**access)).resources["app"].inputs


class TestWhoMayCallTheTrigger:
    def test_ranges_and_policies_reach_the_workflow(self):
        claims = {"iss": "https://sts.windows.net/1/", "aud": "api://mail"}
        inputs = workflow_with(allowed_callers=["203.0.113.0/24"], entra_policies={"erp": claims})
        assert inputs["accessControl"] == {
            "triggers": {
                "allowedCallerIpAddresses": [{"addressRange": "203.0.113.0/24"}],
                "openAuthenticationPolicies": {
                    "policies": {
                        "erp": {
                            "type": "AAD",
                            "claims": [{"name": n, "value": v} for n, v in claims.items()],
                        }
                    }
                },
            }
        }
        assert inputs["tags"] == {}

    def test_other_logic_apps_only_is_an_empty_list_and_not_nothing(self):
        inputs = workflow_with(allowed_callers=[])
        assert inputs["accessControl"] == {"triggers": {"allowedCallerIpAddresses": []}}

    def test_without_any_nothing_is_said(self):
        inputs = workflow_with()
        assert "accessControl" not in inputs
        assert inputs["tags"] == {}

    def test_one_that_is_open_on_purpose_says_so(self):
        inputs = workflow_with(open_on_purpose=True)
        assert inputs["tags"] == {"openTrigger": "allowed"}
        assert "accessControl" not in inputs


class TestIdentitySwitchedOff:
    def test_is_an_error_that_says_so(self, monkeypatch):
        answer = mocks._Mocks.call

        def call(self, args):
            result = answer(self, args)
            result.pop("identity", None)
            return result

        monkeypatch.setattr(mocks._Mocks, "call", call)
        with pytest.raises(pulumi.RunError, match="no system-assigned identity any more"):
            mocks.record(deployed)


class TestALookAtTheWorkflowThatFails:
    """Nothing is known of its state then, so that nothing is written."""

    @pytest.mark.parametrize(
        ("refusal", "is_new"),
        [
            ('Status=404 Code="ResourceNotFound" Message="Die Ressource ..."', True),
            ('Status=404 Code="ResourceGroupNotFound" Message="..."', True),
            ('Status=404 Code="SubscriptionNotFound" Message="..."', False),
            ('Status=403 Code="AuthorizationFailed" Message="..."', False),
            ("no such host", False),
        ],
    )
    def test_is_an_error_unless_there_is_none(self, monkeypatch, refusal, is_new):
        answer = mocks._Mocks.call

        def call(self, args):
            asked = sum(c.token == args.token for c in self.recording.calls)
            if args.token == "azure-native:logic:getWorkflow" and not asked:
                self.recording.calls.append(args)
                return {}, [("workflowName", f"request failed /subscriptions/s: {refusal}")]
            return answer(self, args)

        monkeypatch.setattr(mocks._Mocks, "call", call)

        def deploy():
            return mocks.record(deployed)

        if is_new:
            assert deploy().resources["app"].inputs["state"] == "Enabled"
        else:
            with pytest.raises(pulumi.RunError, match=r"getWorkflow of .* was refused"):
                deploy()
