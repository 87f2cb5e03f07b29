"""A script file, its syntax tree, and positions in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from simulator.powershell.errors import UnsupportedConstruct

_LANGUAGE = Language(tree_sitter_powershell.language())

# PowerShell reads these as ordinary quotes and dashes, the grammar does not.
_TYPOGRAPHIC_QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e"

_REQUIRES = re.compile(r"#requires\b", re.IGNORECASE)
_REQUIRES_VERSION = re.compile(r"#requires\s+-version\s+(\d+)(\.\d+)?\s*", re.IGNORECASE)
_LAST_MAJOR_VERSION = 7


@dataclass(frozen=True, eq=False)
class Source:
    """The text of one script or module."""

    path: Path
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Source:
        """Reads a file strictly as UTF-8, with or without a byte order mark.

        Raises:
            UnsupportedConstruct: The file is in another encoding, which the grammar would not see.
            OSError: The file cannot be read.
        """
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        source = cls(path, content)
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise UnsupportedConstruct(
                "a file that is not UTF-8", Position(source, line)
            ) from error
        return source

    @cached_property
    def lines(self) -> list[bytes]:
        return self.content.split(b"\n")

    def line_text(self, line: int) -> str:
        """The text of a line; lines count from 1."""
        return self.lines[line - 1].decode("utf-8").removesuffix("\r")


@dataclass(frozen=True)
class Position:
    """Where in which file.

    Attributes:
        line: Lines count from 1.
        start: The construct's first column in that line, from 0.
        end: The column after its last one; the line's end where it goes on in the next.
    """

    source: Source
    line: int
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        return f"{self.source.path.name}:{self.line}"


@dataclass(frozen=True)
class Tree:
    """A source with its syntax tree, and what the lowering asks of it."""

    source: Source
    root: Node

    def position(self, node: Node) -> Position:
        line, start = node.start_point
        text = self.source.lines[line]
        last_line, end = node.end_point
        columns = (start, end if last_line == line else len(text.rstrip()))
        return Position(self.source, line + 1, *(len(text[:c].decode("utf-8")) for c in columns))

    def refuse(self, node: Node, construct: str) -> UnsupportedConstruct:
        """The refusal of a construct, to be raised by the caller."""
        return UnsupportedConstruct(construct, self.position(node))

    def text(self, node: Node) -> str:
        return self.source.content[node.start_byte : node.end_byte].decode("utf-8")

    def between(self, left: Node, right: Node) -> str:
        """The text between two nodes."""
        return self.source.content[left.end_byte : right.start_byte].decode("utf-8")


def children(node: Node) -> list[Node]:
    """The children that mean something: no comments."""
    return [child for child in node.children if child.type != "comment"]


def parse(source: Source) -> Tree:
    """Parses a file and refuses what the grammar did not understand.

    Raises:
        UnsupportedConstruct: An error or a missing token in the tree (an error can swallow the line
            after it), a character outside ASCII in code, or a ``#Requires`` that would be ignored.
    """
    tree = Tree(source, Parser(_LANGUAGE).parse(source.content).root_node)
    if tree.root.has_error:
        faulty = _first_fault(tree.root)
        if not children(tree.root) or all(child.type == "comment" for child in _leaves(tree.root)):
            raise tree.refuse(tree.root, "a file without any statement")
        content = tree.source.content
        before, after = content[: faulty.start_byte][-1:], content[faulty.end_byte :][:1]
        if faulty.is_missing and before.isalpha() and after.isdigit():
            raise tree.refuse(
                faulty, "a digit in a parameter's name (the grammar misreads it): splat it"
            )
        excerpt = tree.text(faulty).strip().splitlines()
        shown = f" near `{excerpt[0][:60]}`" if excerpt else ""
        raise tree.refuse(faulty, f"syntax that the grammar does not understand{shown}")
    for leaf in _leaves(tree.root):
        _check_leaf(tree, leaf)
    return tree


def _first_fault(node: Node) -> Node:
    for child in node.children:
        if child.is_error or child.is_missing:
            return child
        if child.has_error:
            return _first_fault(child)
    return node


def _leaves(node: Node) -> Iterator[Node]:
    """Tokens, comments, and whole strings (whose literal text has no nodes of its own)."""
    pending = [node]
    while pending:
        current = pending.pop()
        if not current.children:
            yield current
        else:
            if current.type in _STRINGS:
                yield current
            pending.extend(reversed(current.children))


_STRINGS = frozenset(
    {
        "expandable_string_literal",
        "expandable_here_string_literal",
        "verbatim_string_characters",
        "verbatim_here_string_characters",
    }
)


def _check_leaf(tree: Tree, leaf: Node) -> None:
    text = tree.text(leaf)
    if leaf.type == "comment":
        if _REQUIRES.match(text):
            version = _REQUIRES_VERSION.fullmatch(text)
            if not version or int(version[1]) > _LAST_MAJOR_VERSION:
                raise tree.refuse(leaf, f"`{text.strip()}`: only `#Requires -Version` is honoured")
        return
    if leaf.type in _STRINGS:
        if any(character in text for character in _TYPOGRAPHIC_QUOTES):
            raise tree.refuse(
                leaf, "a typographic quote in a string: PowerShell ends the string at it"
            )
        return
    if not text.isascii():
        raise tree.refuse(
            leaf,
            f"`{text}`: a character outside ASCII in code; "
            "PowerShell reads typographic dashes and quotes as operators",
        )
