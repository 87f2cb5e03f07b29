"""What the Pulumi command line itself says of a stack's file that it cannot read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import SimulatorError
from simulator.engine import SimulatedStack
from simulator.environment import ROOT

pytestmark = pytest.mark.engine


@pytest.fixture
def usual_recursion() -> Iterator[None]:
    """Python's own limit, which other tests' libraries raise for good."""
    raised = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(raised)


AT_A_LINE = "Mend the file at the line that is named."
OTHERWISE = "below config: stands each key as scoped-mail-sender:key, with its value."


@pytest.mark.parametrize(
    ("content", "said", "remedy"),
    [
        (
            "config:\n  scoped-mail-sender:drift: true\n  scoped-mail-sender:drift: false\n",
            'line 3: mapping key "scoped-mail-sender:drift" already defined at line 2',
            AT_A_LINE,
        ),
        (
            "config:\n  scoped-mail-sender:tags:\n    owner: a\n    owner: b\n",
            'line 4: mapping key "owner" already defined at line 3',
            AT_A_LINE,
        ),
        ("config:\n  - a\n", "line 2: cannot unmarshal !!seq into map", AT_A_LINE),
        ("config: {}\n\tx\n", "line 2: ", AT_A_LINE),
        ("- config\n", "expected project to be an object", OTHERWISE),
        ("config:\n  a:b:c: true\n", "could not parse a:b:c", OTHERWISE),
        (
            f"config:\n  scoped-mail-sender:tags: {'[' * 3000}{']' * 3000}\n",
            "more lists and groups of keys within each other than can be read",
            "an indentation that repeats itself.",
        ),
    ],
    ids=["key", "nested key", "list", "tab", "no group", "no key", "no end"],
)
@pytest.mark.usefixtures("usual_recursion")
def test_is_told_with_the_line(tmp_path: Path, content: str, said: str, remedy: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
    (tmp_path / "Pulumi.local.yaml").write_text(content, "utf-8")
    stack = SimulatedStack(directory=tmp_path / "stack", work_dir=tmp_path)

    with pytest.raises(SimulatorError) as refused:
        stack.settings()

    assert said in str(refused.value)
    assert str(refused.value).endswith(remedy)
    assert "secrets manager" not in str(refused.value)
