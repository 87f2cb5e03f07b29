"""The state of the last run, read while the engine may be writing that of this one."""

import pulumi
import pytest
from pulumi.runtime.invoke import InvokeResult

from components import deployed

HALF = "invocation returned an error: failed to load checkpoint: EOF"
STATE = {"outputs": {"urn:pulumi:s::p::a:b:C::name": {"type": "a:b:C", "outputs": {"x": 1}}}}


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Has the engine answer with errors, and then with the state."""
    left = list(answers)

    def invoke(function: str, arguments: dict[str, str]) -> InvokeResult:
        if left:
            raise RuntimeError(left.pop(0))
        return InvokeResult(STATE)

    monkeypatch.setattr(pulumi.runtime, "invoke", invoke)


def test_a_state_that_is_being_written_is_read_again(
    monkeypatch: pytest.MonkeyPatch, paused: list[float]
):
    answering(monkeypatch, HALF, HALF)
    assert deployed.deployed_resources() == {("a:b:C", "name"): {"x": 1}}
    assert len(paused) == 2


@pytest.mark.parametrize(("error", "attempts"), [(HALF, 4), ("unknown stack", 1)])
def test_one_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, paused: list[float], error: str, attempts: int
):
    answering(monkeypatch, *[error] * attempts)
    with pytest.raises(pulumi.RunError, match=r"The state of the stack .* could not be read"):
        deployed.deployed_resources()
    assert len(paused) == attempts - 1
