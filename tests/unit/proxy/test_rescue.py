"""Every error has one response; what nobody thought of says nothing of itself."""

import inspect

import pytest

import adapters.errors
import proxy.errors
from adapters.errors import AdapterError, Pushback, StoreUnavailable
from proxy.rescue import _TABLE, rescue
from rules.chat import Cut


def test_an_unknown_error_tells_nothing():
    answer = rescue(KeyError("Maria Gonzalez"))
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "Gonzalez" not in answer.message


def errors_of(module) -> list[type]:
    return [
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__ == module.__name__ and issubclass(one, Exception)
    ]


@pytest.mark.parametrize("error", errors_of(adapters.errors) + errors_of(proxy.errors))
def test_every_error_of_our_own_is_in_the_table(error):
    covered = {kind for kind, _ in _TABLE}
    faults = {AdapterError, proxy.errors.EarlyRead}
    assert error in faults or any(issubclass(error, kind) for kind in covered)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Pushback("rate", "m", 3.2), 429, "rate_limited"),
        (Pushback("in_flight", "m", 1), 503, "overloaded"),
        (StoreUnavailable("ledger", "m"), 503, "evidence_unavailable"),
        (StoreUnavailable("identity", "m"), 503, "identity_unavailable"),
        (Cut("leakage", "output_leakage", "m"), 422, "output_leakage"),
    ],
)
def test_place_and_kind_decide(error, status, code):
    assert (rescue(error).status, rescue(error).code) == (status, code)
