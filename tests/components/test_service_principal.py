"""When an identity counts as gone: what confines it is removed then."""

from typing import Any

import pulumi
import pytest

from components import service_principal
from simulator.testing.loops import in_its_own_loop

GONE = "No service principal found: no service principal found"
THERE: dict[str, Any] = {"clientId": "c", "objectId": "o", "appRoleIds": {}}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        if seconds:
            waited.append(seconds)

    monkeypatch.setattr(service_principal, "sleep", wait)
    return waited


def wait_for(monkeypatch: pytest.MonkeyPatch, *refusals: str | None) -> None:
    """Waits until an identity is gone, of which Entra says this, and at last always the same."""
    said = list(refusals)

    async def look_up(*_: Any, **key: str) -> dict[str, Any]:
        assert key == {"clientId": "c"}
        refusal = said.pop(0) if len(said) > 1 else said[0]
        if refusal is not None:
            raise pulumi.RunError(f"getServicePrincipal of clientId c was refused: {refusal}")
        return THERE

    monkeypatch.setattr(service_principal, "look_up", look_up)
    parent: Any = None
    in_its_own_loop(service_principal.wait_until_gone(parent, "c"))


def test_one_that_entra_does_not_know_is_gone_at_once(monkeypatch, waits):
    wait_for(monkeypatch, GONE)
    assert waits == []


def test_one_that_goes_is_waited_for(monkeypatch, waits):
    wait_for(monkeypatch, None, None, GONE)
    assert waits == [1, 2]


def test_one_that_stays_is_not(monkeypatch, waits):
    with pytest.raises(pulumi.RunError, match="is still there, so the policy that confines it"):
        wait_for(monkeypatch, None)
    assert sum(waits) == sum(service_principal.REPLICA_DELAYS)


@pytest.mark.parametrize(
    "refusal",
    [
        # A replica of the beta endpoint, while the list of the other one has it.
        'Retrieving Service Principal (Service Principal: "o") (beta API): unexpected status 404 '
        "(404 Not Found) with error: Request_ResourceNotFound: Resource 'o' does not exist",
        "AADSTS90002: Tenant 'contoso.onmicrosoft.com' not found.",
        "Authorization_RequestDenied: Insufficient privileges to complete the operation.",
    ],
)
def test_what_was_not_found_out_is_no_absence(monkeypatch, waits, refusal):
    with pytest.raises(pulumi.RunError, match="was refused"):
        wait_for(monkeypatch, refusal)
    assert waits == []
