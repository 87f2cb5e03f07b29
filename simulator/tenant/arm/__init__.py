"""Azure Resource Manager: resource groups, identities, workflows, and what watches them."""

from simulator.tenant.arm.authorization import ROLES_ON_A_GROUP
from simulator.tenant.arm.models import GROUPS_PATH, Subscription
from simulator.tenant.arm.service import Arm

__all__ = ["GROUPS_PATH", "ROLES_ON_A_GROUP", "Arm", "Subscription"]
