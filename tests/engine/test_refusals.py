"""What the engine prints when Azure or Entra says no: one line with object, call and remedy."""

import shutil
from pathlib import Path

import pytest

from simulator.engine import Result, SimulatedStack
from simulator.tenant.faults import Fault, Kind
from tests.engine.conftest import succeeded
from tests.engine.faults import CleanRun, differences, violations

pytestmark = pytest.mark.engine


def said(result: Result) -> str:
    """The one error that is not "update failed"."""
    diagnostics = result.output.rpartition("Diagnostics:")[2]
    errors = [line.strip() for line in diagnostics.splitlines() if "error: " in line]
    # The Automation API repeats what an inline program raises.
    repeated = ("error: update failed", "error: an unhandled error occurred")
    (line,) = [line for line in errors if not line.startswith(repeated)]
    assert "Traceback" not in diagnostics
    return line


def refused(stack: SimulatedStack, run: CleanRun, operation: str, target: str, nth: int) -> str:
    """What is said when one call is refused."""
    step = next(
        step
        for step in run.steps
        if (step.operation, step.occurrence) == (operation, nth) and target in step.target
    )
    stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
    result = stack.up()
    assert not result.succeeded
    assert stack.tenant.faults_happened() == 1
    return said(result)


CONTRIBUTOR = "Give the deploying identity Contributor on the subscription"
PERMISSIONS = "Give the deploying identity the Graph permissions AppRoleAssignment.ReadWrite.All"


class TestARefusalIsOneLine:
    @pytest.mark.long
    def test_at_one_call_after_the_other_of_one_stack(self, first_up: CleanRun, tmp_path: Path):
        shutil.copytree(first_up.start, tmp_path / "stack")
        stack = first_up.scenario.stack(tmp_path / "stack")
        for operation, target, nth, object_and_call, remedy in (
            ("GET", "/rg-mail-sender?", 1, "getResourceGroup of resourceGroupName", CONTRIBUTOR),
            (
                "PUT",
                "/rg-mail-sender?",
                1,
                'hook "resource group rg-mail-sender" failed: create',
                CONTRIBUTOR,
            ),
            ("GET", "/workflows/", 1, "getWorkflow of resourceGroupName rg-mail", CONTRIBUTOR),
            (
                "PUT",
                "/workflows/",
                1,
                'hook "workflow notifications-workflow" failed: create',
                CONTRIBUTOR,
            ),
            # The program looks whether it is off, the provider reads before it creates, and after:
            # the fourth look is the program's, for the identity.
            ("GET", "/workflows/", 4, "getWorkflow of resourceGroupName rg-mail", CONTRIBUTOR),
            ("GET", "servicePrincipals?", 1, "getServicePrincipal of clientId 0000", PERMISSIONS),
            ("GET", "v1.0/servicePrincipals/", 1, "getServicePrincipal of objectId", PERMISSIONS),
            ("GET", "/beta/servicePrincipals/", 2, "getServicePrincipal of objectId", PERMISSIONS),
            (
                "POST",
                "appRoleAssignedTo",
                1,
                'role assignment notifications-access-mail-send" failed: create',
                PERMISSIONS,
            ),
        ):
            line = refused(stack, first_up, operation, target, nth)

            assert object_and_call in line
            assert "was refused: " in line
            assert remedy in line
        step = next(step for step in first_up.steps if "appRoleAssignedTo/" in step.target)
        stack.tenant.plan_faults([Fault(step, Kind.REFUSED)])
        made = stack.up()
        assert not made.succeeded
        assert "mail-send: create was done and not confirmed: retrieving Service" in made.output
        stack.tenant.plan_faults([])
        succeeded(stack.up())

        assert violations(stack) == []
        assert differences(stack, first_up) == []

    def test_that_names_recover_where_something_is_there_already(
        self, first_up: CleanRun, tmp_path: Path
    ):
        shutil.copytree(first_up.start, tmp_path / "stack")
        stack = first_up.scenario.stack(tmp_path / "stack")
        step = next(
            step
            for step in first_up.steps
            if step.operation == "PUT" and "/workflows/" in step.target
        )
        stack.tenant.plan_faults([Fault(step, Kind.ENGINE_KILLED)])
        assert not stack.up().succeeded
        stack.cancel()
        stack.tenant.plan_faults([])

        line = said(stack.up())

        assert "create was refused: cannot create already existing resource" in line
        assert "`python -m operations.recover --stack local` takes it up" in line
