"""Entra's token endpoint, as a script asks it with ``Invoke-RestMethod``.

Only what the scripts ask for: a token for one that a pipeline has, by client credentials. Source:
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

import re
from collections.abc import Mapping, Sequence

from simulator.powershell.interface import Arguments, PSObject
from simulator.tenant import ORGANIZATION, CloudError, NotSimulated, Tenant

ENDPOINT = re.compile(r"https://login\.microsoftonline\.com/([^/]+)/oauth2/v2\.0/token")
EXPECTED = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


class InvokeRestMethod:
    """``Invoke-RestMethod -Method Post -Uri … -Body … -SkipHttpErrorCheck``, to Entra alone."""

    name = "Invoke-RestMethod"
    parameters: Sequence[str] = ("Method", "Uri", "Body", "SkipHttpErrorCheck")

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def invoke(self, arguments: Arguments) -> list[object]:
        """Answers the request.

        Raises:
            NotSimulated: It is not one for a token by a federated one.
        """
        given = {name.casefold(): value for name, value in arguments.named.items()}
        form, uri = given.get("body"), str(given.get("uri"))
        endpoint = ENDPOINT.fullmatch(uri)
        if (
            endpoint is None
            or not isinstance(form, Mapping)
            or str(given.get("method")).casefold() != "post"
            or given.get("skiphttperrorcheck") is not True
            or set(form) != {*EXPECTED, "client_id", "scope", "client_assertion"}
            or any(form[key] != value for key, value in EXPECTED.items())
        ):
            scope = form.get("scope", "") if isinstance(form, Mapping) else ""
            raise NotSimulated(
                f"The simulated tenant does not know Invoke-RestMethod {uri} {scope}"
            )
        try:
            token = self._token(endpoint[1], {key: str(value) for key, value in form.items()})
        except CloudError as error:
            refusal = {"error": error.code, "error_description": error.message}
            return [PSObject("System.Management.Automation.PSCustomObject", refusal)]
        answer = {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
        return [PSObject("System.Management.Automation.PSCustomObject", answer)]

    def _token(self, tenant: str, form: Mapping[str, str]) -> str:
        if tenant.casefold() != ORGANIZATION:
            raise CloudError(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        audience = form["scope"].removesuffix("/.default")
        if audience == form["scope"]:
            raise CloudError(
                400,
                "invalid_scope",
                f"AADSTS1002012: The provided value for scope {form['scope']} is not valid.",
            )
        return self._tenant.entra.exchange_federated_token(
            form["client_id"], form["client_assertion"], audience
        )
