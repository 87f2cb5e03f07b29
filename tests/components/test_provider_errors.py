"""What the engine is told after a refusal: to try again, or one line that ends the run."""

from collections.abc import Awaitable, Callable

import pulumi
import pytest

from components import provider_errors
from components.provider_errors import error_hooks
from simulator.testing.loops import in_its_own_loop

NOT_YET = (
    "1 error occurred:\n\t* Could not create: Request_BadRequest: Not a valid reference update."
)
UNKNOWN = "Could not create: unexpected status 404 with error: Request_ResourceNotFound: Resource"
LOST = "Could not create: HTTP response was nil; connection may have been reset"
UNCONFIRMED = "expected non-nil error with nil state during Create of urn:pulumi:test::p::t::grant"
GONE = (
    "deleting urn:pulumi:test::p::t::grant: 1 error occurred:\n\t* Deleting X: unexpected status "
    "404 (404 Not Found) with error: Request_ResourceNotFound: Resource 'x' does not exist\n\n"
)
RECOVER = "`python -m operations.recover --stack test`"

Hook = Callable[..., bool]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every wait of the hook, in seconds."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(provider_errors, "sleep", sleep)
    monkeypatch.setattr(pulumi.log, "info", lambda *_, **__: None)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    return found


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every warning of the hook."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", found.append)
    return found


@pytest.fixture
def hook(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Hook:
    """The hook of a resource, called with the errors so far, newest first."""
    hooks: list[Callable[[pulumi.ErrorHookArgs], Awaitable[bool]]] = []
    monkeypatch.setattr(pulumi, "ErrorHook", lambda name, function: hooks.append(function))
    error_hooks("workflow w")

    def call(*errors: str, operation: str = "create") -> bool:
        args = pulumi.ErrorHookArgs(
            "urn", "", "w", "type", failed_operation=operation, errors=list(errors)
        )

        async def called() -> bool:
            return await hooks[0](args)

        return in_its_own_loop(called())

    return call


class TestAPrincipalThatHasNotReplicated:
    @pytest.mark.parametrize("refusal", [NOT_YET, UNKNOWN])
    def test_is_asked_for_once_more_since_the_provider_has_waited_itself(
        self, hook: Hook, waits: list[float], refusal: str
    ):
        assert hook(refusal)

        with pytest.raises(pulumi.RunError, match="Entra does not know the new identity"):
            hook(refusal, refusal)
        assert waits == [30]

    def test_and_says_so_in_two_ways_has_no_more_attempts(self, hook: Hook, waits: list[float]):
        assert hook(NOT_YET)

        with pytest.raises(pulumi.RunError, match="Entra does not know the new identity"):
            hook(UNKNOWN, NOT_YET)


class TestWhatIsMadeAndNotShownYet:
    def test_is_not_asked_for_again_and_names_the_command_that_takes_it_up(
        self, hook: Hook, waits: list[float]
    ):
        with pytest.raises(pulumi.RunError) as raised:
            hook(UNCONFIRMED)

        assert str(raised.value) == (
            f"create was not confirmed: {UNCONFIRMED}. Entra has made it and does not show it yet. "
            f"In a few minutes {RECOVER} takes it up; then run `pulumi up` again."
        )
        assert waits == []


class TestWhatIsMadeAndMayNotBeRead:
    @pytest.mark.parametrize("refusal", ["Authorization_RequestDenied: no", LOST])
    def test_is_kept_by_the_engine_and_not_made_once_more(
        self, hook: Hook, waits: list[float], warnings: list[str], refusal: str
    ):
        assert (
            hook(f"creating urn:pulumi:test::p::t::grant: 1 error occurred:\n\t* {refusal}")
            is False
        )

        (warning,) = warnings
        assert warning.startswith(f"workflow w: create was done and not confirmed: {refusal}. ")
        assert waits == []


class TestALostAnswer:
    def test_is_asked_for_once_more(self, hook: Hook, waits: list[float]):
        assert hook(LOST)

        with pytest.raises(
            pulumi.RunError, match=r"create got no answer: .* The connection was lost"
        ):
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
            ('Status=409 Code="ScopeLocked"', "Ask who did, and run this again without the lock"),
            ('Status=404 Code="ResourceNotFound"', f"outside of this program: {RECOVER}"),
            ('Status=404 Code="ResourceGroupNotFound"', f"outside of this program: {RECOVER}"),
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


class TestADeletion:
    def test_without_an_answer_is_asked_for_once_more(
        self, hook: Hook, waits: list[float], warnings: list[str]
    ):
        assert hook(LOST, operation="delete")

        assert hook(LOST, LOST, operation="delete") is False
        assert waits == [5]
        assert warnings == [
            f"workflow w: delete got no answer: {LOST}. The connection was lost: run `pulumi up` "
            "again."
        ]

    def test_of_what_is_gone_fails_with_the_command_that_takes_note_of_it(
        self, hook: Hook, waits: list[float], warnings: list[str]
    ):
        assert hook(GONE, operation="delete") is False

        (warning,) = warnings
        assert warning.startswith("workflow w: delete was refused: Deleting X: unexpected status")
        assert f"It was removed outside of this program: {RECOVER} takes note" in warning
        assert "\n" not in warning
        assert waits == []

    def test_that_is_refused_has_its_remedy_beside_the_words_of_the_provider(
        self, hook: Hook, waits: list[float], warnings: list[str]
    ):
        assert hook("AuthorizationFailed: no", operation="delete") is False

        assert "Contributor on the subscription" in warnings[0]
