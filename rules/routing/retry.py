"""What to do when an attempt at an upstream has ended: try the next, deliver, or fail.

A failure that another upstream may not have is worth another try, as long as nothing has left for
the caller, who could not tell two answers apart. Which upstreams come next is not decided here:
only `rules.routing.select` knows who may have the call.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Too many requests (RFC 6585), and the provider's own trouble (RFC 9110 15.6; 529 is Anthropic's
# `overloaded_error`). Any other status is about the call and would come from every upstream.
RETRIED: Final = frozenset({429, 500, 502, 503, 504, 529})
# Too short a rest of the deadline to begin an attempt in, in seconds.
LEAST_TIME: Final = 0.25


class Failure(StrEnum):
    """How an attempt can end without an HTTP status; the values are stable codes."""

    UNREACHABLE = "upstream_unreachable"  # no connection
    TIMEOUT = "upstream_timeout"  # a deadline passed
    BROKEN = "upstream_broken"  # the connection or the protocol broke


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended: an HTTP status, or a failure.

    `started`: a byte of the answer is on its way to the caller.
    """

    outcome: int | Failure
    started: bool = False


@dataclass(frozen=True, slots=True)
class TryNext:
    """Give the call to the next candidate."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give the caller this answer as it is, an error of the provider's too."""


@dataclass(frozen=True, slots=True)
class Fail:
    """There is nothing to deliver; `code` is stable."""

    code: str


Step = TryNext | Deliver | Fail


def next_step(result: Result, *, more: bool, seconds_left: float) -> Step:
    """Return what follows on `result` when there are `more` candidates and this much time."""
    again = more and not result.started and seconds_left >= LEAST_TIME
    if isinstance(result.outcome, Failure):
        return TryNext() if again else Fail(result.outcome.value)
    return TryNext() if again and result.outcome in RETRIED else Deliver()


def is_healthy(result: Result) -> bool:
    """True unless the upstream itself is in trouble; this is what its breaker is told.

    A 429 is not trouble: it is about one key's rate, and the upstream serves others.
    """
    if isinstance(result.outcome, Failure):
        return False
    return result.outcome not in RETRIED or result.outcome == 429
