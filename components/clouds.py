"""Endpoints of the public and the sovereign Microsoft clouds.

The one place where a host name of Microsoft Graph stands. A token of one cloud is worth nothing in
another, so host and audience are always taken together.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    """What differs between clouds for a workflow and for an Exchange session.

    Attributes:
        graph: Base address of Microsoft Graph, which is also the audience of its tokens. Without a
            trailing slash: Entra compares the audience of a managed identity's token literally.
        exchange_environment: ``-ExchangeEnvironmentName`` of ``Connect-ExchangeOnline``; ``None``
            where the cmdlet's default is right.
    """

    graph: str
    exchange_environment: str | None


# Source: https://learn.microsoft.com/graph/deployments and the parameter -ExchangeEnvironmentName
# of https://learn.microsoft.com/powershell/module/exchangepowershell/connect-exchangeonline.
ENDPOINTS: dict[Cloud, CloudEndpoints] = {
    Cloud.PUBLIC: CloudEndpoints("https://graph.microsoft.com", None),
    Cloud.US_GOVERNMENT_L4: CloudEndpoints("https://graph.microsoft.us", "O365USGovGCCHigh"),
    Cloud.US_GOVERNMENT_L5: CloudEndpoints("https://dod-graph.microsoft.us", "O365USGovDoD"),
    Cloud.CHINA: CloudEndpoints("https://microsoftgraph.chinacloudapi.cn", "O365China"),
}
