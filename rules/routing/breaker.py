"""A circuit breaker as a table: what an upstream's successes and failures do to calls to come.

An upstream that fails again and again is left alone for a while, then tried with a single call, the
probe. The table has every state and every event in it; what is not in it cannot happen.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Calls pass, calls do not pass, or one call passes to see whether others could."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Event(StrEnum):
    """What happened; the last tolerated failure in a row is an event of its own."""

    SUCCESS = "success"
    FAILURE = "failure"
    FAILURE_TOO_MANY = "failure_too_many"
    COOLED_DOWN = "cooled_down"


# A call that began before the breaker opened may end after it. While open, neither its success nor
# its failure counts: the cool-down runs its course.
TABLE: Final = MappingProxyType(
    {
        (State.CLOSED, Event.SUCCESS): State.CLOSED,
        (State.CLOSED, Event.FAILURE): State.CLOSED,
        (State.CLOSED, Event.FAILURE_TOO_MANY): State.OPEN,
        (State.CLOSED, Event.COOLED_DOWN): State.CLOSED,
        (State.OPEN, Event.SUCCESS): State.OPEN,
        (State.OPEN, Event.FAILURE): State.OPEN,
        (State.OPEN, Event.FAILURE_TOO_MANY): State.OPEN,
        (State.OPEN, Event.COOLED_DOWN): State.HALF_OPEN,
        (State.HALF_OPEN, Event.SUCCESS): State.CLOSED,
        (State.HALF_OPEN, Event.FAILURE): State.OPEN,
        (State.HALF_OPEN, Event.FAILURE_TOO_MANY): State.OPEN,
        (State.HALF_OPEN, Event.COOLED_DOWN): State.HALF_OPEN,
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """When to open, and for how long.

    `threshold` failures in a row open, at least 1; `cool_down` seconds later a probe may pass.
    """

    threshold: int
    cool_down: float


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one upstream: since when, after how many failures in a row, and the last probe.

    Moments are seconds on a monotonic clock; `probed` is None while no probe is under way.
    """

    state: State = State.CLOSED
    since: float = 0.0
    failures: int = 0
    probed: float | None = None


def succeeded(breaker: Breaker, now: float) -> Breaker:
    """Return the breaker after a call that went well."""
    return _moved(replace(breaker, failures=0), Event.SUCCESS, now)


def failed(breaker: Breaker, now: float, limits: Limits) -> Breaker:
    """Return the breaker after a call that did not."""
    failures = breaker.failures + 1
    event = Event.FAILURE if failures < limits.threshold else Event.FAILURE_TOO_MANY
    return _moved(replace(breaker, failures=failures), event, now)


def abandoned(breaker: Breaker) -> Breaker:
    """Return the breaker after a call that ended without telling anything, its caller gone."""
    return replace(breaker, probed=None)


def would_admit(breaker: Breaker, now: float, limits: Limits) -> bool:
    """True if a call could pass now."""
    return admitted(breaker, now, limits) is not None


def admitted(breaker: Breaker, now: float, limits: Limits) -> Breaker | None:
    """Return the breaker with a call on its way, or None if none may pass now.

    A probe that was never heard of again makes room for another after one more cool-down.
    """
    if breaker.state is State.OPEN and now - breaker.since >= limits.cool_down:
        breaker = _moved(breaker, Event.COOLED_DOWN, now)
    if breaker.state is State.CLOSED:
        return breaker
    if breaker.state is State.OPEN:
        return None
    if breaker.probed is not None and now - breaker.probed < limits.cool_down:
        return None
    return replace(breaker, probed=now)


def _moved(breaker: Breaker, event: Event, now: float) -> Breaker:
    state = TABLE[breaker.state, event]
    if state is breaker.state:
        return breaker
    return replace(breaker, state=state, since=now, probed=None)
