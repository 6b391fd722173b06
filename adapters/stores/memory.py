"""Limits kept in this process alone: a rate for each principal, and places for all together.

Nothing is shared between workers and nothing outlives a restart. Not for use by several threads.
"""

from typing import Final

from cachetools import LRUCache

from adapters.errors import Pushback
from adapters.ports import Clock
from rules.principal import Principal
from rules.routing.budget import Bucket, take

# As many principals are told apart; one that comes back after so many others has its full budget.
PRINCIPALS: Final = 10_000
# Places come free as calls end, which nobody can foretell: seconds to wait for one.
PLACE_WAIT: Final = 1.0


class MemoryLimiter:
    """Implements `adapters.ports.Limiter`."""

    def __init__(self, rate: float, burst: float, in_flight: int, clock: Clock) -> None:
        """Let each principal make `rate` calls a second and `burst` at once, `in_flight` in all.

        Raises ValueError for a rate that is not above 0, or a burst or in_flight below 1.
        """
        if rate <= 0 or burst < 1 or in_flight < 1:
            raise ValueError("a rate must be above 0, a burst and in_flight at least 1")
        self._rate = rate
        self._burst = burst
        self._places = in_flight
        self._clock = clock
        self._taken = 0
        self._buckets: LRUCache[tuple[str, str], Bucket] = LRUCache(PRINCIPALS)

    @property
    def taken(self) -> int:
        """The number of places that are taken."""
        return self._taken

    def admit(self, principal: Principal) -> "Place":
        """Take a place, or raise Pushback with the seconds to wait.

        The places come first, so that a call turned away for want of one costs no budget.
        """
        if self._taken >= self._places:
            raise Pushback("in_flight", "too many calls are under way", PLACE_WAIT)
        key = (principal.tenant, principal.subject)
        now = self._clock.monotonic()
        self._buckets[key], wait = take(self._buckets.get(key), now, self._rate, self._burst)
        if wait > 0:
            raise Pushback("rate", "this principal's rate of calls is used up", wait)
        self._taken += 1
        return Place(self)

    def _give_back(self) -> None:
        self._taken -= 1


class Place:
    """A place among the calls under way; implements `adapters.ports.Reservation`."""

    __slots__ = ("_limiter",)

    def __init__(self, limiter: MemoryLimiter) -> None:
        self._limiter: MemoryLimiter | None = limiter

    def release(self) -> None:
        """Give the place back; a second time does nothing."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter._give_back()  # noqa: SLF001 - the two are one thing, told apart for the port
