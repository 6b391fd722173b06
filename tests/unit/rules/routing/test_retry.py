"""What follows on an attempt."""

import pytest

from rules.routing.retry import (
    LEAST_TIME,
    Deliver,
    Fail,
    Failure,
    Result,
    TryNext,
    is_healthy,
    next_step,
)

RETRIED = [429, 500, 502, 503, 504, 529]
FINAL = [200, 201, 400, 401, 403, 404, 408, 409, 422, 501, 505]


@pytest.mark.parametrize("outcome", [*RETRIED, *Failure])
def test_the_next_candidate_is_tried_after_trouble(outcome):
    assert next_step(Result(outcome), more=True, seconds_left=10.0) == TryNext()


@pytest.mark.parametrize("status", RETRIED)
def test_the_last_provider_s_own_error_is_delivered(status):
    assert next_step(Result(status), more=False, seconds_left=10.0) == Deliver()


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("more", [True, False])
def test_any_other_answer_is_delivered_as_it_is(status, more):
    assert next_step(Result(status), more=more, seconds_left=10.0) == Deliver()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.UNREACHABLE, "upstream_unreachable"),
        (Failure.TIMEOUT, "upstream_timeout"),
        (Failure.BROKEN, "upstream_broken"),
    ],
)
def test_without_another_candidate_a_failure_has_its_code(failure, code):
    assert next_step(Result(failure), more=False, seconds_left=10.0) == Fail(code)


def test_no_attempt_begins_without_time_for_it():
    assert next_step(Result(Failure.TIMEOUT), more=True, seconds_left=LEAST_TIME) == TryNext()
    assert next_step(Result(503), more=True, seconds_left=LEAST_TIME / 2) == Deliver()
    late = next_step(Result(Failure.TIMEOUT), more=True, seconds_left=-1.0)
    assert late == Fail("upstream_timeout")


@pytest.mark.parametrize("outcome", [*RETRIED, *FINAL, *Failure])
def test_after_the_first_byte_there_is_no_other_attempt(outcome):
    step = next_step(Result(outcome, started=True), more=True, seconds_left=10.0)
    assert not isinstance(step, TryNext)


@pytest.mark.parametrize("outcome", [500, 502, 503, 504, 529, *Failure])
def test_trouble_is_told_to_the_breaker(outcome):
    assert not is_healthy(Result(outcome))


@pytest.mark.parametrize("outcome", [200, 400, 401, 404, 429])
def test_the_caller_s_own_faults_are_not_the_upstream_s(outcome):
    assert is_healthy(Result(outcome))
