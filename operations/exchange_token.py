r"""Has a person sign in once for all scripts: ``python -m operations.exchange_token --user UPN``.

Each script for Exchange Online is a process of its own, a dozen in a deployment, and each would
have the browser opened. A token that is fetched before serves all of them, for about an hour::

    export EXCHANGE_USER_PRINCIPAL_NAME=admin@contoso.onmicrosoft.com
    export EXCHANGE_ACCESS_TOKEN=$(python -m operations.exchange_token \
        --user "$EXCHANGE_USER_PRINCIPAL_NAME")

The sign-in is by the client that Microsoft's own module uses, so that nothing has to be registered,
and the rights are those that the person has there. The token is written to standard output and
nowhere else, and not at all to a terminal, where others might see it.

Exit codes: 0, there is a token; 1, there is none; 2, a mistake on the command line.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential

from components.clouds import ENDPOINTS, Cloud

CLIENT_ID = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
"""Microsoft Exchange REST API Based PowerShell, a public client of Microsoft's, by which
``Connect-ExchangeOnline`` signs people in. Its page says of -AccessToken that it goes with
-UserPrincipalName for some tokens, https://learn.microsoft.com/powershell/module/exchangepowershell/connect-exchangeonline;
that those of this client are among them is field experience:
https://david-homer.blogspot.com/2025/01/exchange-online-management-powershell.html."""


def credential_of(user: str, cloud: Cloud, *, device_code: bool) -> TokenCredential:
    """What signs a person in to the home tenant of the user name.

    Args:
        user: The user principal name.
        cloud: The Microsoft cloud of the tenant.
        device_code: Whether the browser is on another machine: a code is shown to enter there.
    """
    tenant = user.rpartition("@")[2]
    authority = ENDPOINTS[cloud].authority
    if device_code:

        def show(address: str, code: str, _expires: datetime) -> None:
            print(f"Open {address} and enter {code}", file=sys.stderr)  # noqa: T201

        return DeviceCodeCredential(
            CLIENT_ID, tenant_id=tenant, authority=authority, prompt_callback=show
        )
    return InteractiveBrowserCredential(
        client_id=CLIENT_ID, tenant_id=tenant, authority=authority, login_hint=user
    )


def main(
    arguments: Sequence[str], *, sign_in: Callable[..., TokenCredential] = credential_of
) -> int:
    """Runs the command; returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m operations.exchange_token",
        description="Signs a person in to Exchange Online, and writes the token for all scripts.",
    )
    parser.add_argument("--user", required=True, help="user principal name of who signs in")
    parser.add_argument(
        "--cloud", type=Cloud, choices=list(Cloud), default=Cloud.PUBLIC, help="default: public"
    )
    parser.add_argument(
        "--device-code", action="store_true", help="the browser is on another machine"
    )
    options = parser.parse_args(arguments)
    if "@" not in options.user:
        parser.error("--user is a user principal name, such as admin@contoso.onmicrosoft.com")
    if sys.stdout.isatty():
        parser.error("this writes a token: take it into EXCHANGE_ACCESS_TOKEN, not to a terminal")
    try:
        credential = sign_in(options.user, options.cloud, device_code=options.device_code)
        token = credential.get_token(f"{ENDPOINTS[options.cloud].exchange}/.default")
    except AzureError as error:
        reason = " ".join(str(error).split())
        print(f"error: {options.user} did not sign in: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    print(token.token)  # noqa: T201 - this is the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
