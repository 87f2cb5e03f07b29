"""Runs a checked program: statements, commands, pipelines, functions, modules, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from simulator.powershell.cmdlets.base import Call, Cmdlet, Invocation, Sink
from simulator.powershell.cmdlets.registry import CMDLETS
from simulator.powershell.cmdlets.signatures import SIGNATURES, implementing_type
from simulator.powershell.cmdlets.system import not_recognized
from simulator.powershell.errors import (
    BreakLoop,
    ContinueLoop,
    ControlFlow,
    ErrorRecord,
    ExitScript,
    ReturnFromBlock,
    ScriptError,
    StopPipeline,
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


@dataclass(frozen=True)
class _Ready:
    """A command that is resolved and has its arguments, waiting for its place in the pipeline.

    Either what runs it, or a built-in command's call.
    """

    run: Callable[[Sink], None] | None
    call: Call | None = None


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
        self.session = SessionState(self._global)
        self._channel = Channel(stdout, stderr)
        self._modules = Modules(host.modules, program.modules, self._global, self._load_module)
        self._active_tries = 0
        self._caught: list[ScriptError] = []
        self._invocations = [Invocation(program.path.name, None)]

    # --- the whole script ------------------------------------------------------------------------

    def run(self) -> int:
        """Runs the script.

        Returns:
            The exit code of ``pwsh -File``.
        """
        body = self._program.script
        try:
            bound = binding.bind(
                block_signature(self._program.path.name, body),
                WrittenArguments(named={}, positional=()),
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
        if self._channel.preference(self.session) == "Continue":
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
        clause, record = _handler(node.catches, error.record)
        if clause is None:
            raise error
        self._caught.append(error)
        try:
            with self._current_item(self.session.current, record):
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
            record = self._caught[-1].record
        else:
            value = self.pipeline_value(node.value)
            if isinstance(value, str):
                record = runtime_error(value, value).record
            elif isinstance(value, ErrorRecord):
                record = value
            else:
                raise UnsupportedConstruct("throw of anything but text or an error record")
        record.thrown = True
        return ScriptError(record, script_terminating=True)

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
            sink = self._into(stage, stages)
        if not stages:
            self._run_first(pipeline, ready, out)
            return
        try:
            self._drive(lambda: self._run_first(pipeline, ready, sink), stages)
        except StopPipeline as stopped:
            if stopped.pipeline is not stages:
                raise
            raise stopped.error from None

    def _prepare_first(self, first: nodes.Expression | nodes.CommandCall) -> _Ready:
        if isinstance(first, nodes.CommandCall):
            return self._prepare(first)

        def emit(out: Sink) -> None:
            for item in elements(self.evaluate(first)):
                out(item)

        return _Ready(emit)

    def _run_first(self, pipeline: nodes.Pipeline, ready: _Ready, out: Sink) -> None:
        is_command = isinstance(pipeline.first, nodes.CommandCall)
        with self._located(pipeline.first.at if is_command else pipeline.at):
            if ready.run is not None:
                ready.run(out)
            else:
                first = self._start(ready, out, piped=False)
                with _leaving(first):
                    first.end()

    def _into(self, stage: Cmdlet, pipeline: object) -> Sink:
        # A block further down sees what is seen where the pipeline stands, and not the variables of
        # the function further up that is putting something out at this moment.
        session, scope, invocation = self.session, self.session.current, self.invocation

        def process(item: object) -> None:
            try:
                with self._entered(session, scope, invocation), _leaving(stage):
                    stage.process(item)
            except ScriptError as error:
                if error.record.thrown:
                    raise
                raise StopPipeline(error, pipeline) from error

        return process

    def _drive(self, feed: Callable[[], None], stages: list[Cmdlet]) -> None:
        """Feeds the first stage, then ends each in turn, also where a later one has had enough."""

        def end(stage: Cmdlet) -> None:
            with _leaving(stage):
                stage.end()

        steps: list[Callable[[], None]] = [feed, *(partial(end, stage) for stage in stages)]
        for step in steps:
            try:
                step()
            except StopUpstream as stop:
                if stop.requester not in stages:
                    raise

    def _start(self, ready: _Ready, out: Sink, *, piped: bool) -> Cmdlet:
        if ready.call is None:
            raise UnsupportedConstruct("a pipe into a function")
        return CMDLETS[ready.call.name.lower()](self, ready.call, out, piped=piped)

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
                return _Ready(None, Call(signature.name, bound, call.at))
            command = self._modules.command(name, self.session)
            if command is None:
                raise runtime_error(
                    not_recognized(name),
                    "CommandNotFoundException",
                    "System.Management.Automation.CommandNotFoundException",
                    category=name,
                )
            written = written_arguments(call, None, self.evaluate)
            return _Ready(lambda out: self._run_module_command(command, written, out))

    def _prepare_function(self, call: nodes.CommandCall, function: Function) -> _Ready:
        signature = block_signature(function.name, function.body)
        written = written_arguments(call, signature, self.evaluate)
        bound = binding.bind(signature, written)
        invocation = Invocation(function.name, call.at)
        return _Ready(
            lambda out: self._invoke(function.body, function.session, bound, invocation, out)
        )

    def _prepare_block(self, call: nodes.CommandCall, target: nodes.Expression) -> _Ready:
        block = self.evaluate(target)
        if not isinstance(block, ScriptBlock):
            raise UnsupportedConstruct("& with anything but a script block")
        signature = block_signature("the block", block.body)
        bound = binding.bind(signature, written_arguments(call, signature, self.evaluate))
        invocation = Invocation("", call.at)
        return _Ready(lambda out: self._invoke(block.body, block.session, bound, invocation, out))

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
            record = ErrorRecord(
                error.message, error.exception_type, error.error_id, command=command.name
            )
            if error.exception_type.startswith("System.Management.Automation.ParameterBinding"):
                raise ScriptError(record) from error
            # The commands of a module see the preference at the script's top level, and none that
            # a function or another module has set (PowerShell/PowerShell#4568).
            preference = self._channel.preference(SessionState(Scope(self._global)))
            self._channel.report(record, written.error_action() or preference)
            return
        for result in results:
            out(from_command(result))

    # --- functions and blocks --------------------------------------------------------------------

    def _invoke(
        self,
        body: nodes.Block,
        session: SessionState,
        bound: BoundArguments,
        invocation: Invocation,
        out: Sink,
    ) -> None:
        """Runs a body in a new scope of its own session state."""
        with self._entered(session, Scope(session.current), invocation):
            if bound.error_action is not None:
                session.current.variables["erroractionpreference"] = Cell(bound.error_action)
            self._declare(body, bound)
            try:
                self._run_body(body, out)
            except ScriptError as error:
                if body.advanced and invocation.at is not None:
                    error.record.leave(invocation.name, invocation.name, invocation.at)
                raise

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
        with (
            self._entered(session, session.current, replace(self.invocation, for_item=True)),
            self._current_item(session.current, item),
        ):
            self._run_body(block.body, out)

    @property
    def invocation(self) -> Invocation:
        return self._invocations[-1]

    @contextmanager
    def _entered(
        self, session: SessionState, scope: Scope, invocation: Invocation
    ) -> Iterator[None]:
        if len(self._invocations) > _DEEPEST_CALL:
            raise UnsupportedConstruct(
                f"calls nested deeper than {_DEEPEST_CALL}: a function or block calls "
                "itself (a block sees the variables of the function that runs it first)"
            )
        previous_session, previous_scope = self.session, session.current
        self.session, session.current = session, scope
        self._invocations.append(invocation)
        try:
            yield
        finally:
            self._invocations.pop()
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

    def import_module(self, name: str, *, force: bool, everywhere: bool) -> bool:
        if "/" not in name and "\\" not in name:
            return self._modules.import_installed(name, self.session, everywhere=everywhere)
        path = Path(name.replace("\\", "/")).resolve()
        if self._modules.import_file(path, self.session, everywhere=everywhere, force=force):
            self.write_warning(UNAPPROVED_VERBS.format(path.stem))
        return True

    def _load_module(self, body: nodes.Block, session: SessionState) -> None:
        with self._entered(session, session.top, Invocation("", None)):
            try:
                self._run_body(body, _refuse_module_output)
            except ScriptError as error:
                # To the one that imports, it is an error of Import-Module whatever threw it.
                error.record.error_id += f",{implementing_type('Import-Module')}"
                raise

    def export_functions(self, names: list[str]) -> None:
        self._modules.export(names, self.session)

    def command_info(self, name: str) -> object | None:
        return self._modules.describe(name, self.session)

    def report(self, record: ErrorRecord, action: str | None) -> None:
        self._channel.report(record, action or self._channel.preference(self.session))

    def write_warning(self, message: str) -> None:
        self._channel.warn(message, self.session)

    def set_strict(self) -> None:
        """Applies to the scope and those below."""
        self.session.current.strict = True

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


def _handler(
    catches: tuple[nodes.Catch, ...], record: ErrorRecord
) -> tuple[nodes.Catch | None, ErrorRecord]:
    """The clause that handles an error, and the record that it sees.

    A clause that names the type of a wrapped exception goes before those that name its wrapper, and
    gets the wrapped one.
    """
    candidates = [record]
    if record.inner is not None:
        exception_type, message = record.inner
        candidates.insert(0, replace(record, exception_type=exception_type, message=message))
    for candidate in candidates:
        for clause in catches:
            if any(is_exception_of(candidate.exception_type, caught) for caught in clause.types):
                return clause, candidate
    return next((clause for clause in catches if not clause.types), None), record


@contextmanager
def _leaving(cmdlet: Cmdlet) -> Iterator[None]:
    try:
        yield
    except ScriptError as error:
        call = cmdlet.call
        error.record.leave(call.name, implementing_type(call.name), call.at)
        raise


def _refuse_module_output(_value: object) -> None:
    raise UnsupportedConstruct("output at the top level of a module")
