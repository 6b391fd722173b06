"""Callers known by a key, of which only the SHA-256 is kept.

A plain hash is enough because `new_key` draws 190 bits: there is nothing to guess, so nothing that
a slow hash would slow down. A key that is asked for is never logged, repeated or kept.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from adapters.errors import CredentialRefused
from adapters.identity.credential import PLACE, credential, looks_like_jwt
from rules.principal import Principal

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_CHARACTERS: Final = 8
_SECRET_CHARACTERS: Final = 32
# 320 bits for the 238 that are wanted, so that the remainder is as good as even.
KEY_BYTES: Final = 40
_NOBODY: Final = "0" * 64


def new_key(random_bytes: bytes) -> str:
    """Return a key `pk_<8 characters>_<32 characters>` made of `KEY_BYTES` random bytes or more.

    The first part tells keys apart and is no secret. Raises ValueError for fewer bytes.
    """
    if len(random_bytes) < KEY_BYTES:
        raise ValueError(f"a key is made of {KEY_BYTES} random bytes")
    number = int.from_bytes(random_bytes, "big")
    letters = ""
    for _ in range(_ID_CHARACTERS + _SECRET_CHARACTERS):
        number, remainder = divmod(number, len(_BASE62))
        letters += _BASE62[remainder]
    return f"pk_{letters[:_ID_CHARACTERS]}_{letters[_ID_CHARACTERS:]}"


def digest(key: str) -> str:
    """Return the SHA-256 of a key in hex, as the configuration holds it."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class ApiKeyAuthenticator:
    """Knows callers by the SHA-256 of their key; an Authenticator."""

    def __init__(self, principals: Mapping[str, Principal]) -> None:
        """Take whom each key stands for, by the key's `digest`."""
        self._known = {known: (known, principal) for known, principal in principals.items()}

    async def authenticate(self, headers: Mapping[str, str]) -> Principal | None:
        """Return whom the key in `headers` stands for, or None where there is no key.

        A token (JWT) that is not known as a key is left to others. Raises CredentialRefused with
        code `invalid_api_key` for a key that nobody has.
        """
        key = credential(headers)
        if key is None:
            return None
        asked = digest(key)
        # The lookup is by a hash whose bits the caller cannot choose; the comparison takes the same
        # time whether it found somebody or not.
        known, principal = self._known.get(asked, (_NOBODY, None))
        if hmac.compare_digest(known, asked) and principal is not None:
            return principal
        if looks_like_jwt(key):
            return None
        raise CredentialRefused(PLACE, "invalid_api_key", "the key is not known here")

    async def close(self) -> None:
        """Hold nothing, release nothing."""
