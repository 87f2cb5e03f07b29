"""What is wrong with a configuration, and how a person is told."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import pulumi
from pydantic_core import PydanticCustomError

KeyPath = tuple[str | int, ...]
"""Where a value stands, e.g. ``("senders", 0, "mailbox", "alias")``, in the keys of the YAML."""


ABSENT = object()


class ConfigurationError(pulumi.RunError):
    """The configuration is wrong; the text names every mistake and what to write instead.

    A ``RunError``, so that the Pulumi command line shows the text alone, without a traceback.
    """


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        path: Where.
        given: The value that is there, if any.
        problem: What is wrong with it, and why that matters.
        remedy: What to write instead.
    """

    path: KeyPath
    given: object
    problem: str
    remedy: str


def refuse(problem: str, remedy: str) -> NoReturn:
    """Says what is wrong with a value, and what to write instead. Pydantic adds where it stands."""
    raise PydanticCustomError("refused", "{problem}", {"problem": problem, "remedy": remedy})


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """A hint for a misspelt word, or nothing; ``display_name`` is one for ``displayName``."""
    if not isinstance(given, str):
        return ""
    plain = {word.replace("_", "").casefold(): word for word in known}
    close = difflib.get_close_matches(given.replace("_", "").casefold(), plain, n=1)
    return f" Did you mean {plain[close[0]]}?" if close else ""


def listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def write_path(path: KeyPath) -> str:
    """The path as a person writes it: ``senders[0].mailbox.alias``."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.removeprefix(".")


def printable(text: str) -> str:
    """The text with what a terminal would obey, or not show, as JSON escapes it."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def show_value(value: object) -> str:
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 100 else f"{text[:97]}..."


def _key(namespace: str, path: KeyPath) -> str:
    """The key with its namespace; that of a provider has its own."""
    return write_path(path) if ":" in str(path[0]) else f"{namespace}:{write_path(path)}"


def report(namespace: str, mistakes: list[Mistake], derived: Mapping[KeyPath, KeyPath]) -> str:
    count = "one mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    lines = [f"The configuration of this stack has {count}; nothing has been deployed."]
    for mistake in mistakes:
        given = "" if mistake.given is ABSENT else f" = {show_value(mistake.given)}"
        source = ""
        if taken := derived.get(mistake.path):
            shown = write_path(taken) if taken[0] == "senderDefaults" else taken[-1]
            source = f" (taken from {shown})"
        lines += [
            "",
            f"  {_key(namespace, mistake.path)}{given}{source}",
            f"    It {mistake.problem}.",
            f"    {mistake.remedy}",
        ]
    return "\n".join(printable(line) for line in lines)
