"""Text as PowerShell compares, matches and formats it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from simulator.powershell.conversions import to_string
from simulator.powershell.errors import UnsupportedConstruct, runtime_error

# Order of ASCII in the root collation of CLDR, which .NET follows through ICU on every platform.
# Letters follow; case decides nothing where it is ignored.
_COLLATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"
_RANK = {character: rank for rank, character in enumerate(_COLLATION)}


def equal(left: str, right: str, *, case_sensitive: bool = False) -> bool:
    """``-eq`` or ``-ceq`` of texts: by culture, so that equivalent accents are equal."""
    if not case_sensitive:
        left, right = left.lower(), right.lower()
    if left.isascii() and right.isascii():
        return left == right
    for character in left + right:
        if unicodedata.category(character) == "Cf":
            raise UnsupportedConstruct(f"a comparison with the invisible character {character!r}")
    return unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right)


def collation_key(text: str) -> tuple[int, ...]:
    """The order of ``-lt`` and ``Sort-Object``, which ignore case."""
    try:
        return tuple(
            _RANK[character] if character in _RANK else len(_RANK) + _letter(character)
            for character in text.lower()
        )
    except ValueError as error:
        raise UnsupportedConstruct(f"the order of {text!r}: only of printable ASCII") from error


def _letter(character: str) -> int:
    if not "a" <= character <= "z":
        raise ValueError(character)
    return ord(character) - ord("a")


# --- wildcards -----------------------------------------------------------------------------------


@cache
def wildcard(pattern: str) -> re.Pattern[str]:
    """The pattern of ``-like``: ``*`` and ``?``."""
    if "[" in pattern or "]" in pattern or "`" in pattern:
        raise UnsupportedConstruct(f"-like {pattern!r}: only * and ?")
    translated = "".join(
        {"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern
    )
    return re.compile(translated, re.IGNORECASE | re.DOTALL)


# --- regular expressions -------------------------------------------------------------------------

# What .NET and Python understand alike. Everything else (named groups, inline options, \p{…},
# lookbehind, subtraction in classes, lazy or possessive oddities) is refused.
_REGEX = re.compile(
    r"""(?:
        \\[dDwWsSbBnrt]
      | \\[^A-Za-z0-9_]
      | \[\^?\]?(?:[^\[\]\\&~|-]|\\[dDwWsSnrt]|\\[^A-Za-z0-9_]|-(?!-)|&(?!&)|~(?!~)|\|(?!\|))*\]
      | \(\?[:=!] | \((?!\?) | \)
      | \{[0-9]+(?:,[0-9]*)?\} | [*+?]\?? | [.^$|]
      | [^\\\[\](){}*+?.^$|]
    )*""",
    re.VERBOSE,
)


@cache
def regex(pattern: str) -> re.Pattern[str]:
    """A pattern of ``-match``, ``-replace`` or ``-split``, which ignore case."""
    if not _REGEX.fullmatch(pattern):
        raise UnsupportedConstruct(f"the regular expression {pattern!r}")
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UnsupportedConstruct(f"the regular expression {pattern!r} ({error})") from error


def replace(text: str, pattern: str, replacement: str) -> str:
    """``text -replace pattern, replacement``."""
    if "$" in replacement:
        raise UnsupportedConstruct(f"`$` in the replacement {replacement!r}")
    return regex(pattern).sub(lambda _: replacement, text)


def split(text: str, pattern: str, limit: int) -> list[str]:
    """``text -split pattern, limit``; a limit of 0 is none."""
    compiled = regex(pattern)
    if compiled.search("") or limit < 0:
        raise UnsupportedConstruct(f"-split by {pattern!r}, {limit}")
    if limit == 1:
        return [text]
    return compiled.split(text, maxsplit=max(limit - 1, 0))


# --- format --------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]+)\}|[{}]")


def format_text(template: str, arguments: Sequence[object]) -> str:
    """``template -f arguments``: placeholders with a number only."""

    def fill(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] is None:
            raise UnsupportedConstruct(f"the format {template!r}: only {{0}}, {{1}}, …")
        index = int(match[1])
        if index >= len(arguments):
            raise runtime_error(
                "Error formatting a string: Index (zero based) must be greater than or equal to "
                "zero and less than the size of the argument list..",
                "FormatError",
            )
        argument = arguments[index]
        return "System.Object[]" if isinstance(argument, list) else to_string(argument)

    return _PLACEHOLDER.sub(fill, template)
