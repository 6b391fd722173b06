"""Where a credential stands in a request, and what shape it has.

Nothing here decides whether it is good, and nothing repeats it in an error.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from multidict import MultiMapping

from adapters.errors import CredentialRefused

PLACE: Final = "identity"
MAX_CHARACTERS: Final = 16_384
_KEY_HEADERS: Final = ("api-key", "x-api-key")


def credential(headers: Mapping[str, str]) -> str | None:
    """Return the one credential in `headers`, whose names are to be found in any case, or None.

    Looks at `Authorization: Bearer` (RFC 6750), `api-key` and `x-api-key`. Raises
    CredentialRefused where two of them disagree, since either could be the one that was meant.
    """
    found = {value.strip() for name in _KEY_HEADERS for value in _all(headers, name)}
    for authorization in _all(headers, "authorization"):
        scheme, _, rest = authorization.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.add(rest.strip())
    found.discard("")
    if len(found) > 1:
        message = "two headers hold different credentials; send one"
        raise CredentialRefused(PLACE, "ambiguous_credential", message)
    value = found.pop() if found else None
    if value is not None and len(value) > MAX_CHARACTERS:
        message = f"the credential is longer than {MAX_CHARACTERS} characters"
        raise CredentialRefused(PLACE, "credential_too_long", message)
    return value


def _all(headers: Mapping[str, str], name: str) -> Sequence[str]:
    """All values of a header: one that is sent twice must not be judged by its first."""
    if isinstance(headers, MultiMapping):
        values: list[str] = headers.getall(name, [])
        return values
    return [headers[name]] if name in headers else []


def looks_like_jwt(text: str) -> bool:
    """Return whether `text` has the form of a token: three parts, the first a JOSE header."""
    parts = text.split(".")
    if len(parts) != 3:
        return False
    head = parts[0].rstrip("=")
    try:
        header = orjson.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(header, dict) and "alg" in header
