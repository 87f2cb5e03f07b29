"""One HTTP server on loopback: for the tenant's clients, and for the module of a PowerShell."""

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simulator.tenant import CloudError, ConnectionLostError, NotSimulated, Response

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Attributes:
        path: With its query.
        headers: Found without regard to case.
        body: The JSON value of the body, ``None`` for none.
    """

    method: str
    path: str
    headers: Message
    body: Any


class Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own.

    Args:
        answer: Answers one request; a ``CloudError`` becomes the answer that it is.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """

    # Connections that wait to be taken; the library's five are too few for a script that asks in
    # parallel, and the rest would be reset.
    request_queue_size = 512

    def __init__(self, answer: Callable[[Request], Response], port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.answer = answer
        self.address = f"http://{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says in one line what became of a connection; nothing of a client that went away."""
        error = sys.exception()
        if not isinstance(error, OSError):
            sys.stderr.write(f"simulator: a request was not answered: {error!r}\n")

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Answers over TLS only, from the first connection on."""
        # Each connection shakes hands in its own thread: one that does not must not stop the rest.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.address = self.address.replace("http://", "https://")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answers for the duration of a ``with`` block."""
        # It looks that often, in seconds, whether it is to end.
        thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Takes one request apart, has it answered, and writes the answer.

    HTTP/1.0, so that no connection outlives its answer, or the server.
    """

    server: Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        try:
            request = Request(self.command, self.path, self.headers, self._body())
            answer = self.server.answer(request)
        except CloudError as error:
            answer = error.response()
        except NotSimulated as limit:
            answer = CloudError(501, "NotSimulated", str(limit)).response()
        except ConnectionLostError:
            return
        except Exception as error:  # noqa: BLE001 - without an answer nobody would look here
            answer = CloudError(
                500, "InternalServerError", f"The simulated tenant has a defect: {error!r}"
            ).response()
        self._write(answer)

    def _write(self, answer: Response) -> None:
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Writes nothing: addresses carry signatures, and the tenant keeps a log of calls."""

    def _body(self) -> Any:
        if "Transfer-Encoding" in self.headers:
            raise CloudError(411, "LengthRequired", "The request needs a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise CloudError(400, "BadRequest", "The Content-Length is no number.")
        content = self.rfile.read(int(length))
        if not content:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise CloudError(
                400, "InvalidRequestContent", "The request content is not valid JSON."
            ) from None
