"""What the engine is told after a refusal: to try again, or one line that ends the run."""

import asyncio
from collections.abc import Awaitable, Callable

import pulumi
import pytest

from components import refusals
from components.refusals import ASSIGNMENT_DELAYS, explained

NOT_YET = (
    "1 error occurred:\n\t* Could not create: Request_BadRequest: Not a valid reference update."
)
LOST = "Could not create: HTTP response was nil; connection may have been reset"

Hook = Callable[..., bool]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every wait of the hook, in seconds."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(refusals, "sleep", sleep)
    monkeypatch.setattr(pulumi.log, "info", lambda *_, **__: None)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    return found


@pytest.fixture
def hook(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Hook:
    """The hook of a resource, called with the errors so far, newest first."""
    hooks: list[Callable[[pulumi.ErrorHookArgs], Awaitable[bool]]] = []
    monkeypatch.setattr(pulumi, "ErrorHook", lambda name, function: hooks.append(function))
    explained("workflow w")

    def call(*errors: str, operation: str = "create") -> bool:
        args = pulumi.ErrorHookArgs(
            "urn", "", "w", "type", failed_operation=operation, errors=list(errors)
        )

        async def called() -> bool:
            return await hooks[0](args)

        # Of its own: asyncio.run would take away the one that Pulumi's mocks run in.
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(called())
        finally:
            loop.close()

    return call


class TestAPrincipalThatHasNotReplicated:
    def test_is_tried_again_after_waits_and_not_for_ever(self, hook: Hook, waits: list[float]):
        for attempt in range(1, len(ASSIGNMENT_DELAYS) + 1):
            assert hook(*[NOT_YET] * attempt)

        with pytest.raises(pulumi.RunError, match="Entra does not know the new identity"):
            hook(*[NOT_YET] * (len(ASSIGNMENT_DELAYS) + 1))
        assert waits == ASSIGNMENT_DELAYS


class TestALostAnswer:
    def test_is_asked_for_once_more(self, hook: Hook, waits: list[float]):
        assert hook(LOST)

        with pytest.raises(pulumi.RunError, match="The connection was lost: run `pulumi up` again"):
            hook(LOST, LOST)
        assert waits == [5]

    def test_has_an_attempt_of_its_own_after_other_waits(self, hook: Hook, waits: list[float]):
        assert hook(LOST, NOT_YET, NOT_YET)

        assert waits == [5]

    def test_of_what_was_done_is_told_as_what_is_left_behind(self, hook: Hook):
        with pytest.raises(pulumi.RunError, match=r"operations\.recover --stack test"):
            hook("Permission being assigned already exists on the object", LOST)


class TestAPermanentRefusal:
    @pytest.mark.parametrize(
        ("refusal", "remedy"),
        [
            ("cannot create already existing resource '/x'", "operations.recover --stack test`"),
            ("Permission being assigned already exists on the object", "--stack test` takes it"),
            ('Status=403 Code="AuthorizationFailed"', "Contributor on the subscription"),
            ("Authorization_RequestDenied: no", "AppRoleAssignment.ReadWrite.All"),
            ("Something else.", "Mend that and run `pulumi up` again."),
        ],
    )
    def test_is_told_in_one_line_at_once(
        self, hook: Hook, waits: list[float], refusal: str, remedy: str
    ):
        with pytest.raises(pulumi.RunError) as raised:
            hook(f"1 error occurred:\n\t* {refusal}\n\n")

        text = str(raised.value)
        assert text.startswith(f"create was refused: {refusal.rstrip('.')}. ")
        assert remedy in text
        assert "\n" not in text
        assert waits == []

    def test_of_a_deletion_is_left_to_the_engine(self, hook: Hook):
        assert hook("AuthorizationFailed", operation="delete") is False
