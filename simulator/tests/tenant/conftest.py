"""A fresh tenant whose real time stands still, so that only the virtual clock moves."""

import pytest

from simulator.tenant import Tenant
from simulator.testing.deployment import NOON, Deployment, connect


@pytest.fixture
def tenant_file(tmp_path):
    return tmp_path / "tenant.sqlite"


@pytest.fixture
def tenant(tenant_file):
    tenant = Tenant(tenant_file, real_time=lambda: NOON)
    yield tenant
    tenant.close()


@pytest.fixture
def session(tenant):
    return connect(tenant)


@pytest.fixture
def deployment(tenant, session):
    return Deployment(tenant, session)
