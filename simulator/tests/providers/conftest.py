"""What the providers' tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.providers.server import Resource
from simulator.tenant import Tenant


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return Tenant(tmp_path / "tenant.sqlite")


@pytest.fixture
def warnings() -> list[str]:
    """Every warning beside a resource."""
    return []


@pytest.fixture
def resource_of(warnings: list[str]) -> Callable[[str], Resource]:
    """Makes the resource of a type; what it reports goes nowhere."""

    def make(kind: str) -> Resource:
        return Resource(
            urn=f"urn:pulumi:local::p::{kind}::made",
            type=kind,
            name="made",
            report=lambda _: None,
            warn=warnings.append,
        )

    return make
