"""How the HTTP clients inside the real providers try again."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from simulator.providers.server import RefusalError
from simulator.tenant import ConnectionLostError, Response

_TRANSIENT = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def with_retries(
    request: Callable[[], Response],
    *,
    pauses: Sequence[float],
    repeat_lost: bool,
    sleep: Callable[[float], None],
) -> Response:
    """Sends a request until it is answered with anything but "later".

    Args:
        request: Sends it once.
        pauses: Seconds between attempts, where the service does not name them in Retry-After.
        repeat_lost: Whether a request without an answer is sent again.
        sleep: Lets seconds pass.

    Returns:
        The last answer, whatever it is.

    Raises:
        RefusalError: There was no answer.
    """
    for pause in (*pauses, None):
        try:
            response = request()
        except ConnectionLostError as error:
            if not repeat_lost:
                text = "HTTP response was nil; connection may have been reset"
                raise RefusalError(text) from None
            if pause is None:
                raise RefusalError(str(error)) from None
            sleep(pause)
            continue
        if pause is None or response.status not in _TRANSIENT:
            break
        sleep(float(response.headers.get("Retry-After", pause)))
    return response
