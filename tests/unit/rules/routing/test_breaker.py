"""The breaker's table, and its life over time."""

import pytest

from rules.routing.breaker import (
    TABLE,
    Breaker,
    Event,
    Limits,
    State,
    abandoned,
    admitted,
    failed,
    succeeded,
    would_admit,
)

LIMITS = Limits(threshold=3, cool_down=10.0)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(LIMITS.threshold):
        breaker = failed(breaker, at, LIMITS)
    return breaker


def probing(at: float = 10.0) -> Breaker:
    breaker = admitted(opened(), at, LIMITS)
    assert breaker is not None
    return breaker


def test_the_table_knows_every_event_in_every_state():
    assert set(TABLE) == {(state, event) for state in State for event in Event}


def test_failures_in_a_row_open_it():
    breaker = failed(failed(Breaker(), 0.0, LIMITS), 0.0, LIMITS)
    assert breaker.state is State.CLOSED
    assert would_admit(breaker, 0.0, LIMITS)
    breaker = failed(breaker, 1.0, LIMITS)
    assert (breaker.state, breaker.since) == (State.OPEN, 1.0)
    assert not would_admit(breaker, 1.0, LIMITS)


def test_a_success_between_them_starts_the_count_again():
    breaker = succeeded(failed(failed(Breaker(), 0.0, LIMITS), 0.0, LIMITS), 0.0)
    breaker = failed(failed(breaker, 0.0, LIMITS), 0.0, LIMITS)
    assert breaker.state is State.CLOSED


def test_it_stays_open_until_it_has_cooled_down():
    assert admitted(opened(5.0), 14.9, LIMITS) is None
    assert admitted(opened(5.0), 15.0, LIMITS) is not None


def test_one_probe_passes_and_no_other():
    breaker = probing()
    assert breaker.state is State.HALF_OPEN
    assert not would_admit(breaker, 10.0, LIMITS)
    assert not would_admit(breaker, 19.9, LIMITS)


def test_a_probe_that_goes_well_closes_it():
    breaker = succeeded(probing(), 11.0)
    assert breaker == Breaker(State.CLOSED, since=11.0)
    assert would_admit(breaker, 11.0, LIMITS)


def test_a_probe_that_fails_opens_it_for_another_cool_down():
    breaker = failed(probing(), 12.0, LIMITS)
    assert (breaker.state, breaker.since) == (State.OPEN, 12.0)
    assert not would_admit(breaker, 21.9, LIMITS)
    assert would_admit(breaker, 22.0, LIMITS)


def test_a_probe_that_was_lost_makes_room_for_another():
    assert would_admit(probing(10.0), 20.0, LIMITS)
    assert would_admit(abandoned(probing(10.0)), 10.0, LIMITS)


@pytest.mark.parametrize("late", ["success", "failure"])
def test_calls_from_before_it_opened_do_not_change_its_cool_down(late):
    breaker = opened(0.0)
    after = succeeded(breaker, 3.0) if late == "success" else failed(breaker, 3.0, LIMITS)
    assert (after.state, after.since) == (State.OPEN, 0.0)
    assert would_admit(after, 10.0, LIMITS)
