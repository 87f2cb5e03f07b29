"""Scopes and session states.

A function or block gets a scope whose parent is the current scope of *its own* session state:
within a script, or within a module, variables of the caller are seen; across them they are not.
``pwsh -File`` runs a script in the global scope, so modules see what stands at its top level.
Facts: about_Scopes; PowerShell/PowerShell#3431, #4568.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.powershell.interface import Module
from simulator.powershell.syntax.nodes import Block

Constraint = Callable[[object], object]


@dataclass
class Cell:
    """A variable's value, and what every value assigned to it goes through."""

    value: object
    constraint: Constraint | None = None


@dataclass(frozen=True)
class Function:
    name: str
    body: Block
    session: SessionState


@dataclass
class Scope:
    """Names are lower case."""

    parent: Scope | None = None
    variables: dict[str, Cell] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    strict: bool = False

    def chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class SessionState:
    """The script's, or a module's, own world.

    Args:
        top: The global scope for the script, a scope below it for a module.
    """

    def __init__(self, top: Scope) -> None:
        self.top = top
        self.current = top
        self.exports: list[str] | None = None

    def find_variable(self, name: str) -> Cell | None:
        for scope in self.current.chain():
            if name in scope.variables:
                return scope.variables[name]
        return None

    def find_function(self, name: str) -> Function | None:
        for scope in self.current.chain():
            if name in scope.functions:
                return scope.functions[name]
        return None

    @property
    def is_module(self) -> bool:
        return self.top.parent is not None

    @property
    def strict(self) -> bool:
        """Whether ``Set-StrictMode`` is in force here; that of the script is not in a module."""
        for scope in self.current.chain():
            if scope.strict or scope is self.top:
                return scope.strict
        return False
