"""How the HTTP clients inside the real providers try again."""

from collections.abc import Callable, Sequence

from simulator.tenant import ConnectionLostError, Response


def with_retries(
    request: Callable[[], Response],
    *,
    pauses: Sequence[float],
    repeats: Callable[[Response], bool],
    repeat_lost: bool,
    sleep: Callable[[float], None],
) -> Response:
    """Sends a request until it is answered with anything but "later".

    Args:
        request: Sends it once.
        pauses: Seconds between attempts, where the service does not name them in Retry-After.
        repeats: Tells which answers mean "later".
        repeat_lost: Whether a request without an answer is sent again.
        sleep: Lets seconds pass.

    Returns:
        The last answer, whatever it is.

    Raises:
        ConnectionLostError: There was no answer to the last request.
    """
    for pause in (*pauses, None):
        try:
            response = request()
        except ConnectionLostError:
            if pause is None or not repeat_lost:
                raise
            sleep(pause)
            continue
        if pause is None or not repeats(response):
            break
        sleep(float(response.headers.get("Retry-After", pause)))
    return response
