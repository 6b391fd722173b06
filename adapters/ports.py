"""What the proxy asks of the outside world: one protocol a kind, each error named.

Adapters implement these and know nothing of each other; only `proxy/app.py` knows which stand
behind them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rules.audit.entry import IntentRef
from rules.minimize.apply import Minimized
from rules.policy.decide import Permit
from rules.principal import Principal


class Clock(Protocol):
    """The time, so that nothing else asks for it."""

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for durations and deadlines."""
        ...


class Authenticator(Protocol):
    """Turns a credential into a principal."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal | None:
        """Return who asks, or None where the headers hold no credential of this kind.

        Raises CredentialRefused for one that is wrong, StoreUnavailable when keys cannot be had.
        """
        ...

    async def close(self) -> None:
        """Release connections and background work."""
        ...


class UpstreamAnswer(Protocol):
    """An answer whose status and headers have come; its body is still on the way."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """All headers as they came, names in lower case."""
        ...

    async def read(self) -> bytes:
        """Return the whole body, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, decompressed. Raises UpstreamTimeout, UpstreamBroken."""
        ...

    async def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an upstream may take, in seconds; `ends_at` is a moment on the monotonic clock."""

    connect: float
    first_byte: float
    idle: float
    ends_at: float


class Upstream(Protocol):
    """A provider. Nothing can be sent without a permit and an intent that is already durable."""

    @property
    def name(self) -> str:
        """The name it has in the configuration."""
        ...

    async def send(
        self, call: Minimized, permit: Permit, intent: IntentRef, deadlines: Deadlines
    ) -> UpstreamAnswer:
        """Send the call and return when the first byte of the body (or its end) is there.

        Raises UpstreamTimeout, UpstreamRefused or UpstreamBroken. An HTTP error status is an
        answer, not an exception.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry that is to become a leaf of the log.

    `data` are the exact bytes that are hashed and kept; the rest is what the index is asked by.
    """

    data: bytes
    kind: str
    call_id: str
    time: float
    tenant: str
    status: str


class LedgerStore(Protocol):
    """An append-only, verifiable log with one writer. Methods block; the caller owns the thread."""

    @property
    def dead(self) -> bool:
        """True once writing has failed for good: nothing but a restart helps then."""
        ...

    def append(self, leaves: Sequence[Leaf]) -> Sequence[int]:
        """Write the leaves and a checkpoint over them as one durable step; return their indexes.

        Raises StoreUnavailable, after which nothing of this batch counts. A failed fsync closes the
        store for good, since what reached the disk is unknown then.
        """
        ...

    def room(self) -> bool:
        """True while there is space for new intents beside the outcomes of those admitted.

        Quick, and may be asked by any thread.
        """
        ...

    def orphans(self) -> Sequence[tuple[str, str, int, bytes]]:
        """Intents without an outcome: (call id, tenant, index, leaf hash)."""
        ...

    def receipt(self, call_id: str) -> dict[str, object] | None:
        """The entries of a call with inclusion proofs under the newest checkpoint."""
        ...

    def close(self) -> None:
        """Release files and locks."""
        ...


class Reservation(Protocol):
    """A place among the calls under way, to be given back exactly once."""

    def release(self) -> None:
        """Give the place back."""
        ...


class Limiter(Protocol):
    """Rates and places, per principal and in all."""

    def admit(self, principal: Principal) -> Reservation:
        """Take a place, or raise Pushback with the seconds to wait."""
        ...


class Signer(Protocol):
    """Holds a private key and signs with it; the key never leaves."""

    @property
    def name(self) -> str:
        """The key's name, as it stands in checkpoints."""
        ...

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes for Ed25519."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the raw signature (64 bytes for Ed25519, RFC 8032)."""
        ...
