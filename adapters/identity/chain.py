"""Several ways to prove who asks, tried in order; each takes the credentials of its own kind."""

from collections.abc import Mapping, Sequence

from adapters.errors import CredentialRefused
from adapters.identity.credential import PLACE, credential
from adapters.ports import Authenticator
from rules.principal import Principal


class Chain:
    """Asks one authenticator after the other; an Authenticator that always knows or refuses."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who asks, as the first that takes the credential has it.

        Raises CredentialRefused where one refuses (nobody else is asked then), with code
        `missing_credential` where there is none, and `credential_not_accepted` where it is of a
        kind that nobody here takes.
        """
        for authenticator in self._authenticators:
            principal = await authenticator.authenticate(headers)
            if principal is not None:
                return principal
        if credential(headers) is None:
            message = "no credential was sent; send `Authorization: Bearer KEY`"
            raise CredentialRefused(PLACE, "missing_credential", message)
        message = "a credential of this kind is not accepted here"
        raise CredentialRefused(PLACE, "credential_not_accepted", message)

    async def close(self) -> None:
        """Close all of them."""
        for authenticator in self._authenticators:
            await authenticator.close()
