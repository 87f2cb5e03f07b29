"""The virtual environment ``.venv`` with the pinned dependencies."""

import hashlib
import os
import sys
from pathlib import Path

from tools.progress import ToolError, run_with_progress

ROOT = Path(__file__).parents[1]


def python(root: Path = ROOT) -> Path:
    """The virtual environment's Python."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare(root: Path = ROOT) -> None:
    """Creates the virtual environment and installs what ``requirements-dev.txt`` pins.

    A stamp in the environment tells how far it is: without one it was not completed, whatever is
    there already, or something else has made it; an empty one waits for what is to be installed;
    and the hash of that file means that all of it was.

    Raises:
        ToolError: Something could not be installed.
    """
    requirements = root / "requirements-dev.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = root / ".venv" / "requirements-dev.sha256"
    is_complete = python(root).exists() and stamp.exists()
    if is_complete and stamp.read_bytes() == wanted.encode():
        return
    try:
        if not is_complete:
            # Python is the first that is there, and pip the last: what was cut off in between can
            # install nothing.
            run_with_progress(
                [sys.executable, "-m", "venv", "--clear", root / ".venv"],
                "Creating the virtual environment .venv",
                lambda line: "working",
            )
        # Emptied first: an installation that is cut off leaves neither the former packages nor the
        # wanted ones, also where the file is put back to the former ones.
        stamp.write_bytes(b"")
        # Everything that is needed is in the file, with its hash: whatever else a registry offers
        # is refused.
        run_with_progress(
            [
                python(root),
                *("-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
                *("--require-hashes", "--requirement", requirements),
            ],
            "Installing the pinned dependencies",
            describe_pip,
        )
    except ToolError as error:
        raise ToolError(
            f"The dependencies could not be installed:\n\n{error}\n\n"
            "They come from the package registry that pip is set up for. If it can be reached, "
            "delete the folder .venv and try again."
        ) from error
    stamp.write_bytes(wanted.encode())


def describe_pip(line: str) -> str:
    """What pip is doing, from a line of its output: ``Collecting pulumi==3.272.0``."""
    words = line.split()
    if words[:1] in (["Collecting"], ["Downloading"]):
        return f"{words[0].lower()} {Path(words[1]).name}"
    return "installing" if words[:1] == ["Installing"] else "working"
