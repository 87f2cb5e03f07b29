"""What the PowerShell runner and the modules that it can import agree on.

The runner interprets scripts; it knows nothing of Exchange. A module (the simulated
``ExchangeOnlineManagement``) offers commands; it knows nothing of scripts. Both depend on this
file and on nothing of each other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class PSObject:
    """An object with named properties: order kept, names found without regard to case.

    Property values are ``None``, ``str``, ``int``, ``float``, ``bool``, ``list`` of such, or
    another ``PSObject``.
    """

    def __init__(self, type_name: str, properties: Mapping[str, object]) -> None:
        self.type_name = type_name
        self.properties: dict[str, object] = dict(properties)

    def key(self, name: str) -> str | None:
        """The property's name as it was first spelled, or ``None`` where there is none."""
        folded = name.casefold()
        return next((key for key in self.properties if key.casefold() == folded), None)

    def __repr__(self) -> str:
        return f"PSObject({self.type_name}, {self.properties})"


class SecureString:
    """What ``ConvertTo-SecureString`` makes; it shows its text nowhere by itself."""

    def __init__(self, plain_text: str) -> None:
        self.plain_text = plain_text

    def __repr__(self) -> str:
        return "SecureString(…)"


@dataclass(frozen=True)
class Arguments:
    """What a script wrote after a command's name, before it is bound to parameters.

    Common parameters (``-ErrorAction``) are the runner's and never arrive here. A switch that
    stands alone arrives as ``True``; ``-Confirm:$false`` as ``False``. Splatted hashtables are
    already spread into ``named``. Names keep the script's spelling. Values are ``None``, ``str``,
    ``int``, ``float``, ``bool``, ``list`` of such, ``dict`` (a hashtable), ``PSObject`` or
    ``SecureString``.

    Attributes:
        without_value: Names from ``named`` that stood alone. Where such a parameter is no switch,
            PowerShell reports a missing argument; its ``True`` must not be bound as a value.
    """

    named: Mapping[str, object] = field(default_factory=dict)
    positional: Sequence[object] = ()
    without_value: frozenset[str] = frozenset()


class CommandError(Exception):
    """A command failed as PowerShell commands do: scripts can catch it, by type or by message.

    Args:
        message: What ``$_.Exception.Message`` shows.
        exception_type: The .NET type's full name.
        error_id: What ``$_.FullyQualifiedErrorId`` shows.
    """

    def __init__(
        self,
        message: str,
        exception_type: str = "System.Exception",
        error_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exception_type = exception_type
        self.error_id = error_id or exception_type


class Command(Protocol):
    """One command of a module."""

    @property
    def name(self) -> str:
        """The command's name, in its own spelling."""
        ...

    @property
    def parameters(self) -> Sequence[str]:
        """Names of the parameters that are loaded: ``(Get-Command X).Parameters``."""
        ...

    def invoke(self, arguments: Arguments) -> list[object]:
        """Binds and runs; returns what goes down the pipeline.

        Raises:
            CommandError: The arguments do not bind, or the command failed.
        """
        ...


class Module(Protocol):
    """What ``Import-Module NAME`` loads."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def commands(self) -> Collection[str]:
        """Names of all commands that it may load; a script that calls another is refused."""
        ...

    def find(self, command_name: str) -> Command | None:
        """The command of that name (case ignored) if it is loaded at this moment."""
        ...


class Host(Protocol):
    """The world outside the script."""

    @property
    def modules(self) -> Mapping[str, Module]:
        """Installed modules by name."""
        ...

    def sleep(self, seconds: float) -> None:
        """``Start-Sleep``: moves the virtual clock."""
        ...
