"""Runs a PowerShell script against Exchange Online as a Pulumi resource.

This is the only place that creates ``command.local.Command`` for PowerShell. It owns how a script
is started, how the desired object reaches it, and how an object is marked as ours. It holds no
credential: the scripts take those from the environment of the process that runs Pulumi
(``powershell/Session.psm1``), so that none can reach an input, an output or the state.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import pulumi
from pulumi_command import local

from ..clouds import ENDPOINTS, Cloud

SCRIPTS = Path(__file__).parent / "powershell"

PACKAGE = "scoped_mail_sender"
"""What this folder's parent is imported as where it is installed as a package (pyproject.toml)."""

COPIED_SCRIPTS = "exchange-powershell"
"""The folder in a project that uses the installed package, for a copy of the scripts."""

REVISIONS = {
    "ensure-application-access-policy.ps1": 1,
    "ensure-mail-enabled-security-group.ps1": 1,
    "ensure-management-scope.ps1": 1,
    "ensure-role-assignment.ps1": 1,
    "ensure-service-principal.ps1": 1,
    "ensure-shared-mailbox.ps1": 1,
    "prove-authorization.ps1": 1,
    "prove-confinement.ps1": 1,
    "set-group-member.ps1": 1,
    "set-shared-mailbox.ps1": 1,
}
"""Revision of each script that converges an object; where it is deleted, its removal goes with it.

Raise it by one when a mended script should run again in stacks that are deployed already: nothing
else of a script is an input of its command.
"""

POWERSHELL = ["pwsh", "-NoProfile", "-NonInteractive", "-File"]

DEFAULT_MARK_ATTRIBUTE = "ExtensionCustomAttribute5"
"""Holds several values and can be filtered; ``CustomAttribute15``, one value, is often taken."""


@dataclass(frozen=True, kw_only=True)
class ExchangeOrganization:
    """The Exchange Online organisation that scripts connect to.

    It is configuration, not environment, so that credentials of one tenant cannot make a stack
    change another: the scripts compare it with the organisation that they are signed in to.

    Attributes:
        domain: The tenant's initial domain, ``*.onmicrosoft.com``. With a custom domain or a
            tenant id Exchange Online signs in and then refuses every write. Source:
            https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2.
        cloud: The Microsoft cloud that the tenant is in.
        mark_attribute: The attribute of a mailbox or group that holds the mark: one of
            CustomAttribute1 to 15, which then is ours alone, or ExtensionCustomAttribute1 to 5,
            where others' values stay beside it.
    """

    domain: str
    cloud: Cloud = Cloud.PUBLIC
    mark_attribute: str = DEFAULT_MARK_ATTRIBUTE


def ownership_mark(name: str) -> str:
    """The mark that tells our Exchange objects from all others: ``project/stack/name``.

    It is what removal goes by, so it must be as unique as the resource is.
    """
    return f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"


def exchange_name(readable: str, *told_apart_by: str) -> str:
    """A name of at most 64 characters, which is what Exchange takes, for what bears no mark.

    Args:
        readable: What it begins with, for people.
        told_apart_by: What it is told from others by.
    """
    digest = hashlib.sha256("\n".join(told_apart_by).encode()).hexdigest()[:12]
    return f"{readable[: 64 - len(digest) - 1].strip()} {digest}"


def outliving(identity_outlives: bool) -> dict[str, bool]:
    """What the desired object of a policy, scope, group or pointer says of its identity.

    Args:
        identity_outlives: The identity is not this program's and lives on. Then its permission goes
            when the resource does, and what confines it stays, with a line that says until when: a
            token with a permission may live for a day, and Exchange may go by a role for two hours.
            See ``docs/decisions/0025-what-confines-others-stays.md``.
    """
    return {"identityOutlives": True} if identity_outlives else {}


class ExchangeCommand(local.Command):
    """A command that converges one Exchange object.

    Its ``stdout`` is one line of JSON, the observed object.
    """

    def __init__(
        self,
        name: str,
        *,
        organization: ExchangeOrganization,
        ensure: str,
        remove: str | None = None,
        desired: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> None:
        """Registers the command.

        Args:
            name: Logical name of the resource.
            organization: Where to connect.
            ensure: File name of the script that creates and updates; it must be idempotent.
            remove: File name of the script that removes, where there is one. It, and ``ensure``,
                then get what ``ensure`` wrote the last time, as the environment variable
                PULUMI_COMMAND_STDOUT: by the claim in it a removal tells its own object from one
                that a resource made anew has taken up since.
            desired: The desired object. Never a credential: it is stored in the state in clear.
            opts: Resource options.
            hooks: Besides those of the options.
        """
        # Once a finding of drift has been repaired it stays in the state, and is ignored there:
        # taking it back would be a change of its own. See components/exchange/drift.py.
        further = pulumi.ResourceOptions(ignore_changes=["environment"], hooks=hooks)
        super().__init__(
            name,
            interpreter=POWERSHELL,
            create=script_path(ensure),
            # Without an update of its own a changed command is replaced, and each later removal
            # then has to tell by its claim that the object is another's. For that reason
            # `triggers`, which always replaces, is not used either.
            update=script_path(ensure),
            delete=script_path(remove) if remove else None,
            stdin=_standard_input(organization, ensure, desired),
            # Off where nothing reads it, or each update would depend on the last one.
            add_previous_output_in_env=remove is not None,
            # Progress and errors are on stderr; stdout is data.
            logging=local.Logging.STDERR,
            opts=pulumi.ResourceOptions.merge(opts, further),
        )


async def run_now(
    organization: ExchangeOrganization,
    script: str,
    desired: Mapping[str, pulumi.Input[Any]],
) -> None:
    """Runs a script in this run of the program, whether or not its command has anything to do.

    Args:
        organization: Where to connect.
        script: File name of the script.
        desired: See :class:`ExchangeCommand`.

    Raises:
        Exception: It failed; the text has what it wrote. The SDK raises nothing more special.
    """
    arguments = {
        "command": script_path(script),
        "interpreter": POWERSHELL,
        "stdin": await _standard_input(organization, script, desired).future(),
        "addPreviousOutputInEnv": False,
        "logging": "none",
    }
    options = pulumi.InvokeOptions(version=version("pulumi-command"))
    await pulumi.runtime.invoke_async("command:local:run", arguments, options)


def _standard_input(
    organization: ExchangeOrganization, script: str, desired: Mapping[str, pulumi.Input[Any]]
) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "revision": REVISIONS[script],
            "organization": organization.domain,
            "exchangeEnvironmentName": ENDPOINTS[organization.cloud].exchange_environment,
            "markAttribute": organization.mark_attribute,
            **desired,
        },
        # ASCII only: the code page of a Windows console cannot then change a name.
        ensure_ascii=True,
    )


def observed(command: local.Command, key: str) -> pulumi.Output[Any]:
    """One property of the object that a script wrote to standard output."""
    return command.stdout.apply(lambda stdout: read_observed(stdout)[key])


def read_observed(stdout: str) -> dict[str, Any]:
    """The object that a script wrote to standard output."""
    # PowerShell writes some messages there too: closing a session may leave one.
    line = next(line for line in stdout.splitlines() if line.startswith("{"))
    read: dict[str, Any] = json.loads(line)
    return read


def script_path(file_name: str) -> str:
    """A script's path, relative to the project, with forward slashes.

    An absolute path would tie the state to the machine of the last deployment, and every other
    machine would see each command as changed. Where the components are an installed package the
    scripts are copied into the project: the path of a virtual environment is one thing on Linux and
    another on Windows, changes with the version of Python, and is not there when all that is left
    to do a ``destroy`` with is the state and a fresh checkout.

    Raises:
        pulumi.RunError: The scripts cannot be copied.
    """
    root = Path(pulumi.runtime.get_root_directory() or os.curdir)
    if not root.is_absolute():
        root = Path.cwd()  # Inline programs have no project root, and Pulumi's mocks a made-up one.
    if __name__.startswith(f"{PACKAGE}."):
        _copy_scripts(root / COPIED_SCRIPTS)
        return f"{COPIED_SCRIPTS}/{file_name}"
    return PurePath(os.path.relpath(SCRIPTS / file_name, root)).as_posix()


@cache
def _copy_scripts(folder: Path) -> None:
    """Has a folder hold the scripts of this version, beside what it held of others.

    A script that only an older version had may be what the state removes an object by.
    """
    try:
        folder.mkdir(exist_ok=True)
        for script in SCRIPTS.glob("*.ps*1"):
            copy = folder / script.name
            if copy.is_file() and copy.read_bytes() == script.read_bytes():
                continue
            # In one step: another stack of the project may be running the script.
            partial = folder / f"{script.name}.{os.getpid()}"
            shutil.copyfile(script, partial)
            partial.replace(copy)
    except OSError as error:
        raise pulumi.RunError(
            f"The scripts for Exchange Online could not be copied to {folder}: {error.strerror}. "
            "Let the user who runs Pulumi write there, or commit the folder as a deployment "
            "elsewhere has left it."
        ) from error
