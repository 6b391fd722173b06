"""Compact JWS with EdDSA over Ed25519 (RFC 7515, RFC 8037): how single entries are signed.

Built directly, since the header never changes and the payload's bytes must stay as they are. The
header is `{"alg":"EdDSA","kid":…}` with the key's RFC 7638 thumbprint. `Ed25519`, the name that
RFC 9864 gives the same algorithm, is accepted when verifying. Keys are never taken from a header.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rules.audit import base64_strict
from rules.errors import ProofError

Sign = Callable[[bytes], bytes]
"""Takes a message and returns its raw Ed25519 signature (64 bytes)."""

_ALGORITHMS: Final = ("EdDSA", "Ed25519")


def thumbprint(public_key: bytes) -> str:
    """Return the RFC 7638 thumbprint of a raw Ed25519 public key, base64url."""
    x = base64_strict.encode_url(public_key)
    canonical = b'{"crv":"Ed25519","kty":"OKP","x":"' + x + b'"}'
    return base64_strict.encode_url(sha256(canonical).digest()).decode("ascii")


def protected_header(public_key: bytes) -> bytes:
    """Return the encoded header of every JWS signed with this key."""
    header = {"alg": "EdDSA", "kid": thumbprint(public_key)}
    return base64_strict.encode_url(orjson.dumps(header))


def sign_compact(payload: bytes, header: bytes, sign: Sign) -> bytes:
    """Return the compact JWS over `payload` under a `protected_header`."""
    message = header + b"." + base64_strict.encode_url(payload)
    return message + b"." + base64_strict.encode_url(sign(message))


def verify_compact(jws: bytes, public_key: bytes) -> bytes:
    """Return the payload of a JWS signed with this key; raises ProofError naming what fails."""
    parts = jws.split(b".")
    if len(parts) != 3:
        raise ProofError("the signature (JWS) does not have three parts")
    _check_header(base64_strict.decode_url(parts[0], "the signature's (JWS) header"), public_key)
    payload = base64_strict.decode_url(parts[1], "the signature's (JWS) payload")
    signature = base64_strict.decode_url(parts[2], "the signature (JWS)")
    if not verify_ed25519(public_key, signature, parts[0] + b"." + parts[1]):
        raise ProofError("the signature (JWS) does not verify")
    return payload


def unverified_payload(jws: bytes) -> bytes:
    """Return the payload without looking at the signature; raises ProofError when unreadable."""
    parts = jws.split(b".")
    if len(parts) != 3:
        raise ProofError("the signature (JWS) does not have three parts")
    return base64_strict.decode_url(parts[1], "the signature's (JWS) payload")


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` over `message` was made with this key (RFC 8032)."""
    try:
        _load(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_header(raw: bytes, public_key: bytes) -> None:
    header: Any = None
    try:
        header = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProofError("the signature's (JWS) header is not JSON") from None
    if not isinstance(header, dict) or header.get("alg") not in _ALGORITHMS:
        raise ProofError("the signature (JWS) is not EdDSA")
    if "crit" in header:
        raise ProofError("the signature (JWS) demands an unknown extension")
    if header.get("kid") != thumbprint(public_key):
        raise ProofError("the signature (JWS) names another key")


@lru_cache(maxsize=8)
def _load(public_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public_key)
