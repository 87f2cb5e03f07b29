"""Runs small scripts in the runner."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.powershell import run_file
from simulator.powershell.interface import Arguments, CommandError, Module, PSObject


@dataclass
class FakeCommand:
    """A command that writes down its calls and answers as it is told."""

    name: str
    parameters: Sequence[str]
    answer: Callable[[Arguments], list[object]]
    calls: list[Arguments] = field(default_factory=list)

    def invoke(self, arguments: Arguments) -> list[object]:
        self.calls.append(arguments)
        return self.answer(arguments)


class FakeModule:
    """Commands by name; ``Connect-Fake`` loads all the others."""

    name = "FakeModule"
    version = "1.2.3"

    def __init__(self) -> None:
        self.connected = False
        self.commands: dict[str, FakeCommand] = {}
        self.failures: list[CommandError] = []
        self.add("Connect-Fake", self._connect)
        self.add("Get-Thing", self._get)
        self.add("Set-Thing", lambda _: [])

    def add(self, name: str, answer: Callable[[Arguments], list[object]]) -> None:
        self.commands[name.lower()] = FakeCommand(name, ["Identity", "Filter", "Force"], answer)

    def find(self, command_name: str) -> FakeCommand | None:
        command = self.commands.get(command_name.lower())
        return command if self.connected or command_name.lower() == "connect-fake" else None

    def _connect(self, _: Arguments) -> list[object]:
        self.connected = True
        return []

    def _get(self, _: Arguments) -> list[object]:
        if self.failures:
            raise self.failures.pop(0)
        return [
            PSObject("Thing", {"Name": "first", "Addresses": ["a", "b"], "Enabled": True}),
            PSObject("Thing", {"Name": "second", "Addresses": [], "Enabled": False}),
        ]


class FakeHost:
    """One module, and a clock that adds up."""

    def __init__(self) -> None:
        self.module = FakeModule()
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    @property
    def modules(self) -> Mapping[str, Module]:
        return {"FakeModule": self.module}

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()


@dataclass
class Result:
    """What a run of ``pwsh -File`` leaves behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


class Runner:
    """Writes files, and runs the script among them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = FakeHost()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode("utf-8"))
        return path

    def __call__(
        self,
        script: str,
        *,
        stdin: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run_file(
            self.write("script.ps1", script),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            environment=environment or {},
            host=self.host,
        )
        return Result(code, stdout.getvalue(), stderr.getvalue())
