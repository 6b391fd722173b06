"""The record that stages hand to each other keeps them to their order."""

import types

import pytest

from proxy.errors import EarlyRead
from proxy.exchange import Door, Exchange, Request
from rules.principal import Assurance, Principal

PRINCIPAL = Principal("anna@example.org", "t", frozenset({"r"}), "w", Assurance.LOW, "api_key")


@pytest.fixture
def exchange() -> Exchange:
    clock = types.SimpleNamespace(monotonic=lambda: 1.0, wall=lambda: 2.0)
    door = Door(types.SimpleNamespace(DIALECT="d"), True, types.SimpleNamespace(clock=clock))
    request = Request("POST", "/x", "", {"authorization": "Bearer secret"}, None, lambda _: None)
    return Exchange("pr-1", request, None, door, None)


def test_an_early_read_raises(exchange):
    with pytest.raises(EarlyRead, match="`principal` is not known yet"):
        _ = exchange.principal
    assert exchange.get("principal") is None
    assert not exchange.has("principal")


def test_a_field_is_set_once(exchange):
    exchange.principal = PRINCIPAL
    assert exchange.principal is PRINCIPAL
    with pytest.raises(EarlyRead, match="`principal` is known already"):
        exchange.principal = PRINCIPAL


def test_repr_fits_a_log_line_and_shows_nothing_of_the_caller(exchange):
    exchange.principal = PRINCIPAL
    assert repr(exchange) == "Exchange(pr-1, d, under way, 1 set)"
    assert "secret" not in repr(exchange.request)
    assert "anna" not in repr(exchange.principal)
