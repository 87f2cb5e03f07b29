"""Takes the place of real PowerShell in tests: an executable that speaks the module's protocol.

It runs a script in the project's own runner, whose module forwards every command as
``ExchangeOnlineManagement.psm1`` does. So it shows all of the way but that module and PowerShell
themselves.
"""

import json
import os
import re
import sys
import urllib.request
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.catalogue import catalogue
from simulator.powershell import run_file
from simulator.powershell.interface import Arguments, CommandError, Module, PSObject, SecureString
from simulator.real_powershell.bridge import ADDRESS, HEADER, KEY

ROOT = Path(__file__).parents[3]


def install(folder: Path, version: str = "7.4.6") -> Path:
    """Makes the executable; its folder is made where it is missing."""
    folder.mkdir(exist_ok=True)
    path = folder / "pwsh"
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m {__name__} {version} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def ask(command: str, parameters: Mapping[str, object]) -> dict[str, Any]:
    """One request, as Send-Command makes it."""
    request = urllib.request.Request(  # noqa: S310
        os.environ[ADDRESS],
        json.dumps({"command": command, "parameters": parameters}).encode(),
        {HEADER: os.environ[KEY]},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            answer: dict[str, Any] = json.load(response)
    except OSError:
        os._exit(137)
    if answer["refused"]:
        os.write(2, answer["refused"].encode())
        os._exit(70)
    return answer


@dataclass(frozen=True)
class Forwarding:
    name: str
    done: Callable[[str, str], None]

    @property
    def parameters(self) -> Sequence[str]:
        return [p.name for p in catalogue()[self.name.casefold()].parameters.values()]

    def invoke(self, arguments: Arguments) -> list[object]:
        answer = ask(
            self.name,
            {
                name: value.plain_text if isinstance(value, SecureString) else value
                for name, value in arguments.named.items()
            },
        )
        if answer["error"]:
            # Where PowerShell would have refused to bind, only the runner knows that it may throw.
            kind = "System.Management.Automation.ParameterBindingException"
            terminating = answer["error"]["terminating"]
            raise CommandError(
                answer["error"]["message"],
                kind if terminating else "System.Exception",
                answer["error"]["id"],
            )
        self.done(self.name, answer["functions"])
        return [PSObject(entry["type"], entry["properties"]) for entry in answer["output"]]


class ForwardingModule:
    name = "ExchangeOnlineManagement"
    version = "3.9.2"

    def __init__(self) -> None:
        self.first = self.functions(ask("Import-Module", {})["functions"])
        self.loaded = self.first

    def functions(self, source: str) -> dict[str, str]:
        return {name.casefold(): name for name in re.findall(r"^function (\S+) {$", source, re.M)}

    @property
    def commands(self) -> Collection[str]:
        return [*catalogue(), "Invoke-RestMethod"]

    def find(self, command_name: str) -> Forwarding | None:
        name = self.loaded.get(command_name.casefold())
        return None if name is None else Forwarding(name, self.done)

    def done(self, command: str, source: str) -> None:
        if command == "Connect-ExchangeOnline":
            self.loaded = self.first | self.functions(source)
        if command == "Disconnect-ExchangeOnline":
            self.loaded = self.first


class ForwardingHost:
    @property
    def modules(self) -> Mapping[str, Module]:
        return self._modules

    def __init__(self) -> None:
        self._modules: dict[str, Module] = {"ExchangeOnlineManagement": ForwardingModule()}

    def sleep(self, seconds: float) -> None:
        ask("Start-Sleep", {"Seconds": seconds})


def main(version: str, *arguments: str) -> int:
    if arguments[2] == "-Command":
        path = os.environ.get("PSModulePath", "/its/own")  # noqa: SIM112 - it is spelled so
        print(f"{version}\n{path}")  # noqa: T201
        return 0
    return run_file(
        Path(arguments[3]),
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        environment=os.environ,
        host=ForwardingHost(),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
