"""What ``pulumi-command`` does with ``command:local:Command`` and ``command:local:run``.

Both run processes on this machine: the one when it is created, changed or deleted, the other, a
function, whenever the program is run.

Behaviour and words were read in the provider's source (pulumi/pulumi-command 1.2.1,
``provider/pkg/provider/local`` and ``…/util``), and seen where that provider was run. Nothing is
simulated here except that the processes get the environment of the simulated tenant. Where the real
provider is installed, it is used instead of this one (``simulator.environment``).
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO

from pulumi_command.local import CommandArgs

from simulator.providers.properties import (
    UNKNOWN,
    Change,
    Properties,
    differences,
)
from simulator.providers.schema import Failure, check
from simulator.providers.server import Difference, Observed, Provider, RefusalError, Resource
from simulator.tenant.clock import WORK, Clock

_COMMAND = "command:local:Command"
_RUN = "command:local:run"
# No command of this project reads files back, and a glob dialect of our own would be a guess.
_NOT_SIMULATED = ("archivePaths", "assetPaths")
_RESULTS = ("stdout", "stderr")
# Lines that are shown are read by a scanner whose buffer ends here (Go, bufio.MaxScanTokenSize). At
# a longer one it stops reading, and the process waits for a reader for ever.
_LONGEST_LINE = 64 * 1024


class Command(Provider):
    """The stand-in for ``command``: local commands.

    Args:
        root: Working directory of commands that name none: the project's root, in which the
            engine starts the real provider.
        environment: The whole environment of the processes.
        clock: The clock of the tenant that they meet. A process works from the moment at which it
            is asked for: while it starts, the waits of others are not to take its time.
    """

    name = "command"

    def __init__(
        self, root: Path, environment: Mapping[str, str], clock: Clock | None = None
    ) -> None:
        self._root = root
        self._environment = dict(environment)
        self._clock = clock
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        return version("pulumi-command")

    def configure(self, settings: Mapping[str, str]) -> None:
        """There is nothing to be configured."""

    def check(
        self, resource: Resource, old: Properties, new: Properties
    ) -> tuple[Properties, Sequence[Failure]]:
        if resource.type != _COMMAND:
            raise RefusalError(
                f"the simulated command provider has no resource {resource.type}; it has {_COMMAND}"
            )
        failures = list(check(CommandArgs, new))
        failures += [
            Failure(name, f"'{name}' is not simulated: install the plugin of pulumi-command")
            for name in _NOT_SIMULATED
            if name in new
        ]
        return new, failures

    def compare(
        self, resource: Resource, old_inputs: Properties, new_inputs: Properties
    ) -> Difference:
        changes: dict[str, Change] = dict(differences(old_inputs, new_inputs))
        replacing = frozenset(path for path in changes if path.partition("[")[0] == "triggers")
        return Difference(changes=changes, replacing=replacing)

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        return inputs | dict.fromkeys(_RESULTS, UNKNOWN)

    def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        identifier = f"{resource.name}{secrets.token_hex(4)}"
        results: Properties = {"stdout": "", "stderr": ""}
        if "create" in inputs:
            results = _sent(self._run(inputs["create"], inputs, {}, resource.report))
        return identifier, inputs | results

    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        return inputs | dict.fromkeys(_RESULTS, UNKNOWN)

    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        results = _results_in(outputs)
        command = inputs.get("update", inputs.get("create"))
        if command is not None:
            results = _sent(self._run(command, inputs, results, resource.report))
        return inputs | results

    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        if "delete" in outputs:
            self._run(outputs["delete"], outputs, _results_in(outputs), resource.report)

    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        return Observed(inputs=inputs, outputs=outputs)

    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, Sequence[Failure]]:
        if function != _RUN:
            raise RefusalError(
                f"the simulated command provider has no function {function}; it has {_RUN}"
            )
        if "command" not in arguments:
            return {}, [Failure("command", "missing required property 'command'")]
        # It takes what the resource takes, with one command in place of the resource's three.
        base = {name: value for name, value in arguments.items() if name != "command"}
        failures = list(check(CommandArgs, base))
        failures += [
            Failure(name, f"'{name}' is not simulated: install the plugin of pulumi-command")
            for name in _NOT_SIMULATED
            if name in arguments
        ]
        failures += [
            Failure(name, f"unknown property '{name}'")
            for name in ("create", "update", "delete", "triggers")
            if name in arguments
        ]
        if arguments.get("logging") != "none":
            # It has no resource beside which its lines could be shown.
            failures.append(Failure("logging", "only 'none' is simulated for a function"))
        if failures:
            return {}, failures
        return arguments | _sent(self._run(arguments["command"], arguments, {}, lambda _: None)), []

    def cancel(self) -> None:
        with self._lock:
            for process in self._running:
                process.kill()

    def _run(
        self,
        command: str,
        inputs: Properties,
        previous: Properties,
        report: Callable[[str], None],
    ) -> dict[str, bytes]:
        """Runs one command to its end and returns its ``stdout`` and ``stderr``."""
        if self._clock is None:
            return self._run_in(self._environment, command, inputs, previous, report)
        with self._clock.working() as work:
            environment = self._environment | {WORK: str(work)}
            return self._run_in(environment, command, inputs, previous, report)

    def _run_in(
        self,
        environment: dict[str, str],
        command: str,
        inputs: Properties,
        previous: Properties,
        report: Callable[[str], None],
    ) -> Properties:
        default = ["cmd", "/C"] if os.name == "nt" else ["/bin/sh", "-c"]
        arguments = [*(inputs.get("interpreter") or default), command]
        directory = self._root / inputs.get("dir", "")
        environment = environment | inputs.get("environment", {})
        if inputs.get("addPreviousOutputInEnv", True):
            environment |= {
                f"PULUMI_COMMAND_{name.upper()}": previous[name]
                for name in _RESULTS
                if previous.get(name)
            }
        stdin = inputs.get("stdin", "").encode()
        logging = inputs.get("logging", "stdoutAndStderr")
        if not directory.is_dir():
            raise _failure(f"chdir {inputs['dir']}: no such file or directory", command, b"")
        try:
            process = subprocess.Popen(  # noqa: S603 - running what the program says is its task
                _located(arguments, self._environment),
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            name = json.dumps(arguments[0])
            text = f"exec: {name}: executable file not found in $PATH"
            raise _failure(text, command, b"") from None
        except OSError as error:
            text = f"fork/exec {arguments[0]}: {str(error.strerror).lower()}"
            raise _failure(text, command, b"") from None
        with self._lock:
            self._running.add(process)
        try:
            both = bytearray()
            outputs = _collect(process, stdin, both, logging, report)
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            raise _failure(_ending(process.returncode), command, bytes(both))
        return {name: outputs[name].removesuffix(b"\n") for name in _RESULTS}


def _results_in(outputs: Properties) -> Properties:
    return {name: outputs.get(name, "") for name in _RESULTS}


def _sent(results: Mapping[str, bytes]) -> Properties:
    """What the engine gets of a process that has ended well."""
    try:
        return {name: output.decode() for name, output in results.items()}
    except UnicodeDecodeError:
        text = "grpc: error while marshaling: string field contains invalid UTF-8"
        raise RefusalError(text) from None


def _located(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Arguments with the program found on the PATH of the provider, not of the new process.

    Without that, Windows searches the PATH of this process and finds no ``.cmd`` files.
    """
    found = shutil.which(arguments[0], path=environment.get("PATH"))
    return [found or arguments[0], *arguments[1:]]


def _collect(
    process: subprocess.Popen[bytes],
    stdin: bytes,
    both: bytearray,
    logging: str,
    report: Callable[[str], None],
) -> dict[str, bytes]:
    """Feeds a process, reads both its streams line by line and waits for its end.

    Raises:
        RefusalError: A line is too long to be shown; the process was killed.
    """
    outputs = {"stdout": bytearray(), "stderr": bytearray()}
    too_long: list[str] = []

    def read(name: str, stream: IO[bytes]) -> None:
        shown = logging in {name, "stdoutAndStderr"}
        while line := stream.readline(_LONGEST_LINE):
            outputs[name] += line
            both.extend(line)
            if shown and len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                too_long.append(name)
                process.kill()
            elif shown:
                report(line.decode(errors="replace").rstrip("\r\n"))

    def write() -> None:
        assert process.stdin is not None  # noqa: S101 - asked for a pipe
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            # A process that ends without reading its input has failed or succeeded by itself.
            return

    threads = [
        threading.Thread(target=read, args=(name, stream))
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        if stream is not None
    ]
    if stdin:
        threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.wait()
    if too_long:
        raise RefusalError(
            f"a line of more than 64 KiB on {too_long[0]}, which is shown (logging): the real "
            "provider stops reading there and waits for ever. The process was killed; have it "
            "write shorter lines"
        )
    return {name: bytes(output) for name, output in outputs.items()}


def _ending(code: int) -> str:
    """How Go words the end of a process."""
    if code < 0:
        return f"signal: {signal.strsignal(-code) or -code}".lower()
    return f"exit status {code}"


def _failure(problem: str, command: str, output: bytes) -> RefusalError:
    text = output.decode(errors="replace")
    return RefusalError(f"{problem}: running {json.dumps(command)}:\n{text}")
