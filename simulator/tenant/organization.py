"""The organisation whose tenant this is: its initial domain, and those that it has besides."""

from dataclasses import dataclass

from simulator.tenant.identifiers import DEFAULT_DOMAIN, ORGANIZATION
from simulator.tenant.store import Store


@dataclass(frozen=True)
class Organization:
    """What Exchange Online knows an organisation by.

    Attributes:
        initial: Its ``*.onmicrosoft.com`` domain, in lower case.
        domains: Its own domains, the default one first.
    """

    initial: str = ORGANIZATION
    domains: tuple[str, ...] = (DEFAULT_DOMAIN,)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The domains in which it has addresses."""
        return tuple(dict.fromkeys((*self.domains, self.initial)))

    @property
    def default(self) -> str:
        """The domain of an address that nobody chose."""
        return self.accepted[0]

    @property
    def unit(self) -> str:
        """The end of its objects' distinguished names."""
        return (
            f"OU={self.initial},OU=Microsoft Exchange Hosted Organizations,"
            "DC=EURPR05A012,DC=PROD,DC=OUTLOOK,DC=COM"
        )


def organization_of(store: Store) -> Organization:
    """The one that a tenant was made for."""
    kept = store.setting("organization", None)
    if kept is None:
        return Organization()
    return Organization(kept["initial"], tuple(kept["domains"]))


def keep_organization(store: Store, organization: Organization) -> None:
    """Makes a tenant that of an organisation."""
    kept = {"initial": organization.initial, "domains": list(organization.domains)}
    store.set_setting("organization", kept)
