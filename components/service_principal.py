"""Looks service principals up in Entra.

A managed identity has two ids: the object (principal) id, which app role assignments take, and the
application (client) id, which Exchange's policies take. Azure gives only the first.
"""

from asyncio import sleep
from importlib.metadata import version
from typing import TypedDict, cast

import pulumi

from .provider_errors import look_up, refused_look_up

# Ten minutes, in seconds between two attempts: 1, 2, 4, 8, 16 and then 30 each.
DIRECTORY_DELAYS = [1, 2, 4, 8, 16] + [30] * 19

# Two minutes: what one replica of Entra has shown or removed, the others soon do too.
REPLICA_DELAYS = [1, 2, 4, 8, 15, 30, 30, 30]


class ServicePrincipal(TypedDict):
    """What is read of a service principal.

    ``appRoleIds`` are the ids of the app roles that it offers, by their names.
    """

    clientId: str
    objectId: str
    appRoleIds: dict[str, str]


LOOK_UP = "azuread:index/getServicePrincipal:getServicePrincipal"


def find_service_principal(described: str, **key: str) -> ServicePrincipal:
    """Looks one up that somebody else has made, before anything is registered.

    Args:
        described: Whose identity it is, for the message.
        key: ``clientId`` or ``objectId``.

    Raises:
        pulumi.RunError: There is none, or the caller may not read it; the text says which.
    """
    options = pulumi.InvokeOptions(version=version("pulumi-azuread"))
    try:
        result = pulumi.runtime.invoke(LOOK_UP, dict(key), options)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing more special
        if not _is_absent(error):
            raise refused_look_up(LOOK_UP, str(error), **key) from None
        ((name, value),) = key.items()
        spoken = "client id" if name == "clientId" else "object id"
        raise pulumi.RunError(
            f"Entra has no service principal with the {spoken} {value}, which is to be the "
            f"identity of {described}. Nothing has been deployed. Write the id that stands under "
            "Enterprise applications, or that of a managed identity; an app registration's object "
            "id is another one. An app registration without an enterprise application gets one by "
            "'az ad sp create --id <client id>'. Where the identity is gone, take the entry out."
        ) from None
    return cast(ServicePrincipal, dict(result.value))


async def get_service_principal(parent: pulumi.Resource, **key: str) -> ServicePrincipal:
    """Looks one up, by ``clientId`` or by ``objectId``.

    This is ``azuread.get_service_principal`` without its result class, which reads a deprecated
    property of itself and so prints a warning at every preview.

    Raises:
        pulumi.RunError: There is none, or the caller may not read it; the text says which.
    """
    return cast(ServicePrincipal, await look_up(parent, LOOK_UP, **key))


async def wait_for_client_id(
    parent: pulumi.Resource, object_id: str, *, is_new: bool = True
) -> str:
    """The client id of a managed identity, which the directory may not know for a while.

    Args:
        parent: What waits.
        object_id: The identity's object id.
        is_new: Whether Entra has not shown it yet in this run.

    Raises:
        pulumi.RunError: It did not appear within ten minutes, or two where it is not new.
    """
    delays = DIRECTORY_DELAYS if is_new else REPLICA_DELAYS
    for delay in (0, *delays):
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
            if not _is_absent(error):
                raise
    raise pulumi.RunError(
        f"Entra does not show the managed identity {object_id} after "
        f"{sum(delays) // 60} minutes, and this run granted it nothing. "
        + (
            "A new identity sometimes takes longer to replicate: run `pulumi up` again."
            if is_new
            else "It was there before, and has gone since: with --target or --exclude the engine "
            "grants once more to the one that it knows. Run `pulumi up` without them."
        )
    )


async def wait_until_gone(parent: pulumi.Resource, client_id: str) -> None:
    """Waits for Entra to know no service principal of an application any more.

    Raises:
        pulumi.RunError: It still does after two minutes, or does not tell.
    """
    for delay in (0, *REPLICA_DELAYS):
        await sleep(delay)
        try:
            await get_service_principal(parent, clientId=client_id)
        except pulumi.RunError as error:
            # Nothing less will do: "not found" is also said of a tenant, or by a replica that has
            # not met an identity which is there. Source: service_principal_data_source.go of
            # terraform-provider-azuread, for a look-up by client id.
            if "no service principal found" in str(error):
                return
            raise
    raise pulumi.RunError(
        f"The former identity {client_id} is still there, so the policy that confines it stays. "
        "The new identity gets neither policy nor permission in this run. Where the program calls "
        "a workflow or identity otherwise than the state did, the former one is still deployed: "
        "`pulumi stack --show-urns` names it, `pulumi destroy --target URN --target-dependents` "
        "removes it, and `pulumi up` goes on; an alias in the program avoids all that. With "
        "--target or --exclude, run `pulumi up` without them. If the former one was deleted a "
        "moment ago, run `pulumi up` again."
    )


def _is_absent(error: Exception) -> bool:
    said = str(error).lower()
    return "not found" in said or "no service principal found" in said
