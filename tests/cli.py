"""Holds commands that are written somewhere against the programs that they call."""

import re
import subprocess
from functools import cache

from tools.pulumi_cli import find_or_install

_GROUPS = {"config", "stack", "state"}
"""Commands of Pulumi that are followed by a command of their own."""


def assert_pulumi_knows(call: str) -> None:
    """Fails where Pulumi lacks the command, or one of its options.

    Args:
        call: What is written after ``pulumi``.
    """
    words = call.split()
    names = tuple(words[: 2 if words[0] in _GROUPS else 1])
    helped = _help(names)
    # What Pulumi does not know it answers with the help of the command before it.
    assert re.search(
        rf"Usage:\n  pulumi {' '.join(names)}\b|Aliases:\n.*\b{names[-1]}\b", helped
    ), helped
    for option in re.findall(r"(?<!\S)--[a-z-]+", call):
        assert re.search(rf"{option}\b", helped), option


@cache
def _help(names: tuple[str, ...]) -> str:
    return subprocess.run(
        [find_or_install(), *names, "--help"], capture_output=True, text=True, check=True
    ).stdout
