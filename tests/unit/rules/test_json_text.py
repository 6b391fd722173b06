import json

import pytest

from rules.json_text import MAX_DEPTH, JsonText, JsonTextError


def test_strings_come_in_document_order_with_their_paths() -> None:
    document = JsonText(b'{"a": ["x", 1, {"b": "y"}, [true, "z"]], "c": null}')
    assert [(literal.path, literal.text, literal.is_key) for literal in document.literals] == [
        (("a",), "a", True),
        (("a", 0), "x", False),
        (("a", 2, "b"), "b", True),
        (("a", 2, "b"), "y", False),
        (("a", 3, 1), "z", False),
        (("c",), "c", True),
    ]


@pytest.mark.parametrize(
    ("raw", "ordinal", "expected"),
    [
        (rb'[ "\"" , "b" ]', 1, rb'[ "\"" , "new" ]'),
        (rb'["a\\", "b"]', 0, rb'["new", "b"]'),
        (rb'["a\\", "b"]', 1, rb'["a\\", "new"]'),
        (rb'["\\\"\\", "b\\\\\"", "c"]', 2, rb'["\\\"\\", "b\\\\\"", "new"]'),
        (rb'["\\\"\\", "b\\\\\"", "c"]', 1, rb'["\\\"\\", "new", "c"]'),
        (rb'{"\u0022\"": "", "a\n": "\\"}', 3, rb'{"\u0022\"": "", "a\n": "new"}'),
        (b'"all of it"', 0, b'"new"'),
    ],
)
def test_one_string_is_replaced_and_every_other_byte_stays(
    raw: bytes, ordinal: int, expected: bytes
) -> None:
    document = JsonText(raw)
    assert document.replace({ordinal: "new"}) == expected
    assert document.replace({ordinal: "new"}) == expected
    assert document.replace({}) is raw


def test_raw_json_is_put_in_place_of_several_strings() -> None:
    assert JsonText(b'{"a": "x", "b": "y"}').splice({3: b"[1]", 1: b"null"}) == (
        b'{"a": null, "b": [1]}'
    )


@pytest.mark.parametrize(
    "raw",
    [b'{"a": 1, "a": 2}', rb'{"a": "\"", "\u0061": 2}', b'[{"x": {"": "", "": ""}}]'],
)
def test_key_that_stands_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(JsonTextError, match=r"^an object has the same key twice$"):
        JsonText(raw)


@pytest.mark.parametrize("raw", [b"", b'{"a": Anna}', b'"Anna', b'"\xff"', b"[1] [2]"])
def test_what_is_no_json_is_refused_without_being_quoted(raw: bytes) -> None:
    with pytest.raises(JsonTextError, match=r"^not valid JSON \(at character [0-9]+\)$"):
        JsonText(raw)


@pytest.mark.parametrize(("left", "right"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_has_a_limit(left: bytes, right: bytes) -> None:
    deepest = left * MAX_DEPTH + b"1" + right * MAX_DEPTH
    assert JsonText(deepest).value == json.loads(deepest)
    with pytest.raises(JsonTextError, match=r"^nested deeper than 64 levels$"):
        JsonText(left + deepest + right)


def test_scalars_hold_no_strings() -> None:
    assert JsonText(b"1").literals == []
    assert JsonText(b"null").literals == []


def test_reprs_show_no_text() -> None:
    document = JsonText(b'{"Anna": "Lee"}')
    assert f"{document!r}{document.literals!r}" == (
        "JsonText(15 bytes, 2 strings)[Literal(4 characters), Literal(3 characters)]"
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'["a", "b", "c", "d"]', "has more than 3 strings"),
        (b"[[], [], [], []]", "has more than 3 objects and arrays"),
        (b'{"a": {}, "b": [{}, {}]}', "has more than 3 objects and arrays"),
        (b"[1, 2, 3, 4, 5, 6]", "has more than 3 values"),
    ],
)
def test_a_document_of_too_many_parts_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(JsonTextError, match=f"^{words}$"):
        JsonText(raw, 3)


def test_what_a_string_holds_does_not_count_as_parts() -> None:
    document = JsonText(rb'["[[[[{{{{,,,,\"\"\"\"\"\""]', 3)
    assert len(document.literals) == 1
    assert JsonText(b'"all of it"', 3).value == "all of it"


def test_long_numbers_are_found_with_their_paths() -> None:
    document = JsonText(
        b'{"77120345": [77120345, "1234567", 12, true], "f": -1234.567, "e": 7.7e9}'
    )
    numbers = document.long_numbers()
    assert [(literal.path, literal.text) for _, literal in numbers] == [
        (("77120345", 0), "77120345"),
        (("f",), "-1234.567"),
    ]
    assert JsonText(b'{"a": [12, 0.7, 99999]}').long_numbers() == []


def test_numbers_and_strings_are_replaced_side_by_side() -> None:
    document = JsonText(rb'{"a" : 77120345, "b\"": ["x", -88120345 ], "c":0.123456}')
    first, second, third = (ordinal for ordinal, _ in document.long_numbers())
    assert document.replace({first: "A", 2: "new", second: "B", third: "C"}) == (
        rb'{"a" : "A", "b\"": ["new", "B" ], "c":"C"}'
    )
    assert document.replace({second: "B"}) == (
        rb'{"a" : 77120345, "b\"": ["x", "B" ], "c":0.123456}'
    )


def test_a_number_in_a_list_of_its_own_is_found() -> None:
    assert [literal.text for _, literal in JsonText(b"[1, [123456789]]").long_numbers()] == [
        "123456789"
    ]
