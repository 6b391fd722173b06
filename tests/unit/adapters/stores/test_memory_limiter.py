"""Rates and places kept in memory."""

import pytest

from adapters.errors import Pushback
from adapters.stores.memory import PRINCIPALS, MemoryLimiter
from rules.principal import Assurance, Principal


class StoppedClock:
    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        raise AssertionError("limits are not about the time of day")

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


def who(subject: str = "svc", tenant: str = "north") -> Principal:
    return Principal(subject, tenant, frozenset(), "claims", Assurance.LOW, "api_key")


def test_a_principal_that_is_too_fast_is_told_how_long_to_wait(clock):
    limiter = MemoryLimiter(rate=2.0, burst=2.0, in_flight=10, clock=clock)
    for _ in range(2):
        limiter.admit(who()).release()
    with pytest.raises(Pushback) as pushed:
        limiter.admit(who())
    assert pushed.value.place == "rate"
    assert pushed.value.retry_after == pytest.approx(0.5)
    clock.now += pushed.value.retry_after
    limiter.admit(who())


def test_principals_do_not_share_a_rate(clock):
    limiter = MemoryLimiter(rate=1.0, burst=1.0, in_flight=10, clock=clock)
    limiter.admit(who("a"))
    limiter.admit(who("b"))
    limiter.admit(who("a", "south"))
    with pytest.raises(Pushback):
        limiter.admit(who("a"))


def test_all_principals_share_the_places(clock):
    limiter = MemoryLimiter(rate=100.0, burst=100.0, in_flight=2, clock=clock)
    first = limiter.admit(who("a"))
    limiter.admit(who("b"))
    with pytest.raises(Pushback) as pushed:
        limiter.admit(who("c"))
    assert pushed.value.place == "in_flight"
    assert pushed.value.retry_after > 0
    first.release()
    limiter.admit(who("c"))


def test_a_place_is_given_back_only_once(clock):
    limiter = MemoryLimiter(rate=100.0, burst=100.0, in_flight=2, clock=clock)
    first = limiter.admit(who())
    limiter.admit(who())
    first.release()
    first.release()
    assert limiter.taken == 1


def test_being_turned_away_takes_no_place_and_no_budget(clock):
    limiter = MemoryLimiter(rate=1.0, burst=1.0, in_flight=1, clock=clock)
    place = limiter.admit(who("a"))
    with pytest.raises(Pushback, match="under way"):
        limiter.admit(who("b"))
    place.release()
    with pytest.raises(Pushback, match="rate"):
        limiter.admit(who("a"))
    assert limiter.taken == 0
    limiter.admit(who("b"))


def test_memory_does_not_grow_with_principals(clock):
    limiter = MemoryLimiter(rate=1.0, burst=1.0, in_flight=1, clock=clock)
    for number in range(PRINCIPALS + 10):
        limiter.admit(who(f"s{number}")).release()
    assert len(limiter._buckets) == PRINCIPALS


def test_errors_do_not_name_the_principal(clock):
    limiter = MemoryLimiter(rate=1.0, burst=1.0, in_flight=9, clock=clock)
    limiter.admit(who("anna.lee", "north"))
    with pytest.raises(Pushback) as pushed:
        limiter.admit(who("anna.lee", "north"))
    assert "anna" not in str(pushed.value)


@pytest.mark.parametrize(("rate", "burst", "in_flight"), [(0, 1, 1), (1, 0.5, 1), (1, 1, 0)])
def test_limits_that_let_nothing_pass_are_refused(clock, rate, burst, in_flight):
    with pytest.raises(ValueError, match="above 0"):
        MemoryLimiter(rate, burst, in_flight, clock)
