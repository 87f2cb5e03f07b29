"""Runs the scripts, unchanged, in front of a simulated tenant whose clock only they move.

In the simulator's own runner, or in real PowerShell where ``SIMULATOR_POWERSHELL`` asks for it.
"""

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.exchange.exchange_command import SCRIPTS
from simulator.exchange_online import ExchangeOnlineManagement
from simulator.powershell import run_file
from simulator.powershell.interface import Arguments, Command, PSObject
from simulator.pwsh import SimulatedHost
from simulator.real_powershell import RUNNER, VARIABLE, run_script
from simulator.tenant import DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE, ORGANIZATION, Tenant
from simulator.tenant.exchange.session import ExchangeSession
from tests.components.exchange.desired import ENSURE_POLICY, REMOVED_BY, UP

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)

# What reads or only opens and closes a session: everything else changes the tenant.
READING = re.compile(r"^(Get|Test|Connect|Disconnect)-")


@dataclass
class Run:
    """One run of a script.

    Attributes:
        code: Exit code.
        observed: The object that it wrote to standard output, if any.
        stdout: All of standard output.
        stderr: All of standard error.
        changes: The cmdlets that changed the tenant, in their order.
    """

    code: int
    stdout: str
    stderr: str
    changes: list[str]

    @property
    def observed(self) -> dict[str, Any]:
        [line] = self.stdout.splitlines()
        observed: dict[str, Any] = json.loads(line)
        return observed


Outputs = dict[tuple[str, str], str]
"""What each resource wrote the last time, by its script and mark or name: what the state has."""


class Scripts:
    """The folder of scripts, in front of one tenant.

    Attributes:
        outputs: Handed to the next run of the same resource and to its removal, as Pulumi does. A
            test clears it for a resource that is made anew.
    """

    def __init__(self, tenant: Tenant, outputs: Outputs | None = None) -> None:
        self.tenant = tenant
        self.outputs = dict(outputs or {})
        self.environment: dict[str, str] | None = None
        self.folder: Path = SCRIPTS
        self.host = SimulatedHost(tenant)

    def token(self) -> str:
        """A fresh one: the waits in these tests outlive a token."""
        return self.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)

    def run(self, script: str, desired: dict[str, Any] | str) -> Run:
        """Runs a script with the desired object on its standard input."""
        resource = (REMOVED_BY.get(script, script), "")
        if isinstance(desired, dict):
            if resource[0] != ENSURE_POLICY:
                resource = (resource[0], desired.get("mark") or desired.get("name", ""))
            desired = json.dumps(
                {"organization": ORGANIZATION, "exchangeEnvironmentName": None} | desired
            )
        before = len(self.tenant.calls())
        self.host = SimulatedHost(self.tenant)
        former = self.outputs.get(resource, "")
        code, stdout, stderr = self._run(self.folder / script, desired, former)
        if code == 0 and script in REMOVED_BY.values():
            self.outputs[resource] = stdout
        calls = self.tenant.calls()[before:]
        return Run(
            code=code,
            stdout=stdout,
            stderr=stderr,
            changes=[
                call.operation
                for call in calls
                if call.service == "Exchange" and not READING.match(call.operation)
            ],
        )

    def _run(self, script: Path, stdin: str, former: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        environment = {"PULUMI_COMMAND_STDOUT": former} if former else {}
        environment |= (
            {"EXCHANGE_ACCESS_TOKEN": self.token()}
            if self.environment is None
            else self.environment
        )
        if os.environ[VARIABLE] != RUNNER:
            ours = {n: v for n, v in os.environ.items() if not n.startswith("EXCHANGE_")}
            temporary = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), tempfile.gettempdir())
            done = run_script(script, self.host, ours | temporary | environment, stdin)
            return done.returncode, done.stdout, done.stderr
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run_file(
            script,
            stdin=[stdin],
            stdout=stdout,
            stderr=stderr,
            environment=environment,
            host=self.host,
        )
        return code, stdout.getvalue(), stderr.getvalue()

    def cmdlet(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """What an administrator does by hand, outside of the scripts."""
        module = ExchangeOnlineManagement(self.tenant)
        sign_in = {"AccessToken": self.token(), "Organization": ORGANIZATION}
        _command(module, "Connect-ExchangeOnline").invoke(Arguments(sign_in))
        found = _command(module, name).invoke(Arguments(parameters))
        return [dict(entry.properties) for entry in found if isinstance(entry, PSObject)]

    def pass_time(self) -> None:
        """Long enough for every domain controller to know every object."""
        self.tenant.clock.advance(max(self.tenant.lags.values()))


def _command(module: ExchangeOnlineManagement, name: str) -> Command:
    command = module.find(name)
    assert command is not None
    return command


def deploy(scripts: Scripts) -> list[Run]:
    """All scripts in their order, each right after the other: the replication lag is theirs."""
    runs = [scripts.run(script, desired) for script, desired in UP]
    assert [run.code for run in runs] == [0] * len(UP), [run.stderr for run in runs]
    return runs


def lag(
    monkeypatch: pytest.MonkeyPatch, cmdlet: str, *parameters: str, times: int = 1
) -> list[str]:
    """Has a domain controller that lags behind answer the first calls of a cmdlet: with nothing.

    Args:
        monkeypatch: Of the test.
        cmdlet: Its name.
        parameters: Only calls with all of these count.
        times: How many calls are answered so.

    Returns:
        The calls that were, as they come.
    """
    invoke = ExchangeSession.invoke
    answered: list[str] = []

    def invoke_one_that_lags(session: Any, name: str, given: dict[str, Any]) -> Any:
        if name == cmdlet and set(parameters) <= given.keys() and len(answered) < times:
            answered.append(name)
            return []
        return invoke(session, name, given)

    monkeypatch.setattr(ExchangeSession, "invoke", invoke_one_that_lags)
    return answered


def _tenant(file: Path) -> Tenant:
    return Tenant(file, real_time=lambda: NOON)


def _copied(file: Path, folder: Path) -> Tenant:
    return _tenant(Path(shutil.copy(file, folder)))


@pytest.fixture(scope="session")
def empty_tenant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a tenant in which no script has run, to be copied."""
    file = tmp_path_factory.mktemp("empty") / "tenant.sqlite"
    _tenant(file).close()
    return file


@pytest.fixture(scope="session")
def deployed_tenant(
    empty_tenant: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outputs]:
    """The file of a tenant in which all scripts have run and every lag is over, to be copied."""
    folder = tmp_path_factory.mktemp("deployed")
    tenant = _copied(empty_tenant, folder)
    scripts = Scripts(tenant)
    deploy(scripts)
    scripts.pass_time()
    tenant.close()
    return folder / empty_tenant.name, scripts.outputs


@pytest.fixture
def scripts(empty_tenant: Path, tmp_path: Path) -> Iterator[Scripts]:
    """The scripts, in front of an empty tenant of the test's own."""
    tenant = _copied(empty_tenant, tmp_path)
    yield Scripts(tenant)
    tenant.close()


@pytest.fixture
def deployed(deployed_tenant: tuple[Path, Outputs], tmp_path: Path) -> Iterator[Scripts]:
    """The scripts, in front of a deployed tenant of the test's own."""
    file, outputs = deployed_tenant
    tenant = _copied(file, tmp_path)
    yield Scripts(tenant, outputs)
    tenant.close()
