"""Looks service principals up in Entra.

A managed identity has two ids: the object (principal) id, which app role assignments take, and the
application (client) id, which Exchange's policies take. Azure gives only the first.
"""

from asyncio import sleep
from typing import TypedDict, cast

import pulumi

from .provider_errors import look_up

# Ten minutes, in seconds between two attempts: 1, 2, 4, 8, 16 and then 30 each.
DIRECTORY_DELAYS = [1, 2, 4, 8, 16] + [30] * 19


class ServicePrincipal(TypedDict):
    """What is read of a service principal.

    ``appRoleIds`` are the ids of the app roles that it offers, by their names.
    """

    clientId: str
    objectId: str
    appRoleIds: dict[str, str]


async def get_service_principal(parent: pulumi.Resource, **key: str) -> ServicePrincipal:
    """Looks one up, by ``clientId`` or by ``objectId``.

    This is ``azuread.get_service_principal`` without its result class, which reads a deprecated
    property of itself and so prints a warning at every preview.

    Raises:
        pulumi.RunError: There is none, or the caller may not read it; the text says which.
    """
    function = "azuread:index/getServicePrincipal:getServicePrincipal"
    return cast(ServicePrincipal, await look_up(parent, function, **key))


async def wait_for_client_id(parent: pulumi.Resource, object_id: str) -> str:
    """The client id of a new managed identity, which the directory may not know for a while.

    Raises:
        pulumi.RunError: It did not appear within ten minutes.
    """
    for delay in (0, *DIRECTORY_DELAYS):
        if delay:
            pulumi.log.info(
                f"waiting {delay} s for Entra to show the identity {object_id}",
                resource=parent,
                ephemeral=True,
            )
            await sleep(delay)
        try:
            return (await get_service_principal(parent, objectId=object_id))["clientId"]
        except pulumi.RunError as error:
            if "not found" not in str(error).lower():
                raise
    raise pulumi.RunError(
        f"Entra does not show the managed identity {object_id} after "
        f"{sum(DIRECTORY_DELAYS) // 60} minutes, and this run granted it nothing. A new identity "
        "sometimes takes longer to replicate: run `pulumi up` again."
    )
