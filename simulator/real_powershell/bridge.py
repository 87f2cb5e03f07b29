"""Answers the stand-in module of one PowerShell process, over HTTP on loopback.

The module has no behaviour of its own: each of its commands becomes one request, and the very
module that the project's runner loads answers it. So the log of calls, the texts of errors and
planned faults are the same in both.

A request is ``POST {"command", "parameters"}``, with the key that only the started process knows.
``Import-Module`` asks for the functions that are there before connecting, ``Start-Sleep`` moves the
host's clock, everything else is a command of the module. The answer has

* ``output``: a list of ``{"type", "properties"}``,
* ``functions``: PowerShell source of what the command loaded, or an empty text,
* ``error``: ``null`` or ``{"message", "id", "terminating"}``, for the script to catch,
* ``refused``: empty, or why nothing can answer that. No script may catch it: the process ends.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator.catalogue import catalogue
from simulator.exchange_online import ALWAYS_THERE, OnlineCommand
from simulator.http_server import Request, Server
from simulator.powershell.interface import (
    Arguments,
    CommandError,
    Host,
    Module,
    PSObject,
    SecureString,
)
from simulator.real_powershell.functions import functions
from simulator.tenant import CloudError, NotSimulated, Response

ADDRESS = "SIMULATED_MODULE_ADDRESS"
KEY = "SIMULATED_MODULE_KEY"
HEADER = "X-Simulated-Module-Key"
MODULE = "ExchangeOnlineManagement"

Answer = dict[str, Any]


@contextmanager
def bridged(host: Host) -> Iterator[dict[str, str]]:
    """Answers for a host within a ``with`` block.

    Yields:
        The variables by which the stand-in module of one process finds it.
    """
    key = secrets.token_urlsafe(16)

    def answer(request: Request) -> Response:
        if request.headers.get(HEADER) != key:
            raise CloudError(403, "Forbidden", f"The {HEADER} is missing or wrong.")
        return Response(200, _answer(host, request.body["command"], request.body["parameters"]))

    server = Server(answer)
    with server.serving():
        yield {ADDRESS: f"{server.address}/", KEY: key}


def _answer(host: Host, command: str, parameters: dict[str, Any]) -> Answer:
    nothing: Answer = {"output": [], "functions": "", "error": None, "refused": ""}
    module = host.modules[MODULE]
    if command == "Start-Sleep":
        host.sleep(parameters["Seconds"])
        return nothing
    if command == "Import-Module":
        return nothing | {"functions": _loaded(module, before_connecting=True)}
    try:
        output = _invoke(module, command, parameters)
    except CommandError as error:
        # What is refused before the command runs ends the statement; what Exchange answers is
        # for -ErrorAction to decide.
        terminating = error.exception_type.startswith("System.Management.Automation.")
        return nothing | {
            "error": {"message": error.message, "id": error.error_id, "terminating": terminating}
        }
    except NotSimulated as refusal:
        return nothing | {"refused": str(refusal)}
    connected = command == "Connect-ExchangeOnline"
    return nothing | {
        "output": output,
        "functions": _loaded(module, before_connecting=False) if connected else "",
    }


def _invoke(module: Module, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    command = module.find(name)
    if command is None:
        raise CommandError(
            f"The term '{name}' is not recognized as a name of a cmdlet, function, script file, or "
            "executable program.",
            "System.Management.Automation.CommandNotFoundException",
        )
    definition = catalogue().get(name.casefold())
    secure = {
        parameter.name.casefold()
        for parameter in (definition.parameters.values() if definition else ())
        if parameter.type == "SecureString"
    }
    given = {
        # JSON has no secure string: the module sends its text.
        name: SecureString(value) if name.casefold() in secure else value
        for name, value in parameters.items()
    }
    return [
        {"type": entry.type_name, "properties": entry.properties}
        for entry in command.invoke(Arguments(given))
        if isinstance(entry, PSObject)
    ]


def _loaded(module: Module, *, before_connecting: bool) -> str:
    found = [
        module.find(definition.name)
        for definition in catalogue().values()
        if (definition.name in ALWAYS_THERE) == before_connecting
    ]
    # With the parameters that the caller's roles allow.
    return functions(command.definition for command in found if isinstance(command, OnlineCommand))
