"""From what is written after a command's name to evaluated arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.powershell.binding import (
    Signature,
    WrittenArguments,
    missing_argument,
    unknown_parameter,
)
from simulator.powershell.conversions import to_string
from simulator.powershell.errors import UnsupportedConstruct
from simulator.powershell.syntax import nodes
from simulator.powershell.values import Hashtable, is_null


def written_arguments(
    call: nodes.CommandCall,
    signature: Signature | None,
    evaluate: Callable[[nodes.Expression], object],
) -> WrittenArguments:
    """Evaluates a command's arguments in the order of the script.

    Args:
        call: The command.
        signature: Its parameters; ``None`` for a module's command, which binds itself.
        evaluate: Evaluates an expression.

    Raises:
        ScriptError: A name that no parameter has, or a parameter without its value.
        UnsupportedConstruct: A parameter given twice, or a splat of anything but a hashtable.
    """
    named: dict[str, object] = {}
    splatted: dict[str, object] = {}
    positional: list[object] = []
    alone: set[str] = set()

    def add(name: str, value: object, given: dict[str, object] = named) -> None:
        if _is_among(name, given):
            raise UnsupportedConstruct(f"the parameter -{name} given twice")
        given[name] = _value(value)

    tokens = list(call.tokens)
    while tokens:
        token = tokens.pop(0)
        if isinstance(token, nodes.SplatToken):
            table = evaluate(token.variable)
            if not isinstance(table, Hashtable):
                raise UnsupportedConstruct(f"@{token.variable.name}: not a hashtable")
            for key, value in table.items():
                add(to_string(key), value, splatted)
        elif isinstance(token, nodes.ValueToken):
            positional.append(_value(evaluate(token.value)))
        elif token.value is not None:
            add(token.name, evaluate(token.value))
        else:
            following = _value_after(token, tokens, signature)
            if following is None:
                add(token.name, True)
                alone.add(token.name)
            else:
                tokens.pop(0)
                add(token.name, evaluate(following.value))
    # What is written goes before what is splatted, wherever it stands.
    named |= {name: value for name, value in splatted.items() if not _is_among(name, named)}
    return WrittenArguments(named, positional, frozenset(alone))


def _is_among(name: str, given: Iterable[str]) -> bool:
    return name.lower() in {other.lower() for other in given}


def _value(value: object) -> object:
    """The output of an empty pipeline is ``$null`` as an argument."""
    return None if is_null(value) else value


def _value_after(
    token: nodes.ParameterToken,
    following: list[nodes.CommandToken],
    signature: Signature | None,
) -> nodes.ValueToken | None:
    """The value of ``-Name``; ``None`` for a switch, and where none follows a module's one."""
    value = following[0] if following else None
    if signature is None:
        return value if isinstance(value, nodes.ValueToken) else None
    parameter = signature.find(token.name)
    if parameter is None:
        raise unknown_parameter(signature, token.name)
    if parameter.is_switch:
        return None
    if not isinstance(value, nodes.ValueToken):
        raise missing_argument(signature, parameter)
    return value
