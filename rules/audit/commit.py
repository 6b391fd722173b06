"""Keyed commitments: a known text can later be proved to be the one of a call, a guess cannot.

HMAC-SHA256 under a key of its own for each record, derived from a secret. Whoever is shown one
record's key can check that record alone; destroying the secret makes all of them say nothing. A
plain hash will not do: templated prompts are found by trying.
"""

import hmac
from hashlib import sha256

from rules.audit import base64_strict

_PREFIX = "hmac-sha256:"


def record_key(secret: bytes, call_id: str) -> bytes:
    """Return the 32-byte key of one record."""
    return hmac.digest(secret, b"pratique record key\x00" + call_id.encode(), "sha256")


def commit(key: bytes, data: bytes) -> str:
    """Return the commitment to `data` under a record's key, as entries carry it."""
    return _PREFIX + base64_strict.encode(hmac.digest(key, data, "sha256"))


def matches(key: bytes, data: bytes, commitment: str) -> bool:
    """Return whether `commitment` was made over `data` under this record's key."""
    return hmac.compare_digest(commit(key, data).encode(), commitment.encode())


class RunningCommitment:
    """A commitment to bytes that come in pieces, such as a streamed answer; `text` can be asked
    for at any time and equals `commit` over all pieces so far.
    """

    __slots__ = ("_mac",)

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod=sha256)

    def update(self, data: bytes) -> None:
        """Take the next piece."""
        self._mac.update(data)

    def text(self) -> str:
        """Return the commitment to everything taken so far."""
        return _PREFIX + base64_strict.encode(self._mac.digest())
