"""Schemas measured with their references written out."""

import pytest

from rules.output.schema_size import MAX_DEPTH, SchemaError, Size, size


def test_every_object_counts_once_for_each_reference_to_it():
    shared = {"$ref": "#/$defs/name"}
    schema = {"$defs": {"name": {"type": "string"}}, "properties": {"a": shared, "b": shared}}
    # root, $defs, name, properties, a, b, and name twice more
    assert size(schema) == Size(8, recursive=False)


def test_a_reference_to_itself_is_recursive_and_counts_once():
    assert size({"items": {"$ref": "#"}}) == Size(5, recursive=True)


def test_pointers_are_decoded_and_lead_into_lists():
    schema = {"$defs": {"a/b~c d": {"anyOf": [{}, {"x": {}}]}}}
    assert size(schema | {"$ref": "#/$defs/a~1b~0c%20d/anyOf/1"}) == Size(8, recursive=False)


def test_properties_that_are_called_like_keywords_are_properties():
    schema = {"properties": {"$ref": {"type": "string"}, "$id": {}, "$dynamicRef": {}}}
    assert size(schema) == Size(5, recursive=False)


def test_a_boolean_schema_can_be_referred_to():
    assert size({"$defs": {"any": True}, "$ref": "#/$defs/any"}) == Size(2, recursive=False)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "other.json"}, "outside itself"),
        ({"$ref": "#anchor"}, "outside itself"),
        ({"$ref": "#/nowhere"}, "lacks"),
        ({"anyOf": [{}], "$ref": "#/anyOf/1"}, "lacks"),
        ({"anyOf": [{}], "$ref": "#/anyOf/x"}, "lacks"),
        ({"type": "string", "$ref": "#/type/0"}, "lacks"),
        ({"$dynamicRef": "#node"}, "fixed target"),
        ({"items": {"$recursiveRef": "#"}}, "fixed target"),
        ({"items": {"$id": "urn:x"}}, "another document"),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "items": {"id": "urn:x"}},
            "another document",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(schema, why):
    with pytest.raises(SchemaError, match=why):
        size(schema)


def test_its_own_name_does_no_harm():
    assert size({"$id": "urn:mine", "items": {"id": "x"}}) == Size(2, recursive=False)


def test_depth_is_bounded_along_references_too():
    chain: dict[str, object] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(MAX_DEPTH)}
    chain[f"d{MAX_DEPTH}"] = {}
    with pytest.raises(SchemaError, match="too deep"):
        size({"$ref": "#/$defs/d0", "$defs": chain})
