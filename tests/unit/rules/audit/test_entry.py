"""What an entry keeps and, more important, what it never keeps."""

import orjson
import pytest

from rules.audit.entry import (
    UNPRINTED,
    Attempt,
    Change,
    IntentRef,
    encode_change,
    encode_intent,
    encode_outcome,
)
from tests.support.ledger_log import an_intent, an_outcome


def test_an_intent_says_who_what_and_under_which_rule() -> None:
    payload = orjson.loads(encode_intent(an_intent("c1", commitments={"sent": "hmac-sha256:x"})))
    assert payload["v"] == 1
    assert payload["kind"] == "intent"
    assert payload["tenant"] == "north"
    assert payload["principal"]["subject"] == "svc"
    assert payload["policy"] == {"name": "clinic", "hash": "ab" * 32, "rule": "nurses"}
    assert payload["entities"] == {"PERSON": {"tokenize": 2}}
    assert payload["commitments"] == {"sent": "hmac-sha256:x"}


def test_equal_intents_give_equal_bytes_whatever_the_order_of_their_counts() -> None:
    one = an_intent("c1", entities={"A": {"x": 1, "y": 2}, "B": {"z": 1}})
    other = an_intent("c1", entities={"B": {"z": 1}, "A": {"y": 2, "x": 1}})
    assert encode_intent(one) == encode_intent(other)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "Anna O'Donnell"},
        {"model": "123-45-6789"},
        {"model": "gpt-4o-ssn:123-45-6789/O.Donnell"},
        {"tools": ("lookup_Anna_ODonnell",)},
    ],
)
def test_text_that_a_caller_chose_freely_is_not_kept(fields: dict[str, object]) -> None:
    data = encode_intent(an_intent("c1", **fields))
    assert b"Donnell" not in data
    assert b"123-45" not in data


@pytest.mark.parametrize(
    ("fields", "part", "kept"),
    [
        ({"finish_reasons": ("stop", "Anna")}, "finish_reasons", ["stop", "other"]),
        ({"tools_called": ("Anna", "Bob")}, "tools_called", 2),
        ({"warnings": ("late", "Anna O'Donnell")}, "warnings", ["late", UNPRINTED]),
        ({"code": "Anna O'Donnell"}, "code", UNPRINTED),
        ({"code": "not_permitted"}, "code", "not_permitted"),
        ({"usage": None}, "usage", None),
        ({"model": ""}, "model", ""),
    ],
)
def test_an_outcome_keeps_only_stable_words(
    fields: dict[str, object], part: str, kept: object
) -> None:
    assert orjson.loads(encode_outcome(an_outcome("c1", **fields), None))[part] == kept


def test_an_attempts_error_is_a_word_or_nothing() -> None:
    tries = (Attempt("a", None, "timeout: Anna said so", 1.0), Attempt("b", 200, None, 0.25))
    payload = orjson.loads(encode_outcome(an_outcome("c1", attempts=tries), None))
    assert [attempt["error"] for attempt in payload["attempts"]] == [UNPRINTED, None]
    assert payload["attempts"][1] == {
        "upstream": "b",
        "status": 200,
        "error": None,
        "seconds": 0.25,
    }


def test_an_outcome_names_its_intent_by_place_and_hash() -> None:
    payload = orjson.loads(encode_outcome(an_outcome("c1"), IntentRef("c1", 7, b"\x00" * 32)))
    assert payload["intent"] == {"index": 7, "leaf": "A" * 43 + "="}


def test_an_outcome_without_a_principal_keeps_the_tenant_it_is_given() -> None:
    payload = orjson.loads(encode_outcome(an_outcome("c1", principal=None, tenant="east"), None))
    assert payload["principal"] is None
    assert payload["tenant"] == "east"


def test_a_status_outside_the_closed_list_is_refused() -> None:
    with pytest.raises(ValueError, match="closed list"):
        encode_outcome(an_outcome("c1", status="fine"), None)


def test_a_change_says_what_became_of_what() -> None:
    change = Change(change_id="x1", time=1.0, what="policy", name="clinic", digest="ab")
    payload = orjson.loads(encode_change(change))
    assert payload["kind"] == "config"
    assert (payload["what"], payload["name"], payload["digest"]) == ("policy", "clinic", "ab")
