"""Draws what ``make local`` prints into docs/local.svg: ``.venv/bin/python -m tools.recording``.

The lines are those of a run, for one of its senders. Left out are what differs from run to run, ids
and durations, the types of the resources, and most of what the engine says.
"""

import re
import subprocess
import sys
import tempfile
from html import escape

from tools.virtual_environment import ROOT

DRAWING = ROOT / "docs" / "local.svg"
SENDER = "notifications"
_MADE = re.compile(
    r" \+  (?:command:local:Command|azure-native:logic:Workflow|azuread:\S+) "
    rf"({SENDER}-\S+ created.*)"
)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DURATION = re.compile(r" \(\d[\d.]*s\)")
_SUMMARY = re.compile(r"    \+ \d+ created")

_LINE, _CHARACTER, _MARGIN = 17, 7.25, 16
_STYLE = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12"'
_COLOURS = {"$ ": "#ffffff", " +": "#7ee787", "Pr": "#7ee787"}
"""By the beginning of a line; all others are plain."""


def run() -> str:
    """What the deployment of the stack ``local`` and the proof of one sender print.

    Raises:
        CalledProcessError: One of them failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        where = ("--directory", directory)
        prove = ("-m", "operations.prove", "--stack", "local", "--timeout", "0", "--sender", SENDER)
        return "".join(
            subprocess.run(
                [sys.executable, "-m", "simulator", *arguments],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            ).stdout
            for arguments in (
                ("up", "--wait", *where),
                ("exec", *where, "--", sys.executable, *prove),
            )
        )


def lines(printed: str) -> list[str]:
    """The lines that are drawn, of what was printed."""
    shown = ["$ make local", "…"]
    rest = iter(printed.splitlines())
    for line in rest:
        if made := _MADE.match(line):
            shown.append(" +  " + _DURATION.sub("", _ID.sub("…", made[1])).rstrip())
        elif _SUMMARY.match(line):
            shown += ["…", "Resources:", line, ""]
            break
    # What the proof prints comes last, whole.
    proof = [line.rstrip() for line in rest]
    begin = next(number for number, line in enumerate(proof) if line.startswith("Exchange"))
    return [*shown, *proof[begin:]]


def drawing(shown: list[str]) -> str:
    """The lines as a picture of a terminal."""
    width = round(max(map(len, shown)) * _CHARACTER) + 2 * _MARGIN
    height = len(shown) * _LINE + 2 * _MARGIN
    texts = "".join(
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * (number + 1) - 4}" '
        f'fill="{_COLOURS.get(line[:2], "#c9d1d9")}">{_spaced(line)}</text>\n'
        for number, line in enumerate(shown)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">\n'
        "<title>What make local prints</title>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>\n'
        f"<g {_STYLE}>\n{texts}</g>\n</svg>\n"
    )


def _spaced(line: str) -> str:
    # Browsers show several spaces as one, and the tables out of line.
    return escape(line, quote=False).replace(" ", "\N{NO-BREAK SPACE}")


if __name__ == "__main__":
    DRAWING.write_text(drawing(lines(run())), "utf-8", newline="\n")
