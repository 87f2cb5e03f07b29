"""Stacks that the real engine deploys into simulated tenants of their own.

Deploying takes seconds, so it happens once: ``deployed`` is for tests that only look, and
``redeployed`` gives a test a copy of its files to change.
"""

import copy
import gc
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator.engine import Result, SimulatedStack, Transformation
from simulator.environment import ROOT
from simulator.tenant.seed import Seed
from tests.shared import made_once

if TYPE_CHECKING:
    from tests.engine.faults import CleanRun

Configuration = dict[str, Any]

# What `stack init` writes for the passphrase of simulated stacks, so that it leaves the file alone.
ENCRYPTION_SALT = "v1:sUhZajiRZW4=:v1:XhOzX5MGQQTDNB2h:SNaK18UXliLT7hB2ToaJoxGVQxHkFA=="

SENDER: Configuration = {
    "name": "notifications",
    "mailbox": {
        "displayName": "Logic App Notifications",
        "name": "Logic App Notifications",
        "address": "logicappnotifications@contoso.com",
    },
    "group": {
        "displayName": "DL Graph Scope Group WL Mailsender LogicApp",
        "name": "DL Graph Scope Group WL Mailsender LogicApp",
        "address": "graphscope-mailsender@contoso.com",
    },
    "controlMailbox": "control.mailbox@contoso.com",
    "trigger": {
        "type": "recurrence",
        # So seldom that no run comes due when a test moves the clock, whatever the time of day.
        "frequency": "Week",
        "interval": 71,
        "timeZone": "W. Europe Standard Time",
        "schedule": {"hours": [8], "minutes": [0]},
    },
    "message": {
        "subject": "Graph test mail",
        "body": {"contentType": "Text", "content": "Does this work?"},
        "toRecipients": [{"address": "reception@contoso.com"}],
        "saveToSentItems": False,
    },
}

SNAPSHOT_BEFORE = "snapshot-before.json"
"""Beside a deployed stack: its tenant's snapshot from before the first ``up``."""

StackIn = Callable[..., SimulatedStack]


def stack_in(
    directory: Path,
    *,
    change: Callable[[Configuration], None] | None = None,
    transformations: Sequence[Transformation] = (),
    settle: str = "PT0S",
    drift: bool = False,
    deletion: str = "delete",
    purge_mailboxes: bool = False,
    migrate_now: bool = False,
    resource_group: str = "rg-mail-sender",
    organization: str = "contoso.onmicrosoft.com",
    tags: Mapping[str, str] | None = None,
    seed: Seed = Seed.POPULATED,
) -> SimulatedStack:
    """The project's stack ``local`` with one sender, its files all below one folder.

    Args:
        directory: The folder; state and tenant of an earlier call are found there again.
        change: Changes the sender's configuration.
        transformations: Change the program's resources.
        settle: The wait between proof and grant.
        drift: Whether the stack looks for drift.
        deletion: ``retain`` or ``delete``.
        purge_mailboxes: Whether a mailbox is removed for good.
        migrate_now: Whether ``scoping: both`` may be left early.
        organization: Whose stack it is.
        resource_group: The group of the workflow.
        tags: Of what is made in Azure.
        seed: What the tenant holds that is made by the first call.
    """
    sender = copy.deepcopy(SENDER)
    if change is not None:
        change(sender)
    project = directory / "project"
    project.mkdir(parents=True, exist_ok=True)
    # JSON is YAML too.
    (project / "Pulumi.yaml").write_text(
        json.dumps({"name": "scoped-mail-sender", "runtime": "python", "main": str(ROOT)}),
        encoding="utf-8",
    )
    (project / "Pulumi.local.yaml").write_text(
        json.dumps(
            {
                "encryptionsalt": ENCRYPTION_SALT,
                "config": {
                    "scoped-mail-sender:resourceGroup": resource_group,
                    "scoped-mail-sender:tags": dict(tags or {}),
                    "scoped-mail-sender:location": "westeurope",
                    "scoped-mail-sender:organization": organization,
                    "scoped-mail-sender:settle": settle,
                    "scoped-mail-sender:proofTimeout": "PT10M",
                    "scoped-mail-sender:drift": drift,
                    "scoped-mail-sender:deletion": deletion,
                    "scoped-mail-sender:purgeMailboxes": purge_mailboxes,
                    "scoped-mail-sender:migrateNow": migrate_now,
                    "scoped-mail-sender:senders": [sender],
                },
            }
        ),
        encoding="utf-8",
    )
    return SimulatedStack(directory, work_dir=project, transformations=transformations, seed=seed)


def succeeded(result: Result) -> Result:
    """The same result, for one that must be a success."""
    assert result.succeeded, result.output
    return result


@pytest.fixture(autouse=True)
def _collect_dropped_programs() -> Iterator[None]:
    """Collects what the SDK drops of a program that failed, while nothing else goes on.

    Closing such a coroutine upsets CPython 3.11's count of recursions, and a parse in the middle of
    which that happens, as of a module that is imported later, ends with a SystemError.
    """
    yield
    gc.collect()
    # What is still there is there to stay, such as the SDK's modules: looking through all of it
    # would be as long as an `up` without changes.
    gc.freeze()


@pytest.fixture
def fresh(tmp_path: Path) -> StackIn:
    """Makes a stack that is not deployed yet; takes what ``stack_in`` takes."""
    return lambda **options: stack_in(tmp_path / "stack", **options)


def _deployed(folder: Path) -> Path:
    stack = stack_in(folder / "stack")
    (stack.directory / SNAPSHOT_BEFORE).write_text(json.dumps(stack.tenant.snapshot()))
    succeeded(stack.up())
    stack.tenant.close()
    return stack.directory


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> SimulatedStack:
    """The deployed stack, for tests that change nothing."""
    directory = tmp_path_factory.mktemp("deployed") / "stack"
    shutil.copytree(made_once(tmp_path_factory, _deployed), directory)
    return stack_in(directory)


def _first_up(folder: Path) -> "CleanRun":
    # Here, since that module takes its stacks from this one.
    from tests.engine.faults import SCENARIOS, learn, prepare

    return learn(SCENARIOS[0], prepare(folder / "start"), folder / "clean")


@pytest.fixture(scope="session")
def first_up(tmp_path_factory: pytest.TempPathFactory) -> "CleanRun":
    """A clean first `up`, with its calls, for tests that have one of them go wrong."""
    return made_once(tmp_path_factory, _first_up)


@pytest.fixture
def redeployed(deployed: SimulatedStack, tmp_path: Path) -> StackIn:
    """Makes a stack that is a copy of the deployed one; takes what ``stack_in`` takes."""
    shutil.copytree(deployed.directory, tmp_path / "copy")
    return lambda **options: stack_in(tmp_path / "copy", **options)
