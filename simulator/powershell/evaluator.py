"""Evaluates expressions; what runs statements and commands is left to the interpreter."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TextIO

from simulator.powershell import conversions, members, operators
from simulator.powershell.cmdlets.base import Invocation, Sink
from simulator.powershell.errors import UnsupportedConstruct, runtime_error
from simulator.powershell.scopes import Cell, Scope, SessionState
from simulator.powershell.syntax import nodes
from simulator.powershell.values import (
    NOTHING,
    Hashtable,
    PipelineInput,
    ScriptBlock,
    collected,
    is_null,
)

_PREFERENCES = frozenset({"stop", "continue"})


class Evaluator(ABC):
    """Evaluates expressions in the current session state.

    Attributes:
        session: The session state whose code is running.
    """

    session: SessionState
    pipeline_input: PipelineInput
    environment: Mapping[str, str]
    stderr: TextIO

    @abstractmethod
    def run_statements(self, statements: tuple[nodes.Statement, ...], out: Sink) -> None: ...

    @abstractmethod
    def run_pipeline(self, pipeline: nodes.Pipeline, out: Sink) -> None: ...

    @property
    @abstractmethod
    def invocation(self) -> Invocation: ...

    @property
    def strict(self) -> bool:
        return self.session.strict

    def evaluate(self, node: nodes.Expression) -> object:
        """The value of an expression, collections in one piece."""
        return _EVALUATORS[type(node)](self, node)

    # --- statements as values --------------------------------------------------------------------

    def pipeline_value(self, pipeline: nodes.Pipeline) -> object:
        """An expression's own value; a command's collected output."""
        if not pipeline.rest and not isinstance(pipeline.first, nodes.CommandCall):
            return self.evaluate(pipeline.first)
        results: list[object] = []
        self.run_pipeline(pipeline, results.append)
        return collected(results)

    def statement_value(self, statement: nodes.Statement) -> object:
        if isinstance(statement, nodes.Pipeline):
            return self.pipeline_value(statement)
        return collected(self._outputs((statement,)))

    def _outputs(self, statements: tuple[nodes.Statement, ...]) -> list[object]:
        results: list[object] = []
        self.run_statements(statements, results.append)
        return results

    # --- variables -------------------------------------------------------------------------------

    def _variable(self, node: nodes.Variable) -> object:
        if node.scope == "env":
            return self._environment_variable(node.name)
        name = node.name.lower()
        if name == "input":
            return self.pipeline_input
        if name == "pid":
            return os.getpid()
        cell = (
            self.session.top.variables.get(name)
            if node.scope == "script"
            else self.session.find_variable(name)
        )
        if cell is not None:
            return cell.value
        if self.strict:
            raise runtime_error(
                f"The variable '${node.name}' cannot be retrieved because it has not been set.",
                "VariableIsUndefined",
            )
        return None

    def _environment_variable(self, name: str) -> str | None:
        """Windows ignores the case of such names, so a script must not rely on it either way."""
        found = self.environment.get(name)
        if found is None and any(key.lower() == name.lower() for key in self.environment):
            raise UnsupportedConstruct(f"$env:{name}, which is set in another spelling")
        # An empty variable does not exist on Windows and before PowerShell 7.5.
        return found or None

    def assign_variable(
        self, name: str, value: object, *, scope: Scope | None = None, type_name: str = ""
    ) -> None:
        """Sets a variable in a scope (the current one), through the constraint that it has."""
        lowered = name.lower()
        if lowered == "null":
            return
        if lowered == "erroractionpreference" and (
            not isinstance(value, str) or value.lower() not in _PREFERENCES
        ):
            raise UnsupportedConstruct("an $ErrorActionPreference other than Stop and Continue")
        target = scope or self.session.current
        cell = target.variables.get(lowered)
        if type_name:

            def constraint(new: object) -> object:
                return conversions.cast(new, type_name)

            target.variables[lowered] = Cell(constraint(value), constraint)
        elif cell is None:
            target.variables[lowered] = Cell(value)
        else:
            cell.value = cell.constraint(value) if cell.constraint else value

    def assign(self, node: nodes.Assignment) -> None:
        value = self.statement_value(node.value)
        target = node.target
        if isinstance(target, nodes.Variable):
            if node.operator != "=":
                value = operators.add(self._added_to(target, node.operator), value)
            self.assign_variable(
                target.name,
                value,
                scope=self.session.top if target.scope == "script" else None,
                type_name=node.type_name.name if node.type_name else "",
            )
            return
        owner = self.evaluate(target.target)
        if isinstance(target, nodes.Member):
            name = conversions.to_string(self.evaluate(target.name))
            if node.operator != "=":
                value = operators.add(members.get_property(owner, name, strict=self.strict), value)
            members.set_property(owner, name, value)
            return
        index = self.evaluate(target.index)
        if node.operator != "=":
            value = operators.add(members.get_element(owner, index, strict=self.strict), value)
        members.set_element(owner, index, value)

    def _added_to(self, target: nodes.Variable, operator: str) -> object:
        """What ``+=`` adds to: the variable of its own scope, whatever those above hold.

        ``++``, and ``+=`` in a block without its own scope, start from what the variable reads.
        """
        if operator == "++" or target.scope or self.invocation.for_item:
            return self._variable(target)
        cell = self.session.current.variables.get(target.name.lower())
        return None if cell is None else cell.value

    # --- literals --------------------------------------------------------------------------------

    def _constant(self, node: nodes.Constant) -> object:
        return node.value

    def _expandable(self, node: nodes.ExpandableString) -> object:
        return "".join(
            part if isinstance(part, str) else conversions.to_string(self.evaluate(part))
            for part in node.parts
        )

    def _array_literal(self, node: nodes.ArrayLiteral) -> object:
        values = (self.evaluate(item) for item in node.items)
        return [None if is_null(value) else value for value in values]

    def _array_expression(self, node: nodes.ArrayExpression) -> object:
        return self._outputs(node.statements)

    def _sub_expression(self, node: nodes.SubExpression) -> object:
        return collected(self._outputs(node.statements))

    def _parenthesized(self, node: nodes.Parenthesized) -> object:
        return self.pipeline_value(node.pipeline)

    def _hash(self, node: nodes.HashLiteral) -> object:
        table = Hashtable(ordered=node.kind != "hashtable")
        for key_node, value_node in node.entries:
            key = self.evaluate(key_node)
            if is_null(key) or key in table:
                raise runtime_error(
                    "A null key is not allowed in a hash literal."
                    if is_null(key)
                    else f"Duplicate keys '{key}' are not allowed in hash literals.",
                    "InvalidNullKey" if is_null(key) else "DuplicateKeyInHashLiteral",
                )
            table.set(key, self.statement_value(value_node))
        return conversions.custom_object(table.items()) if node.kind == "pscustomobject" else table

    def _script_block(self, node: nodes.ScriptBlockLiteral) -> object:
        return ScriptBlock(node.body, self.session)

    # --- members ---------------------------------------------------------------------------------

    def _member(self, node: nodes.Member) -> object:
        name = conversions.to_string(self.evaluate(node.name))
        return members.get_property(self.evaluate(node.target), name, strict=self.strict)

    def _method(self, node: nodes.MethodCall) -> object:
        target = self.evaluate(node.target)
        arguments = [self.evaluate(argument) for argument in node.arguments]
        return members.call_method(target, node.name, arguments)

    def _static(self, node: nodes.StaticCall) -> object:
        arguments = [self.evaluate(argument) for argument in node.arguments]
        return members.call_static(node.type_name.name, node.name, arguments, self.environment)

    def _error_line(self, node: nodes.ErrorLine) -> object:
        """Flushed at once: progress is shown while the script runs."""
        value = self.evaluate(node.text)
        if not isinstance(value, str):
            raise UnsupportedConstruct("[Console]::Error.WriteLine() of anything but text")
        self.stderr.write(f"{value}\n")
        self.stderr.flush()
        return NOTHING

    def _index(self, node: nodes.Index) -> object:
        target = self.evaluate(node.target)
        return members.get_element(target, self.evaluate(node.index), strict=self.strict)

    # --- operators -------------------------------------------------------------------------------

    def _cast(self, node: nodes.Cast) -> object:
        return conversions.cast(self.evaluate(node.operand), node.type_name.name)

    def _unary(self, node: nodes.Unary) -> object:
        value = self.evaluate(node.operand)
        match node.operator:
            case "-not":
                return not conversions.to_bool(value)
            case "-join":
                return operators.join(value, "")
            case _:
                return operators.negate(value)

    def _binary(self, node: nodes.Binary) -> object:
        left = self.evaluate(node.left)
        if node.operator in {"-and", "-or"}:
            decided = conversions.to_bool(left)
            if decided == (node.operator == "-or"):
                return decided
            return conversions.to_bool(self.evaluate(node.right))
        return operators.binary(node.operator, left, self.evaluate(node.right))

    def _type_test(self, node: nodes.TypeTest) -> object:
        value = self.evaluate(node.left)
        return conversions.is_type(value, node.type_name.name) == (node.operator == "-is")


_EVALUATORS: dict[type, Callable[..., object]] = {
    nodes.Constant: Evaluator._constant,
    nodes.ExpandableString: Evaluator._expandable,
    nodes.Variable: Evaluator._variable,
    nodes.ArrayLiteral: Evaluator._array_literal,
    nodes.ArrayExpression: Evaluator._array_expression,
    nodes.SubExpression: Evaluator._sub_expression,
    nodes.Parenthesized: Evaluator._parenthesized,
    nodes.HashLiteral: Evaluator._hash,
    nodes.ScriptBlockLiteral: Evaluator._script_block,
    nodes.Member: Evaluator._member,
    nodes.MethodCall: Evaluator._method,
    nodes.StaticCall: Evaluator._static,
    nodes.ErrorLine: Evaluator._error_line,
    nodes.Index: Evaluator._index,
    nodes.Cast: Evaluator._cast,
    nodes.Unary: Evaluator._unary,
    nodes.Binary: Evaluator._binary,
    nodes.TypeTest: Evaluator._type_test,
}
