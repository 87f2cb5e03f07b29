"""Runs a checked program: statements, commands, pipelines, functions, modules, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from simulator.powershell import binding, conversions
from simulator.powershell.arguments import written_arguments
from simulator.powershell.binding import (
    BoundArguments,
    Parameter,
    WrittenArguments,
    block_signature,
)
from simulator.powershell.boundary import from_command, to_command
from simulator.powershell.channel import Channel
from simulator.powershell.cmdlets.base import Cmdlet, Sink
from simulator.powershell.cmdlets.registry import CMDLETS
from simulator.powershell.cmdlets.signatures import SIGNATURES
from simulator.powershell.cmdlets.system import not_recognized
from simulator.powershell.errors import (
    BreakLoop,
    ContinueLoop,
    ControlFlow,
    ErrorRecord,
    ExitScript,
    ReturnFromBlock,
    ScriptError,
    StopUpstream,
    UnsupportedConstruct,
    is_exception_of,
    runtime_error,
)
from simulator.powershell.evaluator import Evaluator
from simulator.powershell.interface import Arguments, Command, CommandError, Host
from simulator.powershell.modules import UNAPPROVED_VERBS, Modules
from simulator.powershell.scopes import Cell, Function, Scope, SessionState
from simulator.powershell.syntax import nodes
from simulator.powershell.syntax.check import Program
from simulator.powershell.syntax.source import Position
from simulator.powershell.values import (
    Hashtable,
    PipelineInput,
    ScriptBlock,
    SwitchValue,
    elements,
    is_null,
)

# PowerShell's own limit is far deeper; no script of this dialect comes near either unless it calls
# itself without end, for one because a block found the variable of the function it was given to.
_DEEPEST_CALL = 64


class _DownstreamError(ControlFlow):
    """Carries an error of a later command past the `try` of a function that feeds the pipeline."""

    def __init__(self, error: ScriptError, pipeline: object) -> None:
        super().__init__()
        self.error = error
        self.pipeline = pipeline


@dataclass(frozen=True)
class _Ready:
    """A command that is resolved and has its arguments, waiting for its place in the pipeline."""

    run: Callable[[Sink], None] | None
    cmdlet: type[Cmdlet] | None = None
    arguments: BoundArguments | None = None


class Interpreter(Evaluator):
    """Runs one program once.

    Args:
        program: The checked script with its modules.
        host: Installed modules, and the clock.
        stdin: Lines of standard input.
        stdout: Takes the script's output and warnings.
        stderr: Takes errors and ``[Console]::Error``.
        environment: ``$env:``.
    """

    def __init__(
        self,
        program: Program,
        *,
        host: Host,
        stdin: Iterator[str],
        stdout: TextIO,
        stderr: TextIO,
        environment: Mapping[str, str],
    ) -> None:
        self.host = host
        self.stdout = stdout
        self.stderr = stderr
        self.environment = environment
        self.pipeline_input = PipelineInput(stdin)
        self._program = program
        self._global = Scope()
        self._script = SessionState(self._global, is_module=False)
        self.session = self._script
        self._channel = Channel(self._script, stdout, stderr)
        self._modules = Modules(host.modules, program.modules, self._global, self._load_module)
        self._active_tries = 0
        self._caught: list[ScriptError] = []
        self._depth = 0

    # --- the whole script ------------------------------------------------------------------------

    def run(self) -> int:
        """Runs the script.

        Returns:
            The exit code of ``pwsh -File``.
        """
        body = self._program.script
        try:
            bound = binding.bind(
                block_signature("script", body), WrittenArguments(named={}, positional=())
            )
            self._declare(body, bound)
            self._run_body(body, self._write_output)
        except ExitScript as leaving:
            return leaving.code
        except ScriptError as error:
            self._channel.show(error.record)
            return 1
        finally:
            self.stdout.flush()
            self.stderr.flush()
        return 0

    def _write_output(self, value: object) -> None:
        if is_null(value):
            return
        if not isinstance(value, str | bool | int | float):
            raise UnsupportedConstruct(
                "output that PowerShell would format as a table or list: write text or JSON"
            )
        self.stdout.write(f"{conversions.to_string(value)}\n")
        self.stdout.flush()

    # --- statements ------------------------------------------------------------------------------

    def run_statements(self, statements: tuple[nodes.Statement, ...], out: Sink) -> None:
        for statement in statements:
            try:
                self._run_statement(statement, out)
            except UnsupportedConstruct as refusal:
                refusal.position = refusal.position or statement.at
                raise
            except ScriptError as error:
                error.record.position = error.record.position or statement.at
                self._statement_failed(error)

    def _statement_failed(self, error: ScriptError) -> None:
        """Ends the statement only, where nothing catches and the preference is to go on."""
        if error.script_terminating or self._active_tries:
            raise error
        if self._channel.preference(self.session) == "Stop":
            error.script_terminating = True
            raise error
        self._channel.show(error.record)

    def _run_statement(self, node: nodes.Statement, out: Sink) -> None:
        match node:
            case nodes.Pipeline():
                self.run_pipeline(node, out)
            case nodes.Assignment():
                self.assign(node)
            case nodes.PinCulture():
                pass  # The runner knows no other culture.
            case nodes.If():
                self._run_if(node, out)
            case nodes.ForEach():
                self._run_foreach(node, out)
            case nodes.While():
                self._run_while(node, out)
            case nodes.Try():
                self._run_try(node, out)
            case nodes.Flow():
                self._run_flow(node, out)
            case nodes.FunctionDefinition():
                self.session.current.functions[node.name.lower()] = Function(
                    node.name, node.body, self.session
                )

    def _run_if(self, node: nodes.If, out: Sink) -> None:
        for condition, body in node.clauses:
            if conversions.to_bool(self.pipeline_value(condition)):
                self.run_statements(body, out)
                return
        self.run_statements(node.otherwise or (), out)

    def _run_foreach(self, node: nodes.ForEach, out: Sink) -> None:
        source = self.pipeline_value(node.source)
        if source is None:
            return
        for item in elements(source):
            self.assign_variable(node.variable.name, item)
            try:
                self.run_statements(node.body, out)
            except BreakLoop:
                return
            except ContinueLoop:
                continue

    def _run_while(self, node: nodes.While, out: Sink) -> None:
        while conversions.to_bool(self.pipeline_value(node.condition)):
            try:
                self.run_statements(node.body, out)
            except BreakLoop:
                return
            except ContinueLoop:
                continue

    def _run_try(self, node: nodes.Try, out: Sink) -> None:
        try:
            self._run_protected(node, out)
        except (ScriptError, ControlFlow):
            # Not for the runner's own refusals: to run more of the script would hide where it is.
            self.run_statements(node.finally_body or (), out)
            raise
        self.run_statements(node.finally_body or (), out)

    def _run_protected(self, node: nodes.Try, out: Sink) -> None:
        error = self._error_of(node, out)
        if error is None:
            return
        clause = next((c for c in node.catches if _handles(c, error.record)), None)
        if clause is None:
            raise error
        self._caught.append(error)
        try:
            with self._current_item(self.session.current, error.record):
                self.run_statements(clause.body, out)
        finally:
            self._caught.pop()

    def _error_of(self, node: nodes.Try, out: Sink) -> ScriptError | None:
        """Runs the body of a ``try``; within it, every error is one that can be caught."""
        self._active_tries += bool(node.catches)
        try:
            self.run_statements(node.body, out)
        except ScriptError as error:
            return error
        finally:
            self._active_tries -= bool(node.catches)
        return None

    def _run_flow(self, node: nodes.Flow, out: Sink) -> None:
        match node.keyword:
            case "return":
                if node.value is not None:
                    self.run_pipeline(node.value, out)
                raise ReturnFromBlock
            case "throw":
                raise self._thrown(node)
            case "exit":
                raise ExitScript(self._exit_code(node))
            case "break":
                raise BreakLoop
            case _:
                raise ContinueLoop

    def _thrown(self, node: nodes.Flow) -> ScriptError:
        if node.value is None:
            rethrown = self._caught[-1]
            rethrown.script_terminating = True
            return rethrown
        value = self.pipeline_value(node.value)
        if isinstance(value, ErrorRecord):
            return ScriptError(value, script_terminating=True)
        if not isinstance(value, str):
            raise UnsupportedConstruct("throw of anything but text or an error record")
        error = runtime_error(value, value)
        error.script_terminating = True
        return error

    def _exit_code(self, node: nodes.Flow) -> int:
        if node.value is None:
            return 0
        code = self.pipeline_value(node.value)
        if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 255:
            raise UnsupportedConstruct("exit with anything but a number from 0 to 255")
        return int(code)

    # --- pipelines -------------------------------------------------------------------------------

    def run_pipeline(self, pipeline: nodes.Pipeline, out: Sink) -> None:
        ready = self._prepare_first(pipeline.first)
        later = [self._prepare(call) for call in pipeline.rest]
        stages: list[Cmdlet] = []
        sink = out
        for waiting in reversed(later):
            stage = self._start(waiting, sink, piped=True)
            stages.insert(0, stage)
            sink = stage.process
        if not stages:
            self._run_first(pipeline, ready, out)
            return
        try:
            self._drive(lambda: self._run_first(pipeline, ready, _guarded(sink, stages)), stages)
        except _DownstreamError as passed:
            if passed.pipeline is not stages:
                raise
            raise passed.error from None

    def _prepare_first(self, first: nodes.Expression | nodes.CommandCall) -> _Ready:
        if isinstance(first, nodes.CommandCall):
            return self._prepare(first)

        def emit(out: Sink) -> None:
            for item in elements(self.evaluate(first)):
                out(item)

        return _Ready(emit)

    def _run_first(self, pipeline: nodes.Pipeline, ready: _Ready, out: Sink) -> None:
        with self._located(pipeline.first.at):
            if ready.run is not None:
                ready.run(out)
            else:
                self._start(ready, out, piped=False).end()

    def _drive(self, feed: Callable[[], None], stages: list[Cmdlet]) -> None:
        """Feeds the first stage, then ends each in turn, also where a later one has had enough."""
        for step in (feed, *(stage.end for stage in stages)):
            try:
                step()
            except StopUpstream as stop:
                if stop.requester not in stages:
                    raise

    def _start(self, ready: _Ready, out: Sink, *, piped: bool) -> Cmdlet:
        if ready.cmdlet is None or ready.arguments is None:
            raise UnsupportedConstruct("a pipe into a function")
        return ready.cmdlet(self, ready.arguments, out, piped=piped)

    # --- commands --------------------------------------------------------------------------------

    def _prepare(self, call: nodes.CommandCall) -> _Ready:
        """Resolves a command and evaluates its arguments, in the order of the script."""
        with self._located(call.at):
            if not isinstance(call.target, str):
                return self._prepare_block(call, call.target)
            name = call.target
            function = self.session.find_function(name.lower())
            if function is not None:
                return self._prepare_function(call, function)
            signature = SIGNATURES.get(name.lower())
            if signature is not None:
                written = written_arguments(call, signature, self.evaluate)
                bound = binding.bind(signature, written)
                return _Ready(None, CMDLETS[name.lower()], bound)
            command = self._modules.command(name, self.session)
            if command is None:
                raise runtime_error(
                    not_recognized(name),
                    "CommandNotFoundException",
                    "System.Management.Automation.CommandNotFoundException",
                )
            written = written_arguments(call, None, self.evaluate)
            return _Ready(lambda out: self._run_module_command(command, written, out))

    def _prepare_function(self, call: nodes.CommandCall, function: Function) -> _Ready:
        signature = block_signature(function.name, function.body)
        written = written_arguments(call, signature, self.evaluate)
        bound = binding.bind(signature, written)
        return _Ready(lambda out: self._invoke(function.body, function.session, bound, out))

    def _prepare_block(self, call: nodes.CommandCall, target: nodes.Expression) -> _Ready:
        block = self.evaluate(target)
        if not isinstance(block, ScriptBlock):
            raise UnsupportedConstruct("& with anything but a script block")
        signature = block_signature("the block", block.body)
        bound = binding.bind(signature, written_arguments(call, signature, self.evaluate))
        return _Ready(lambda out: self._invoke(block.body, block.session, bound, out))

    def _run_module_command(self, command: Command, written: WrittenArguments, out: Sink) -> None:
        named = {
            name: to_command(value)
            for name, value in written.named.items()
            if name.lower() != "erroraction"
        }
        arguments = Arguments(
            named, [to_command(value) for value in written.positional], written.without_value
        )
        try:
            results = command.invoke(arguments)
        except CommandError as error:
            record = ErrorRecord(error.message, error.exception_type, error.error_id)
            if error.exception_type.startswith("System.Management.Automation.ParameterBinding"):
                raise ScriptError(record) from error
            # The commands of a module do not see a preference that is set in a script or in
            # another module (PowerShell/PowerShell#4568): only -ErrorAction counts for sure.
            self._channel.report(
                record, written.error_action() or self._channel.foreign_preference()
            )
            return
        for result in results:
            out(from_command(result))

    # --- functions and blocks --------------------------------------------------------------------

    def _invoke(
        self, body: nodes.Block, session: SessionState, bound: BoundArguments, out: Sink
    ) -> None:
        """Runs a body in a new scope of its own session state."""
        with self._entered(session, Scope(session.current)):
            if bound.error_action is not None:
                self.assign_variable("ErrorActionPreference", bound.error_action)
            self._declare(body, bound)
            self._run_body(body, out)

    def _run_body(self, body: nodes.Block, out: Sink) -> None:
        try:
            self.run_statements(body.statements, out)
        except ReturnFromBlock:
            return

    def _declare(self, body: nodes.Block, bound: BoundArguments) -> None:
        """Sets the parameters' variables in the current scope."""
        scope = self.session.current
        parameters = block_signature("", body).parameters
        given = Hashtable()
        for parameter in parameters:
            if bound.given(parameter.name):
                given.set(parameter.name, bound.get(parameter.name))
        if parameters:
            scope.variables["psboundparameters"] = Cell(given)
        for parameter in parameters:
            scope.variables[parameter.name.lower()] = Cell(
                self._initial_value(parameter, bound), partial(binding.constrain, parameter)
            )

    def _initial_value(self, parameter: Parameter, bound: BoundArguments) -> object:
        if bound.given(parameter.name):
            return bound.get(parameter.name)
        if parameter.default is not None:
            return conversions.bind_value(self.evaluate(parameter.default), parameter.type_name)
        match parameter.type_name:
            case "switch":
                return SwitchValue(present=False)
            case "bool":
                return False
            case "guid":
                raise UnsupportedConstruct("a [guid] parameter that is neither given nor defaulted")
            case type_name:
                return conversions.bind_value(None, type_name)

    def run_for_item(self, block: ScriptBlock, item: object, out: Sink) -> None:
        session = block.session
        with self._entered(session, session.current), self._current_item(session.current, item):
            self._run_body(block.body, out)

    @contextmanager
    def _entered(self, session: SessionState, scope: Scope) -> Iterator[None]:
        if self._depth >= _DEEPEST_CALL:
            raise UnsupportedConstruct(
                f"calls nested deeper than {_DEEPEST_CALL}: a function or block calls "
                "itself (a block sees the variables of the function that runs it first)"
            )
        previous_session, previous_scope = self.session, session.current
        self.session, session.current = session, scope
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            session.current = previous_scope
            self.session = previous_session

    @contextmanager
    def _current_item(self, scope: Scope, item: object) -> Iterator[None]:
        """``$_`` for as long as a block runs."""
        previous = scope.variables.get("_")
        scope.variables["_"] = Cell(item)
        try:
            yield
        finally:
            if previous is None:
                del scope.variables["_"]
            else:
                scope.variables["_"] = previous

    # --- for commands ----

    def import_module(self, name: str, *, force: bool, everywhere: bool, check_names: bool) -> bool:
        if "/" not in name and "\\" not in name:
            return self._modules.import_installed(name, self.session, everywhere=everywhere)
        path = Path(name.replace("\\", "/")).resolve()
        unapproved = self._modules.import_file(
            path, self.session, everywhere=everywhere, force=force
        )
        if unapproved and check_names:
            self.write_warning(UNAPPROVED_VERBS.format(path.stem))
        return True

    def _load_module(self, body: nodes.Block, session: SessionState) -> None:
        with self._entered(session, session.top):
            self._run_body(body, _refuse_module_output)

    def export_functions(self, names: list[str]) -> None:
        self._modules.export(names, self.session)

    def command_info(self, name: str) -> object | None:
        return self._modules.describe(name, self.session)

    def report(self, record: ErrorRecord, action: str | None) -> None:
        self._channel.report(record, action or self._channel.preference(self.session))

    def write_warning(self, message: str) -> None:
        self._channel.warn(message, self.session)

    def set_strict(self) -> None:
        """Applies to the scope and those below; set by the script itself, everywhere.

        ``pwsh -File`` runs the script in the global scope, where modules see its setting.
        """
        current = self.session.current
        scope = self._global if current is self._script.top else current
        scope.strict = True

    @contextmanager
    def _located(self, position: Position) -> Iterator[None]:
        """Gives errors that do not know where they arose the place of this command."""
        try:
            yield
        except UnsupportedConstruct as refusal:
            refusal.position = refusal.position or position
            raise
        except ScriptError as error:
            error.record.position = error.record.position or position
            raise


def _handles(clause: nodes.Catch, record: ErrorRecord) -> bool:
    return not clause.types or any(
        is_exception_of(record.exception_type, caught) for caught in clause.types
    )


def _guarded(sink: Sink, pipeline: object) -> Sink:
    def guarded(item: object) -> None:
        try:
            sink(item)
        except ScriptError as error:
            raise _DownstreamError(error, pipeline) from error

    return guarded


def _refuse_module_output(_value: object) -> None:
    raise UnsupportedConstruct("output at the top level of a module")
