"""What the id of a resource in Azure is made of."""


def resource_group_in(resource_id: str) -> str:
    """The name of the resource group of ``/subscriptions/…/resourceGroups/NAME/providers/…``."""
    parts = resource_id.split("/")
    # Azure writes it in either case.
    return parts[[part.casefold() for part in parts].index("resourcegroups") + 1]


def name_in(resource_id: str) -> str:
    """The resource's own name."""
    return resource_id.rpartition("/")[2]
