"""The environment in which programs meet the simulated tenant instead of the clouds.

One set of variables serves the Pulumi engine, the commands that it runs, and whatever
``python -m simulator exec`` starts. Nothing of it is read by ``components/``.
"""

import atexit
import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from simulator import SimulatorError
from simulator.providers.azure_native import AzureNative
from simulator.providers.azuread import AzureAD
from simulator.providers.command import Command
from simulator.providers.server import Provider, served
from simulator.real_powershell import Shell, choose_shell
from simulator.tenant import DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE, Tenant
from simulator.tenant.seed import Seed

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / ".simulator"
# Of the processes that run scripts, a dozen in a deployment. Where Python is told to write none
# beside its sources, each would compile all of the simulator anew: a third of its time.
BYTECODE = DIRECTORY / "bytecode"

# Protects nothing: the secrets of a simulated tenant are nobody's. It is fixed because the
# `encryptionsalt` in Pulumi.local.yaml belongs to it.
PASSPHRASE = "simulated"  # noqa: S105


@contextmanager
def simulated_environment(
    directory: Path,
    cli: Path,
    seed: Seed = Seed.POPULATED,
    shell: Shell | None = None,
    further: Mapping[str, str] = MappingProxyType({}),
    project: Path = ROOT,
) -> Iterator[dict[str, str]]:
    """Serves the providers and describes the environment that leads to them.

    Args:
        directory: Where the tenant, the state of its stacks and the stand-in for ``pwsh`` are kept.
            A missing one is made.
        cli: The Pulumi executable.
        seed: What a tenant that has to be made holds.
        shell: What the scripts run in; by default what ``choose_shell`` finds in this environment.
        further: Variables in place of, or besides, those that are set here.
        project: The folder in which scripts run.

    Yields:
        All variables of the environment, valid within the ``with`` block.

    Raises:
        SimulatorError: A PowerShell is asked for that cannot be used.
    """
    shell = shell or choose_shell(os.environ)
    directory.mkdir(parents=True, exist_ok=True)
    with closing(Tenant(tenant_file(directory), seed=seed)) as tenant:
        variables = {**_variables(directory, tenant, cli, shell), **further}
        providers: list[Provider] = [AzureNative(tenant), AzureAD(tenant)]
        if installed_command_plugin(os.environ) is None:
            providers.append(Command(project, variables, tenant.clock))
        with served(providers, tenant.clock.stir) as ports:
            attached = ",".join(f"{name}:{port}" for name, port in ports.items())
            yield variables | {"PULUMI_DEBUG_PROVIDERS": attached}


@cache
def pulumi_cli() -> Path:
    """The Pulumi CLI that the project's tools find or set up.

    Raises:
        SimulatorError: There is none; why is on standard error.
    """
    found = subprocess.run(
        [sys.executable, "-m", "tools.pulumi_cli"],
        cwd=ROOT,
        check=False,
        encoding="utf-8",
        stdout=subprocess.PIPE,
    )
    if found.returncode:
        raise SimulatorError("there is no Pulumi CLI, as said above")
    return Path(found.stdout.strip())


def tenant_file(directory: Path) -> Path:
    """The file of the tenant that is kept in a directory."""
    return directory / "tenant.sqlite"


def _variables(directory: Path, tenant: Tenant, cli: Path, shell: Shell) -> dict[str, str]:
    plugin = installed_command_plugin(os.environ)
    # This Python's folder too: `exec -- python …` is to find the packages that this one has.
    ours = (pwsh_directory(directory), cli.parent, Path(sys.executable).parent)
    path = [*map(str, ours), os.environ.get("PATH", "")]
    if plugin is not None:
        path.append(str(plugin.parent))
    home, state = directory / "pulumi", directory / "state"
    for folder in (home, state):
        folder.mkdir(exist_ok=True)
    # The engine writes whatever it could say, encrypted, to a folder of this name, which takes it
    # nearly half of its time. It has no setting for that, and goes without where it cannot make
    # the folder (Pulumi 3.259, pkg/logging/encrypted.go).
    (home / "logs").touch()
    return {
        **os.environ,
        **shell.variables,
        # A person's own credentials for Exchange have no business here. They are emptied and not
        # left out: what is started gets these variables on top of those of this process.
        **{name: "" for name in os.environ if name.startswith("EXCHANGE_")},
        # A run ends before its memory counts; collecting it would be an eighth of its time.
        "GOGC": os.environ.get("GOGC", "400"),
        "PATH": os.pathsep.join(path),
        "SIMULATED_TENANT": str(tenant_file(directory)),
        "EXCHANGE_ACCESS_TOKEN": tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, EXCHANGE_AUDIENCE),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A home of its own: selecting a simulated stack must not deselect the one that a person
        # has selected in this checkout, and may next destroy by `pulumi destroy`.
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def installed_command_plugin(environment: Mapping[str, str]) -> Path | None:
    """The real ``pulumi-resource-command`` where it is installed: it is preferred to ours.

    Looked for on ``PATH`` and among the plugins of Pulumi's home, there in the version that the
    installed SDK package asks for.
    """
    name = "pulumi-resource-command"
    on_path = shutil.which(name, path=environment.get("PATH", ""))
    if on_path is not None:
        return Path(on_path)
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    plugins = home / "plugins" / f"resource-command-v{version('pulumi-command')}"
    in_home = shutil.which(name, path=str(plugins))
    return None if in_home is None else Path(in_home)


@cache
def _script_server() -> Path:
    """Starts what runs scripts for this process, and ends with it; returns its socket."""
    # Among temporary files: the path of a socket may be about a hundred characters long.
    folder = Path(tempfile.mkdtemp(prefix="simulator-"))
    path = folder / "scripts"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-X", f"pycache_prefix={BYTECODE}"),
                *("-m", "simulator.script_server", str(listener.fileno())),
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},
            pass_fds=[listener.fileno()],
            # It closes when this process ends, however it does.
            stdin=subprocess.PIPE,
        )

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    return path


def pwsh_directory(directory: Path) -> Path:
    """A directory whose ``pwsh`` runs scripts against the simulated tenant."""
    folder = directory / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        (folder / "pwsh.cmd").write_text(
            "@echo off\n"
            "setlocal\n"
            f'set "PYTHONPATH={ROOT}"\n'
            'set "PYTHONDONTWRITEBYTECODE="\n'
            f'"{sys.executable}" -X "pycache_prefix={BYTECODE}" -m simulator.pwsh %*\n',
            encoding="utf-8",
        )
        return folder
    shim = folder / "pwsh"
    client = Path(__file__).with_name("script_client.py")
    shim.write_text(
        f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(client))} "
        f'{shlex.quote(str(_script_server()))} "$@"\n',
        encoding="utf-8",
    )
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return folder
