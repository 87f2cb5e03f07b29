"""What the state of this stack held before this run: previews know no other memory."""

import time
from collections.abc import Mapping
from typing import Any

import pulumi

Deployed = Mapping[tuple[str, str], Mapping[str, Any]]
"""By a resource's Pulumi type and logical name, its outputs by their Pulumi names."""

# Where the state is kept in files, an update writes it while the program reads it, and beside it a
# file of attributes, which whoever reads may find empty: "failed to load checkpoint: EOF".
_PAUSES = (0.1, 0.5, 2.0)


def deployed_resources() -> Deployed:
    """The resources of this stack's state; none where nothing has been deployed yet.

    Raises:
        pulumi.RunError: It cannot be read.
    """
    resources: dict[str, Any] = _state_of_this_stack()["outputs"]
    return {
        (resource["type"], urn.rpartition("::")[2]): resource["outputs"]
        for urn, resource in sorted(resources.items())
    }


def _state_of_this_stack() -> dict[str, Any]:
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for pause in (*_PAUSES, None):
        try:
            state = pulumi.runtime.invoke(
                "pulumi:pulumi:readStackResourceOutputs", {"stackName": name}
            )
        except Exception as error:  # noqa: BLE001 - the SDK raises nothing more special
            if pause is None or "failed to load checkpoint" not in str(error):
                raise pulumi.RunError(
                    f"The state of the stack {name} could not be read: {error}. Nothing was "
                    "changed; run it again."
                ) from None
            time.sleep(pause)
        else:
            return dict(state.value)
    raise AssertionError("unreachable: the last attempt returns or raises")
