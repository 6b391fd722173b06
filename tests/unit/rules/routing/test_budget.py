"""A token bucket over time."""

import pytest

from rules.routing.budget import Bucket, take


def test_a_burst_passes_and_the_next_call_waits():
    bucket = None
    for _ in range(3):
        bucket, wait = take(bucket, 0.0, rate=2.0, burst=3.0)
        assert wait == 0.0
    bucket, wait = take(bucket, 0.0, rate=2.0, burst=3.0)
    assert wait == pytest.approx(0.5)


def test_who_waits_as_told_gets_through():
    bucket, wait = take(Bucket(0.25, 10.0), 10.0, rate=4.0, burst=1.0)
    assert wait == pytest.approx(0.1875)
    bucket, wait = take(bucket, 10.0 + wait, rate=4.0, burst=1.0)
    assert wait == 0.0


def test_being_turned_away_costs_nothing():
    bucket = Bucket(0.5, 0.0)
    for _ in range(5):
        bucket, _ = take(bucket, 0.0, rate=1.0, burst=1.0)
    assert bucket.level == 0.5


def test_no_more_is_saved_up_than_a_burst():
    bucket, _ = take(Bucket(0.0, 0.0), 1e6, rate=10.0, burst=2.0)
    assert bucket.level == 1.0


def test_a_clock_that_goes_back_gives_nothing():
    bucket, wait = take(Bucket(0.0, 100.0), 50.0, rate=1.0, burst=5.0)
    assert (bucket.level, wait) == (0.0, 1.0)
