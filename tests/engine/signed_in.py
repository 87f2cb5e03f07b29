"""Someone who is signed in to a simulated tenant with the rights of the deploying identity."""

import httpx
from azure.core.credentials import AccessToken, TokenCredential

from components.clouds import Cloud
from operations.signed_in import SignedIn
from simulator.tenant import DEPLOYMENT_CLIENT_ID, CloudError, ConnectionLostError, Tenant
from simulator.tenant.identifiers import ARM_AUDIENCE


class _Credential(TokenCredential):
    def __init__(self, tenant: Tenant, client_id: str) -> None:
        self._tenant = tenant
        self._client_id = client_id

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        audience = scopes[0].removesuffix("/.default")
        return AccessToken(self._tenant.entra.issue_token(self._client_id, audience), expires_on=0)


def signed_in_to(tenant: Tenant, client_id: str = DEPLOYMENT_CLIENT_ID) -> SignedIn:
    """The deploying identity, or another application, whose requests the tenant answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        address = request.url.raw_path.decode()
        if request.url.host == "login.microsoftonline.com":
            try:
                return httpx.Response(200, json=tenant.entra.discovery(address.split("/")[1]))
            except CloudError as error:
                return httpx.Response(400, json={"error": error.code})
        token = request.headers["Authorization"].removeprefix("Bearer ")
        of_azure = str(request.url).startswith(f"{ARM_AUDIENCE}/")
        service = tenant.arm if of_azure else tenant.graph
        try:
            response = service.request(request.method, address, token=token)
        except ConnectionLostError as error:
            raise httpx.ReadError(str(error)) from None
        return httpx.Response(response.status, json=response.body, headers=response.headers)

    return SignedIn(
        Cloud.PUBLIC,
        credential=_Credential(tenant, client_id),
        transport=httpx.MockTransport(answer),
        sleep=tenant.clock.sleep,
    )
