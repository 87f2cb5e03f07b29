"""Addresses of workflows outside of Azure Resource Manager: how they are signed, who may call."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import quote

from simulator.tenant.answers import CloudError
from simulator.tenant.logic_apps.exceptions import not_simulated, signature_required
from simulator.tenant.paths import Request
from simulator.tenant.store import Document

# Of a range that is kept for documentation: somebody on the internet.
CALLER_ADDRESS = "198.51.100.7"
HOST = "prod-00.westeurope.logic.azure.com:443"
_ENDPOINT_VERSION = "2016-10-01"
_SIGNATURE_VERSION = "1.0"


def endpoint(workflow: Document) -> str:
    return f"https://{HOST}/workflows/{workflow['endpointId']}"


def trigger_url(workflow: Document, name: str) -> str:
    """The address that fires a trigger. Whoever has it may fire it: a secret."""
    return (
        f"{endpoint(workflow)}/triggers/{name}/paths/invoke?api-version={_ENDPOINT_VERSION}"
        f"&sp={quote(_permission(name), safe='')}&sv={_SIGNATURE_VERSION}&sig={workflow['key']}"
    )


def content_url(workflow: Document, run: Document, action: str, content: str) -> str:
    """The address of what an action of a run was given, or gave."""
    return (
        f"{endpoint(workflow)}/runs/{run['id']}/actions/{action}/contents/{content}"
        f"?api-version={_ENDPOINT_VERSION}&sv={_SIGNATURE_VERSION}&sig={run['key']}"
    )


def _permission(trigger: str) -> str:
    """What the signature of a callback URL permits: its ``sp``."""
    return f"/triggers/{trigger}/run"


def is_signed(request: Request, key: str, **parts: str) -> bool:
    """Whether an address has the signature, over what it was made for."""
    signed = {"sv": _SIGNATURE_VERSION, "sig": key, **parts}
    return signed.items() <= request.query.items()


def check_endpoint_version(request: Request) -> None:
    """Checks what an address of a workflow's own endpoint has besides its signature.

    Other options reach a workflow as ``queries`` of its trigger, which nothing here can read.

    Raises:
        CloudError: The version is missing or beyond the simulation, or an option is repeated.
    """
    request.check_options(request.query)
    version = request.query.get("api-version")
    if not version:
        raise CloudError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if version != _ENDPOINT_VERSION:
        raise not_simulated(
            f"The simulated tenant knows {_ENDPOINT_VERSION} only of callers, not {version}."
        )


def check_caller(
    request: Request,
    workflow: Document,
    trigger: str,
    address: str,
    claims: Mapping[str, str] | None,
) -> None:
    """Refuses who may not call a trigger, by the address, and by the signature or a token."""
    access = workflow.get("accessControl", {}).get("triggers", {})
    _check_address(access.get("allowedCallerIpAddresses"), address)
    if claims is not None and "sig" not in request.query:
        _check_claims(access.get("openAuthenticationPolicies", {}), claims)
    # Both at once are refused too: the service does not choose between the two.
    elif claims is not None or not is_signed(request, workflow["key"], sp=_permission(trigger)):
        raise signature_required()


def _check_address(allowed: list[Document] | None, address: str) -> None:
    if allowed is not None and not any(
        ipaddress.IPv4Address(address) in ipaddress.IPv4Network(entry["addressRange"])
        for entry in allowed
    ):
        # Reported by https://yourazurecoach.com/2018/03/07/ip-restrictions-in-logic-apps/
        raise CloudError(
            401,
            "AuthorizationFailed",
            f"The client IP address '{address}' is not in the allowed caller IP address ranges "
            "specified in the workflow access control configuration.",
        )


def _check_claims(authentication: Document, claims: Mapping[str, str]) -> None:
    """Lets a token in that has every claim of one of the policies, spelled exactly so."""
    for policy in authentication.get("policies", {}).values():
        if all(claims.get(claim["name"]) == claim["value"] for claim in policy["claims"]):
            return
    # The text is the service's; reports disagree on whether its status is 401 or 403.
    raise CloudError(
        401,
        "MisMatchingOAuthClaims",
        "One or more claims either missing or does not match with the open authentication access "
        "control policy.",
    )
