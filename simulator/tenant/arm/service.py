"""Azure Resource Manager as a service: what each request passes on the way to its answer."""

from collections.abc import Mapping
from typing import Any

from simulator.tenant.answers import CloudError, Response
from simulator.tenant.arm import exceptions
from simulator.tenant.arm.authorization import authorize
from simulator.tenant.arm.models import GROUPS_PATH, Subscription
from simulator.tenant.arm.responses import Asked, Responses
from simulator.tenant.arm.routes import RESOURCE_GROUPS, ROUTES, Route
from simulator.tenant.entra import Entra
from simulator.tenant.identifiers import ARM_AUDIENCE, SUBSCRIPTION_ID
from simulator.tenant.paths import Request, check_headers
from simulator.tenant.store import Document


class Arm:
    """https://management.azure.com, for one subscription."""

    def __init__(self, entra: Entra, subscription: Subscription) -> None:
        self._store = subscription.store
        self._entra = entra
        self._subscription = subscription

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Answers one request.

        Args:
            method: The HTTP method.
            path: From ``/subscriptions/`` on, with ``?api-version=``.
            body: The JSON value of the body, ``None`` for none.
            token: What the Authorization header bears; ``None`` stands for a caller who is signed
                in to Azure with rights on the subscription. Azure's role assignments are not
                simulated, so that any valid token may do everything.
            headers: The other headers, where the request has any; a body then needs
                ``Content-Type: application/json``.
        """
        request = Request.parse(method, path)
        given = {name.casefold(): value for name, value in (headers or {}).items()}

        def effect() -> Response:
            if token is not None:
                self._authenticate(token)
            check_headers(given)
            if headers is not None and body is not None:
                _check_content_type(given.get("content-type", ""))
            self._admit(request)
            return self._answer(request, body)

        try:
            return self._store.call("ARM", request.method, path, effect)
        except CloudError as error:
            return error.response()

    def _authenticate(self, token: str) -> None:
        try:
            self._entra.validate(token, ARM_AUDIENCE)
        except CloudError as error:
            raise exceptions.invalid_token(error.message) from None

    def _admit(self, request: Request) -> None:
        """Refuses what the subscription does not let the caller do, whatever it is."""
        segments = request.segments
        first, *second = (segment.casefold() for segment in segments[:2])
        if first == "subscriptions" and second not in ([], [SUBSCRIPTION_ID]):
            raise exceptions.subscription_not_found(segments[1])
        authorize(self._store, request)
        self._subscription.check_locks(request.method, request.path)
        if request.method == "PUT" and "providers" in segments[:-1]:
            self._subscription.check_registration(segments[segments.index("providers") + 1])

    def _answer(self, request: Request, body: Any) -> Response:
        found = [(each, names) for each in ROUTES if (names := each.names(request)) is not None]
        if not found:
            raise exceptions.not_answered(request)
        # All routes of one path are to one type, with the same options.
        route, names = found[0]
        if route.is_to_insights:
            within = self._within(route, names)
            _check_query(request, route)
        else:
            _check_query(request, route)
            within = self._within(route, names)
        asked = Asked(request, body, route.type.name, names, within)
        for each, _ in found:
            if each.takes(request):
                return each.answer(Responses(self._subscription), asked)
        raise exceptions.not_answered(request)

    def _within(self, route: Route, names: Mapping[str, str]) -> Document:
        """What the path goes on below: a workflow, a resource group, or nothing that is kept."""
        if "{group}/" not in route.path:
            return {}
        if "{workflow}/" not in route.path:
            return self._subscription.existing_group(names["group"])
        # A setting asks for its workflow alone.
        group_id = f"{GROUPS_PATH}/{names['group']}"
        if not route.is_to_insights:
            group_id = self._subscription.existing_group(names["group"])["id"]
        workflow_id = f"{group_id}/providers/Microsoft.Logic/workflows/{names['workflow']}"
        return self._subscription.existing_workflow(workflow_id)


def _check_query(request: Request, route: Route) -> None:
    version, kind = request.query.get("api-version"), route.type
    if not version:
        raise exceptions.missing_api_version()
    if version not in kind.versions and kind is RESOURCE_GROUPS:
        raise exceptions.invalid_api_version(version, ",".join(kind.versions))
    if version not in kind.versions:
        name, known = kind.name.rpartition("/")[2], ", ".join(kind.versions)
        raise exceptions.no_registered_provider(version, name, known)
    request.check_options(("api-version", *route.options))


def _check_content_type(content_type: str) -> None:
    if content_type.split(";")[0].strip().casefold() != "application/json":
        raise exceptions.unsupported_media_type(content_type or "<null>")
