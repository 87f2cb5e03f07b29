"""The closed dialect as data: what is not here cannot be run."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.powershell.syntax.source import Position

# --- types ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TypeName:
    """A type literal of the dialect, by the one name the runner knows it by."""

    name: str


# --- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    at: Position
    value: object


@dataclass(frozen=True)
class ExpandableString:
    """``"…"``: literal text and expressions in turn."""

    at: Position
    parts: tuple[str | Expression, ...]


@dataclass(frozen=True)
class Variable:
    """``scope`` is empty, ``script`` or ``env``."""

    at: Position
    name: str
    scope: str = ""


@dataclass(frozen=True)
class ArrayLiteral:
    """``a, b``; with one item the unary comma."""

    at: Position
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class ArrayExpression:
    """``@( … )``."""

    at: Position
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class SubExpression:
    """``$( … )``."""

    at: Position
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Parenthesized:
    at: Position
    pipeline: Pipeline


@dataclass(frozen=True)
class HashLiteral:
    """``@{ … }``, with its kind: ``hashtable``, ``ordered`` or ``pscustomobject``."""

    at: Position
    entries: tuple[tuple[Expression, Statement], ...]
    kind: str = "hashtable"


@dataclass(frozen=True)
class ScriptBlockLiteral:
    at: Position
    body: Block


@dataclass(frozen=True)
class Member:
    """``$x.Name`` or ``$x.$name``."""

    at: Position
    target: Expression
    name: Expression


@dataclass(frozen=True)
class MethodCall:
    at: Position
    target: Expression
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class StaticCall:
    """``[type]::Name(…)``."""

    at: Position
    type_name: TypeName
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class ErrorLine:
    """``[Console]::Error.WriteLine(…)``."""

    at: Position
    text: Expression


@dataclass(frozen=True)
class Index:
    at: Position
    target: Expression
    index: Expression


@dataclass(frozen=True)
class Cast:
    at: Position
    type_name: TypeName
    operand: Expression


@dataclass(frozen=True)
class Unary:
    """``-not``, ``-`` or ``-join``."""

    at: Position
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    at: Position
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class TypeTest:
    """``-is`` or ``-isnot``."""

    at: Position
    operator: str
    left: Expression
    type_name: TypeName


Expression = (
    Constant
    | ExpandableString
    | Variable
    | ArrayLiteral
    | ArrayExpression
    | SubExpression
    | Parenthesized
    | HashLiteral
    | ScriptBlockLiteral
    | Member
    | MethodCall
    | StaticCall
    | ErrorLine
    | Index
    | Cast
    | Unary
    | Binary
    | TypeTest
)

# --- commands ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterToken:
    """``-Name`` or ``-Name:value``; whether the next token is its value, the binder knows."""

    at: Position
    name: str
    value: Expression | None = None


@dataclass(frozen=True)
class ValueToken:
    at: Position
    value: Expression


@dataclass(frozen=True)
class SplatToken:
    at: Position
    variable: Variable


CommandToken = ParameterToken | ValueToken | SplatToken


@dataclass(frozen=True)
class CommandCall:
    """``target`` is a command's name, or the expression after ``&``."""

    at: Position
    target: str | Expression
    tokens: tuple[CommandToken, ...]


# --- statements ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pipeline:
    """An expression or command, and the commands that it is piped to."""

    at: Position
    first: Expression | CommandCall
    rest: tuple[CommandCall, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """``=``, ``+=`` or ``++`` (which adds 1).

    ``type_name`` where the variable is constrained: ``[int] $x = 1``.
    """

    at: Position
    target: Variable | Member | Index
    operator: str
    value: Statement
    type_name: TypeName | None = None


@dataclass(frozen=True)
class PinCulture:
    """``[cultureinfo]::CurrentCulture = [cultureinfo]::InvariantCulture``."""

    at: Position


@dataclass(frozen=True)
class If:
    at: Position
    clauses: tuple[tuple[Pipeline, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...] | None


@dataclass(frozen=True)
class ForEach:
    at: Position
    variable: Variable
    source: Pipeline
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class While:
    at: Position
    condition: Pipeline
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Catch:
    """``types`` is empty for a ``catch`` of everything."""

    at: Position
    types: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Try:
    at: Position
    body: tuple[Statement, ...]
    catches: tuple[Catch, ...]
    finally_body: tuple[Statement, ...] | None


@dataclass(frozen=True)
class Flow:
    """``return``, ``throw``, ``exit``, ``break`` or ``continue``."""

    at: Position
    keyword: str
    value: Pipeline | None


@dataclass(frozen=True)
class FunctionDefinition:
    at: Position
    name: str
    body: Block


Statement = (
    Pipeline | Assignment | PinCulture | If | ForEach | While | Try | Flow | FunctionDefinition
)

# --- blocks --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterDeclaration:
    """One parameter of a function, script or block.

    Attributes:
        type_name: ``object`` where none is written.
        valid_values: Of ``[ValidateSet()]``; empty without one.
    """

    at: Position
    name: str
    type_name: TypeName
    default: Expression | None = None
    mandatory: bool = False
    valid_values: tuple[str, ...] = ()
    validate_not_null_or_empty: bool = False
    allow_null: bool = False
    allow_empty_string: bool = False
    allow_empty_collection: bool = False


@dataclass(frozen=True)
class Block:
    """The body of a script, function or script block.

    Attributes:
        advanced: It has ``[CmdletBinding()]`` or a ``[Parameter()]``: common parameters, and no
            ``$args``.
    """

    at: Position
    parameters: tuple[ParameterDeclaration, ...] = ()
    statements: tuple[Statement, ...] = ()
    advanced: bool = False
