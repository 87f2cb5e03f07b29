"""Endpoints of the public and the sovereign Microsoft clouds.

The one place where a host name of Microsoft Graph stands. A token of one cloud is worth nothing in
another, so host and audience are always taken together.
"""

import os
from dataclasses import dataclass
from enum import StrEnum

import httpx

RESOURCE_MANAGER_ADDRESS = "RESOURCE_MANAGER_ADDRESS"
GRAPH_ADDRESS = "MICROSOFT_GRAPH_ADDRESS"
"""Environment variables with a base address in place of the cloud's own. Tokens are asked for as
ever, for the cloud's own address."""


class Cloud(StrEnum):
    """Microsoft's national clouds, by the names that the Graph documentation uses for them."""

    PUBLIC = "public"
    """Global, and GCC."""
    US_GOVERNMENT_L4 = "usGovernmentL4"
    """GCC High."""
    US_GOVERNMENT_L5 = "usGovernmentL5"
    """DoD."""
    CHINA = "china"
    """Operated by 21Vianet."""


@dataclass(frozen=True)
class CloudEndpoints:
    """What differs between clouds for a workflow, an Exchange session and a client of Azure.

    Attributes:
        graph: Base address of Microsoft Graph, which is also the audience of its tokens. Without a
            trailing slash: Entra compares the audience of a managed identity's token literally.
        exchange_environment: ``-ExchangeEnvironmentName`` of ``Connect-ExchangeOnline``; ``None``
            where the cmdlet's default is right.
        resource_manager: Base address of Azure Resource Manager, and the audience of its tokens.
        authority: Host that issues tokens.
    """

    graph: str
    exchange_environment: str | None
    resource_manager: str
    authority: str


# Source: https://learn.microsoft.com/graph/deployments, the parameter -ExchangeEnvironmentName
# of https://learn.microsoft.com/powershell/module/exchangepowershell/connect-exchangeonline, and
# for Azure azure-mgmt-core's and azure-identity's lists of clouds.
ENDPOINTS: dict[Cloud, CloudEndpoints] = {
    Cloud.PUBLIC: CloudEndpoints(
        "https://graph.microsoft.com",
        None,
        "https://management.azure.com",
        "login.microsoftonline.com",
    ),
    Cloud.US_GOVERNMENT_L4: CloudEndpoints(
        "https://graph.microsoft.us",
        "O365USGovGCCHigh",
        "https://management.usgovcloudapi.net",
        "login.microsoftonline.us",
    ),
    Cloud.US_GOVERNMENT_L5: CloudEndpoints(
        "https://dod-graph.microsoft.us",
        "O365USGovDoD",
        "https://management.usgovcloudapi.net",
        "login.microsoftonline.us",
    ),
    Cloud.CHINA: CloudEndpoints(
        "https://microsoftgraph.chinacloudapi.cn",
        "O365China",
        "https://management.chinacloudapi.cn",
        "login.chinacloudapi.cn",
    ),
}


def base_address(variable: str, default: str) -> str:
    """The base address in an environment variable, or the cloud's own.

    Raises:
        ValueError: It is none, or a token would travel in clear to another machine; one line that
            says what to do.
    """
    address = os.environ.get(variable, default)
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(
            f"{variable} is {address}, which is no address ({error}): nothing was asked. Correct "
            "it, or unset it for Microsoft's own address."
        ) from None
    if url.scheme != "https" and url.host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(
            f"{variable} is {address}: nothing was asked, since tokens are sent by https only, but "
            "for this machine. Correct it, or unset it for Microsoft's own address."
        )
    return address
