from typing import Any

import pytest

from adapters.errors import WireError
from adapters.wire.openai_chat_lanes import MAX_LANES, Strands, check
from rules.chat import Lane, LaneKind
from rules.json_text import Path


def lanes_of(strands: Strands, home: str, said: dict[str, Any], *paths: Path) -> list[Lane | None]:
    value = {"choices": [{"index": 0, home: said}]}
    found = [strands.find(value, ("choices", 0, home, *path)) for path in paths]
    return [None if strand is None else strand.lane for strand in found]


def test_text_is_one_lane_as_a_string_and_as_parts():
    strands = Strands("delta")
    text = lanes_of(strands, "delta", {"content": "a"}, ("content",))
    part = lanes_of(strands, "delta", {"content": [{"text": "a"}]}, ("content", 0, "text"))
    bare = lanes_of(strands, "delta", {"content": ["a"]}, ("content", 0))
    assert text == part == bare == [Lane(0, LaneKind.TEXT)]


def test_what_came_from_elsewhere_has_no_lane():
    said = {"annotations": [{"text": "a"}], "x": "a"}
    paths = (("annotations", 0, "text"), ("x",))
    assert lanes_of(Strands("message"), "message", said, *paths) == [None, None]
    assert Strands("message").find({"choices": {"a": {}}}, ("choices", "a", "delta", "x")) is None


@pytest.mark.parametrize("home", ["message", "delta"])
def test_calls_are_numbered(home):
    calls = [
        {"id": "x", "function": {"arguments": "a"}},
        {"id": "y", "function": {"arguments": "b"}},
        ["arguments"],
    ]
    paths = [("tool_calls", n, "function", "arguments") for n in (0, 1)]
    assert lanes_of(Strands(home), home, {"tool_calls": calls}, *paths) == [
        Lane(0, LaneKind.ARGUMENTS, 0), Lane(0, LaneKind.ARGUMENTS, 1),
    ]  # fmt: skip


def test_ids_of_calls_of_two_choices_are_apart():
    strands = Strands("delta")
    for index in (0, 1):
        call = {"id": f"x{index}", "function": {"arguments": "a"}}
        value = {"choices": [{"index": index, "delta": {"tool_calls": [call]}}]}
        path = ("choices", 0, "delta", "tool_calls", 0, "function", "arguments")
        found = strands.find(value, path)
        assert found is not None
        assert found.lane == Lane(index, LaneKind.ARGUMENTS, 0)
        assert found.depends_on_order


def test_an_answer_has_an_end_of_lanes():
    strands = Strands("delta")
    for number in range(MAX_LANES):
        lanes_of(strands, "delta", {f"a{number}": {"text": "x"}}, (f"a{number}", "text"))
    with pytest.raises(WireError, match="too many parts"):
        lanes_of(strands, "delta", {"b": {"text": "x"}}, ("b", "text"))


@pytest.mark.parametrize(
    "value",
    [7, "x", [], {}, {"choices": None}, {"choices": ["x", 1]}, {"choices": [{"delta": "x"}]},
     {"choices": [{"delta": {"tool_calls": ["x", {"index": 0}, {"index": None}]}}]},
     {"choices": [{"index": None, "message": {"content": [{"type": "x"}, {"text": None}]}}]}],
)  # fmt: skip
def test_what_lanes_or_free_strings_hold_is_accepted(value):
    check(value)
