"""Where commands print: what they found on standard output, what they do meanwhile beside it."""

import sys

from rich.console import Console


def findings() -> Console:
    """For tables: without a terminal rich assumes 80 columns, and would fold everything."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 132)


def progress() -> Console:
    """For lines as they are, whatever stands in them."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
