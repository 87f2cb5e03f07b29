"""What stands for ``pwsh`` where a script server runs: see ``script_server.py``.

Run as a file and without what Python imports at its start, as it runs a dozen times in a
deployment: ``python -I -S script_client.py SOCKET -NoProfile …``.
"""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all of this
    request = {"arguments": sys.argv[2:], "environment": {**os.environ}, "folder": folder}
    text = json.dumps(request).encode() + b"\n"
    sent = socket.send_fds(server, [text], [0, 1, 2])
    server.sendall(text[sent:])
    ended = int(server.recv(16) or -signal.SIGKILL)
if ended < 0:
    # As the script's process was.
    os.kill(os.getpid(), -ended)
os._exit(ended)
