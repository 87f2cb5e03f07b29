"""Reads a script with the modules that it imports by path; all of it is checked before any runs."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from simulator.powershell.cmdlets.signatures import SIGNATURES
from simulator.powershell.errors import UnsupportedConstruct
from simulator.powershell.syntax import nodes
from simulator.powershell.syntax.source import Position, Source, parse
from simulator.powershell.syntax.statements import ScriptReader

_READER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Program:
    """A script and the script modules that it reaches, by resolved path."""

    path: Path
    script: nodes.Block
    modules: Mapping[Path, nodes.Block]


def read_program(path: Path, known: Collection[str]) -> Program:
    """Reads, lowers and checks a script and every module that it imports by path.

    Args:
        path: The script.
        known: Lower-case names of what installed modules may load.

    Raises:
        UnsupportedConstruct: Something in one of the files is outside the dialect.
        OSError: The script cannot be read.
    """
    files: dict[Path, _File] = {}
    script_path = path.resolve()
    pending: list[tuple[Path, Position | None]] = [(script_path, None)]
    while pending:
        current, imported_at = pending.pop()
        if current in files:
            continue
        try:
            source = Source.read(current)
        except OSError as error:
            if imported_at is None:
                raise
            raise UnsupportedConstruct(
                f"the import of {current.name}, which cannot be read ({error.strerror})",
                imported_at,
            ) from error
        files[current] = _lowered(current, source.content, is_module=current != script_path)
        pending.extend(_imports(files[current].commands, current.parent))
    functions = {name for file in files.values() for name in file.functions}
    for file in files.values():
        for call in file.commands:
            _check_command(call, functions, known)
        for call in file.piped:
            signature = SIGNATURES.get(str(call.target).lower())
            if signature is None or not signature.takes_pipeline:
                raise UnsupportedConstruct(f"`| {call.target}`: it takes no pipeline here", call.at)
    script = files.pop(script_path).body
    return Program(path, script, {module: file.body for module, file in files.items()})


@dataclass(frozen=True)
class _File:
    """What is kept of one file."""

    body: nodes.Block
    commands: Sequence[nodes.CommandCall]
    piped: Sequence[nodes.CommandCall]
    functions: Collection[str]


# Reading is a third of what a script costs, and the same few are run thousands of times: in one
# process by the tests, in one each by the engine.
@lru_cache(maxsize=64)
def _lowered(path: Path, content: bytes, *, is_module: bool) -> _File:
    kept = _kept(path, content, is_module=is_module)
    if kept is not None and kept.exists():
        file: _File = pickle.loads(kept.read_bytes())  # noqa: S301 - written below
        return file
    reader = ScriptReader(parse(Source(path, content)), is_module=is_module)
    file = _File(reader.file_body(), reader.commands, reader.piped, reader.functions)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: another process may read it at this moment.
        with NamedTemporaryFile(dir=kept.parent, delete=False) as written:
            written.write(pickle.dumps(file))
        Path(written.name).replace(kept)
    return file


def _kept(path: Path, content: bytes, *, is_module: bool) -> Path | None:
    """Where the file is kept once it was read: where Python keeps its own, if it is told where.

    As with Python's, the sources of what made it count by their times.
    """
    if sys.pycache_prefix is None:
        return None
    key = [content, str(path), is_module, sys.version]
    key += sorted((str(file), file.stat().st_mtime_ns) for file in _READER.rglob("*.py"))
    return Path(sys.pycache_prefix) / "scripts" / sha256(repr(key).encode()).hexdigest()


def _imports(
    commands: Iterable[nodes.CommandCall], folder: Path
) -> Iterable[tuple[Path, Position]]:
    """Modules imported by path; the path has to be readable from the text alone."""
    for call in commands:
        if isinstance(call.target, str) and call.target.lower() == "import-module":
            written = _module_argument(call)
            if "/" in written or "\\" in written:
                target = Path(written.replace("\\", "/"))
                yield (folder / target).resolve(), call.at


def _module_argument(call: nodes.CommandCall) -> str:
    """What ``Import-Module`` is given: a name, or ``"$PSScriptRoot/…"``."""
    values = [
        following.value
        for token, following in zip((None, *call.tokens), call.tokens, strict=False)
        if isinstance(following, nodes.ValueToken)
        and (
            token is None
            or isinstance(token, nodes.ValueToken)
            or (isinstance(token, nodes.ParameterToken) and token.name.lower() != "erroraction")
        )
    ]
    match values:
        case [nodes.Constant(value=str(name))]:
            return name
        case [nodes.ExpandableString(parts=(nodes.Constant(value=str(folder)), str(rest)))]:
            return folder + rest
        case _:
            raise UnsupportedConstruct(
                'Import-Module of anything but a name or "$PSScriptRoot/…"', call.at
            )


def _check_command(call: nodes.CommandCall, functions: set[str], known: Collection[str]) -> None:
    """Refuses commands and parameters that neither this runner nor an installed module has.

    Left to run time they would look like an unknown command, which a script can catch.
    """
    if not isinstance(call.target, str):
        return
    name = call.target.lower()
    if name in functions:
        return
    signature = SIGNATURES.get(name)
    if signature is not None:
        for token in call.tokens:
            if isinstance(token, nodes.ParameterToken) and not signature.find(token.name):
                raise UnsupportedConstruct(
                    f"the parameter -{token.name} of {signature.name}", token.at
                )
    elif name not in known:
        raise UnsupportedConstruct(f"the command `{call.target}`", call.at)
