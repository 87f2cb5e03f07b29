"""Lowers expressions, and refuses every form that is not in the dialect."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from tree_sitter import Node

from simulator.powershell import dialect
from simulator.powershell.syntax import nodes
from simulator.powershell.syntax.source import Tree, children

# Levels of the grammar's precedence ladder that hold a single child where no operator is used.
_LADDER = frozenset(
    {
        "logical_expression",
        "bitwise_expression",
        "comparison_expression",
        "additive_expression",
        "multiplicative_expression",
        "format_expression",
        "range_expression",
        "array_literal_expression",
        "unary_expression",
        "expression_with_unary_operator",
    }
)
_BINARY = frozenset(
    {
        "logical_expression",
        "comparison_expression",
        "additive_expression",
        "multiplicative_expression",
    }
)
_OPERATORS = frozenset(
    {
        "+", "-", "*", "/", "%", "-and", "-or",
        "-eq", "-ne", "-gt", "-lt", "-ge", "-le", "-ceq", "-cne", "-like", "-notlike",
        "-match", "-notmatch", "-in", "-notin", "-contains", "-notcontains",
        "-replace", "-split", "-join",
    }
)  # fmt: skip

_INTEGER = re.compile(r"[0-9]+")
_REAL = re.compile(r"[0-9]+\.[0-9]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_INT = 2**31 - 1

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v",
}  # fmt: skip


def _ladder_name(node: Node) -> str:
    """Inside method arguments the same levels are called ``…_argument_expression``."""
    return node.type.replace("_argument_expression", "_expression")


class ExpressionReader(ABC):
    """Lowers the expressions of one file.

    Args:
        tree: The parsed file.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @abstractmethod
    def statements(self, node: Node | None) -> tuple[nodes.Statement, ...]:
        """Lowers a ``statement_list``; ``None`` is an empty one."""

    @abstractmethod
    def statement(self, node: Node) -> nodes.Statement: ...

    @abstractmethod
    def block(self, node: Node) -> nodes.Block:
        """Lowers what stands between the braces of a ``script_block_expression``."""

    @abstractmethod
    def pipeline(self, node: Node) -> nodes.Pipeline: ...

    # --- entry -----------------------------------------------------------------------------------

    def expression(self, node: Node) -> nodes.Expression:
        node = self.unwrap(node)
        name = _ladder_name(node)
        if name in _BINARY:
            return self._binary(node)
        reader = _READERS.get(name)
        if reader is None:
            raise self.tree.refuse(node, f"`{self._shown(node)}` ({node.type.replace('_', ' ')})")
        return reader(self, node)

    def unwrap(self, node: Node) -> Node:
        """Descends through levels that only pass their one child on."""
        while _ladder_name(node) in _LADDER or node.type in {
            "argument_expression",
            "pipeline_chain",
        }:
            below = children(node)
            if len(below) != 1:
                break
            node = below[0]
        return node

    def _shown(self, node: Node) -> str:
        lines = self.tree.text(node).strip().splitlines()
        return f"{lines[0][:60]}…" if len(lines) > 1 or len(lines[0]) > 60 else lines[0]

    def _adjacent(self, left: Node, right: Node) -> None:
        """Refuses blanks where PowerShell would end the expression and the grammar does not."""
        if self.tree.between(left, right):
            raise self.tree.refuse(right, f"a blank or comment before `{self._shown(right)}`")

    # --- operators -------------------------------------------------------------------------------

    def _binary(self, node: Node) -> nodes.Expression:
        left, operator_node, right = children(node)
        operator = self.tree.text(operator_node).lower()
        at = self.tree.position(operator_node)
        if "\n" in self.tree.between(left, operator_node).replace("`\r\n", "").replace("`\n", ""):
            raise self.tree.refuse(operator_node, f"`{operator}` at the beginning of a line")
        if operator in {"-is", "-isnot"}:
            right = self.unwrap(right)
            if right.type != "type_literal":
                raise self.tree.refuse(right, f"`{operator}` without a type literal")
            return nodes.TypeTest(
                at, operator, self.expression(left), self.type_name(right, dialect.TEST_TYPES)
            )
        if operator not in _OPERATORS:
            raise self.tree.refuse(operator_node, f"the operator `{operator}`")
        return nodes.Binary(at, operator, self.expression(left), self.expression(right))

    def _unary(self, node: Node) -> nodes.Expression:
        operator_node, operand = children(node)
        operator = self.tree.text(operator_node).lower()
        at = self.tree.position(node)
        if operator == ",":
            return nodes.ArrayLiteral(at, (self.expression(operand),))
        operator = "-not" if operator == "!" else operator
        if operator not in {"-not", "-", "-join"}:
            raise self.tree.refuse(node, f"the unary operator `{operator}`")
        return nodes.Unary(at, operator, self.expression(operand))

    def _array_literal(self, node: Node) -> nodes.Expression:
        items = [child for child in children(node) if child.type != ","]
        return nodes.ArrayLiteral(
            self.tree.position(node), tuple(self.expression(item) for item in items)
        )

    def _cast(self, node: Node) -> nodes.Expression:
        type_node, operand = children(node)
        at = self.tree.position(node)
        if "\n" in self.tree.between(type_node, operand):
            raise self.tree.refuse(operand, "a line break after a cast")
        literal = self.unwrap(operand)
        if self._type_text(type_node) == "ordered":
            if literal.type != "hash_literal_expression":
                raise self.tree.refuse(node, "[ordered] before anything but @{ }")
            return self._hash(literal, "ordered")
        type_name = self.type_name(type_node, dialect.CAST_TYPES)
        if type_name.name == "pscustomobject" and literal.type == "hash_literal_expression":
            return self._hash(literal, "pscustomobject")
        return nodes.Cast(at, type_name, self.expression(operand))

    # --- types -----------------------------------------------------------------------------------

    def _type_text(self, node: Node) -> str:
        return re.sub(r"\s", "", self.tree.text(node))[1:-1].lower()

    def type_name(self, node: Node, allowed: frozenset[str]) -> nodes.TypeName:
        """Lowers a ``type_literal`` that is on the list for its place."""
        name = dialect.TYPES.get(self._type_text(node))
        if name is None or name not in allowed:
            raise self.tree.refuse(node, f"the type {self.tree.text(node)} here")
        return nodes.TypeName(name)

    # --- literals --------------------------------------------------------------------------------

    def _integer(self, node: Node) -> nodes.Expression:
        text = self.tree.text(node)
        if not _INTEGER.fullmatch(text) or int(text) > _LARGEST_INT:
            raise self.tree.refuse(node, f"the number {text}: plain [int] only")
        return nodes.Constant(self.tree.position(node), int(text))

    def _real(self, node: Node) -> nodes.Expression:
        text = self.tree.text(node)
        if not _REAL.fullmatch(text):
            raise self.tree.refuse(node, f"the number {text}: digits, a point, digits only")
        return nodes.Constant(self.tree.position(node), float(text))

    def _string(self, node: Node) -> nodes.Expression:
        (content,) = children(node)
        at = self.tree.position(node)
        text = self.tree.text(content)
        if content.type == "verbatim_string_characters":
            return nodes.Constant(at, text[1:-1].replace("''", "'"))
        if content.type == "verbatim_here_string_characters":
            return nodes.Constant(at, _here_string_body(text))
        return self._expandable(content, here=content.type == "expandable_here_string_literal")

    def _expandable(self, node: Node, *, here: bool) -> nodes.Expression:
        """Rebuilds the text between the expressions, for which the grammar has no nodes."""
        content = self.tree.source.content
        start, end = node.start_byte + 1, node.end_byte - 1
        if here:
            start = content.index(b"\n", node.start_byte) + 1
            end = content.rindex(b"\n", node.start_byte, node.end_byte)
            end -= content[end - 1 : end] == b"\r"
        parts: list[str | nodes.Expression] = []

        def literal(first: int, last: int) -> None:
            if first < last:
                parts.append(self._unescape(node, content[first:last].decode("utf-8"), here=here))

        position = start
        for child in node.children:
            if child.type not in {"variable", "sub_expression"}:
                continue
            literal(position, child.start_byte)
            position = child.end_byte
            if child.type == "variable":
                following = content[position:end].decode("utf-8")[:1]
                braced = self.tree.text(child).startswith("${")
                if not braced and (following in {"?", ":"} or not following.isascii()):
                    raise self.tree.refuse(
                        child,
                        f"`{self.tree.text(child)}{following}` in a string: "
                        "PowerShell reads on; write ${name}",
                    )
            parts.append(self.expression(child))
        literal(position, max(position, end))
        at = self.tree.position(node)
        if all(isinstance(part, str) for part in parts):
            return nodes.Constant(at, "".join(str(part) for part in parts))
        return nodes.ExpandableString(at, tuple(parts))

    def _unescape(self, node: Node, text: str, *, here: bool) -> str:
        result: list[str] = []
        index = 0
        while index < len(text):
            character = text[index]
            if character == "`":
                index += 1
                escaped = text[index : index + 1]
                if escaped in {"u", "", "\n", "\r"}:
                    raise self.tree.refuse(node, f"the escape {'`' + escaped!r} in a string")
                result.append(_ESCAPES.get(escaped, escaped))
            elif character == '"' and not here:
                index += 1
                result.append('"')
            elif character == "$" and text[index + 1 : index + 2] in {"$", "^", "?"}:
                raise self.tree.refuse(node, f"`{text[index : index + 2]}` in a string")
            else:
                result.append(character)
            index += 1
        return "".join(result)

    def _hash(self, node: Node, kind: str = "hashtable") -> nodes.Expression:
        entries: list[tuple[nodes.Expression, nodes.Statement]] = []
        constant_keys: set[str] = set()
        body = [child for child in children(node) if child.type == "hash_literal_body"]
        previous: Node | None = None
        for entry in (child for part in body for child in children(part)):
            if entry.type == ";":
                continue
            if previous is not None and not re.search(
                r"[\n;]", self.tree.text(previous)[-1:] + self.tree.between(previous, entry)
            ):
                raise self.tree.refuse(entry, "two entries of @{ } without `;` or a new line")
            previous = entry
            key_node, _, value_node = [child for child in children(entry) if child.type != ";"]
            key = self._hash_key(key_node)
            if isinstance(key, nodes.Constant):
                folded = str(key.value).lower()
                if folded in constant_keys:
                    raise self.tree.refuse(key_node, f"the duplicate key {key.value!r} in @{{ }}")
                constant_keys.add(folded)
            entries.append((key, self.statement(value_node)))
        return nodes.HashLiteral(self.tree.position(node), tuple(entries), kind)

    def _hash_key(self, node: Node) -> nodes.Expression:
        (key,) = children(node)
        if key.type == "simple_name":
            return nodes.Constant(self.tree.position(key), self.tree.text(key))
        inner = self.unwrap(key)
        if inner.type not in {"string_literal", "variable", "parenthesized_expression"}:
            raise self.tree.refuse(key, f"`{self._shown(key)}` as a key of @{{ }}")
        return self.expression(inner)

    def _script_block(self, node: Node) -> nodes.Expression:
        return nodes.ScriptBlockLiteral(self.tree.position(node), self.block(node))

    # --- variables -------------------------------------------------------------------------------

    def variable(self, node: Node) -> nodes.Variable:
        """A variable that may be read."""
        text = self.tree.text(node)
        if not text.startswith("$"):
            raise self.tree.refuse(node, f"`{text}` outside a command's arguments")
        name = text[2:-1] if text.startswith("${") else text[1:]
        scope, separator, rest = name.partition(":")
        if separator:
            name = rest
            scope = scope.lower()
            if scope not in {"env", "script"}:
                raise self.tree.refuse(node, f"`{text}`: only $env: and $script:")
        else:
            scope = ""
        lowered = name.lower()
        if not _NAME.fullmatch(name):
            raise self.tree.refuse(node, f"the variable `{text}`")
        unreadable = dialect.AUTOMATIC_VARIABLES - dialect.READABLE_AUTOMATIC_VARIABLES
        if scope != "env" and lowered in unreadable:
            raise self.tree.refuse(node, f"the automatic variable `{text}`")
        return nodes.Variable(self.tree.position(node), name, scope)

    def _read_variable(self, node: Node) -> nodes.Expression:
        variable = self.variable(node)
        constants = {
            "true": True,
            "false": False,
            "null": None,
            "psscriptroot": str(self.tree.source.path.parent),
        }
        if not variable.scope and variable.name.lower() in constants:
            return nodes.Constant(variable.at, constants[variable.name.lower()])
        return variable

    # --- members ---------------------------------------------------------------------------------

    def _member(self, node: Node) -> nodes.Expression:
        target, operator, name = children(node)
        if operator.type != "." or self.unwrap(target).type == "type_literal":
            raise self.tree.refuse(node, f"`{self._shown(node)}`: a static member")
        self._adjacent(target, operator)
        self._adjacent(operator, name)
        return nodes.Member(
            self.tree.position(name), self.expression(target), self._member_name(name)
        )

    def _member_name(self, node: Node) -> nodes.Expression:
        (name,) = children(node)
        if name.type == "simple_name":
            text = self.tree.text(name)
            if text.lower() in dialect.HIDDEN_MEMBERS:
                raise self.tree.refuse(name, f"the member .{text}")
            return nodes.Constant(self.tree.position(name), text)
        if name.type not in {"variable", "string_literal"}:
            raise self.tree.refuse(name, f"`{self._shown(name)}` as a member's name")
        return self.expression(name)

    def _invocation(self, node: Node) -> nodes.Expression:
        target, operator, name_node, argument_list = children(node)
        for left, right in ((target, operator), (operator, name_node), (name_node, argument_list)):
            self._adjacent(left, right)
        (name_part,) = children(name_node)
        if name_part.type != "simple_name":
            raise self.tree.refuse(name_node, f"`{self._shown(node)}`: a method by a computed name")
        name = self.tree.text(name_part)
        at = self.tree.position(name_node)
        arguments = tuple(
            self.expression(child)
            for part in children(argument_list)
            if part.type == "argument_expression_list"
            for child in children(part)
            if child.type != ","
        )
        target = self.unwrap(target)
        if operator.type == "::":
            if target.type != "type_literal":
                raise self.tree.refuse(node, f"`{self._shown(node)}`: `::` after no type literal")
            return self._static_call(node, target, name, arguments)
        if self.tree.text(target).lower() in {"[console]::error", "[system.console]::error"}:
            if name.lower() != "writeline" or len(arguments) != 1:
                raise self.tree.refuse(node, "[Console]::Error other than .WriteLine(text)")
            return nodes.ErrorLine(at, arguments[0])
        counts = dialect.METHODS.get(name.lower())
        if counts is None or len(arguments) not in counts:
            raise self.tree.refuse(
                name_node, f"the method .{name}() with {len(arguments)} argument(s)"
            )
        return nodes.MethodCall(at, self.expression(target), name, arguments)

    def _static_call(
        self, node: Node, type_node: Node, name: str, arguments: tuple[nodes.Expression, ...]
    ) -> nodes.Expression:
        type_text = self._type_text(type_node)
        if dialect.STATIC_METHODS.get((type_text, name.lower())) != len(arguments):
            raise self.tree.refuse(
                node, f"{self.tree.text(type_node)}::{name}() with {len(arguments)} argument(s)"
            )
        return nodes.StaticCall(
            self.tree.position(node), nodes.TypeName(type_text), name.lower(), arguments
        )

    def _element(self, node: Node) -> nodes.Expression:
        target, bracket, *index, _ = children(node)
        self._adjacent(target, bracket)
        return nodes.Index(
            self.tree.position(bracket), self.expression(target), self.expression(index[0])
        )

    # --- grouping --------------------------------------------------------------------------------

    def _parenthesized(self, node: Node) -> nodes.Expression:
        _, inner, _ = children(node)
        return nodes.Parenthesized(self.tree.position(node), self.pipeline(inner))

    def _array_expression(self, node: Node) -> nodes.Expression:
        return nodes.ArrayExpression(
            self.tree.position(node), self.statements(_statement_list(node))
        )

    def _sub_expression(self, node: Node) -> nodes.Expression:
        return nodes.SubExpression(self.tree.position(node), self.statements(_statement_list(node)))


def _statement_list(node: Node) -> Node | None:
    return next((child for child in children(node) if child.type == "statement_list"), None)


def _here_string_body(text: str) -> str:
    body = text[text.index("\n") + 1 : text.rindex("\n")]
    return body.removesuffix("\r")


_READERS = {
    "array_literal_expression": ExpressionReader._array_literal,
    "expression_with_unary_operator": ExpressionReader._unary,
    "cast_expression": ExpressionReader._cast,
    "integer_literal": ExpressionReader._integer,
    "real_literal": ExpressionReader._real,
    "string_literal": ExpressionReader._string,
    "hash_literal_expression": ExpressionReader._hash,
    "script_block_expression": ExpressionReader._script_block,
    "variable": ExpressionReader._read_variable,
    "member_access": ExpressionReader._member,
    "invokation_expression": ExpressionReader._invocation,
    "element_access": ExpressionReader._element,
    "parenthesized_expression": ExpressionReader._parenthesized,
    "array_expression": ExpressionReader._array_expression,
    "sub_expression": ExpressionReader._sub_expression,
}
