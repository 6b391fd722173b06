"""How the errors of a document read."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rules.policy.flaws import Flaw, FlawError, did_you_mean, dotted, flaws, repeated


def _even(value: int) -> int:
    if value % 2:
        raise FlawError("is odd", "add one")
    return value


def _small(value: int) -> int:
    if value > 8:
        raise ValueError("is too much")
    return value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: Annotated[int, AfterValidator(_even), AfterValidator(_small)] = 0
    colour: Colour | None = None
    edge: str = ""


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")
    trunk: Leaf
    leaf: Leaf | None = None
    leaves: Annotated[tuple[Leaf, ...], Field(min_length=1)] = (Leaf(),)
    kept: dict[str, Annotated[Leaf, Field()] | None] = Field(default_factory=dict)
    named: Mapping[Annotated[str, Field(pattern="^[a-z]+$")], Leaf] = Field(default_factory=dict)


class Deep(BaseModel):
    inner: int


def said(data: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate(data)
    return [str(flaw) for flaw in flaws(caught.value, Tree)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "`trunk` is missing"),
        ({"trunk": 1}, "trunk: should be a mapping of keys to values"),
        ({"trunk": {"count": 1}}, "trunk.count: is odd; add one"),
        ({"trunk": {"count": 10}}, "trunk.count: is too much"),
        ({"trunk": {"count": 1.5}}, "trunk.count: should be a whole number"),
        ({"trunk": {"color": 1}}, "trunk.color: unknown key `color`; did you mean `colour`?"),
        ({"trunk": {}, "xyz": 1}, "xyz: unknown key `xyz`"),
        (
            {"trunk": {}, "leaf": {"coun": 1}},
            "leaf.coun: unknown key `coun`; did you mean `count`?",
        ),
        (
            {"trunk": {}, "leaves": [{}, {"coun": 1}]},
            "leaves[1].coun: unknown key `coun`; did you mean `count`?",
        ),
        (
            {"trunk": {}, "named": {"a": {"coun": 1}}},
            "named.a.coun: unknown key `coun`; did you mean `count`?",
        ),
        (
            {"trunk": {}, "kept": {"a": {"coun": 1}}},
            "kept.a.coun: unknown key `coun`; did you mean `count`?",
        ),
        (
            {"trunk": {}, "named": {"A": {}}},
            "named.A: holds a character that is not allowed here, or is too long",
        ),
        ({"trunk": {}, "leaves": []}, "leaves: should not be empty"),
        ({"trunk": {}, "leaves": [3]}, "leaves[0]: should be a mapping of keys to values"),
        (
            {"trunk": {"edge": 3}},
            "trunk.edge: should be text; a number or `true` has to stand in quotes",
        ),
        (
            {"trunk": {"colour": "ref"}},
            "trunk.colour: should be `red` or `blue`; did you mean `red`?",
        ),
        (
            {"trunk": {"colour": 3}},
            "trunk.colour: should be `red` or `blue`",
        ),
    ],
)
def test_a_flaw_says_where_what_and_what_to_do(data: dict, expected: str) -> None:
    assert said(data) == [expected]


def test_a_value_is_never_repeated() -> None:
    text = " ".join(said({"trunk": {"count": "sk-secret"}, "leaf": "sk-secret"}))
    assert "sk-secret" not in text


def test_a_kind_without_words_of_ours_is_still_told() -> None:
    class Short(BaseModel):
        word: Annotated[str, Field(max_length=2)]

    with pytest.raises(ValidationError) as caught:
        Short.model_validate({"word": "abc"})
    assert flaws(caught.value, Short) == (
        Flaw(("word",), "string should have at most 2 characters"),
    )


def test_an_unknown_key_below_something_that_has_no_keys() -> None:
    class Inner(BaseModel):
        model_config = ConfigDict(extra="forbid")

    class Outer(BaseModel):
        inner: Inner

    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"a": 1}})
    # The place is looked up in a model that does not have it.
    assert flaws(caught.value, Leaf) == (Flaw(("inner", "a"), "unknown key `a`"),)
    assert flaws(caught.value, Deep) == (Flaw(("inner", "a"), "unknown key `a`"),)


def test_places_are_written_as_people_write_them() -> None:
    assert dotted(("rules", 0, "match", "labels", 1)) == "rules[0].match.labels[1]"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"a": [{"n": "x"}, {"n": "y"}, {"n": "x"}, {"n": "x"}]}, [2, 3]),
        ({"a": [{"n": "x"}, {"m": "x"}, {"n": 3}, {"n": 3}, "x"]}, []),
        ({"a": "x"}, []),
        ({}, []),
        (None, []),
    ],
)
def test_what_should_be_there_once_only(document: object, places: list[int]) -> None:
    assert repeated(document, ("a",), "n") == tuple(
        Flaw(("a", at, "n"), "is the same as in `a[0]`") for at in places
    )


def test_only_what_is_near_is_suggested() -> None:
    assert did_you_mean("upsteams", ("upstreams", "routes")) == "did you mean `upstreams`?"
    assert did_you_mean("qqq", ("upstreams", "routes")) == ""
