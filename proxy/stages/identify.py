"""Stage 1: who asks. Runs before a byte of the body is read."""

from adapters.errors import CredentialRefused
from proxy.exchange import Exchange


async def identify(exchange: Exchange) -> None:
    """Set `principal`, or raise CredentialRefused."""
    principal = await exchange.ports.authenticator.authenticate(exchange.request.headers)
    if principal is None:
        raise CredentialRefused("identity", "missing_credential", "no credential was sent")
    exchange.principal = principal
