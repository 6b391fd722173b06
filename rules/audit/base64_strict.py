"""Base64 with one spelling per value (RFC 4648 section 3.5).

Lenient decoders ignore stray characters and unused bits, so that a changed byte of evidence could
go unseen. These refuse every text that is not exactly what encoding the value would give.
"""

import base64
import binascii

from rules.errors import ProofError


def encode(data: bytes) -> str:
    """Return `data` in the standard alphabet, with padding."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str, part: str) -> bytes:
    """Return the bytes of a standard base64 text; raises ProofError naming `part`."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise ProofError(f"{part} is not base64") from None
    if encode(data) != text:
        raise ProofError(f"{part} is not canonical base64")
    return data


def encode_url(data: bytes) -> bytes:
    """Return `data` in the URL-safe alphabet without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode_url(text: bytes, part: str) -> bytes:
    """Return the bytes of an unpadded URL-safe text; raises ProofError naming `part`."""
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ProofError(f"{part} is not base64url") from None
    if encode_url(data) != text:
        raise ProofError(f"{part} is not canonical base64url")
    return data
