"""What ``make test`` runs of a long list of cases; ``make test-all`` runs all of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], sample: Collection[Any]) -> list[Any]:
    """Cases for ``parametrize``, all but those of the sample marked as long.

    Args:
        cases: All of them.
        sample: Those that ``make test`` runs too.

    Raises:
        ValueError: The sample has a case that does not exist.
    """
    cases = list(cases)
    strangers = [case for case in sample if case not in cases]
    if strangers or not sample:
        raise ValueError(f"no sample of {cases}: {strangers}")
    return [
        case if case in sample else pytest.param(*_values(case), marks=pytest.mark.long)
        for case in cases
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
