"""A few steps of the random walk; ``python -m tools sweep --walk N`` goes further."""

from pathlib import Path

import pytest

from tests.engine.random_walk import walk
from tests.sampling import sampled

pytestmark = [pytest.mark.engine, pytest.mark.long]


@pytest.mark.parametrize("count", sampled([1, 4], [1]))
def test_each_arrival_equals_a_fresh_deployment(tmp_path: Path, count: int):
    arrivals = list(walk(tmp_path, seed=6, count=count))

    assert {str(arrival): arrival.problems for arrival in arrivals if arrival.problems} == {}
    assert len(arrivals) == count
