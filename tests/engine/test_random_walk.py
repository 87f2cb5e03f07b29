"""A few steps of the random walk; ``python -m tools sweep --walk N`` goes further."""

from pathlib import Path

import pytest

from tests.engine.random_walk import walk

pytestmark = pytest.mark.engine


def test_each_arrival_equals_a_fresh_deployment(tmp_path: Path):
    arrivals = list(walk(tmp_path, seed=2, count=4))

    assert {str(arrival): arrival.problems for arrival in arrivals if arrival.problems} == {}
    assert len(arrivals) == 4
