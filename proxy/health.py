"""How the upstreams are doing: a circuit breaker for each, kept in this process.

It only tells who to leave alone for a while. It never makes an upstream a candidate that the permit
excludes, and it must not be asked whether this process is ready: a provider's trouble is not ours.
"""

from typing import Final

from cachetools import LRUCache

from adapters.ports import Clock
from rules.routing import breaker
from rules.routing.breaker import Breaker, Limits

THRESHOLD: Final = 5
COOL_DOWN: Final = 15.0
KEPT: Final = 1024


class Health:
    """The breakers, by upstream and model; unknown ones are closed.

    One for each model, so that whoever asks for a model that fails takes none but that from others.
    Callers choose the models' names, so only the latest are kept.
    """

    def __init__(
        self, clock: Clock, threshold: int = THRESHOLD, cool_down: float = COOL_DOWN
    ) -> None:
        """Open after `threshold` failures in a row, for `cool_down` seconds."""
        self._clock = clock
        self._limits = Limits(threshold, cool_down)
        self._breakers: LRUCache[tuple[str, str], Breaker] = LRUCache(KEPT)

    def open_upstreams(self, model: str = "") -> frozenset[str]:
        """Return the upstreams that would take no call for `model` now."""
        now = self._clock.monotonic()
        return frozenset(
            name
            for (name, asked), state in self._breakers.items()
            if asked == model and not breaker.would_admit(state, now, self._limits)
        )

    def admits(self, name: str, model: str = "") -> bool:
        """True if a call for `model` may go to `name` now.

        After a cool-down this is said to one call only; what it meets has to be told by
        `succeeded`, `failed` or `abandoned`.
        """
        state = breaker.admitted(self._of(name, model), self._clock.monotonic(), self._limits)
        if state is None:
            return False
        self._breakers[name, model] = state
        return True

    def succeeded(self, name: str, model: str = "") -> None:
        """A call to `name` went well."""
        now = self._clock.monotonic()
        self._breakers[name, model] = breaker.succeeded(self._of(name, model), now)

    def failed(self, name: str, model: str = "") -> None:
        """A call to `name` did not."""
        now = self._clock.monotonic()
        self._breakers[name, model] = breaker.failed(self._of(name, model), now, self._limits)

    def abandoned(self, name: str, model: str = "") -> None:
        """A call to `name` ended before anything could be learned from it."""
        self._breakers[name, model] = breaker.abandoned(self._of(name, model))

    def _of(self, name: str, model: str) -> Breaker:
        return self._breakers.get((name, model)) or Breaker()
