"""docs/architecture.md shows the resources as the engine keeps them."""

import re

import pytest

from simulator.drawing import draw
from simulator.environment import ROOT
from tests.engine.conftest import Configuration, StackIn, succeeded
from tests.sampling import sampled

pytestmark = pytest.mark.engine

DRAWINGS = re.findall(
    r"^```mermaid\n(.*?)\n```",
    (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(
    ("identity", "number"),
    sampled([("systemAssigned", 0), ("userAssigned", 1)], [("systemAssigned", 0)]),
)
def test_the_drawing_is_that_of_a_deployed_stack(redeployed: StackIn, identity: str, number: int):
    def change(sender: Configuration) -> None:
        sender["identity"] = identity

    stack = redeployed(change=change)
    succeeded(stack.up())

    drawn = draw(stack.exported_state()["resources"], "notifications")

    assert drawn == DRAWINGS[number]
    assert len(DRAWINGS) == 2
