"""Exchange Online: recipients, groups and application access policies by their cmdlets."""

from simulator.tenant.exchange.session import Exchange, ExchangeSession

__all__ = ["Exchange", "ExchangeSession"]
