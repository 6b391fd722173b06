import json
from typing import Any

import pytest

from adapters.errors import WireError
from adapters.wire.openai_chat import Answer, read_answer
from rules.chat import Cut, Lane, LaneKind, Usage


class Upper:
    def feed(self, lane: Lane, text: str) -> str:
        return text.upper()

    def finish(self, lane: Lane) -> str:
        return ""


class HoldAll:
    """Gives everything at the end of a lane."""

    def __init__(self) -> None:
        self.held: dict[Lane, str] = {}

    def feed(self, lane: Lane, text: str) -> str:
        self.held[lane] = self.held.get(lane, "") + text
        return ""

    def finish(self, lane: Lane) -> str:
        return self.held.pop(lane)


def written(*messages: dict[str, Any], **fields: Any) -> bytes:
    choices = [
        {"index": index, "message": message, "finish_reason": "stop"}
        for index, message in enumerate(messages)
    ]
    body = {"id": "c-1", "object": "chat.completion", "model": "m", "choices": choices, **fields}
    return json.dumps(body, indent=1).encode()


def answer(*messages: dict[str, Any], **fields: Any) -> Answer:
    return read_answer(written(*messages, **fields))


def test_every_lane_of_a_message_is_found():
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    lanes = dict(
        answer(
            {"role": "assistant", "content": "text", "refusal": "no", "reasoning_content": "hm"},
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"content": None, "tool_calls": [call, call | {"id": "u"}]},
            {"reasoning": "so", "function_call": {"name": "g", "arguments": "{}"}},
        ).lanes
    )
    assert lanes[Lane(0, LaneKind.TEXT)] == "text"
    assert lanes[Lane(0, LaneKind.REFUSAL)] == "no"
    assert lanes[Lane(0, LaneKind.REASONING)] == "hm"
    assert lanes[Lane(1, LaneKind.TEXT)] == "ab"
    assert lanes[Lane(2, LaneKind.ARGUMENTS, 0)] == lanes[Lane(2, LaneKind.ARGUMENTS, 1)]
    assert lanes[Lane(3, LaneKind.REASONING, 1)] == "so"
    assert "{}" in [text for lane, text in lanes.items() if lane.kind is LaneKind.ARGUMENTS]


def test_other_words_of_the_model_have_lanes_of_their_own():
    lanes = answer(
        {
            "audio": {"id": "a", "data": "AAAA", "transcript": "spoken"},
            "reasoning_details": [{"type": "reasoning.summary", "summary": "why"}],
            "tool_calls": [{"id": "t", "custom": {"name": "f", "input": "free"}}],
        }
    ).lanes
    assert sorted((lane.kind.value, text) for lane, text in lanes) == [
        ("reasoning", "why"), ("text", "free"), ("text", "spoken"),
    ]  # fmt: skip
    assert len({lane for lane, _ in lanes}) == 3


def test_only_changed_strings_change():
    message = {"role": "assistant", "content": "one two", "refusal": None}
    body = written(message, usage={"prompt_tokens": 1.0}, odd={"b": 1, "a": [True, None]})
    assert read_answer(body).rewrite(Upper()) == body.replace(b"one two", b"ONE TWO")


def test_the_rest_of_a_lane_goes_into_its_last_string():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    edited = answer({"content": parts}, {"content": "c"}).rewrite(HoldAll())
    choices = json.loads(edited)["choices"]
    assert [part["text"] for part in choices[0]["message"]["content"]] == ["", "ab"]
    assert choices[1]["message"]["content"] == "c"


def test_free_strings_are_restored_and_fixed_ones_are_not():
    citation = {
        "type": "url_citation",
        "url_citation": {"title": "x T", "url": "https://x.org"},
    }
    body = written(
        {"role": "assistant", "content": "x", "annotations": [citation], "images": [{"text": "x"}]},
        citations=["x"], system_fingerprint="x", metadata={"for x": "x"},
    )  # fmt: skip
    value = json.loads(read_answer(body).rewrite(None, lambda text: text.replace("x", "Anna")))
    message = value["choices"][0]["message"]
    assert message["content"] == "x"
    assert message["annotations"][0]["url_citation"]["title"] == "Anna T"
    assert message["annotations"][0]["url_citation"]["url"] == "https://Anna.org"
    assert message["images"] == [{"text": "Anna"}]
    assert (value["citations"], value["system_fingerprint"]) == (["Anna"], "x")
    assert value["metadata"] == {"for Anna": "Anna"}


def test_logprobs_become_null_and_all_else_stays():
    entry = {"token": "]}", "bytes": [93], "top_logprobs": []}
    body = written({"content": "logprobs"})
    logged = body.replace(
        b'"finish_reason"',
        b'"logprobs" : ' + json.dumps({"content": [entry]}).encode() + b', "finish_reason"',
    )
    stripped = body.replace(b'"finish_reason"', b'"logprobs" : null, "finish_reason"')
    assert read_answer(logged).rewrite(None, drop_logprobs=True) == stripped
    assert read_answer(stripped).rewrite(None, drop_logprobs=True) == stripped
    upper = stripped.replace(b'"logprobs"\n', b'"LOGPROBS"\n')
    assert read_answer(logged).rewrite(Upper()) == upper
    kept = read_answer(logged).rewrite(Upper(), keep_logprobs=True)
    assert kept == logged.replace(b'"logprobs"\n', b'"LOGPROBS"\n')


@pytest.mark.parametrize("key", [b'"logprobs"', b'"logprob\\u0073"', b'"prompt_logprobs"'])
@pytest.mark.parametrize("value", [b'{"content": [{"token": "123"}]}', b'"123"', b"123", b'["]"]'])
def test_logprobs_that_nobody_asked_for_do_not_pass_an_editor(key, value):
    body = b'{"choices": [{"message": {"content": "x"}, ' + key + b": " + value + b"}]}"
    edited = read_answer(body).rewrite(Upper(), str)
    assert edited == body.replace(b'"x"', b'"X"').replace(value, b"null")


def test_a_cut_passes():
    class Guard(Upper):
        def finish(self, lane: Lane) -> str:
            raise Cut("leakage", "leak", "an identifier")

    with pytest.raises(Cut):
        answer({"content": "x"}).rewrite(Guard())


def test_facts_are_told():
    call = {"id": "t", "function": {"name": "f", "arguments": "{}"}}
    completion = answer(
        {"tool_calls": [call, {"custom": {"name": "not a name"}}]},
        {"function_call": {"name": "g"}},
        model="gpt-4o", usage={"prompt_tokens": 3, "completion_tokens": 4},
    ).completion  # fmt: skip
    assert completion.model == "gpt-4o"
    assert completion.finish_reasons == ("stop", "stop")
    assert completion.tools_called == ("f", "unknown", "g")
    assert completion.usage == Usage(3, 4)
    assert completion.complete


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "3"}, 7])
def test_no_usage_is_no_usage(usage):
    assert answer({"content": "a"}, usage=usage).completion.usage is None


def test_half_a_usage_counts_what_it_has():
    assert answer({}, usage={"completion_tokens": 2}).completion.usage == Usage(0, 2)


def test_facts_hold_no_text():
    choice = {"message": {"content": "a"}, "finish_reason": "Anna O'Donnell"}
    completion = read_answer(
        json.dumps({"model": "Anna O'Donnell", "choices": [choice, "Anna"]}).encode()
    ).completion
    assert (completion.model, completion.finish_reasons) == ("", ("unknown",))


def test_an_unfinished_answer_is_not_complete():
    assert not read_answer(
        b'{"choices": [{"message": {}, "finish_reason": null}]}'
    ).completion.complete


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": {}}', b'{"choices": {"a": 1}}'])
def test_what_is_no_completion_is_refused(body):
    with pytest.raises(WireError) as refused:
        read_answer(body)
    assert refused.value.code == "invalid_answer"


def test_an_answer_does_not_show_its_text():
    assert "hidden" not in repr(answer({"content": "hidden"}))


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": {"function": {"arguments": "x"}}}, [{"content": "x"}], "x",
        {"tool_calls": [["x"]]}, {"content": ["x", "y"]},
        {"tool_calls": {"index": 1.0, "input": "x"}},
    ],
)  # fmt: skip
def test_odd_shapes_are_edited_or_left_but_never_break(message):
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    edited = read_answer(body).rewrite(Upper(), str.upper)
    assert edited == body.replace(b'"x"', b'"X"').replace(b'"y"', b'"Y"')


@pytest.mark.parametrize(
    "message",
    [
        {"content": 5}, {"content": True}, {"content": {"text": "x"}}, {"content": [5]},
        {"content": ["x", ["x"]]}, {"content": [{"type": "text", "text": 5}]}, {"refusal": 7},
        {"tool_calls": [{"index": 1.0}]}, {"tool_calls": [{"index": True}]},
        {"tool_calls": [{"index": -1}]}, {"tool_calls": [{"index": "0"}]},
    ],
)  # fmt: skip
def test_what_an_editor_would_not_see_is_refused_where_there_is_one(message):
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    assert read_answer(body).rewrite(None, str) == body
    with pytest.raises(WireError) as refused:
        read_answer(body).rewrite(Upper(), str)
    assert refused.value.code == "invalid_answer"


@pytest.mark.parametrize("index", [0.0, "0", False, -1, 10**6])
def test_a_choice_has_a_plain_number(index):
    body = json.dumps({"choices": [{"index": index, "message": {"content": "x"}}]}).encode()
    with pytest.raises(WireError):
        read_answer(body).rewrite(Upper())


def test_calls_of_a_whole_answer_are_told_apart_whatever_they_are_called():
    call = {"id": "", "index": 0, "function": {"name": "f", "arguments": "a"}}
    edited = answer({"tool_calls": [call, call]}).rewrite(HoldAll())
    calls = json.loads(edited)["choices"][0]["message"]["tool_calls"]
    assert [one["function"]["arguments"] for one in calls] == ["a", "a"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"content": "x"}] * 257,
        [{"tool_calls": [{"id": f"c{n}", "function": {"name": "f"}} for n in range(1025)]}],
        [{"tool_calls": [{"id": f"c{n}", "function": {"name": "f"}} for n in range(600)]}] * 2,
        [{"tool_calls": [{"function": {"arguments": "x"}} for n in range(600)]}] * 2,
        [{f"a{n}": {"text": "x"} for n in range(4097)}],
    ],
)
def test_an_answer_without_end_is_refused_where_there_is_an_editor(messages):
    endless = read_answer(written(*messages))
    assert endless.rewrite(None) == written(*messages)
    with pytest.raises(WireError, match="too many"):
        endless.rewrite(Upper())


def test_free_strings_are_looked_at_together():
    looks = []

    def look(text: str) -> str:
        looks.append(text)
        return text.replace("[A]", "Anna")

    value = json.loads(
        answer({"content": "x"}, citations=["of [A]", "n", "of [A]"]).rewrite(None, look)
    )
    assert value["citations"] == ["of Anna", "n", "of Anna"]
    assert len(looks) == 1


def test_free_strings_are_looked_at_one_by_one_where_they_cannot_be_told_apart():
    body = answer({"content": "x"}, citations=["a\x1eb", "c"])
    assert json.loads(body.rewrite(None, str.upper))["CITATIONS"] == ["A\x1eB", "C"]


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens": -1, "completion_tokens": 2}, {"completion_tokens": 10**9 + 1},
     {"prompt_tokens": True}, {"prompt_tokens": 1.0}],
)  # fmt: skip
def test_absurd_counts_are_not_believed(usage):
    assert answer({"content": "a"}, usage=usage).completion.usage is None
