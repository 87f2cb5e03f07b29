"""What differs between the public and the sovereign Microsoft clouds.

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


@dataclass(frozen=True, kw_only=True)
class CloudEndpoints:
    """What differs between clouds for a workflow, an Exchange session and a client of Azure.

    Attributes:
        graph: Base address of Microsoft Graph, which is also the audience of its tokens. Without a
            trailing slash: Entra compares the audience of a managed identity's token literally.
        exchange: Audience of tokens for Exchange Online; ``Session.psm1`` has the same.
        exchange_environment: ``-ExchangeEnvironmentName`` of ``Connect-ExchangeOnline``; ``None``
            where the cmdlet's default is right.
        resource_manager: Base address of Azure Resource Manager, and the audience of its tokens.
        authority: Host that issues tokens.
        initial_domain: What the initial domain of each of its tenants ends with.
        regions: What the names of its regions begin with; nothing for all others.
        region: One of them.
        azure_native: What the key ``azure-native:environment`` may hold, first the word to write.
        azuread: The same of ``azuread:environment``.
        policies: Whether application access policies are known to exist there.
        roles: The same of RBAC for Applications.
    """

    graph: str
    exchange: str
    exchange_environment: str | None
    resource_manager: str
    authority: str
    initial_domain: str
    regions: tuple[str, ...]
    region: str
    azure_native: tuple[str, ...]
    azuread: tuple[str, ...]
    policies: bool
    roles: bool


# Sources: https://learn.microsoft.com/graph/deployments, the parameter -ExchangeEnvironmentName
# of https://learn.microsoft.com/powershell/module/exchangepowershell/connect-exchangeonline, and
# for Azure azure-mgmt-core's and azure-identity's lists of clouds. The initial domains of
# https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2, and the regions that
# 'az account list-locations' names in each cloud; GCC has those of the public cloud. The key
# environment of the configuration of azure-native and azuread. Microsoft documents for none of the
# sovereign clouds what confines an application there; the supported environments that
# https://github.com/microsoft/Microsoft365DSC lists are the public cloud for
# EXOApplicationAccessPolicy, and that of the US government as well for EXOServicePrincipal.
ENDPOINTS: dict[Cloud, CloudEndpoints] = {
    Cloud.PUBLIC: CloudEndpoints(
        graph="https://graph.microsoft.com",
        exchange="https://outlook.office365.com",
        exchange_environment=None,
        resource_manager="https://management.azure.com",
        authority="login.microsoftonline.com",
        initial_domain=".onmicrosoft.com",
        regions=("",),
        region="westeurope",
        azure_native=("public",),
        azuread=("global", "public"),
        policies=True,
        roles=True,
    ),
    Cloud.US_GOVERNMENT_L4: CloudEndpoints(
        graph="https://graph.microsoft.us",
        exchange="https://outlook.office365.us",
        exchange_environment="O365USGovGCCHigh",
        resource_manager="https://management.usgovcloudapi.net",
        authority="login.microsoftonline.us",
        initial_domain=".onmicrosoft.us",
        regions=("usgov", "usdod"),
        region="usgovvirginia",
        azure_native=("usgovernment",),
        azuread=("usgovernmentl4", "usgovernment"),
        policies=False,
        roles=True,
    ),
    Cloud.US_GOVERNMENT_L5: CloudEndpoints(
        graph="https://dod-graph.microsoft.us",
        exchange="https://webmail.apps.mil",
        exchange_environment="O365USGovDoD",
        resource_manager="https://management.usgovcloudapi.net",
        authority="login.microsoftonline.us",
        initial_domain=".onmicrosoft.us",
        regions=("usgov", "usdod"),
        region="usdodeast",
        azure_native=("usgovernment",),
        azuread=("usgovernmentl5", "dod"),
        policies=False,
        roles=True,
    ),
    Cloud.CHINA: CloudEndpoints(
        graph="https://microsoftgraph.chinacloudapi.cn",
        exchange="https://partner.outlook.cn",
        exchange_environment="O365China",
        resource_manager="https://management.chinacloudapi.cn",
        authority="login.chinacloudapi.cn",
        initial_domain=".onmschina.cn",
        regions=("china",),
        region="chinanorth3",
        azure_native=("china",),
        azuread=("china",),
        policies=False,
        roles=False,
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
