"""Logic Apps (Consumption): saved workflows, a runner for the definitions we deploy, run history.

The runner knows a closed set: Request and Recurrence triggers; actions, one after another, that
call Microsoft Graph with the workflow's identity, compute (Compose) or end the run (Terminate); and
conditions between such. A definition beyond that can be saved where the service would save it, and
its run fails with an error that names the construct.
"""

from simulator.tenant.logic_apps.callbacks import HOST
from simulator.tenant.logic_apps.responses import LogicApps, started

__all__ = ["HOST", "LogicApps", "started"]
