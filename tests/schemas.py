"""Holds a file against a schema that is published for it."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def schema_check(
    schema: str, paths: Iterable[Path], *options: str
) -> subprocess.CompletedProcess[str]:
    """Runs check-jsonschema; it ends with 1 where a file is not what its schema takes.

    Args:
        schema: The name of one of its own schemas.
        paths: The files.
        options: Further ones of its command line.
    """
    command = [sys.executable, "-m", "check_jsonschema", *options, "--builtin-schema", schema]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
