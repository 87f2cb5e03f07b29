"""Runs the scripts, unchanged, in front of a simulated tenant whose clock only they move.

In the project's own runner, or in real PowerShell where ``SIMULATOR_POWERSHELL`` asks for it.
"""

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.exchange.exchange_command import SCRIPTS
from simulator.exchange_online import ExchangeOnlineManagement
from simulator.powershell import run_file
from simulator.powershell.interface import Arguments, Command, PSObject
from simulator.pwsh import SimulatedHost
from simulator.stand_in import real_powershell, run_script
from simulator.tenant import DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE, ORGANIZATION, Tenant

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


class Scripts:
    """The folder of scripts, in front of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.environment: dict[str, str] | None = None
        self.folder: Path = SCRIPTS
        self.host = SimulatedHost(tenant)

    def token(self) -> str:
        """A fresh one: the waits in these tests outlive a token."""
        return self.tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE)

    def run(self, script: str, desired: dict[str, Any] | str) -> Run:
        """Runs a script with the desired object on its standard input."""
        if isinstance(desired, dict):
            desired = json.dumps(
                {"organization": ORGANIZATION, "exchangeEnvironmentName": None} | desired
            )
        before = len(self.tenant.calls())
        self.host = SimulatedHost(self.tenant)
        code, stdout, stderr = self._run(self.folder / script, desired)
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

    def _run(self, script: Path, stdin: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        environment = (
            {"EXCHANGE_ACCESS_TOKEN": self.token()}
            if self.environment is None
            else self.environment
        )
        powershell = _real_powershell()
        if powershell:
            ours = {n: v for n, v in os.environ.items() if not n.startswith("EXCHANGE_")}
            temporary = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), tempfile.gettempdir())
            done = run_script(script, self.host, ours | temporary | powershell | environment, stdin)
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


@cache
def _real_powershell() -> dict[str, str]:
    # Asked once: each answer starts a PowerShell.
    return real_powershell(os.environ)


def _command(module: ExchangeOnlineManagement, name: str) -> Command:
    command = module.find(name)
    assert command is not None
    return command


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    tenant = Tenant(tmp_path / "tenant.sqlite", real_time=lambda: NOON)
    yield Scripts(tenant)
    tenant.close()
