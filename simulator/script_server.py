"""Runs scripts in processes that need not import the simulator first.

To start Python and import what runs a script takes twice as long as the script, a dozen times in a
deployment. So one process imports it once, and is forked for each script. ``pwsh`` is
``script_client.py``, which hands over its arguments, environment, folder and standard streams, and
ends as the script's process did: that is one of its own, as it would be otherwise, which can be
killed, and in which faults kill.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

from simulator import pwsh


def serve(listener: socket.socket) -> None:
    """Runs each script that is asked for, until standard input ends.

    Args:
        listener: Where clients connect.
    """
    # Ctrl-C reaches the scripts by themselves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nobody waits for those who attend to a client.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.disable()
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if listener not in ready:
            return
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _attend(client)
        client.close()


def _attend(client: socket.socket) -> NoReturn:
    """Runs one script in a further process, and tells how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(client, 1 << 16, 3)
    while not message.endswith(b"\n"):
        part = client.recv(1 << 16)
        if not part:
            os._exit(0)
        message += part
    request = json.loads(message)
    script = os.fork()
    if script == 0:
        client.close()
        _run(request, streams)
    for stream in streams:
        os.close(stream)

    def watch() -> None:
        # A client that is killed takes the script along.
        if not client.recv(1):
            os.kill(script, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    # Left unreaped, so that its number cannot be another process's when the client is gone.
    ended = os.waitid(os.P_PID, script, os.WEXITED | os.WNOWAIT)
    assert ended is not None  # noqa: S101 - without WNOHANG it waits
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    with suppress(BrokenPipeError):  # Of a client that was killed.
        client.sendall(str(code).encode())
    os._exit(0)


def _run(request: dict[str, Any], streams: list[int]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those that Python has made are buffered as the server's own were.
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors=errors)  # noqa: SIM115, PTH123 - its own
        for number, mode, errors in ((0, "r", None), (1, "w", None), (2, "w", "backslashreplace"))
    )
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    pwsh.end(request["arguments"])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
