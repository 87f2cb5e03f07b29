"""TLS for the tenant over HTTP: Microsoft's SDKs send no token over a connection without it.

The certificate is made on the spot for 127.0.0.1 and lives a week. Its authority's key is never
written down: nobody can make another certificate that the clients of this server would trust.
"""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import trustme

_LIFETIME = timedelta(days=7)
_BUNDLE = "trusted-certificates.pem"


def server_context(directory: Path, host: str) -> tuple[ssl.SSLContext, dict[str, str]]:
    """Makes an authority and a certificate.

    Args:
        directory: Where the file of trusted certificates is written.
        host: The address that the certificate is for.

    Returns:
        What the server uses, and the environment variables by which clients trust it. They name one
        file, in which everybody else who is trusted on this machine stands as well.
    """
    authority = trustme.CA(organization_name="Simulated tenant")
    certificate = authority.issue_cert(host, not_after=datetime.now(UTC) + _LIFETIME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    others = os.environ.get("SSL_CERT_FILE") or certifi.where()
    bundle = directory / _BUNDLE
    bundle.write_bytes(Path(others).read_bytes() + b"\n" + authority.cert_pem.bytes())
    # Python's requests, and with it azure-core, reads the first; httpx, Go and .NET the second.
    return context, {"REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
