"""The arithmetic of a token bucket: so many calls a second on average, so many at once.

A value and a moment go in, a value and a waiting time come out; who keeps buckets has a clock.
"""

from typing import NamedTuple


class Bucket(NamedTuple):
    """What is left of a budget: `level` calls at the moment `at` (seconds, monotonic)."""

    level: float
    at: float


def take(bucket: Bucket | None, now: float, rate: float, burst: float) -> tuple[Bucket, float]:
    """Take one call from `bucket` (None: a full one); return what is left, and the wait in seconds.

    `rate` is in calls per second, above 0; `burst` the most that can be saved up, at least 1. A
    wait of 0 means taken; any other that nothing was, and that it pays to come back after it.
    """
    before = Bucket(burst, now) if bucket is None else bucket
    level = min(burst, before.level + max(0.0, now - before.at) * rate)
    if level >= 1.0:
        return Bucket(level - 1.0, now), 0.0
    return Bucket(level, now), (1.0 - level) / rate
