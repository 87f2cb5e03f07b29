"""A fresh tenant whose real time stands still, so that only the virtual clock moves.

Imported before any test.
"""

import pytest

from simulator.tenant import Tenant
from simulator.testing.deployment import NOON, Deployment, connect

pytest_plugins = ["simulator.testing.shell"]


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


@pytest.fixture
def sender(deployment):
    """A workflow that may send as reception@contoso.com, and its policy is effective."""
    principal = deployment.workflow()
    group = deployment.group("Scope", "reception@contoso.com")
    deployment.policy(principal["appId"], group["Guid"])
    deployment.grant(principal)
    deployment.wait_for_policies()
    return deployment
