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

    The hash of that file, kept in the environment, tells whether it is done already.

    Raises:
        ToolError: Something could not be installed.
    """
    requirements = root / "requirements-dev.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = root / ".venv" / "requirements-dev.sha256"
    if python(root).exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    try:
        if not python(root).exists():
            run_with_progress(
                [sys.executable, "-m", "venv", "--clear", root / ".venv"],
                "Creating the virtual environment .venv",
                lambda line: "working",
            )
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
    stamp.write_text(wanted, "utf-8")


def describe_pip(line: str) -> str:
    """What pip is doing, from a line of its output: ``Collecting pulumi==3.272.0``."""
    words = line.split()
    if words[:1] in (["Collecting"], ["Downloading"]):
        return f"{words[0].lower()} {Path(words[1]).name}"
    return "installing" if words[:1] == ["Installing"] else "working"
