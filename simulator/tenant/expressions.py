"""Expressions of workflows, as far as what we deploy uses them.

Texts, escapes and syntax: https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language#expressions.
Functions: https://learn.microsoft.com/azure/logic-apps/expression-functions-reference. A function
that the service has and this has not, and whatever Microsoft does not explain, is refused as not
simulated when it is evaluated; what is no expression cannot be saved.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from simulator.tenant.answers import NotSimulated
from simulator.tenant.store import Document

LONGEST_EXPRESSION = 8192
# Numbers of which .NET and Python may write the digits differently are not written at all.
_PLAIN_NUMBERS = (1e-4, 1e15)
_DIGITS = 15


class SyntaxFault(Exception):  # noqa: N818 - what the service says when a workflow is saved
    """A text that is no expression."""


class EvaluationError(Exception):
    """An expression that fails in a run; the text is what the action's error says."""


@dataclass(frozen=True)
class Scope:
    """What an expression can read.

    Attributes:
        trigger: Name of the trigger that fired.
        body: What was posted to it; ``None`` for nothing.
        headers: The headers that its outputs show.
        outputs: The outputs of the actions that have run, by name.
    """

    trigger: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    outputs: Document = field(default_factory=dict)


Node = tuple[Any, ...]
"""``("value", v)``, ``("call", name, arguments)`` or ``("member", of, name, optional)``."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z]\w*)"
    r"|(?P<sign>\?\[|\?\.|[()\[\],.]))",
    re.ASCII,
)
_CONSTANTS = {"true": True, "false": False, "null": None}


class _Parser:
    def __init__(self, text: str, start: int = 0) -> None:
        self._text = text
        self.position = start

    def whole(self) -> Node:
        node = self.expression()
        if self._text[self.position :].strip():
            raise SyntaxFault(f"'{self._text[self.position :].strip()[0]}' was not expected")
        return node

    def expression(self) -> Node:
        kind, token = self._next()
        node: Node
        if kind == "text":
            node = ("value", token[1:-1].replace("''", "'"))
        elif kind == "number":
            node = ("value", float(token) if "." in token else int(token))
        elif kind == "name" and self._peek() == "(":
            self._next()
            node = ("call", token, self._arguments())
        elif kind == "name" and token.casefold() in _CONSTANTS:
            node = ("value", _CONSTANTS[token.casefold()])
        else:
            raise SyntaxFault(f"'{token}' was not expected")
        while (sign := self._peek()) in ("[", "?[", ".", "?."):
            self._next()
            if sign.endswith("["):
                member = self.expression()
                self._expect("]")
            else:
                _, name = self._next("name")
                member = ("value", name)
            node = ("member", node, member, sign.startswith("?"))
        return node

    def _arguments(self) -> list[Node]:
        arguments: list[Node] = []
        if self._peek() == ")":
            self._next()
            return arguments
        while True:
            arguments.append(self.expression())
            _, sign = self._next("sign")
            if sign == ")":
                return arguments
            if sign != ",":
                raise SyntaxFault(f"'{sign}' was not expected")

    def _peek(self) -> str:
        match = _TOKEN.match(self._text, self.position)
        return match[0].strip() if match else ""

    def _expect(self, sign: str) -> None:
        if self._next()[1] != sign:
            raise SyntaxFault(f"'{sign}' was expected")

    def _next(self, kind: str | None = None) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self.position)
        if match is None or (kind is not None and match.lastgroup != kind):
            raise SyntaxFault(f"it breaks off at position {self.position}")
        self.position = match.end()
        return str(match.lastgroup), match[0].strip()


def pieces_of(text: str) -> list[str | Node]:
    """Texts and expressions that a text of a definition consists of.

    One that begins with ``@`` is an expression; ``@{…}`` is one within a text; ``@@`` at the
    beginning is ``@``, and ``@@{`` is ``@{``. What more than one escape in a row, or an escape
    beside an expression, or both kinds of escape would mean is not documented.

    Raises:
        NotSimulated: Its meaning is not documented.
        SyntaxFault: It is no expression.
    """
    runs = list(re.finditer(r"^@+|@+(?=\{)", text))
    if not runs:
        return [text]
    if text.startswith("@") and not text.startswith(("@@", "@{")):
        if "@{" in text:
            raise NotSimulated(f"Microsoft does not say what this text means: {text}")
        _check_length(text)
        return [_Parser(text, 1).whole()]
    kinds = {run[0] for run in runs}
    if kinds not in ({"@"}, {"@@"}) or (text.startswith("@@") and len(runs) > 1):
        raise NotSimulated(f"Microsoft does not say what this text means: {text}")
    _check_length(text)
    if kinds == {"@@"}:
        return [re.sub(r"^@@|@@(?=\{)", "@", text)]
    pieces: list[str | Node] = []
    end = 0
    while (start := text.find("@{", end)) >= 0:
        pieces.append(text[end:start])
        parser = _Parser(text, start + 2)
        pieces.append(parser.expression())
        rest = text[parser.position :].lstrip()
        if not rest.startswith("}"):
            raise SyntaxFault("'}' was expected")
        end = len(text) - len(rest) + 1
    return [*pieces, text[end:]]


def _check_length(text: str) -> None:
    # The expression language's limit. Whether escaped text counts is not said: it does here.
    if len(text) > LONGEST_EXPRESSION:
        raise NotSimulated(f"An expression of more than {LONGEST_EXPRESSION} characters.")


def texts_of(value: Any) -> Iterator[str]:
    """Every text within a value.

    Names too: ``@odata.type`` is written ``@@odata.type``, as public workflows have it.
    """
    if isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from texts_of(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from texts_of(entry)
    elif isinstance(value, str):
        yield value


def calls_in(value: Any) -> Iterator[tuple[str, list[Node]]]:
    """Every call of a function in the expressions of a value: its name and its arguments.

    Raises:
        NotSimulated: The meaning of a text is not documented.
        SyntaxFault: One is no expression.
    """
    waiting = [
        piece for text in texts_of(value) for piece in pieces_of(text) if not isinstance(piece, str)
    ]
    while waiting:
        node = waiting.pop()
        if node[0] == "call":
            yield node[1], node[2]
            waiting += node[2]
        elif node[0] == "member":
            waiting += node[1:3]


def references_of(value: Any) -> set[str]:
    """The names of the actions that the expressions of a value read.

    Raises:
        NotSimulated: The meaning of a text is not documented.
        SyntaxFault: One is no expression.
    """
    return {
        str(arguments[0][1])
        for name, arguments in calls_in(value)
        if name.casefold() in ("actions", "body", "outputs") and arguments[0][0] == "value"
    }


def beyond(value: Any) -> Iterator[str]:
    """Names what the expressions of a value have that is not simulated.

    Raises:
        SyntaxFault: One is no expression.
    """
    try:
        for name, _ in calls_in(value):
            if name.casefold() not in (*_FUNCTIONS, *_OF_A_RUN):
                yield f"the function {name}()"
    except NotSimulated as limit:
        yield f"a text of open meaning ({limit})"


def evaluated(value: Any, scope: Scope) -> Any:
    """A value of a definition with its escapes undone and its expressions evaluated.

    Raises:
        NotSimulated: It is beyond what is simulated.
        EvaluationError: An expression fails.
    """
    if isinstance(value, dict):
        return {evaluated(name, scope): evaluated(entry, scope) for name, entry in value.items()}
    if isinstance(value, list):
        return [evaluated(entry, scope) for entry in value]
    if not isinstance(value, str):
        return value
    pieces = pieces_of(value)
    if len(pieces) == 1:
        [piece] = pieces
        return piece if isinstance(piece, str) else _evaluate(piece, scope)
    return "".join(
        piece if isinstance(piece, str) else _as_text(_evaluate(piece, scope)) for piece in pieces
    )


def _evaluate(node: Node, scope: Scope) -> Any:
    if node[0] == "value":
        return node[1]
    if node[0] == "member":
        return _member(_evaluate(node[1], scope), _evaluate(node[2], scope), optional=node[3])
    _, name, arguments = node
    known = name.casefold()
    values = [_evaluate(argument, scope) for argument in arguments]
    match known, values:
        case "trigger", []:
            # No reference of the language says that the name is there; public workflows read it so.
            return {"name": scope.trigger}
        case "triggerbody", []:
            return scope.body
        case "triggeroutputs", []:
            return {"headers": dict(scope.headers), "body": scope.body}
        case "outputs", [str(action)]:
            return scope.outputs.get(action)
        case "if", [condition, then, otherwise]:
            # Both have been evaluated, as reports have it of the service.
            return then if _boolean(condition) else otherwise
    function = _FUNCTIONS.get(known)
    if function is None:
        raise NotSimulated(f"The simulated tenant does not evaluate {name}().")
    try:
        return function(*values)
    except (TypeError, IndexError):
        raise EvaluationError(
            f"the template language function '{name}' was called with values that it does not take"
        ) from None


def _member(of: Any, name: Any, *, optional: bool) -> Any:
    if isinstance(of, dict) and isinstance(name, str) and name in of:
        return of[name]
    if isinstance(of, list) and isinstance(name, int) and 0 <= name < len(of):
        return of[name]
    if optional and (of is None or isinstance(of, dict)):
        return None
    raise EvaluationError(f"the template language expression has no property '{name}' to select")


def _as_text(value: Any) -> str:
    """A value as ``string`` and a text around it write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**_DIGITS:
        return str(value)
    if isinstance(value, float):
        least, most = _PLAIN_NUMBERS
        if math.isfinite(value) and (value == 0 or least <= abs(value) < most):
            text = repr(value)
            if len(text.strip("-0").replace(".", "")) <= _DIGITS and not text.endswith(".0"):
                return text
    if isinstance(value, str):
        return value
    raise NotSimulated(f"How the service writes {value!r} as a text is not known.")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError("a Boolean was expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise EvaluationError("a text was expected")
    return value


def _whole_number(value: Any) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", _text(value)):
        raise EvaluationError(f"the value '{value}' cannot be converted to an integer")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError("a number was expected")
    return value


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _create_array(*values: Any) -> list[Any]:
    if not values:
        raise EvaluationError("the template function 'createArray' expects at least one parameter")
    return list(values)


def _contains(collection: Any, value: Any) -> bool:
    if isinstance(collection, str):
        return _text(value) in collection
    if isinstance(collection, dict):
        return value in collection
    return any(_equals(entry, value) for entry in list(collection))


def _equals(first: Any, second: Any) -> bool:
    return type(first) is type(second) and bool(first == second)


def _length(value: Any) -> int:
    if not isinstance(value, str | list):
        raise TypeError
    return len(value)


_OF_A_RUN = ("if", "outputs", "trigger", "triggerbody", "triggeroutputs")
# startsWith compares without case, as its page has it; equals and contains with it.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *values: all(_boolean(value) for value in values),
    "coalesce": _coalesce,
    "concat": lambda *values: "".join(_as_text(value) for value in values),
    "contains": _contains,
    "createarray": _create_array,
    "decodeuricomponent": lambda value: unquote(_text(value), errors="strict"),
    "equals": _equals,
    "int": _whole_number,
    # Spaces and signs that .NET may take are refused: what is no plain number is none.
    "isint": lambda value: re.fullmatch(r"-?[0-9]{1,10}", _text(value)) is not None,
    "last": lambda value: value[-1] if isinstance(value, str | list) else None,
    "length": _length,
    "max": lambda *values: max(_number(value) for value in values),
    "min": lambda *values: min(_number(value) for value in values),
    "not": lambda value: not _boolean(value),
    "or": lambda *values: any(_boolean(value) for value in values),
    "replace": lambda value, old, new: _text(value).replace(_text(old), _text(new)),
    "split": lambda value, separator: _text(value).split(_text(separator)),
    "startswith": lambda value, start: _text(value).casefold().startswith(_text(start).casefold()),
    "string": _as_text,
    "tolower": lambda value: _text(value).lower(),
    # What else .NET's EscapeDataString leaves as it is depends on its version: nothing, here.
    "uricomponent": lambda value: quote(_text(value), safe=""),
}
