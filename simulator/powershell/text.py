"""Text as PowerShell compares and matches it."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from simulator.powershell.errors import UnsupportedConstruct

# Order of ASCII in the root collation of CLDR, which .NET follows through ICU on every platform.
# Letters follow; case decides nothing where it is ignored.
_COLLATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"
_RANK = {character: rank for rank, character in enumerate(_COLLATION)}


# Characters without a width, which comparisons by culture do not see.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
# Case-insensitive matching is not the same in .NET and Python for these: dotted
# and dotless i, long s, final sigma.
_OTHER_CASES = re.compile("[\u0130\u0131\u017f\u03c2]")
_SENSITIVE = re.compile("[iIsS\u0130\u0131\u017f\u03a3\u03c2\u03c3]|[A-Za-z]-[A-Za-z]")


def units(text: str) -> str:
    """The text in the UTF-16 that .NET counts in: two characters beyond the basic plane."""
    return "".join(
        character
        if ord(character) <= 0xFFFF
        else "".join(
            chr(int.from_bytes(pair, "big")) for pair in _pairs(character.encode("utf-16-be"))
        )
        for character in text
    )


def _pairs(encoded: bytes) -> tuple[bytes, bytes]:
    return encoded[:2], encoded[2:]


def whole(text: str) -> str:
    """The reverse of ``units``."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def equal(left: str, right: str, *, case_sensitive: bool = False) -> bool:
    """``-eq`` or ``-ceq`` of texts: by culture, here always the invariant one."""
    if not case_sensitive:
        left, right = left.lower(), right.lower()
    if left.isascii() and right.isascii():
        return left == right
    ours, theirs = (_INVISIBLE.sub("", side).replace("\u03c2", "\u03c3") for side in (left, right))
    for character in ours + theirs:
        if unicodedata.category(character) in {"Cf", "Cc"} and character not in "\t\n\r":
            raise UnsupportedConstruct(f"a comparison with the invisible character {character!r}")
    if unicodedata.normalize("NFC", ours) == unicodedata.normalize("NFC", theirs):
        return True
    if unicodedata.normalize("NFKC", ours) == unicodedata.normalize("NFKC", theirs):
        raise UnsupportedConstruct(
            f"a comparison of {left!r} with {right!r}, which differ in the form of a character"
        )
    return False


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


def like(text: str, pattern: str) -> bool:
    """``text -like pattern``: without a wildcard, what ``-eq`` says."""
    if not set("*?[]`") & set(pattern):
        return equal(text, pattern)
    return _wildcard(units(pattern)).fullmatch(_searched(text, pattern)) is not None


def _searched(text: str, pattern: str) -> str:
    """The text in UTF-16, where .NET and Python agree on the case of its letters."""
    if _OTHER_CASES.search(text + pattern) and _SENSITIVE.search(pattern):
        raise UnsupportedConstruct(
            f"the case of {text!r}: a dotted or dotless i, a long s, a final sigma"
        )
    return units(text)


@cache
def _wildcard(pattern: str) -> re.Pattern[str]:
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
        \\[dDwWsSbBnrt] | \\x[0-9a-fA-F]{2} | \\u[0-9a-fA-F]{4}
      | \\[^A-Za-z0-9_]
      | \[\^?\]?(?:[^\[\]\\&~|-]|\\[dDwWsSnrt]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}
        |\\[^A-Za-z0-9_]|-(?!-)|&(?!&)|~(?!~)|\|(?!\|))*\]
      | \(\?[:=!] | \((?!\?) | \)
      | \{[0-9]+(?:,[0-9]*)?\} | [*+?]\?? | [.^$|]
      | [^\\\[\](){}*+?.^$|]
    )*""",
    re.VERBOSE,
)


def matches(text: str, pattern: str) -> bool:
    """``text -match pattern``."""
    return _regex(units(pattern)).search(_searched(text, pattern)) is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
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
    return whole(_regex(units(pattern)).sub(lambda _: replacement, _searched(text, pattern)))


def split(text: str, pattern: str, limit: int) -> list[str]:
    """``text -split pattern, limit``; a limit of 0 is none."""
    compiled = _regex(units(pattern))
    if compiled.search("") or limit < 0:
        raise UnsupportedConstruct(f"-split by {pattern!r}, {limit}")
    if limit == 1:
        return [text]
    parts = compiled.split(_searched(text, pattern), maxsplit=max(limit - 1, 0))
    return [whole(part) for part in parts]
