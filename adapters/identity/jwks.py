"""Key sets of identity providers (JWK Set, RFC 7517), from a file or over HTTPS.

A key is only ever found together with the algorithm that it fits, so that the public half of an RSA
key can never serve as the secret of an HMAC (RFC 8725 section 3.1). Reading a set never fails
halfway: keys that cannot be used are left out.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
import orjson
from jwt import PyJWK, PyJWTError

from adapters.errors import StoreUnavailable
from adapters.identity.credential import PLACE
from adapters.ports import Clock

# Algorithm -> type of key and curve (RFC 7518 section 3.1, RFC 8037, RFC 9864).
FAMILIES: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    **dict.fromkeys(("HS256", "HS384", "HS512"), ("oct", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
_SAME: Final = {"Ed25519": "EdDSA"}
MAX_BYTES: Final = 262_144
MAX_KEYS: Final = 64


class KeySet:
    """The usable keys of one set, each under its key id and one algorithm it fits."""

    def __init__(self, keys: Mapping[tuple[str | None, str], tuple[Any, ...]]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, algorithm: str) -> Any | None:
        """Return the key for a token, or None.

        A token without a key id is only matched where a single key of the set fits its algorithm.
        """
        if kid is not None:
            found = self._keys.get((kid, algorithm), ())
        else:
            found = tuple(
                key for (_, fits), keys in self._keys.items() if fits == algorithm for key in keys
            )
        return found[0] if len(found) == 1 else None


def read_key_set(content: bytes, algorithms: Iterable[str], *, symmetric: bool) -> KeySet:
    """Return the keys in `content` that fit one of `algorithms`.

    `symmetric` says whether shared secrets may come from this source. Raises ValueError when this
    is not a key set, or none of its keys can be used.
    """
    document = orjson.loads(content)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError("not a key set")
    keys: dict[tuple[str | None, str], tuple[Any, ...]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not _for_verifying(entry):
            continue
        for algorithm in algorithms:
            if symmetric or FAMILIES[algorithm][0] != "oct":
                _add(keys, entry, algorithm)
    if not keys:
        raise ValueError("no usable key")
    return KeySet(keys)


def _for_verifying(entry: Mapping[str, Any]) -> bool:
    """Whether a key is for signatures, and public where it has a private half."""
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in entry
    )


def _add(
    keys: dict[tuple[str | None, str], tuple[Any, ...]], entry: dict[str, Any], algorithm: str
) -> None:
    kind, curve = FAMILIES[algorithm]
    kid, own = entry.get("kid"), entry.get("alg", algorithm)
    fits = entry.get("kty") == kind and (curve is None or entry.get("crv") == curve)
    if not fits or not (kid is None or isinstance(kid, str)):
        return
    if _SAME.get(own, own) != _SAME.get(algorithm, algorithm):
        return
    try:
        made = PyJWK(entry, _SAME.get(algorithm, algorithm))
        # RFC 7518 sections 3.2 and 3.3: a secret as long as the hash, 2,048 bits of RSA.
        too_short = made.Algorithm.check_key_length(made.key)
    except (PyJWTError, ValueError, TypeError, AttributeError):
        # What a malformed key raises depends on where it is malformed; it is of no use either way.
        return
    if not too_short:
        keys[kid, algorithm] = (*keys.get((kid, algorithm), ()), made.key)


class KeySource(Protocol):
    """Where the keys of an issuer come from."""

    async def find(self, kid: str | None, algorithm: str) -> Any | None:
        """Return the key for a token, or None; raises StoreUnavailable when no set can be had."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class FileKeys:
    """A key set in a file, read again when the file has changed.

    The file is looked at no more than once in `CHECK_SECONDS`. Once read, a set stays in use while
    the file is missing or cannot be read.
    """

    CHECK_SECONDS: Final = 1.0

    def __init__(self, path: Path, algorithms: Iterable[str], clock: Clock) -> None:
        self._path = path
        self._algorithms = tuple(algorithms)
        self._clock = clock
        self._set: KeySet | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._checked: float | None = None

    async def find(self, kid: str | None, algorithm: str) -> Any | None:
        """Return the key for a token, or None; raises StoreUnavailable when no set can be had."""
        now = self._clock.monotonic()
        if self._checked is None or now - self._checked >= self.CHECK_SECONDS:
            self._checked = now
            self._reload()
        if self._set is None:
            raise StoreUnavailable(PLACE, "the file of the issuer's keys cannot be used")
        return self._set.find(kid, algorithm)

    def _reload(self) -> None:
        try:
            status = os.stat(self._path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return
            content = self._path.read_bytes()
            self._set = read_key_set(content, self._algorithms, symmetric=True)
        except (OSError, ValueError):
            return  # half written, or gone for a moment: the next look comes soon
        self._stamp = stamp

    async def close(self) -> None:
        """Hold nothing, release nothing."""


class UrlKeys:
    """A key set behind a URL, kept, and fetched again when it is old or lacks a key.

    All times are seconds: a set older than `FRESH` is fetched again; for as long as that fails the
    old one stays in use, up to `STALE`. No two fetches begin within `PAUSE` (`FIRST_PAUSE` as long
    as there has never been a set), whatever tokens come in, and only one is under way at a time.
    """

    FRESH: Final = 600.0
    STALE: Final = 86_400.0
    PAUSE: Final = 10.0
    FIRST_PAUSE: Final = 1.0
    TIMEOUT: Final = 5.0

    def __init__(self, url: str, algorithms: Iterable[str], clock: Clock) -> None:
        self._url = url
        self._algorithms = tuple(algorithms)
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._lock = asyncio.Lock()
        self._set: KeySet | None = None
        self._fetched = 0.0
        self._tried: float | None = None

    async def find(self, kid: str | None, algorithm: str) -> Any | None:
        """Return the key for a token, or None; raises StoreUnavailable when no set can be had."""
        age = self._clock.monotonic() - self._fetched
        key = self._set.find(kid, algorithm) if self._set is not None and age < self.STALE else None
        # While one call fetches a set that is merely old, the others go on with what there is.
        if key is not None and (age < self.FRESH or self._lock.locked()):
            return key
        await self._refresh()
        if self._set is None or self._clock.monotonic() - self._fetched >= self.STALE:
            raise StoreUnavailable(PLACE, "the issuer's keys cannot be fetched")
        return self._set.find(kid, algorithm)

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock.monotonic()
            pause = self.PAUSE if self._set is not None else self.FIRST_PAUSE
            if self._tried is not None and now - self._tried < pause:
                return
            self._tried = now
            try:
                content = await self._fetch()
                self._set = read_key_set(content, self._algorithms, symmetric=False)
            except (aiohttp.ClientError, TimeoutError, ValueError):
                return  # the old set stays; that there is none at all is the caller's to say
            self._fetched = now

    async def _fetch(self) -> bytes:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self.TIMEOUT)
            self._session = aiohttp.ClientSession(timeout=timeout)
        # A redirect could lead from the URL that an operator trusts to one that nobody chose.
        async with self._session.get(self._url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError("not a key set")
            content = await answer.content.read(MAX_BYTES + 1)
            while len(content) <= MAX_BYTES and not answer.content.at_eof():
                content += await answer.content.read(MAX_BYTES + 1 - len(content))
            if len(content) > MAX_BYTES:
                raise ValueError("too long for a key set")
            return content

    async def close(self) -> None:
        """Close the connection to the issuer."""
        if self._session is not None:
            await self._session.close()
