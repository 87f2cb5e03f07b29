"""What the documents refer to exists: files, headings, commands and their options."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from simulator.commands import _parser
from tests.cli import assert_pulumi_knows
from tools.__main__ import TASKS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*/README.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[str, str]]:
    for name, text in TEXTS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http:", "https:")):
                yield name, target


def commands(pattern: str) -> list[str]:
    """Commands in code, of a line or of a block, that match a pattern."""
    code = [
        line
        for text in TEXTS.values()
        for piece in re.findall(r"^```(?:bash|console)\n.*?^```|`[^`\n]+`", text, re.M | re.S)
        for line in piece.strip("`").splitlines()
    ]
    return sorted({found.strip() for line in code for found in re.findall(pattern, line)})


@pytest.mark.parametrize(("name", "target"), sorted(set(links())))
def test_a_link_leads_somewhere(name: str, target: str):
    path, _, anchor = target.partition("#")
    file = (ROOT / name).parent / path if path else ROOT / name
    assert file.exists()
    if anchor:
        assert anchor in anchors(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("target", commands(r"^make ([a-z-]+)"))
def test_a_make_target_exists(target: str):
    assert target in TASKS
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:\n\t@\$\(PYTHON\) -m tools {target}", makefile, re.MULTILINE)


@pytest.mark.parametrize("task", commands(r"python -m tools ([a-z-]+)"))
def test_a_task_exists(task: str):
    assert task in TASKS


@pytest.mark.parametrize("command", commands(r"python -m simulator ([^#…]+)"))
def test_a_command_of_the_simulator_exists(command: str):
    assert _parser().parse_args(command.split())


@pytest.mark.parametrize("call", commands(r"python -m operations\.([a-z]+ --[^#|…]+)"))
def test_an_operation_exists_and_takes_its_options(call: str):
    module, *arguments = call.split()
    for option in [argument for argument in arguments if argument.startswith("--")]:
        assert re.search(rf"{option}\b", help_of(module)), option


@cache
def help_of(operation: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", f"operations.{operation}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.engine
@pytest.mark.parametrize("call", commands(r"(?:^|[\s(])pulumi ([a-z]+\b[^#|…)]*)"))
def test_pulumi_has_the_command_and_its_options(call: str):
    assert_pulumi_knows(call)


def test_there_are_commands_to_look_at():
    assert len(commands(r"^make ([a-z-]+)")) >= 5
    assert len(commands(r"python -m simulator ([^#…]+)")) >= 8
    assert len(commands(r"python -m operations\.([a-z]+ --[^#|…]+)")) >= 3
    assert len(commands(r"(?:^|[\s(])pulumi ([a-z]+\b[^#|…)]*)")) >= 20


def test_ci_runs_what_the_readme_says():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "for task in lint test test-all local" in ci
