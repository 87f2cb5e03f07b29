"""The routes of Microsoft Graph: which response answers which request, and what it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.tenant.answers import Response
from simulator.tenant.graph.responses import ASSIGNED_TO, SIDES, Responses
from simulator.tenant.paths import Request


@dataclass(frozen=True)
class Route:
    """One kind of request.

    Attributes:
        path: Names in braces stand for one segment each, whatever it is but for ``{side}``.
        answer: The method that answers.
        permissions: What the token must carry, all of it.
        options: The query options that are followed; ``None`` where the method looks at them.
    """

    method: str
    path: str
    answer: Callable[..., Response]
    permissions: tuple[str, ...] = ()
    options: tuple[str, ...] | None = ()

    def names(self, request: Request) -> dict[str, str] | None:
        """What a request has in the places of the names; ``None`` if it is of another kind."""
        names = request.names(self.path) if request.method == self.method else None
        return None if names is None or names.get("side", ASSIGNED_TO) not in SIDES else names


_READ = ("Application.Read.All",)
_CHANGE = ("AppRoleAssignment.ReadWrite.All",)
_PRINCIPALS = "/v1.0/servicePrincipals"
_ASSIGNMENTS = _PRINCIPALS + "/{principal}/{side}"
_ASSIGNMENT = _ASSIGNMENTS + "/{assignment}"
_OF_LISTS = ("$filter", "$select", "$top")

ROUTES = (
    Route("GET", _PRINCIPALS, Responses.principals, _READ, _OF_LISTS),
    Route("GET", _PRINCIPALS + "/{principal}", Responses.principal, _READ, ("$select",)),
    Route("GET", _ASSIGNMENTS, Responses.assignments, _READ),
    Route("POST", _ASSIGNMENTS, Responses.assign, _CHANGE + _READ),
    Route("GET", _ASSIGNMENT, Responses.assignment, _READ),
    Route("DELETE", _ASSIGNMENT, Responses.unassign, _CHANGE),
    Route("GET", "/beta/servicePrincipals/{principal}", Responses.saml_metadata_url, _READ, None),
    Route("GET", "/v1.0/users/{user}", Responses.user, ("User.Read.All",), ("$select",)),
    # Who may send, a role in Exchange can say too.
    Route("POST", "/v1.0/users/{user}/sendMail", Responses.send_mail),
)
