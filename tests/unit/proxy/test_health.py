"""Which upstreams are left alone, and for how long."""

import pytest

from proxy.health import Health


class StoppedClock:
    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        raise AssertionError("health is not about the time of day")

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def health(clock) -> Health:
    return Health(clock, threshold=2, cool_down=10.0)


def test_an_upstream_that_was_never_called_is_well(health):
    assert health.admits("openai")
    assert health.open_upstreams() == frozenset()


def test_one_that_fails_is_left_alone_and_the_others_are_not(health):
    health.failed("openai")
    assert health.open_upstreams() == frozenset()
    health.failed("openai")
    health.failed("spare")
    assert health.open_upstreams() == {"openai"}
    assert not health.admits("openai")
    assert health.admits("spare")


def test_after_a_while_one_call_may_try(health, clock):
    health.failed("openai")
    health.failed("openai")
    clock.now += 10.0
    assert health.open_upstreams() == frozenset()
    assert health.admits("openai")
    assert not health.admits("openai")
    assert health.open_upstreams() == {"openai"}
    health.succeeded("openai")
    assert health.admits("openai")


def test_a_try_whose_caller_left_does_not_block_the_next(health, clock):
    health.failed("openai")
    health.failed("openai")
    clock.now += 10.0
    assert health.admits("openai")
    health.abandoned("openai")
    assert health.admits("openai")


def test_a_success_forgets_failures(health):
    health.failed("openai")
    health.succeeded("openai")
    health.failed("openai")
    assert health.admits("openai")


def test_a_model_that_fails_takes_no_other_from_anybody(health):
    health.failed("openai", "broken")
    health.failed("openai", "broken")
    assert health.open_upstreams("broken") == {"openai"}
    assert health.open_upstreams("fine") == frozenset()
    assert health.admits("openai", "fine")
