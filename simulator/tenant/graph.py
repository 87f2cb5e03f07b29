"""Microsoft Graph: service principals and their app role assignments, users, and sendMail."""

import re
from collections.abc import Mapping
from typing import Any

from simulator.tenant.answers import CloudError, Response
from simulator.tenant.entra import Entra
from simulator.tenant.exchange import Exchange
from simulator.tenant.exchange.recipients import MAILBOX_TYPES
from simulator.tenant.identifiers import GRAPH_AUDIENCE, new_id
from simulator.tenant.invariant import holders, record_reach, record_sendable
from simulator.tenant.message import check_length, check_sender, checked_message
from simulator.tenant.paths import Request, check_headers
from simulator.tenant.policy_evaluation import AccessCheckResult, evaluate
from simulator.tenant.store import Document, Store

FILTER = re.compile(
    r"\s*(?P<property>appId|displayName)\s+eq\s+'(?P<value>(?:[^']|'')*)'\s*", re.IGNORECASE
)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
METADATA = f"{GRAPH_AUDIENCE}/v1.0/$metadata#"
# In field reports of 2025 and 2026, in the place of the full stop that Microsoft's page has.
BLOCKED_BY_POLICY = "[RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."
ASSIGNMENT_TYPE = "#microsoft.graph.appRoleAssignment"
# The two ends from which an assignment is seen: of the resource, and of the principal.
ASSIGNED_TO = "appRoleAssignedTo"
SIDES = (ASSIGNED_TO, "appRoleAssignments")
INTERNAL = ("assignableAt", "visibleAt")


class Graph:
    """https://graph.microsoft.com, the part of it that the project uses."""

    def __init__(self, store: Store, entra: Entra, exchange: Exchange) -> None:
        self._store = store
        self._entra = entra
        self._exchange = exchange

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None,
        headers: Mapping[str, str] | None = None,
        by_workflow: bool = False,
    ) -> Response:
        """Answers one request.

        Args:
            method: The HTTP method.
            path: From ``/v1.0/`` on, with the query.
            body: The JSON value of the body, ``None`` for none.
            token: What the Authorization header bears.
            headers: The other headers; a body needs ``Content-Type: application/json``.
            by_workflow: Whether a workflow asks, in the course of another call.

        Raises:
            ConnectionLostError: No answer gets back, by a planned fault.
        """
        request = Request.parse(method, path)
        given = {name.casefold(): value for name, value in (headers or {}).items()}

        def effect() -> Response:
            check_length(body)
            check_headers(given)
            claims = self._entra.validate(token, GRAPH_AUDIENCE)
            return self._route(request, body, claims, given)

        if request.segments[-1] == "sendMail":
            # Apart from the call, of which a refusal leaves nothing.
            with self._store.transaction():
                caller = self._store.get("token", token or "")
                if caller is not None:
                    self._exchange.roles.note_call(caller["principalId"])
        try:
            return self._store.call(
                "Graph", request.method, path, effect, crosses_network=by_workflow
            )
        except CloudError as error:
            response = error.response()
            # Exchange's own answers, those of sendMail, are reported without it.
            if response.body and request.segments[-1] != "sendMail":
                response.body["error"]["innerError"] = self._inner_error(given)
            return response

    def _inner_error(self, headers: Mapping[str, str]) -> Document:
        """What the directory's errors say of the request."""
        request_id = new_id()
        with self._store.transaction():
            return {
                "date": self._store.now().strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request_id,
                "client-request-id": headers.get("client-request-id", request_id),
            }

    def _route(
        self, request: Request, body: Any, claims: Document, headers: Mapping[str, str]
    ) -> Response:
        match request.method, *request.segments:
            case "GET", "v1.0", "servicePrincipals":
                self._require(claims, "Application.Read.All")
                return self._list_service_principals(request)
            case "GET", "v1.0", "servicePrincipals", object_id:
                self._require(claims, "Application.Read.All")
                request.check_options(("$select",))
                principal = _public(self._service_principal(object_id))
                return _entity("servicePrincipals", request, principal)
            case "GET", "v1.0", "servicePrincipals", object_id, side if side in SIDES:
                self._require(claims, "Application.Read.All")
                request.check_options()
                found = self._assignments(self._service_principal(object_id), side)
                return _collection("appRoleAssignments", request, found)
            case "GET", "v1.0", "servicePrincipals", object_id, side, assignment if side in SIDES:
                self._require(claims, "Application.Read.All")
                request.check_options()
                found = self._assignments(self._service_principal(object_id), side)
                if all(each["id"] != assignment for each in found):
                    raise _resource_not_found(assignment)
                (one,) = (each for each in found if each["id"] == assignment)
                return _entity("appRoleAssignments", request, one)
            case "POST", "v1.0", "servicePrincipals", object_id, side if side in SIDES:
                self._require(claims, "AppRoleAssignment.ReadWrite.All", "Application.Read.All")
                request.check_options()
                _require_json(headers)
                made = self._assign(object_id, side, body)
                return _entity("appRoleAssignments", request, made, status=201)
            case "DELETE", "v1.0", "servicePrincipals", object_id, side, assignment if (
                side in SIDES
            ):
                self._require(claims, "AppRoleAssignment.ReadWrite.All")
                request.check_options()
                return self._unassign(object_id, side, assignment)
            case "GET", "beta", "servicePrincipals", object_id:
                self._require(claims, "Application.Read.All")
                return Response(200, self._saml_metadata_url(object_id, request))
            case "GET", "v1.0", "users", user:
                self._require(claims, "User.Read.All")
                request.check_options(("$select",))
                return _entity("users", request, self._user(user))
            case "POST", "v1.0", "users", user, "sendMail":
                request.check_options()
                return self._send_mail(user, body, claims, headers)
        raise CloudError(
            501,
            "NotSimulated",
            f"The simulated tenant does not answer {request.method} /{'/'.join(request.segments)}.",
        )

    def _require(self, claims: Document, *roles: str) -> None:
        if not set(roles) <= set(claims["roles"]):
            raise CloudError(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            )

    # Service principals

    def _list_service_principals(self, request: Request) -> Response:
        request.check_options(("$filter", "$select", "$top"))
        found = self._entra.service_principals()
        if "$filter" in request.query:
            match = FILTER.fullmatch(request.query["$filter"])
            if match is None:
                raise CloudError(
                    501,
                    "NotSimulated",
                    "The simulated tenant filters service principals by appId eq or displayName "
                    f"eq only: {request.query['$filter']}",
                )
            # Names of properties and values count without regard to case, as PowerShell users
            # write them: AppId eq '…'.
            names = {"appid": "appId", "displayname": "displayName"}
            name = names[match["property"].casefold()]
            wanted = match["value"].replace("''", "'").casefold()
            found = [p for p in found if p[name].casefold() == wanted]
        return _collection("servicePrincipals", request, [_public(p) for p in found])

    def _service_principal(self, object_id: str) -> Document:
        principal = self._entra.service_principal(_guid(object_id))
        if principal is None:
            raise _resource_not_found(object_id)
        return principal

    def _saml_metadata_url(self, object_id: str, request: Request) -> Document:
        """The one property that the azuread provider asks the beta endpoint for."""
        principal = self._service_principal(object_id)
        if request.query != {"$select": "samlMetadataUrl"}:
            raise CloudError(
                501,
                "NotSimulated",
                "The simulated tenant knows samlMetadataUrl alone of a service principal in beta: "
                f"{request.query}",
            )
        return {"id": principal["id"], "samlMetadataUrl": None}

    def _assignments(self, principal: Document, side: str) -> list[Document]:
        """What look-ups find of the assignments of a service principal, to it or by it."""
        of_side = self._entra.assignments_to if side == ASSIGNED_TO else self._entra.assignments_of
        return [_public(each) for each in self._entra.shown(of_side(principal["id"]))]

    def _assign(self, object_id: str, side: str, body: Any) -> Document:
        addressed = self._service_principal(object_id)
        keys = ("principalId", "resourceId", "appRoleId")
        if not isinstance(body, dict) or any(not isinstance(body.get(key), str) for key in keys):
            raise CloudError(
                400, "Request_BadRequest", f"The body needs {', '.join(keys)}, each a string."
            )
        kind = body.get("@odata.type", ASSIGNMENT_TYPE)
        if kind != ASSIGNMENT_TYPE:
            raise CloudError(
                400,
                "Request_BadRequest",
                f"The body is a '{kind}' and not a '{ASSIGNMENT_TYPE}'.",
            )
        unknown = sorted(body.keys() - {*keys, "@odata.type"})
        if unknown:
            raise CloudError(
                400,
                "Request_BadRequest",
                f"Resource 'appRoleAssignment' does not have a property '{unknown[0]}' that can "
                "be set.",
            )
        given = {key: _guid(body[key]) for key in keys}
        named = "resourceId" if side == ASSIGNED_TO else "principalId"
        if given[named] != addressed["id"]:
            raise CloudError(
                400,
                "Request_BadRequest",
                f"The {named} of the body is not the service principal of the address.",
            )
        principal = self._service_principal(given["principalId"])
        resource = self._service_principal(given["resourceId"])
        return _public(self._entra.assign(principal, resource, given["appRoleId"]))

    def _unassign(self, object_id: str, side: str, assignment_id: str) -> Response:
        addressed = self._service_principal(object_id)
        held = (self._entra.assignments_to if side == ASSIGNED_TO else self._entra.assignments_of)(
            addressed["id"]
        )
        if all(assignment["id"] != assignment_id for assignment in held):
            raise _resource_not_found(assignment_id)
        self._store.delete("appRoleAssignment", assignment_id)
        return Response(204)

    # Users

    def _mailbox(self, user: str) -> Document | None:
        """The mailbox whose user the directory finds by object id or user principal name."""
        for mailbox in self._mailboxes():
            if user.casefold() in (
                mailbox["id"],
                mailbox["upn"].casefold(),
            ) and self._store.is_past(mailbox["userVisibleAt"]):
                return mailbox
        return None

    def _user(self, user: str) -> Document:
        mailbox = self._mailbox(user)
        if mailbox is None:
            raise _resource_not_found(user)
        return {
            "id": mailbox["id"],
            "displayName": mailbox["displayName"],
            "mail": mailbox["addresses"][0],
            "userPrincipalName": mailbox["upn"],
        }

    # Mail

    def _send_mail(
        self, user: str, body: Any, claims: Document, headers: Mapping[str, str]
    ) -> Response:
        mailbox, by_role = self._admit(user, claims)
        _require_json(headers)
        message, save = checked_message(body)
        check_sender(message, mailbox)
        if not by_role:
            effective = self._exchange.policies.effective()
            record_reach(self._store, claims, "Mail.Send", effective)
        mail = {
            "id": new_id(),
            "time": self._store.now().isoformat(),
            "mailboxId": mailbox["id"],
            "mailbox": mailbox["addresses"][0],
            "appId": claims["appId"],
            "message": message,
            "saveToSentItems": save,
        }
        self._store.put("mail", mail["id"], mail)
        return Response(202, None, {"request-id": new_id()})

    def _admit(self, user: str, claims: Document) -> tuple[Document, bool]:
        """The mailbox as which the claims may send, and whether by a role in Exchange.

        What is granted in Entra and what roles open adds up, and policies bear on the former only.

        Raises:
            CloudError: They may not.
        """
        roles = self._exchange.roles
        granted = "Mail.Send" in claims["roles"] and roles.entra_grants_count(claims["appId"])
        by_role = [
            grant
            for grant in roles.effective(claims["principalId"])
            if "Mail.Send" in grant.permissions
        ]
        if not granted and not by_role:
            raise permission_missing()
        mailbox = self._mailbox(user)
        if mailbox is None:
            raise CloudError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        if not self._store.is_past(mailbox["visibleAt"]):
            raise no_mailbox()
        effective = self._exchange.policies.effective()
        # As documented one text for two reasons: the policy of an application, and a mailbox that
        # is shut to all.
        disabled = "Access to OData is disabled"
        if not self._exchange.client_access.admits_graph(mailbox):
            raise CloudError(403, "ErrorAccessDenied", f"{disabled}.")
        if any(grant.reaches(mailbox["id"]) for grant in by_role):
            return mailbox, True
        if not granted:
            raise permission_missing()
        if evaluate(effective, claims["appId"], mailbox["id"]) is AccessCheckResult.DENIED:
            live = self._store.setting("live text of denials", default=False)
            reason = f": {BLOCKED_BY_POLICY}" if live else "."
            raise CloudError(403, "ErrorAccessDenied", f"{disabled}{reason}")
        return mailbox, False

    def try_sending(self) -> None:
        """Tries, for whoever holds Mail.Send, every mailbox there is, and has the answers recorded.

        Nothing is sent: the trial ends where a message would be looked at. It runs inside a call.
        """
        present = self._exchange.policies.present()
        grants = self._exchange.roles.remembered()
        in_entra = {p["id"] for p in holders(self._store, self._entra, "Mail.Send", ())}
        for principal in holders(self._store, self._entra, "Mail.Send", grants):
            claims = {
                "principalId": principal["id"],
                "appId": principal["appId"],
                "roles": ["Mail.Send"] if principal["id"] in in_entra else [],
            }
            accepted = [m for m in self._mailboxes() if self._would_admit(m["id"], claims)]
            record_sendable(self._store, principal, accepted, present, grants)

    def _mailboxes(self) -> list[Document]:
        return [r for r in self._store.all("recipient") if r["type"] in MAILBOX_TYPES]

    def _would_admit(self, user: str, claims: Document) -> bool:
        try:
            self._admit(user, claims)
        except CloudError:
            return False
        return True


def permission_missing() -> CloudError:
    """What sendMail answers to a token without Mail.Send."""
    return CloudError(
        403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."
    )


def no_mailbox() -> CloudError:
    """What sendMail answers for a user whose mailbox is not there, or not yet."""
    return CloudError(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )


def _public(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in INTERNAL}


def _collection(kind: str, request: Request, found: list[Document]) -> Response:
    """The answer to a request for several objects, as ``$select`` and ``$top`` have it."""
    if "$top" in request.query:
        if not re.fullmatch(r"[1-9][0-9]{0,2}", request.query["$top"]):
            raise CloudError(
                400,
                "Request_BadRequest",
                f"Invalid page size specified: '{request.query['$top']}'. Must be between 1 and "
                "999 inclusive.",
            )
        if int(request.query["$top"]) < len(found):
            raise CloudError(
                501, "NotSimulated", "The simulated tenant has no pages: a larger $top."
            )
    selected, shown = _selected(kind, request, found)
    return Response(200, {"@odata.context": f"{METADATA}{kind}{selected}", "value": shown})


def _entity(kind: str, request: Request, found: Document, status: int = 200) -> Response:
    """The answer to a request for one object."""
    selected, (shown,) = _selected(kind, request, [found])
    context = f"{METADATA}{kind}{selected}/$entity"
    return Response(status, {"@odata.context": context, **shown})


def _selected(kind: str, request: Request, found: list[Document]) -> tuple[str, list[Document]]:
    """What ``$select`` leaves of objects, and how a context says so.

    Raises:
        CloudError: A property is asked for that is not simulated: its absence would say that it has
            no value.
    """
    if "$select" not in request.query:
        return "", found
    names = [name.strip() for name in request.query["$select"].split(",")]
    for name in names:
        if any(name not in each for each in found):
            raise CloudError(
                501, "NotSimulated", f"The simulated tenant has no '{name}' of {kind}."
            )
    return f"({','.join(names)})", [{name: each[name] for name in names} for each in found]


def _guid(identifier: str) -> str:
    """An object id in the spelling in which objects are kept: case does not count."""
    if not GUID.fullmatch(identifier):
        raise CloudError(400, "Request_BadRequest", f"Invalid object identifier '{identifier}'.")
    return identifier.casefold()


def _resource_not_found(identifier: str) -> CloudError:
    return CloudError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property objects "
        "are not present.",
    )


def _require_json(headers: Mapping[str, str]) -> None:
    content_type = headers.get("content-type", "")
    if content_type.split(";")[0].strip().casefold() != "application/json":
        raise CloudError(
            400,
            "RequestBodyRead",
            "A missing or empty content type header was found when trying to read a message. The "
            "content type header is required."
            if not content_type
            else f"The content type '{content_type}' is not simulated: application/json only.",
        )
