"""How the simulated services answer and refuse."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Response:
    """An HTTP answer. Errors are answers too: ``{"error": {"code", "message"}}``."""

    status: int
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


class CloudError(Exception):
    """An HTTP service's refusal.

    Raised to the caller only where there is no ``Response`` to carry it
    (``entra.issue_token``); the HTTP services turn it into their answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def response(self) -> Response:
        """The refusal as Graph and ARM both spell it."""
        error = {"code": self.code, "message": self.message}
        return Response(self.status, {"error": error}, dict(self.headers))


class ConnectionLostError(Exception):
    """An HTTP service gave no answer: whether it did what was asked, the caller cannot know."""


class NotSimulated(Exception):  # noqa: N818 - it names a limit, not a failure
    """The real service knows this; the simulated tenant does not.

    Nothing that the program does may catch it: a test that meets it has left what is simulated.
    """


class ExchangeError(Exception):
    """A cmdlet's refusal, in the form of Exchange Online's REST endpoint.

    ``str()`` is ``ExXXXXXX|<.NET exception type>|<message>`` as in ``$_.Exception.Message``.

    Args:
        exception_type: Empty for what the client says itself: then the message is all there is.
        message: The sentence.
        code: The six digits. They stand for a place in Microsoft's code. By default they are
            derived from the type, stable between runs and without meaning; with ``""`` there are
            none and the text begins with ``|``, as seen in
            https://github.com/microsoft/Partner-Center-PowerShell/issues/409.
    """

    def __init__(self, exception_type: str, message: str, *, code: str | None = None) -> None:
        if code is None:
            code = f"Ex{hashlib.sha256(exception_type.encode()).hexdigest()[:6].upper()}"
        super().__init__(f"{code}|{exception_type}|{message}" if exception_type else message)
        self.exception_type = exception_type
        self.message = message
        self.code = code
