"""How the upstreams are doing: a circuit breaker for each, kept in this process.

It only tells who to leave alone for a while. It never makes an upstream a candidate that the permit
excludes, and it must not be asked whether this process is ready: a provider's trouble is not ours.
"""

from collections.abc import Mapping
from typing import Final

from adapters.ports import Clock
from rules.routing import breaker
from rules.routing.breaker import Breaker, Limits

THRESHOLD: Final = 5
COOL_DOWN: Final = 15.0


class Health:
    """The breakers, by the names of the upstreams in the configuration; unknown ones are closed."""

    def __init__(
        self, clock: Clock, threshold: int = THRESHOLD, cool_down: float = COOL_DOWN
    ) -> None:
        """Open after `threshold` failures in a row, for `cool_down` seconds."""
        self._clock = clock
        self._limits = Limits(threshold, cool_down)
        self._breakers: dict[str, Breaker] = {}

    def open_upstreams(self) -> frozenset[str]:
        """Return the upstreams that would take no call now."""
        now = self._clock.monotonic()
        return frozenset(
            name
            for name, state in self._breakers.items()
            if not breaker.would_admit(state, now, self._limits)
        )

    def states(self) -> Mapping[str, str]:
        """Return the state of each upstream that was ever called: `closed`, `open`, `half_open`."""
        return {name: state.state.value for name, state in self._breakers.items()}

    def admits(self, name: str) -> bool:
        """True if a call may go to `name` now.

        After a cool-down this is said to one call only; what it meets has to be told by
        `succeeded`, `failed` or `abandoned`.
        """
        state = breaker.admitted(self._of(name), self._clock.monotonic(), self._limits)
        if state is None:
            return False
        self._breakers[name] = state
        return True

    def succeeded(self, name: str) -> None:
        """A call to `name` went well."""
        self._breakers[name] = breaker.succeeded(self._of(name), self._clock.monotonic())

    def failed(self, name: str) -> None:
        """A call to `name` did not."""
        now = self._clock.monotonic()
        self._breakers[name] = breaker.failed(self._of(name), now, self._limits)

    def abandoned(self, name: str) -> None:
        """A call to `name` ended before anything could be learned from it."""
        self._breakers[name] = breaker.abandoned(self._of(name))

    def _of(self, name: str) -> Breaker:
        return self._breakers.get(name) or Breaker()
