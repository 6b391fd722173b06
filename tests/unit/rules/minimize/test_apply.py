import json
from collections.abc import Mapping
from typing import Any

import pytest

from rules.chat import Call, SlotKind, TextSlot
from rules.classify.recognizer import Finding
from rules.json_text import JsonText
from rules.minimize.apply import Envelope, Minimization, minimize
from rules.minimize.operators import OperatorSpec

ENVELOPE = Envelope("/v1/chat/completions", "a=b", (("x-trace", "Anna"),))
TOKENIZE = {"*": OperatorSpec(operator="tokenize")}


def a_call(
    body: bytes, kinds: Mapping[str, SlotKind] | None = None, unreadable: tuple[str, ...] = ()
) -> Call:
    """A call in which every string value is a slot; keys are where `kinds` names them."""
    document = JsonText(body)
    kinds = kinds or {}
    slots = tuple(
        TextSlot(ordinal, "user", kinds.get(literal.text, SlotKind.TEXT), literal.text)
        for ordinal, literal in enumerate(document.literals)
        if not literal.is_key or literal.text in kinds
    )
    return Call("openai", document, "gpt", False, slots, unreadable=unreadable)


def find(call: Call, found: Mapping[str, str]) -> list[Finding]:
    return [
        Finding(number, at, at + len(value), entity, 1.0)
        for number, slot in enumerate(call.slots)
        for value, entity in found.items()
        if (at := slot.text.find(value)) >= 0
    ]


def done(call: Call, found: Mapping[str, str], operators: Any = None) -> Minimization:
    return minimize(call, find(call, found), operators or TOKENIZE, ENVELOPE)


def test_body_is_the_same_object_where_nothing_is_replaced() -> None:
    call = a_call(b'{ "model" : "gpt" , "x": 1.0, "t": "Anna" }')
    kept = done(call, {"Anna": "PERSON"}, {"US_SSN": OperatorSpec(operator="redact")})
    assert kept.minimized.body is call.document.raw
    assert kept.counts == {"PERSON": {"keep": 1}}
    assert kept.residual == {"phi"}
    assert len(kept.tokens) == 0
    assert done(call, {}).minimized.body is call.document.raw


def test_every_other_byte_stays() -> None:
    call = a_call(b'{ "n":1.0,\n"t" : ["I am Anna\\u00e9", "\\/"] , "u":null }')
    result = done(call, {"Anna": "PERSON"})
    assert (
        result.minimized.body
        == '{ "n":1.0,\n"t" : ["I am [PERSON_1]é", "\\/"] , "u":null }'.encode()
    )
    assert result.tokens.restore("Hello [PERSON_1]") == "Hello Anna"


def test_minimized_carries_the_envelope_and_the_call() -> None:
    minimized = done(a_call(b'{"t": "Anna"}'), {"Anna": "PERSON"}).minimized
    assert (minimized.path, minimized.query) == ("/v1/chat/completions", "a=b")
    assert minimized.headers == (("x-trace", "Anna"),)
    assert (minimized.dialect, minimized.model, minimized.stream) == ("openai", "gpt", False)


def test_operator_of_the_entity_goes_before_the_one_for_all() -> None:
    operators = {
        "DATE_TIME": OperatorSpec(operator="generalize"),
        "US_SSN": OperatorSpec(operator="mask", chars_to_mask=7),
        "API_KEY": OperatorSpec(operator="keep"),
        "*": OperatorSpec(operator="redact"),
    }
    call = a_call(b'{"t": "Anna 2020-01-02 123-45-6789 sk-1"}')
    found = {
        "Anna": "PERSON", "2020-01-02": "DATE_TIME", "123-45-6789": "US_SSN", "sk-1": "API_KEY",
    }  # fmt: skip
    result = done(call, found, operators)
    assert json.loads(result.minimized.body) == {"t": " 2020 *******6789 sk-1"}
    assert result.residual == {"phi", "secrets"}
    assert result.counts == {
        "PERSON": {"redact": 1},
        "DATE_TIME": {"generalize": 1},
        "US_SSN": {"mask": 1},
        "API_KEY": {"keep": 1},
    }


def test_nothing_is_left_to_say_of_a_call_without_identifiers() -> None:
    call = a_call(b'{"t": "Anna"}')
    assert done(call, {"Anna": "PERSON"}).residual == frozenset()
    image = a_call(b'{"t": "Anna"}', unreadable=("image_url",))
    assert done(image, {"Anna": "PERSON"}).residual == {"unreadable"}


def test_slots_of_other_kinds_stay_what_they_are() -> None:
    arguments = '{"mrn": 12345678, "who": "Anna"}'
    body = json.dumps({"name": "note_Anna", "arguments": arguments, "Anna": 1}).encode()
    kinds = {"note_Anna": SlotKind.NAME, arguments: SlotKind.JSON, "Anna": SlotKind.KEY}
    result = done(a_call(body, kinds), {"12345678": "MEDICAL_RECORD_NUMBER", "Anna": "PERSON"})
    new = json.loads(result.minimized.body)
    assert list(new) == ["name", "arguments", "[PERSON_1]"]
    assert new["name"] == "note_PERSON_1"
    assert json.loads(new["arguments"]) == {"mrn": "[MRN_1]", "who": "[PERSON_1]"}


def test_keys_that_become_alike_are_kept_apart() -> None:
    body = b'{"note": {"someone": 1, "Anna": 2, "John": 3}, "a": {"Mary": 4}}'
    kinds = dict.fromkeys(("Anna", "John", "Mary"), SlotKind.KEY)
    operators = {"*": OperatorSpec(operator="replace", new_value="someone")}
    found = dict.fromkeys(kinds, "PERSON")
    result = done(a_call(body, kinds), found, operators)
    assert result.minimized.body == (
        b'{"note": {"someone": 1, "someone_2": 2, "someone_3": 3}, "a": {"someone": 4}}'
    )


def test_conversation_keeps_its_tokens_when_it_grows() -> None:
    found = {"Mrs. Lee": "PERSON", "John Smith": "PERSON", "Anna Lee": "PERSON"}
    turns = ["I am Mrs. Lee.", "Hello.", "and John Smith with Anna Lee"]
    bodies = [
        json.loads(done(a_call(json.dumps(turns[:n]).encode()), found).minimized.body)
        for n in range(1, 4)
    ]
    assert bodies[2] == ["I am [PERSON_1].", "Hello.", "and [PERSON_2] with [PERSON_1B]"]
    assert bodies[1] == bodies[2][:2]
    assert bodies[0] == bodies[2][:1]


@pytest.mark.parametrize(
    "lookalike",
    [
        "[PERSON_1]",
        "person_1",
        "\\\\[PERSON\\\\_1\\\\]",
        '{\\"a\\": \\"\\\\u005bperson 1\\\\u005d\\"}',
    ],
)
def test_lookalike_is_neither_changed_nor_assigned(lookalike: str) -> None:
    body = b'["I am Anna", "%s"]' % lookalike.encode()
    result = done(a_call(body), {"Anna": "PERSON"})
    said = json.loads(body)[1]
    assert json.loads(result.minimized.body) == ["I am [PERSON_1001]", said]
    assert result.tokens.restore(said) == said


def test_lookalike_that_arises_when_something_is_taken_out_is_one_too() -> None:
    operators = {"US_SSN": OperatorSpec(operator="redact"), **TOKENIZE}
    call = a_call(b'["[PERSON_123-45-67891] Anna"]')
    result = done(call, {"123-45-6789": "US_SSN", "Anna": "PERSON"}, operators)
    assert json.loads(result.minimized.body) == ["[PERSON_1] [PERSON_1001]"]
    assert result.tokens.restore("[PERSON_1]") == "[PERSON_1]"


def test_with_model_changes_the_top_level_model_alone() -> None:
    body = b'{ "model":"gpt", "metadata": {"model": "gpt"}, "t":"gpt"}'
    minimized = minimize(a_call(body), [], {}, ENVELOPE).minimized
    other = minimized.with_model("gpt-large")
    assert other.model == "gpt-large"
    assert other.body == b'{ "model":"gpt-large", "metadata": {"model": "gpt"}, "t":"gpt"}'
    assert minimized.with_model("gpt") is minimized
    without = minimize(a_call(b'{"t": 1}'), [], {}, ENVELOPE).minimized
    assert without.with_model("x").body is without.body


def test_operator_nobody_knows_lets_nothing_leave() -> None:
    with pytest.raises(KeyError, match="vanish"):
        done(a_call(b'"Anna"'), {"Anna": "PERSON"}, {"*": OperatorSpec(operator="vanish")})


def test_reprs_show_no_text() -> None:
    result = done(a_call(b'"Anna"'), {"Anna": "PERSON"})
    shown = f"{result!r}{result.minimized!r}{ENVELOPE!r}{result.tokens!r}"
    assert "Anna" not in shown
    assert "PERSON_1" not in shown
    assert "Minimized(openai, stream=False, 12 bytes)" in shown
