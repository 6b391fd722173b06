"""Answers against schemas, some of them hostile."""

import json

import pytest

from rules.output.schema import (
    MAX_LISTED_LENGTH,
    MAX_PROBLEMS,
    NOT_FOLLOWED,
    NOT_JSON,
    Problem,
    Schema,
)
from rules.output.schema_size import SchemaError

DOSE = {
    "type": "object",
    "properties": {"drug": {"type": "string"}, "mg": {"type": "integer"}},
    "required": ["drug", "mg"],
    "additionalProperties": False,
}


def test_an_answer_that_follows_its_schema_has_no_problems():
    assert Schema(DOSE).problems('{"drug": "metformin", "mg": 500}') == ()


def test_problems_name_the_keyword_and_its_place_in_the_schema():
    problems = Schema(DOSE).problems('{"drug": 7, "mg": "Anna Lee"}')
    assert problems == (
        Problem("type", "/properties/drug/type"),
        Problem("type", "/properties/mg/type"),
    )


def test_nothing_of_the_answer_is_told():
    schema = Schema(
        {"additionalProperties": {"type": "integer"}, "propertyNames": {"maxLength": 3}}
    )
    told = repr(schema.problems('{"Anna Lee": "219-09-9999"}'))
    assert "Anna" not in told
    assert "219" not in told


def test_a_key_of_the_schema_that_may_be_a_value_is_not_told():
    schema = Schema({"properties": {"Anna Lee": {"type": "integer"}, "ok": {"type": "integer"}}})
    problems = schema.problems('{"Anna Lee": "x", "ok": "x"}')
    assert [p.pointer for p in problems] == ["/properties/*/type", "/properties/ok/type"]


@pytest.mark.parametrize(
    "text", ["", "Sure! {}", '{"drug": "a", "mg": 1', '{"mg": 1, "mg": 2}', "[" * 600, '"\ud800"']
)
def test_what_cannot_be_read_in_one_way_is_not_json(text):
    assert Schema(DOSE).problems(text) == (Problem(NOT_JSON),)


def test_formats_are_checked():
    schema = Schema({"type": "string", "format": "date"})
    assert schema.problems('"2026-02-28"') == ()
    assert schema.problems('"soon"') == (Problem("format", "/format"),)


def test_an_older_draft_may_be_named():
    schema = Schema({"$schema": "http://json-schema.org/draft-07/schema#", "type": "null"})
    assert schema.problems("1") == (Problem("type", "/type"),)


def test_problems_are_bounded():
    items = Schema({"items": {"type": "string"}})
    assert len(items.problems(json.dumps([1] * 50))) == MAX_PROBLEMS


def test_of_a_long_answer_only_the_first_problem_is_told():
    items = Schema({"items": {"type": "string"}})
    assert items.problems(json.dumps([1] * MAX_LISTED_LENGTH)) == (Problem("type", "/items/type"),)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.org/schema.json"},
        {"$schema": "https://example.org/draft"},
        {"$ref": "#/$defs/none"},
        {"pattern": "(?=a)b"},
        {"pattern": "("},
        {"x": object()},
    ],
    ids=["invalid", "remote", "draft", "dangling", "look-ahead", "regex", "not-json"],
)
def test_a_schema_that_cannot_be_used_is_refused(schema):
    with pytest.raises(SchemaError) as caught:
        Schema(schema)
    assert "example.org" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_pattern_takes_linear_time():
    # A backtracking engine would not come back from this.
    schema = Schema({"pattern": "^(a+)+$"})
    assert schema.problems(json.dumps("a" * 50_000 + "b")) == (Problem("pattern", "/pattern"),)


def doubling(depth: int) -> dict[str, object]:
    level: dict[str, object] = {"type": "string"}
    definitions: dict[str, object] = {f"d{depth}": level}
    for number in range(depth):
        following = {"$ref": f"#/$defs/d{number + 1}"}
        definitions[f"d{number}"] = {"anyOf": [following, following]}
    return {"$ref": "#/$defs/d0", "$defs": definitions}


def test_a_schema_that_grows_without_measure_is_refused():
    with pytest.raises(SchemaError, match="too large"):
        Schema(doubling(40))


def test_a_schema_that_costs_too_much_to_explain_gives_its_verdict_alone():
    schema = Schema(doubling(11))
    assert schema.problems('"text"') == ()
    assert schema.problems("3") == (Problem(NOT_FOLLOWED),)


def test_a_recursive_schema_is_checked_but_not_explained():
    tree = {"$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}
    pair = {"anyOf": [tree["$defs"]["n"], tree["$defs"]["n"]]}
    schema = Schema({"$defs": {"n": pair}, "$ref": "#/$defs/n"})
    assert schema.problems("[" * 50 + "]" * 50) == ()
    assert schema.problems("[" * 60 + "3" + "]" * 60) == (Problem(NOT_FOLLOWED),)


def test_a_validator_that_contradicts_itself_does_not_let_an_answer_pass():
    class Undecided:
        def is_valid(self, _value: object) -> bool:
            return False

        def validate(self, _value: object) -> None:
            return None

    schema = Schema({})
    schema._validator = Undecided()
    assert schema.problems(json.dumps("x" * MAX_LISTED_LENGTH)) == (Problem(NOT_FOLLOWED),)
