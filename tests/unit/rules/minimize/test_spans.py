import json

import pytest

from rules.chat import SlotKind, TextSlot
from rules.classify.recognizer import Finding
from rules.minimize.spans import spans


def found(text: str, *values: str) -> list[Finding]:
    return [Finding(0, text.index(v), text.index(v) + len(v), "PERSON", 1.0) for v in values]


def put(kind: SlotKind, text: str, findings: list[Finding], new: str = "[X]") -> tuple[str, list]:
    """The text with all cuts filled with `new`, and the values that were cut out."""
    pieces, at, values = [], 0, []
    for span in spans(TextSlot(0, "user", kind, text), findings):
        pieces += [text[at : span.start], span.render(new)]
        at = span.end
        values.append(span.value)
    return "".join(pieces) + text[at:], values


@pytest.mark.parametrize("kind", [SlotKind.TEXT, SlotKind.KEY])
def test_text_is_cut_as_found(kind: SlotKind) -> None:
    assert put(kind, "I am Anna.", found("I am Anna.", "Anna")) == ("I am [X].", ["Anna"])


def test_findings_that_overlap_or_overrun_are_cut_once() -> None:
    findings = [Finding(0, 0, 4, "PERSON", 1), Finding(0, 2, 6, "PERSON", 1)]
    findings += [Finding(0, 3, 5, "PERSON", 1), Finding(0, 7, 99, "PERSON", 1)]
    assert put(SlotKind.TEXT, "abcdefghij", findings) == ("[X][X]g[X]", ["abcd", "ef", "hij"])


@pytest.mark.parametrize(
    ("text", "value", "cut", "result"),
    [
        ("John-Smith", "Smith", "Smith", "John-PERSON_1"),
        ("get_JohnSmith_note", "John", "JohnSmith", "get_PERSON_1_note"),
        ("_John_", "_J", "John", "_PERSON_1_"),
        ("a-John_1", "John_", "John", "a-PERSON_1_1"),
        ("John-Smith_a", "ohn-Smi", "John-Smith", "PERSON_1_a"),
    ],
)
def test_name_is_cut_by_whole_words(text: str, value: str, cut: str, result: str) -> None:
    assert put(SlotKind.NAME, text, found(text, value), "PERSON_1") == (result, [cut])


def test_findings_in_a_name_never_touch() -> None:
    findings = found("JohnSmith-Lee", "John", "Smith-", "Lee")
    assert put(SlotKind.NAME, "JohnSmith-Lee", findings, "X") == ("X-X", ["JohnSmith", "Lee"])
    assert put(SlotKind.NAME, "a-b", found("a-b", "a", "-b"), "X") == ("X-X", ["a", "b"])
    assert put(SlotKind.NAME, "a-b", found("a-b", "-"), "X") == ("a-b", [])


@pytest.mark.parametrize(("new", "left"), [("90+ years", "90__years"), ("", "_"), ("ok-1", "ok-1")])
def test_name_gets_only_what_names_may_hold(new: str, left: str) -> None:
    assert put(SlotKind.NAME, "John", found("John", "John"), new)[0] == left


@pytest.mark.parametrize(
    ("text", "value", "cut", "result"),
    [
        ('{"a": "Anna L"}', "Anna", ["Anna"], '{"a": "[X] L"}'),
        ('{"a": "say \\"Anna\\""}', "Anna", ["Anna"], '{"a": "say \\"[X]\\""}'),
        ('{"a": "Ren\\u00e9e"}', "Ren\\u00e9e", ["Renée"], '{"a": "[X]"}'),
        ('{"a": "Ren\\u00e9e"}', "Ren\\u00", ["René"], '{"a": "[X]e"}'),
        ('{"a": "x\\nAnna"}', "nAnna", ["\nAnna"], '{"a": "x[X]"}'),
        ('{"a": "\\ud83d\\ude00!"}', "ude00", ["\U0001f600"], '{"a": "[X]!"}'),
        ('{"mrn": 12345678}', "12345678", ["12345678"], '{"mrn": "[X]"}'),
        ('{"mrn": -123.50}', "123", ["-123.50"], '{"mrn": "[X]"}'),
        ('{"a": "Anna", "b": "Lee"}', 'Anna", "b": "Lee', ["Anna", "b", "Lee"], None),
        ('{"a": "Anna", "b": true}', 'Anna", "b": true}', ["Anna", "b"], None),
        ('{"a": "", "b": 1}', '"", ', [], '{"a": "", "b": 1}'),
        ('{"a": 1}', ": ", [], '{"a": 1}'),
        ('["x", "y", 5, 6]', "5", ["5"], '["x", "y", "[X]", 6]'),
    ],
)
def test_json_is_cut_value_by_value(text: str, value: str, cut: list, result: str | None) -> None:
    after, values = put(SlotKind.JSON, text, found(text, value))
    assert values == cut
    json.loads(after)
    assert result is None or after == result


def test_json_with_several_findings_in_strings_and_numbers() -> None:
    text = '{"who": "Anna Lee", "n": [1, 22], "w": "Zoe"}'
    findings = found(text, "Anna", "Lee", "22", "Zoe")
    after, values = put(SlotKind.JSON, text, findings)
    assert values == ["Anna", "Lee", "22", "Zoe"]
    assert json.loads(after) == {"who": "[X] [X]", "n": [1, "[X]"], "w": "[X]"}


def test_two_findings_in_one_escape_or_number_are_one() -> None:
    text = '["\\u00e9", 1234]'
    findings = [Finding(0, 2, 4, "PERSON", 1), Finding(0, 4, 8, "PERSON", 1)]
    findings += [Finding(0, 11, 13, "PERSON", 1), Finding(0, 13, 15, "PERSON", 1)]
    assert put(SlotKind.JSON, text, findings) == ('["[X]", "[X]"]', ["é", "1234"])


def test_what_is_put_into_json_is_escaped() -> None:
    assert put(SlotKind.JSON, '["A", 5]', found('["A", 5]', "A", "5"), '"\n')[0] == (
        '["\\"\\n", "\\"\\n"]'
    )


def test_broken_json_is_cut_as_text() -> None:
    assert put(SlotKind.JSON, '{"a": "Anna', found('{"a": "Anna', "Anna")) == (
        '{"a": "[X]',
        ["Anna"],
    )


def test_repr_shows_no_value() -> None:
    cuts = spans(TextSlot(0, "user", SlotKind.TEXT, "I am Anna."), found("I am Anna.", "Anna"))
    assert repr(cuts) == "[Span(5, 9, PERSON)]"


@pytest.mark.parametrize(
    ("text", "values", "result", "cuts"),
    [
        ("call_Anna_77120345", ["Anna"], "X", ["call_Anna_77120345"]),
        ("Anna.Lee|123-45-6789", ["Anna", "Lee", "123-45-6789"], "X.X|X",
         ["Anna", "Lee", "123-45-6789"]),
        ("id/Anna-MRN:77120345!", ["Anna", "77120345"], "X:X", ["id/Anna-MRN", "77120345!"]),
        ("AnnaLee7", ["Anna", "Lee"], "X", ["AnnaLee7"]),
    ],
)  # fmt: skip
def test_an_identifier_is_replaced_all_of_it(
    text: str, values: list[str], result: str, cuts: list[str]
) -> None:
    assert put(SlotKind.IDENTIFIER, text, found(text, *values), "X") == (result, cuts)


def test_a_number_is_cut_as_text() -> None:
    assert put(SlotKind.NUMBER, "77120345", found("77120345", "77120345")) == ("[X]", ["77120345"])
