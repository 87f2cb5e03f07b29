"""The happy path, to be changed."""

import copy
from typing import Any

import pytest

from tests.configuration.happy_path import (
    HAPPY_PATH,
)


@pytest.fixture
def values() -> dict[str, Any]:
    return copy.deepcopy(HAPPY_PATH)
