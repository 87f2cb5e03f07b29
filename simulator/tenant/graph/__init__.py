"""Microsoft Graph: service principals and their app role assignments, users, and sendMail."""

from simulator.tenant.graph.exceptions import no_mailbox, permission_missing
from simulator.tenant.graph.service import Graph

__all__ = ["Graph", "no_mailbox", "permission_missing"]
