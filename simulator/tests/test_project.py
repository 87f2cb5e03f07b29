"""The simulator is a project of its own: it imports itself, and what its pyproject.toml names."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
DISTRIBUTIONS = packages_distributions()
FILES = sorted(FOLDER.rglob("*.py"))
NEEDED = {*PROJECT["dependencies"]}
NEEDED_BY_TESTS = NEEDED | {*PROJECT["optional-dependencies"]["test"]}


def imported(file: Path) -> set[str]:
    """The first names of all modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def distributions_of(module: str) -> set[str]:
    """The packages that bring a module, as they are written in pyproject.toml."""
    return {name.lower().replace("_", "-") for name in DISTRIBUTIONS.get(module, [])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_a_file_imports_nothing_of_the_product(file: Path) -> None:
    is_of_tests = file.relative_to(FOLDER).parts[0] in {"tests", "testing"}
    allowed = NEEDED_BY_TESTS if is_of_tests else NEEDED
    foreign = imported(file) - {"simulator"} - sys.stdlib_module_names
    assert {name for name in foreign if not allowed & distributions_of(name)} == set()


def test_what_it_needs_is_pinned() -> None:
    pinned = (FOLDER.parent / "requirements-dev.txt").read_text("utf-8")
    names = re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==", pinned, re.MULTILINE)
    assert {*names} >= NEEDED_BY_TESTS
