"""Runs the program with the real Pulumi engine against a simulated tenant.

The engine is driven through Pulumi's Automation API with the program inline: the engine's language
host is this process, so that none has to be installed. The program is the very ``__main__.py`` that
``pulumi up`` runs.
"""

import copy
import gc
import json
import os
import re
import runpy
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pulumi
from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import CommandError
from pulumi.automation.events import EngineEvent, ResourcePreEvent
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from simulator import SimulatorError
from simulator.environment import ROOT, pulumi_cli, simulated_environment, tenant_file
from simulator.front import served
from simulator.real_powershell import Shell, choose_shell
from simulator.tenant import Organization, Tenant
from simulator.tenant.faults import ENGINE_PID
from simulator.tenant.seed import Seed

# The program of a failed run leaves connections to its engine behind, which go on failing. gRPC
# shares connections by address within a process: where a later engine listens at the same port, its
# program would be given such a one and end with "Resource monitor has terminated". The SDK has no
# setting for this, and all of its connections are made with this list.
_GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))

# What Pulumi says before why it cannot read the file of a stack that it was about to make.
_BEFORE_A_REASON = "could not create secrets manager for new stack: "

Transformation = Callable[
    [pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None
]


@dataclass(frozen=True)
class Step:
    """What the engine does, or in a preview would do, with one resource.

    Attributes:
        operation: The engine's word: ``same``, ``create``, ``update``, ``delete``, ``replace``,
            ``create-replacement``, ``delete-replaced``, ``read``, ...
        differences: Kind of change (``add``, ``update``, ``delete``, each perhaps with
            ``-replace``) by path of the property.
        old_inputs: Inputs before, empty for a new resource. Secrets are masked.
        new_inputs: Inputs after, empty for one that goes.
        is_component: Whether it stands for others, and has nothing of its own in a cloud.
    """

    urn: str
    type: str
    operation: str
    differences: Mapping[str, str]
    old_inputs: Mapping[str, Any]
    new_inputs: Mapping[str, Any]
    is_component: bool = False

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Result:
    """What came of one operation of the engine.

    Attributes:
        output: What the engine printed.
        steps: Its steps in their order, unchanged resources among them.
        refusal: The program's own words where it refused; the engine prints them twice.
    """

    succeeded: bool
    output: str
    steps: Sequence[Step]
    refusal: str = ""

    @property
    def changes(self) -> list[Step]:
        """The steps that change something in a cloud.

        What a component is given shows again in what it is made of.
        """
        return [
            step
            for step in self.steps
            if step.operation not in {"same", "read"} and not step.is_component
        ]


class _Workspace(automation.LocalWorkspace):
    def select_stack(self, stack_name: str) -> None:
        """Nothing: every command names the stack, and each start of the CLI takes time."""


class _Succeeded(Exception):  # noqa: N818
    """An operation of the engine is done."""


class _Operated(automation.Stack):
    """A stack of which nothing is asked once an operation is done.

    The SDK would start the CLI three times more, for outputs, for those again, and for the history.
    Nobody here reads them, and it takes longer than an `up` without changes.
    """

    def outputs(self) -> NoReturn:
        raise _Succeeded

    def info(self, show_secrets: bool = True) -> NoReturn:
        raise _Succeeded


_Stack = TypeVar("_Stack", bound=automation.Stack)


@dataclass
class SimulatedStack:
    """One stack, deployed by the real engine into a simulated tenant.

    Attributes:
        directory: Where the tenant, the state and the stand-in for ``pwsh`` are kept.
        work_dir: The folder of ``Pulumi.yaml`` and ``Pulumi.<stack>.yaml``.
        stack: The stack's name.
        project: The folder of ``__main__.py``, in which scripts run; by default this project's.
        seed: What the tenant holds that is made for a directory without one.
        program: What declares the resources, in place of ``__main__.py``.
        transformations: Change resources of the program before they are registered, and before the
            SDK waits for what they depend on.
        variables: Of the environment, in place of or besides what leads to the simulated tenant.
        policy_packs: Folders of policy packs that previews and updates are checked by.
        show: Gets each line of the engine's output while it works.
        colour: Whether the output is coloured.
        verbosity: Level of the engine's own log, 9 being all of it, among the output.
    """

    directory: Path
    work_dir: Path = ROOT
    stack: str = "local"
    project: Path = ROOT
    seed: Seed = Seed.POPULATED
    program: Callable[[], None] | None = None
    transformations: Sequence[Transformation] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    policy_packs: Sequence[Path] = ()
    show: Callable[[str], None] | None = None
    colour: bool = False
    verbosity: int | None = None
    _refusals: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.directory = self.directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)

    @cached_property
    def tenant(self) -> Tenant:
        """The tenant that the stack is deployed into."""
        return Tenant(tenant_file(self.directory), seed=self.seed)

    @cached_property
    def shell(self) -> Shell:
        """What the scripts run in.

        Raises:
            SimulatorError: A PowerShell is asked for that cannot be used.
        """
        return choose_shell(os.environ)

    def settings(self) -> dict[str, Any]:
        """What the stack is configured with, as written: by key, without the project's name.

        Raises:
            SimulatorError: Pulumi cannot read its file.
        """
        try:
            with self.opened() as stack:
                values = stack.get_all_config()
            return {key.partition(":")[2]: _parsed(entry.value) for key, entry in values.items()}
        except RecursionError:
            raise SimulatorError(
                f"Pulumi.{self.stack}.yaml has more lists and groups of keys within each other "
                "than can be read.\nNothing has been deployed. Look for a bracket or an "
                "indentation that repeats itself."
            ) from None
        except CommandError as error:
            said = in_one_line(error).removeprefix(_BEFORE_A_REASON)
            raise SimulatorError(
                f"Pulumi cannot read Pulumi.yaml or Pulumi.{self.stack}.yaml: {said}"
                "\nNothing has been deployed. "
                + (
                    "Mend the file at the line that is named."
                    if re.search(r"\bline \d", said)
                    else "Mend what is named. Such a file is a group of keys: below config: stands "
                    f"each key as {_project_name()}:key, with its value."
                )
            ) from error

    def prepare_tenant(self) -> list[str]:
        """Has the tenant be the one that the stack is for.

        A tenant into which nothing was deployed yet becomes that of the stack's organisation. That
        of contoso is as it is seeded. Another is given the domains and the mailboxes that the
        configuration takes to exist. What is wrong with that, the program says.

        Returns:
            The domains and addresses that were given.

        Raises:
            SimulatorError: The tenant in the directory is another organisation's, or the
                configuration cannot be read.
        """
        settings = self.settings()
        if not isinstance(organization := settings.get("organization"), str):
            return []
        file, wanted = tenant_file(self.directory), organization.casefold()
        with closing(Tenant(file, seed=self.seed)) as tenant:
            kept = tenant.organization.initial
            # Whoever opens a stack is issued a token; that alone uses nothing.
            is_used = any(call.service != "Entra" for call in tenant.calls())
        if kept != wanted and is_used:
            raise SimulatorError(
                f"The tenant in {self.directory} is that of {kept}, and the stack {self.stack} is "
                f"for {wanted}. Nothing has been done. Give the stack a tenant of its own by "
                f"--directory, for example --directory .simulator-{self.stack}."
            )
        domains, mailboxes = _taken_to_exist(settings)
        own: tuple[str, ...] = ()
        if kept != wanted:
            file.unlink()
            own = tuple(domain for domain in domains if domain != wanted)
            Tenant(file, seed=self.seed, organization=Organization(wanted, own)).close()
        if wanted == Organization().initial:
            return []
        return [*own, *self.tenant.assume(domains, mailboxes)]

    def up(self, **options: Any) -> Result:
        """Creates or updates the stack; what is protected is only refused by a preview.

        Args:
            options: Further ones of ``pulumi up``, as the Automation API names them: ``target``,
                ``exclude``, ``replace``, ``continue_on_error``.
        """
        return self._operate(
            _Operated.up,
            suppress_progress=True,
            program=self.run_program,
            policy_packs=[str(folder) for folder in self.policy_packs],
            **options,
        )

    def preview(self, *, refresh: bool = False) -> Result:
        """Tells what ``up`` would do, with the differences in full.

        Args:
            refresh: Reads every resource from the clouds first, as the nightly look does.
        """
        return self._operate(
            _Operated.preview,
            diff=True,
            refresh=refresh,
            program=self.run_program,
            policy_packs=[str(folder) for folder in self.policy_packs],
        )

    def destroy(
        self, *, exclude_protected: bool = False, preview_first: bool = False, **further: Any
    ) -> Result:
        """Deletes everything in the stack, from what its state says; the program is not run.

        Args:
            exclude_protected: Leaves what is protected, and what that depends on.
            preview_first: Stops where the preview fails, as ``pulumi destroy`` does: on what is
                protected, before anything is deleted. The Automation API skips it.
            further: Options of ``pulumi destroy``, as the Automation API names them: ``target``,
                ``target_dependents``, ``continue_on_error``.
        """
        options = {"suppress_progress": True, "exclude_protected": exclude_protected} | further
        if preview_first:
            preview = self._operate(_Operated.preview_destroy, **options)
            if not preview.succeeded:
                return preview
        return self._operate(_Operated.destroy, **options)

    def refresh(self, *, run_program: bool = False) -> Result:
        """Reads every resource of the stack from the clouds into the state.

        Args:
            run_program: Whether the program says what the resources are, and not the state alone.
        """
        options = {"program": self.run_program, "run_program": True} if run_program else {}
        return self._operate(_Operated.refresh, suppress_progress=True, **options)

    def edit_state(self, *arguments: str) -> None:
        """Changes the state by hand: ``pulumi state`` with a command of it and its arguments.

        Raises:
            CommandError: It was refused.
        """
        self._asked("state", *arguments, "--yes")

    def lose_state(self) -> None:
        """Loses what the stack knows: its state becomes that of a new one."""
        for file in (self.directory / "state").glob(f".pulumi/stacks/*/{self.stack}.json*"):
            file.unlink()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in clear."""
        outputs: dict[str, Any] = json.loads(
            self._asked("stack", "output", "--json", "--show-secrets")
        )
        return outputs

    def exported_state(self) -> dict[str, Any]:
        """The stack's state, as ``pulumi stack export`` writes it: secrets encrypted."""
        # Of the file, as a start of the CLI takes longer than most of what is asked of the state.
        for file in (self.directory / "state").glob(f".pulumi/stacks/*/{self.stack}.json"):
            checkpoint = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]
            state: dict[str, Any] = checkpoint["latest"] or {}
            return state
        return {}

    def _asked(self, *arguments: str) -> str:
        """What one start of the CLI writes to standard output."""
        with self.opened() as stack:
            workspace = stack.workspace
            return workspace.pulumi_command.run(
                [*arguments, "--stack", self.stack], workspace.work_dir, workspace.env_vars
            ).stdout

    def run_program(self) -> None:
        """Declares the resources, in the process of whoever drives the engine."""
        for transformation in self.transformations:
            pulumi.runtime.register_stack_transformation(transformation)
        try:
            if self.program is None:
                runpy.run_path(str(self.project / "__main__.py"), run_name="__main__")
            else:
                self.program()
        except pulumi.RunError as refused:
            self._refusals.append(str(refused).strip())
            raise

    @contextmanager
    def opened(self) -> Iterator[automation.Stack]:
        """The stack for the Automation API, while the providers are served; its program is apart.

        Yields:
            The stack, to be previewed and updated with ``program=self.run_program``.
        """
        with self._opened(automation.Stack) as stack:
            yield stack

    @contextmanager
    def _opened(self, kind: type[_Stack]) -> Iterator[_Stack]:
        cli = pulumi_cli()
        with simulated_environment(
            self.directory,
            cli,
            seed=self.seed,
            shell=self.shell,
            further=self.variables,
            project=self.project,
        ) as environment:
            workspace = _Workspace(
                work_dir=str(self._copied_project()),
                env_vars=environment,
                pulumi_command=self._recorded(_pulumi_command(cli)),
            )
            there = any((self.directory / "state").glob(f".pulumi/stacks/*/{self.stack}.json"))
            mode = StackInitMode.SELECT if there else StackInitMode.CREATE
            yield kind(self.stack, workspace, mode)

    @contextmanager
    def _graph_for_the_program(self) -> Iterator[None]:
        """Has the program, which runs in this process, find the tenant's Graph over HTTP."""
        names = ("MICROSOFT_GRAPH_ADDRESS", "NO_PROXY", "no_proxy")
        with served(self.tenant) as front:
            before = {name: os.environ.get(name) for name in names}
            os.environ.update({name: front.variables[name] for name in names})
            try:
                yield
            finally:
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value

    def _copied_project(self) -> Path:
        """A folder with the project's two files, for Pulumi, which rewrites that of a stack.

        It adds what belongs to the passphrase of simulated stacks, and sets the rest in its own
        style: in the file of an environment that would be a change that nobody made.
        """
        folder = self.directory / "settings"
        folder.mkdir(exist_ok=True)
        project = (self.work_dir / "Pulumi.yaml").read_text(encoding="utf-8")
        if not re.search(r'\bmain"?:', project):
            # The scripts' paths begin where the project is.
            project = f"{project}\nmain: {json.dumps(str(self.work_dir))}\n"
        (folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
        name = f"Pulumi.{self.stack}.yaml"
        (folder / name).unlink(missing_ok=True)
        if (self.work_dir / name).exists():
            shutil.copyfile(self.work_dir / name, folder / name)
        return folder

    def _recorded(self, command: automation.PulumiCommand) -> automation.PulumiCommand:
        """The CLI, with the id of its process beside the tenant for a fault that kills it."""
        if os.name == "nt":
            return command  # Has no exec, so that the id would be another's.
        recorded = copy.copy(command)
        recorded.command = str(recording(shutil.which(command.command), self.directory))
        return recorded

    def cancel(self) -> None:
        """Takes the lock away that a killed engine has left: ``pulumi cancel``."""
        # Killed at the wrong moment it has emptied what says of which type the state's file is, and
        # nothing reads the state any more. What is done here is what docs/operations.md tells.
        for attributes in (self.directory / "state").rglob(f"{self.stack}.json.attrs"):
            if not attributes.stat().st_size:
                attributes.unlink()
        with self.opened() as stack:
            stack.cancel()

    def _operate(self, operation: Callable[..., object], **options: Any) -> Result:
        """Runs a method of ``_Operated``, and takes down what the engine says and does."""
        lines: list[str] = []
        steps: list[Step] = []
        self._refusals.clear()

        def on_line(line: str) -> None:
            lines.append(line)
            if self.show is not None:
                self.show(line)

        def on_event(event: EngineEvent) -> None:
            if event.resource_pre_event is not None:
                steps.append(_step(event.resource_pre_event))

        if self.verbosity is not None:
            options |= {"log_verbosity": self.verbosity, "log_to_std_err": True, "log_flow": True}
        with self._opened(_Operated) as stack, self._graph_for_the_program():
            try:
                operation(
                    stack,
                    on_output=on_line,
                    on_error=on_line,
                    on_event=on_event,
                    color="always" if self.colour else "never",
                    **options,
                )
            except _Succeeded:
                pass
            except CommandError:
                # The SDK drops the rest of a program whose engine has ended. Collected later, in
                # the middle of the next program, it would be closed in that one's context.
                gc.collect()
                return Result(
                    succeeded=False,
                    output="\n".join(lines),
                    steps=steps,
                    refusal="\n".join(self._refusals),
                )
        return Result(succeeded=True, output="\n".join(lines), steps=steps)


def recording(executable: str | None, directory: Path) -> Path:
    """A program in a directory that writes its process id there, and becomes another one."""
    folder = directory / "engine"
    folder.mkdir(exist_ok=True)
    shim = folder / "pulumi"
    # A folder's name may hold what a shell would run.
    pid = shlex.quote(str(directory / ENGINE_PID))
    shim.write_text(
        f'#!/bin/sh\necho $$ >{pid}\nexec {shlex.quote(str(executable))} "$@"\n',
        encoding="utf-8",
    )
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return shim


@cache
def _pulumi_command(cli: Path) -> automation.PulumiCommand:
    # The SDK takes the folder above `bin`. Only what it finds on PATH itself can be elsewhere.
    if cli.parent.name == "bin":
        return automation.PulumiCommand(root=str(cli.parent.parent))
    return automation.PulumiCommand()


def _step(event: ResourcePreEvent) -> Step:
    metadata = event.metadata
    return Step(
        urn=metadata.urn,
        type=metadata.type,
        operation=str(metadata.op.value),
        differences={
            path: str(difference.diff_kind.value)
            for path, difference in (metadata.detailed_diff or {}).items()
        },
        old_inputs=metadata.old.inputs or {} if metadata.old else {},
        new_inputs=metadata.new.inputs or {} if metadata.new else {},
        is_component=not any(state.custom for state in (metadata.old, metadata.new) if state),
    )


def in_one_line(error: CommandError) -> str:
    """What Pulumi printed as its error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if said := line.partition("error: ")[2]:
            # Of a file that is no configuration: which lines are wrong.
            below = takewhile(re.compile(r"line \d+: ").match, lines[index + 1 :])
            return " ".join([said, "; ".join(below)]).rstrip()
    return lines[-1] if lines else "no reason given"


def _project_name() -> str:
    (name,) = re.findall(r"^name: (\S+)$", (ROOT / "Pulumi.yaml").read_text("utf-8"), re.MULTILINE)
    return str(name)


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _taken_to_exist(settings: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The domains in which a stack has addresses, and the mailboxes that have to be there.

    Of a configuration that may be wrong: what has another shape is passed over.
    """
    addresses: list[str] = []
    existing: list[str] = []
    senders = settings.get("senders")
    for sender in senders if isinstance(senders, list) else ():
        name = _at(sender, "name")
        shared = _at(settings, "senderDefaults", name if isinstance(name, str) else "")
        for found, path in (
            (addresses, ("mailbox", "address")),
            (addresses, ("group", "address")),
            (existing, ("controlMailbox",)),
            (existing, ("group", "managedBy")),
        ):
            value = _at(sender, *path) or _at(shared, *path)
            values = value if isinstance(value, list) else [value]
            found += [each for each in values if isinstance(each, str) and "@" in each]
    accesses = settings.get("access")
    for access in accesses if isinstance(accesses, list) else ():
        for found, path in (
            (addresses, ("group", "address")),
            (existing, ("controlMailbox",)),
            (existing, ("mailboxes",)),
            (existing, ("group", "managedBy")),
        ):
            value = _at(access, *path)
            values = value if isinstance(value, list) else [value]
            found += [each for each in values if isinstance(each, str) and "@" in each]
    made = {address.casefold() for address in addresses}
    existing = [address for address in existing if address.casefold() not in made]
    domains = [address.rpartition("@")[2].casefold() for address in (*addresses, *existing)]
    return list(dict.fromkeys(domains)), list(dict.fromkeys(existing))


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
