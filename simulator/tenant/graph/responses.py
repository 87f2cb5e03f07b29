"""How Microsoft Graph answers: what it reads of a request, and OData's way of rendering objects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.tenant.answers import Response
from simulator.tenant.entra import Entra
from simulator.tenant.graph import exceptions
from simulator.tenant.graph.message import check_sender, checked_message
from simulator.tenant.graph.models import Mailboxes
from simulator.tenant.identifiers import GRAPH_AUDIENCE, new_id
from simulator.tenant.paths import Request
from simulator.tenant.store import Document

FILTER = re.compile(
    r"\s*(?P<property>appId|displayName)\s+eq\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE
)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
METADATA = f"{GRAPH_AUDIENCE}/v1.0/$metadata#"
# The two ends from which an assignment is seen: of the resource, and of the principal.
ASSIGNED_TO = "appRoleAssignedTo"
SIDES = (ASSIGNED_TO, "appRoleAssignments")
ASSIGNMENT_TYPE = "#microsoft.graph.appRoleAssignment"
INTERNAL = ("assignableAt", "visibleAt")


@dataclass(frozen=True)
class Responses:
    """The answers to one request whose token is valid: a method a route.

    The methods are given what the path has in the places of the route's names.

    Attributes:
        headers: By their names in lower case.
        claims: Those of the token.
    """

    entra: Entra
    mailboxes: Mailboxes
    request: Request
    body: Any
    headers: Mapping[str, str]
    claims: Document

    # Service principals

    def principals(self) -> Response:
        found = self.entra.service_principals()
        if "$filter" in self.request.query:
            match = FILTER.fullmatch(self.request.query["$filter"])
            if match is None:
                raise exceptions.not_simulated(
                    "The simulated tenant filters service principals by appId eq or displayName "
                    f"eq only: {self.request.query['$filter']}"
                )
            # Names of properties and values count without regard to case, as PowerShell users
            # write them: AppId eq '…'.
            names = {"appid": "appId", "displayname": "displayName"}
            name = names[match["property"].casefold()]
            wanted = match["value"].replace("''", "'").casefold()
            found = [p for p in found if p[name].casefold() == wanted]
        return self._collection("servicePrincipals", [_public(p) for p in found])

    def principal(self, principal: str) -> Response:
        return self._entity("servicePrincipals", _public(self._found(principal)))

    def saml_metadata_url(self, principal: str) -> Response:
        """The one property that the azuread provider asks the beta endpoint for."""
        found = self._found(principal)
        if self.request.query != {"$select": "samlMetadataUrl"}:
            raise exceptions.not_simulated(
                "The simulated tenant knows samlMetadataUrl alone of a service principal in beta: "
                f"{self.request.query}"
            )
        return Response(200, {"id": found["id"], "samlMetadataUrl": None})

    def _found(self, object_id: str) -> Document:
        principal = self.entra.service_principal(_guid(object_id))
        if principal is None:
            raise exceptions.resource_not_found(object_id)
        return principal

    # App role assignments

    def assignments(self, principal: str, side: str) -> Response:
        return self._collection("appRoleAssignments", self._shown(principal, side))

    def assignment(self, principal: str, side: str, assignment: str) -> Response:
        for each in self._shown(principal, side):
            if each["id"] == assignment:
                return self._entity("appRoleAssignments", each)
        raise exceptions.resource_not_found(assignment)

    def assign(self, principal: str, side: str) -> Response:
        self._require_json()
        addressed = self._found(principal)
        body = self.body
        keys = ("principalId", "resourceId", "appRoleId")
        if not isinstance(body, dict) or any(not isinstance(body.get(key), str) for key in keys):
            raise exceptions.bad_request(f"The body needs {', '.join(keys)}, each a string.")
        kind = body.get("@odata.type", ASSIGNMENT_TYPE)
        if kind != ASSIGNMENT_TYPE:
            raise exceptions.bad_request(f"The body is a '{kind}' and not a '{ASSIGNMENT_TYPE}'.")
        unknown = sorted(body.keys() - {*keys, "@odata.type"})
        if unknown:
            raise exceptions.bad_request(
                f"Resource 'appRoleAssignment' does not have a property '{unknown[0]}' that can "
                "be set."
            )
        given = {key: _guid(body[key]) for key in keys}
        named = "resourceId" if side == ASSIGNED_TO else "principalId"
        if given[named] != addressed["id"]:
            raise exceptions.bad_request(
                f"The {named} of the body is not the service principal of the address."
            )
        holder, resource = (self._found(given[key]) for key in keys[:2])
        made = self.entra.assign(holder, resource, given["appRoleId"])
        return self._entity("appRoleAssignments", _public(made), status=201)

    def unassign(self, principal: str, side: str, assignment: str) -> Response:
        if all(each["id"] != assignment for each in self._held(principal, side)):
            raise exceptions.resource_not_found(assignment)
        self.entra.unassign(assignment)
        return Response(204)

    def _held(self, principal: str, side: str) -> list[Document]:
        """The assignments of a service principal, to it or by it."""
        of_side = self.entra.assignments_to if side == ASSIGNED_TO else self.entra.assignments_of
        return of_side(self._found(principal)["id"])

    def _shown(self, principal: str, side: str) -> list[Document]:
        """What look-ups find of them."""
        return [_public(each) for each in self.entra.shown(self._held(principal, side))]

    # Users

    def user(self, user: str) -> Response:
        mailbox = self.mailboxes.find(user)
        if mailbox is None:
            raise exceptions.resource_not_found(user)
        return self._entity(
            "users",
            {
                "id": mailbox["id"],
                "displayName": mailbox["displayName"],
                "mail": mailbox["addresses"][0],
                "userPrincipalName": mailbox["upn"],
            },
        )

    def send_mail(self, user: str) -> Response:
        mailbox, by_role = self.mailboxes.admit(user, self.claims)
        self._require_json()
        message, save = checked_message(self.body)
        check_sender(message, mailbox)
        self.mailboxes.send(mailbox, self.claims, message, save=save, by_role=by_role)
        return Response(202, None, {"request-id": new_id()})

    # OData

    def _require_json(self) -> None:
        content_type = self.headers.get("content-type", "")
        if content_type.split(";")[0].strip().casefold() != "application/json":
            raise exceptions.unreadable(
                "A missing or empty content type header was found when trying to read a message. "
                "The content type header is required."
                if not content_type
                else f"The content type '{content_type}' is not simulated: application/json only."
            )

    def _collection(self, kind: str, found: list[Document]) -> Response:
        """The answer to a request for several objects, as ``$select`` and ``$top`` have it."""
        most = self.request.query.get("$top")
        if most is not None:
            if not re.fullmatch(r"[1-9][0-9]{0,2}", most):
                raise exceptions.bad_request(
                    f"Invalid page size specified: '{most}'. Must be between 1 and 999 inclusive."
                )
            if int(most) < len(found):
                raise exceptions.not_simulated("The simulated tenant has no pages: a larger $top.")
        selected, shown = self._selected(kind, found)
        return Response(200, {"@odata.context": f"{METADATA}{kind}{selected}", "value": shown})

    def _entity(self, kind: str, found: Document, status: int = 200) -> Response:
        """The answer to a request for one object."""
        selected, (shown,) = self._selected(kind, [found])
        context = f"{METADATA}{kind}{selected}/$entity"
        return Response(status, {"@odata.context": context, **shown})

    def _selected(self, kind: str, found: list[Document]) -> tuple[str, list[Document]]:
        """What ``$select`` leaves of objects, and how a context says so.

        Raises:
            CloudError: A property is asked for that is not simulated: its absence would say that it
                has no value.
        """
        if "$select" not in self.request.query:
            return "", found
        names = [name.strip() for name in self.request.query["$select"].split(",")]
        for name in names:
            if any(name not in each for each in found):
                raise exceptions.not_simulated(f"The simulated tenant has no '{name}' of {kind}.")
        return f"({','.join(names)})", [{name: each[name] for name in names} for each in found]


def _public(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in INTERNAL}


def _guid(identifier: str) -> str:
    """An object id in the spelling in which objects are kept: case does not count."""
    if not GUID.fullmatch(identifier):
        raise exceptions.bad_request(f"Invalid object identifier '{identifier}'.")
    return identifier.casefold()
