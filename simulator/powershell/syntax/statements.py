"""Lowers statements, commands and blocks, and refuses every form that is not in the dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tree_sitter import Node

from simulator.powershell import dialect
from simulator.powershell.syntax import nodes
from simulator.powershell.syntax.expressions import ExpressionReader
from simulator.powershell.syntax.source import Tree, children

_COMMAND_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z][A-Za-z0-9]*)?")
_PARAMETER_NAME = re.compile(r"-[A-Za-z][A-Za-z0-9]*")
_PIN_CULTURE = re.compile(
    r"\[cultureinfo\]::CurrentCulture\s*=\s*\[cultureinfo\]::InvariantCulture", re.IGNORECASE
)
# A bare word that PowerShell and the grammar take for the same string.
_BARE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*([.-][A-Za-z0-9_]+)*")

_ARGUMENTS = frozenset(
    {
        "string_literal",
        "variable",
        "member_access",
        "element_access",
        "parenthesized_expression",
        "array_expression",
        "array_literal_expression",
        "hash_literal_expression",
        "script_block_expression",
        "sub_expression",
        "integer_literal",
        "real_literal",
    }
)


@dataclass(frozen=True)
class _Surroundings:
    """Where a statement stands, for what is allowed only in some places."""

    in_function: bool = False
    in_loop: bool = False
    in_finally: bool = False
    in_catch: bool = False
    is_module: bool = False


_IN_BLOCK = {"in_function": True, "in_loop": False, "in_finally": False, "in_catch": False}


class ScriptReader(ExpressionReader):
    """Lowers one file.

    Args:
        tree: The parsed file.
        is_module: Whether it is a ``.psm1``, which has no ``$input`` of its own.
    """

    def __init__(self, tree: Tree, *, is_module: bool) -> None:
        super().__init__(tree)
        self.commands: list[nodes.CommandCall] = []
        self.piped: list[nodes.CommandCall] = []
        self.functions: set[str] = set()
        self._around = _Surroundings(is_module=is_module)

    def file_body(self) -> nodes.Block:
        """The whole file as a block."""
        return self._body(self.tree.root, children(self.tree.root))

    @contextmanager
    def _surrounded(self, **changes: bool) -> Iterator[None]:
        around = self._around
        self._around = replace(around, **changes)
        yield
        self._around = around

    # --- blocks ----------------------------------------------------------------------------------

    def block(self, node: Node) -> nodes.Block:
        with self._surrounded(**_IN_BLOCK):
            return self._body(node, children(node)[1:-1])

    def _body(self, node: Node, parts: list[Node]) -> nodes.Block:
        """A block's optional ``param(…)`` and its statements, at whichever level they stand."""
        parameters: tuple[nodes.ParameterDeclaration, ...] = ()
        advanced = False
        statements: list[nodes.Statement] = []
        pending = list(parts)
        while pending:
            part = pending.pop(0)
            if part.type in {"script_block", "script_block_body"}:
                pending = children(part) + pending
            elif part.type == "param_block":
                parameters, advanced = self._param_block(part)
            elif part.type == "statement_list":
                statements.extend(self.statements(part))
            else:
                raise self.tree.refuse(
                    part, f"`{self._shown(part)}` ({part.type.replace('_', ' ')})"
                )
        return nodes.Block(self.tree.position(node), parameters, tuple(statements), advanced)

    def _param_block(self, node: Node) -> tuple[tuple[nodes.ParameterDeclaration, ...], bool]:
        parameters: list[nodes.ParameterDeclaration] = []
        advanced = False
        for part in children(node):
            if part.type == "attribute_list":
                for attribute in children(part):
                    name, arguments = self._attribute(attribute)
                    if name == "cmdletbinding" and not arguments:
                        advanced = True
                    elif name != "outputtype":
                        raise self.tree.refuse(attribute, f"`{self._shown(attribute)}` here")
            elif part.type == "parameter_list":
                for declaration in children(part):
                    if declaration.type == "script_parameter":
                        parameter, is_advanced = self._parameter(declaration)
                        advanced = advanced or is_advanced
                        parameters.append(parameter)
        names = [parameter.name.lower() for parameter in parameters]
        if len(set(names)) < len(names):
            raise self.tree.refuse(node, "a parameter declared twice")
        return tuple(parameters), advanced

    def _attribute(self, node: Node) -> tuple[str, list[Node]]:
        """The lower-case name of an attribute and its arguments."""
        name = ""
        arguments: list[Node] = []
        for part in children(node):
            if part.type == "attribute_name":
                name = self.tree.text(part).lower()
            elif part.type == "attribute_arguments":
                arguments = [item for item in children(part) if item.type == "attribute_argument"]
        return name, arguments

    def _parameter(self, node: Node) -> tuple[nodes.ParameterDeclaration, bool]:
        type_name = nodes.TypeName("object")
        flags: dict[str, bool] = {}
        valid_values: tuple[str, ...] = ()
        default: nodes.Expression | None = None
        name = ""
        advanced = False
        for part in children(node):
            if part.type == "variable":
                name = self.variable(part).name
                if name.lower() in dialect.AUTOMATIC_VARIABLES:
                    raise self.tree.refuse(part, f"a parameter called ${name}")
            elif part.type == "script_parameter_default":
                default = self.expression(children(part)[-1])
            elif part.type == "attribute_list":
                for attribute in children(part):
                    literal = children(attribute)[0]
                    if literal.type == "type_literal":
                        type_name = self.type_name(literal, dialect.PARAMETER_TYPES)
                        continue
                    attribute_name, arguments = self._attribute(attribute)
                    flag = _PARAMETER_ATTRIBUTES.get(attribute_name)
                    if flag is not None and not arguments:
                        flags[flag] = True
                    elif attribute_name == "validateset" and arguments:
                        valid_values = tuple(self._constant_text(item) for item in arguments)
                    elif attribute_name == "parameter":
                        advanced = True
                        flags["mandatory"] = self._mandatory(attribute, arguments)
                    else:
                        raise self.tree.refuse(attribute, f"`{self._shown(attribute)}`")
        return nodes.ParameterDeclaration(
            self.tree.position(node), name, type_name, default, valid_values=valid_values, **flags
        ), advanced

    def _mandatory(self, attribute: Node, arguments: list[Node]) -> bool:
        texts = [re.sub(r"\s", "", self.tree.text(argument)).lower() for argument in arguments]
        if texts in (["mandatory"], ["mandatory=$true"]):
            return True
        if texts:
            raise self.tree.refuse(attribute, f"`{self._shown(attribute)}`: only Mandatory")
        return False

    def _constant_text(self, node: Node) -> str:
        value = self.expression(children(node)[0])
        if not isinstance(value, nodes.Constant) or not isinstance(value.value, str):
            raise self.tree.refuse(node, f"`{self._shown(node)}`: not a constant string")
        return value.value

    # --- statements ------------------------------------------------------------------------------

    def statements(self, node: Node | None) -> tuple[nodes.Statement, ...]:
        result: list[nodes.Statement] = []
        previous: Node | None = None
        for child in children(node) if node else []:
            if child.type == "empty_statement":
                previous = None
                continue
            if previous is not None and "\n" not in self.tree.between(previous, child):
                raise self.tree.refuse(
                    child, f"`{self._shown(child)}` after another statement without `;`"
                )
            previous = child
            result.append(self.statement(child))
        return tuple(result)

    def statement(self, node: Node) -> nodes.Statement:
        inner = self._unwrap_statement(node)
        reader = _STATEMENTS.get(inner.type)
        return reader(self, inner) if reader else self.pipeline(node)

    def _unwrap_statement(self, node: Node) -> Node:
        while node.type == "pipeline" and len(children(node)) == 1:
            (node,) = children(node)
        return self.unwrap(node)

    def _statement_block(self, node: Node) -> tuple[nodes.Statement, ...]:
        return tuple(
            statement
            for child in children(node)
            if child.type == "statement_list"
            for statement in self.statements(child)
        )

    def _assignment(self, node: Node) -> nodes.Statement:
        left, operator_node, value = children(node)
        operator = self.tree.text(operator_node)
        if _PIN_CULTURE.fullmatch(self.tree.text(node)):
            return nodes.PinCulture(self.tree.position(node))
        if operator not in {"=", "+="}:
            raise self.tree.refuse(operator_node, f"the assignment operator `{operator}`")
        target = self.unwrap(children(left)[0])
        type_name: nodes.TypeName | None = None
        if target.type == "cast_expression":
            type_node, operand = children(target)
            type_name = self.type_name(type_node, dialect.VARIABLE_TYPES)
            target = self.unwrap(operand)
            if target.type != "variable" or operator != "=":
                raise self.tree.refuse(node, "a type before what is not a variable being set")
        return nodes.Assignment(
            self.tree.position(node),
            self._assignable(target),
            operator,
            self._assigned(value),
            type_name,
        )

    def _assigned(self, node: Node) -> nodes.Statement:
        value = self.statement(node)
        if isinstance(value, nodes.Assignment | nodes.PinCulture):
            raise self.tree.refuse(node, "an assignment as a value")
        return value

    def _assignable(self, node: Node) -> nodes.Variable | nodes.Member | nodes.Index:
        if node.type == "variable":
            variable = self.variable(node)
            lowered = variable.name.lower()
            if variable.scope == "env" or (
                lowered in dialect.AUTOMATIC_VARIABLES
                and lowered not in dialect.ASSIGNABLE_AUTOMATIC_VARIABLES
            ):
                raise self.tree.refuse(node, f"an assignment to {self.tree.text(node)}")
            return variable
        expression = self.expression(node)
        if not isinstance(expression, nodes.Member | nodes.Index):
            raise self.tree.refuse(node, f"an assignment to `{self._shown(node)}`")
        return expression

    def _increment(self, node: Node) -> nodes.Statement:
        """``$i++`` standing alone; as a value it would be something else."""
        operand = next(child for child in children(node) if child.type != "++")
        at = self.tree.position(node)
        one = nodes.Pipeline(at, nodes.Constant(at, 1))
        return nodes.Assignment(at, self._assignable(self.unwrap(operand)), "++", one)

    def _if(self, node: Node) -> nodes.Statement:
        clauses = [self._clause(node)]
        otherwise: tuple[nodes.Statement, ...] | None = None
        for part in children(node):
            if part.type == "elseif_clauses":
                clauses.extend(self._clause(clause) for clause in children(part))
            elif part.type == "else_clause":
                otherwise = self._statement_block(children(part)[-1])
        return nodes.If(self.tree.position(node), tuple(clauses), otherwise)

    def _clause(self, node: Node) -> tuple[nodes.Pipeline, tuple[nodes.Statement, ...]]:
        condition = node.child_by_field_name("condition")
        body = next(child for child in children(node) if child.type == "statement_block")
        if condition is None:
            raise self.tree.refuse(node, "a condition that is missing")
        return self.pipeline(condition), self._statement_block(body)

    def _loop_body(self, node: Node) -> tuple[nodes.Statement, ...]:
        with self._surrounded(in_loop=True):
            return self._statement_block(node)

    def _foreach(self, node: Node) -> nodes.Statement:
        parts = children(node)
        if [part.type for part in parts[:2]] != ["foreach", "("]:
            raise self.tree.refuse(node, f"`{self._shown(node)}`")
        target = self._assignable(parts[2])
        if not isinstance(target, nodes.Variable) or target.scope:
            raise self.tree.refuse(node, "a foreach variable with a scope")
        source = self.pipeline(parts[4])
        return nodes.ForEach(self.tree.position(node), target, source, self._loop_body(parts[6]))

    def _while(self, node: Node) -> nodes.Statement:
        condition = node.child_by_field_name("condition")
        if condition is None:
            raise self.tree.refuse(node, "a condition that is missing")
        return nodes.While(
            self.tree.position(node),
            self.pipeline(children(condition)[0]),
            self._loop_body(children(node)[-1]),
        )

    def _try(self, node: Node) -> nodes.Statement:
        body: tuple[nodes.Statement, ...] = ()
        catches: list[nodes.Catch] = []
        finally_body: tuple[nodes.Statement, ...] | None = None
        for part in children(node):
            if part.type == "statement_block":
                body = self._statement_block(part)
            elif part.type == "catch_clauses":
                catches.extend(self._catch(clause) for clause in children(part))
            elif part.type == "finally_clause":
                with self._surrounded(in_finally=True, in_loop=False, in_catch=False):
                    finally_body = self._statement_block(children(part)[-1])
        if any(not clause.types for clause in catches[:-1]):
            raise self.tree.refuse(node, "a catch of everything before another catch")
        return nodes.Try(self.tree.position(node), body, tuple(catches), finally_body)

    def _catch(self, node: Node) -> nodes.Catch:
        types: list[str] = []
        body: tuple[nodes.Statement, ...] = ()
        for part in children(node):
            if part.type == "catch_type_list":
                for literal in children(part):
                    if literal.type == "type_literal":
                        known = dialect.CATCH_TYPES.get(self._type_text(literal))
                        if known is None:
                            raise self.tree.refuse(literal, f"catch {self.tree.text(literal)}")
                        types.append(known)
            elif part.type == "statement_block":
                with self._surrounded(in_catch=True):
                    body = self._statement_block(part)
        return nodes.Catch(self.tree.position(node), tuple(types), body)

    def _flow(self, node: Node) -> nodes.Statement:
        keyword_node, *value = children(node)
        keyword = self.tree.text(keyword_node).lower()
        around = self._around
        if keyword in {"break", "continue"} and (value or not around.in_loop):
            # Without a loop around it in the same block, PowerShell would leave the caller's loop
            # or end the whole script.
            raise self.tree.refuse(node, f"`{keyword}` with a label, or outside a loop")
        if keyword == "return" and around.in_finally:
            raise self.tree.refuse(node, "`return` in finally")
        if keyword == "throw" and not value and not around.in_catch:
            raise self.tree.refuse(node, "a bare `throw` outside the catch block itself")
        return nodes.Flow(
            self.tree.position(node), keyword, self.pipeline(value[0]) if value else None
        )

    def _function(self, node: Node) -> nodes.Statement:
        keyword, name_node, *_ = children(node)
        name = self.tree.text(name_node)
        at = self.tree.position(node)
        if keyword.type.lower() != "function" or not _COMMAND_NAME.fullmatch(name):
            raise self.tree.refuse(node, f"`{self._shown(node)}`")
        opening = next((i for i, c in enumerate(children(node)) if c.type == "{"), None)
        if opening != 2:
            raise self.tree.refuse(node, f"function {name}(…): declare parameters in param(…)")
        with self._surrounded(**_IN_BLOCK):
            body = self._body(node, children(node)[3:-1])
        self.functions.add(name.lower())
        return nodes.FunctionDefinition(at, name, body)

    # --- pipelines and commands ------------------------------------------------------------------

    def pipeline(self, node: Node) -> nodes.Pipeline:
        inner = self._unwrap_statement(node)
        if inner.type == "pipeline_chain":
            elements = [child for child in children(inner) if child.type != "|"]
            for left, right in zip(children(inner), children(inner)[1:], strict=False):
                if right.type == "|" and "\n" in self.tree.between(left, right):
                    raise self.tree.refuse(right, "a pipe at the beginning of a line")
        else:
            elements = [inner]
        first = self._pipeline_element(elements[0])
        rest: list[nodes.CommandCall] = []
        for element in elements[1:]:
            command = self._pipeline_element(element)
            if not isinstance(command, nodes.CommandCall) or not isinstance(command.target, str):
                raise self.tree.refuse(element, f"`| {self._shown(element)}`: no command's name")
            rest.append(command)
        self.piped.extend(rest)
        return nodes.Pipeline(self.tree.position(inner), first, tuple(rest))

    def _pipeline_element(self, node: Node) -> nodes.Expression | nodes.CommandCall:
        if node.type != "command":
            return self.expression(node)
        return self._command(node, children(node))

    def _command(self, node: Node, parts: list[Node]) -> nodes.CommandCall:
        at = self.tree.position(node)
        target: str | nodes.Expression
        if parts[0].type == "command_invokation_operator":
            target = self._invoked(node, parts[0], parts[1])
            name_node, elements = parts[1], parts[2:]
        else:
            name_node, elements = parts[0], parts[1:]
            target = self.tree.text(name_node)
            if name_node.type != "command_name" or not _COMMAND_NAME.fullmatch(target):
                raise self.tree.refuse(node, f"the command `{target or self._shown(node)}`")
        tokens = [child for part in elements for child in children(part)]
        if any(part.type != "command_elements" for part in elements):
            raise self.tree.refuse(node, f"`{self._shown(node)}`")
        call = nodes.CommandCall(at, target, tuple(self._tokens(name_node, tokens)))
        self.commands.append(call)
        return call

    def _invoked(self, node: Node, operator: Node, name_node: Node) -> nodes.Expression:
        (inner,) = children(name_node)
        if inner.type == "path_command_name" and len(children(inner)) == 1:
            (inner,) = children(inner)
        if self.tree.text(operator) != "&" or inner.type not in {
            "variable",
            "script_block_expression",
        }:
            raise self.tree.refuse(node, f"`{self._shown(node)}`: only `& $block` and `& {{ … }}`")
        return self.expression(inner)

    def _tokens(self, name_node: Node, parts: list[Node]) -> list[nodes.CommandToken]:
        """Parameters, values and splats; each set off by a blank, as PowerShell needs it."""
        tokens: list[nodes.CommandToken] = []
        previous = name_node
        attached: nodes.ParameterToken | None = None
        for part in parts:
            if part.type == "command_argument_sep":
                if self.tree.text(part) == ":":
                    last = tokens.pop()
                    if not isinstance(last, nodes.ParameterToken) or last.value is not None:
                        raise self.tree.refuse(part, "a colon that follows no parameter")
                    attached = last
                    previous = part
                continue
            gap = self.tree.between(previous, part)
            if attached is None and not gap:
                raise self.tree.refuse(part, f"`{self._shown(part)}` without a blank before it")
            if attached is not None and gap:
                raise self.tree.refuse(part, f"a blank after `-{attached.name}:`")
            token = self._token(part)
            if attached is not None:
                if not isinstance(token, nodes.ValueToken):
                    raise self.tree.refuse(part, f"`{self._shown(part)}` as a value")
                token = replace(attached, value=token.value)
                attached = None
            tokens.append(token)
            previous = part
        if attached is not None:
            raise self.tree.refuse(name_node, f"`-{attached.name}:` without a value")
        return tokens

    def _token(self, node: Node) -> nodes.CommandToken:
        at = self.tree.position(node)
        text = self.tree.text(node)
        if node.type == "command_parameter":
            if not _PARAMETER_NAME.fullmatch(text):
                raise self.tree.refuse(node, f"the parameter name `{text}`")
            return nodes.ParameterToken(at, text[1:])
        if node.type == "generic_token":
            if not _BARE_WORD.fullmatch(text):
                raise self.tree.refuse(node, f"the bare argument `{text}`: quote it")
            return nodes.ValueToken(at, nodes.Constant(at, text))
        inner = self.unwrap(node)
        if inner.type == "variable" and text.startswith("@"):
            return nodes.SplatToken(at, nodes.Variable(at, self._splatted(inner, text)))
        if inner.type not in _ARGUMENTS:
            raise self.tree.refuse(
                node, f"`{self._shown(node)}` as an argument: put it in parentheses"
            )
        if inner.type in {"member_access", "element_access"}:
            root = inner
            while root.type in {"member_access", "element_access"}:
                root = self.unwrap(children(root)[0])
            if root.type not in {"variable", "parenthesized_expression", "array_expression"}:
                raise self.tree.refuse(
                    node, f"`{self._shown(node)}` as an argument: put it in parentheses"
                )
        if inner.type == "array_literal_expression":
            for item in children(inner):
                if item.type != "," and self.unwrap(item).type not in _ARGUMENTS:
                    raise self.tree.refuse(
                        item, f"`{self._shown(item)}` in a list of arguments: use parentheses"
                    )
        return nodes.ValueToken(at, self.expression(inner))

    def _splatted(self, node: Node, text: str) -> str:
        name = text[1:]
        lowered = name.lower()
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or (
            lowered in dialect.AUTOMATIC_VARIABLES and lowered != "psboundparameters"
        ):
            raise self.tree.refuse(node, f"the splat `{text}`")
        return name

    # --- what depends on the surroundings --------------------------------------------------------

    def variable(self, node: Node) -> nodes.Variable:
        variable = super().variable(node)
        around = self._around
        if variable.name.lower() == "input" and (around.in_function or around.is_module):
            raise self.tree.refuse(node, "$input outside the script's own level")
        return variable


_PARAMETER_ATTRIBUTES = {
    "validatenotnullorempty": "validate_not_null_or_empty",
    "allownull": "allow_null",
    "allowemptystring": "allow_empty_string",
    "allowemptycollection": "allow_empty_collection",
}

_STATEMENTS = {
    "assignment_expression": ScriptReader._assignment,
    "post_increment_expression": ScriptReader._increment,
    "pre_increment_expression": ScriptReader._increment,
    "if_statement": ScriptReader._if,
    "foreach_statement": ScriptReader._foreach,
    "while_statement": ScriptReader._while,
    "try_statement": ScriptReader._try,
    "flow_control_statement": ScriptReader._flow,
    "function_statement": ScriptReader._function,
}
