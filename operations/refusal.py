"""What Pulumi said when it refused."""

import re
from itertools import takewhile

from pulumi.automation.errors import CommandError


def in_one_line(error: CommandError) -> str:
    """What Pulumi printed as its error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for index, line in enumerate(lines):
        if said := line.partition("error: ")[2]:
            # Of a file that is no configuration: which lines are wrong.
            below = takewhile(re.compile(r"line \d+: ").match, lines[index + 1 :])
            return " ".join([said, "; ".join(below)]).rstrip()
    return lines[-1] if lines else "no reason given"
