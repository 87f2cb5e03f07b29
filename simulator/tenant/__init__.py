"""A simulated Microsoft 365 and Azure tenant: Entra, Exchange Online, Graph, ARM and Logic Apps.

``Tenant(path)`` opens the tenant kept in one SQLite file, and creates and seeds it where the file
is missing. Several processes may hold the same file open. Every public call is one transaction.

    tenant = Tenant(path)
    Tenant(path, organization=Organization(initial, domains)), tenant.assume(domains, mailboxes)
    tenant.clock.now(), tenant.clock.advance(seconds)      # virtual time; fires due recurrences
    tenant.clock.sleep(seconds)                            # the same beside the waits of others
    tenant.lags, tenant.set_lag(kind, seconds)
    tenant.set_language("de")                              # default "en"
    tenant.set_mailbox_names_are_object_ids(False)         # default True, the stricter variant
    tenant.arm.request(method, path, body, token=None) -> Response
    tenant.graph.request(method, path, body, token=token, headers=None) -> Response
    tenant.entra.issue_token(client_id, audience) -> str   # raises CloudError
    tenant.exchange.connect(token=token, organization=name) -> ExchangeSession
    session.invoke("New-Mailbox", {"Shared": True, ...}) -> list[dict]   # raises ExchangeError
    tenant.logic.invoke_callback(url, body) -> Response    # POST of a caller
    tenant.logic.content(url) -> Response                  # GET of run history
    tenant.calls(), tenant.violations(), tenant.mail(), tenant.snapshot()
    tenant.record_call(service, operation, target)
    tenant.plan_faults([Fault(step, kind), ...])           # simulator.tenant.faults

``url`` is a Request trigger's callback URL, or an action's ``outputsLink.uri``.

``NotSimulated`` is raised (never answered) by Exchange for what the real service knows and this
one does not; the HTTP services answer it as status 501, code ``NotSimulated``.
"""

from simulator.tenant.answers import (
    CloudError,
    ConnectionLostError,
    ExchangeError,
    NotSimulated,
    Response,
)
from simulator.tenant.identifiers import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_APP_ID,
    EXCHANGE_AUDIENCE,
    GRAPH_APP_ID,
    GRAPH_AUDIENCE,
    ORGANIZATION,
    SUBSCRIPTION_ID,
    TENANT_ID,
)
from simulator.tenant.organization import Organization
from simulator.tenant.store import Call, Violation
from simulator.tenant.tenant import Mail, Tenant

__all__ = [
    "DEPLOYMENT_CLIENT_ID",
    "EXCHANGE_APP_ID",
    "EXCHANGE_AUDIENCE",
    "GRAPH_APP_ID",
    "GRAPH_AUDIENCE",
    "ORGANIZATION",
    "SUBSCRIPTION_ID",
    "TENANT_ID",
    "Call",
    "CloudError",
    "ConnectionLostError",
    "ExchangeError",
    "Mail",
    "NotSimulated",
    "Organization",
    "Response",
    "Tenant",
    "Violation",
]
